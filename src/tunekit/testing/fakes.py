"""The fake backend and what scripts it, under the names that tests use."""

from tunekit.backends.memory.backend import MemoryBackend
from tunekit.backends.memory.script import Fault, Step, VirtualClock

__all__ = ["Fault", "MemoryBackend", "Step", "VirtualClock"]
