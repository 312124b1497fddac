"""For tests of code that calls tunekit, and of backends: a fake, a contract, and a guard against the network.

    MemoryBackend    a backend that only pretends, with `Step` and `Fault` to script it
    check_backend    holds a backend against the contract that all backends keep
    forbid_network   lets nothing out of this machine
    VertexEmulator   Vertex AI and Cloud Storage over HTTP on this machine, with `VertexScript` and `VertexFault`

The pytest plugin that comes along gives the fixtures `tunekit_memory`, `tunekit_vertex` and `tunekit_no_network`. Names
are loaded when they are first used, since the plugin is there in every run of pytest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tunekit._lazy import lazy_names

if TYPE_CHECKING:
    from tunekit.testing.contract import BEHAVIOURS, Behaviour, NotApplicable, Stage, check_backend
    from tunekit.testing.fakes import Fault, MemoryBackend, Step, VirtualClock
    from tunekit.testing.network import NetworkForbidden, forbid_network
    from tunekit.testing.vertex.emulator import VertexEmulator
    from tunekit.testing.vertex.faults import VertexFault
    from tunekit.testing.vertex.scripts import VertexProblem, VertexScript, VertexStep

_HOME = {
    "BEHAVIOURS": "contract",
    "Behaviour": "contract",
    "Fault": "fakes",
    "MemoryBackend": "fakes",
    "NetworkForbidden": "network",
    "NotApplicable": "contract",
    "Stage": "contract",
    "Step": "fakes",
    "VertexEmulator": "vertex.emulator",
    "VertexFault": "vertex.faults",
    "VertexProblem": "vertex.scripts",
    "VertexScript": "vertex.scripts",
    "VertexStep": "vertex.scripts",
    "VirtualClock": "fakes",
    "check_backend": "contract",
    "forbid_network": "network",
}

__all__ = [
    "BEHAVIOURS",
    "Behaviour",
    "Fault",
    "MemoryBackend",
    "NetworkForbidden",
    "NotApplicable",
    "Stage",
    "Step",
    "VertexEmulator",
    "VertexFault",
    "VertexProblem",
    "VertexScript",
    "VertexStep",
    "VirtualClock",
    "check_backend",
    "forbid_network",
]

if not TYPE_CHECKING:  # else every misspelt name would pass the type checker as `Any`
    __getattr__, __dir__ = lazy_names(__name__, _HOME)
