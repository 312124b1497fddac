"""Fixtures for pytest, found by the entry point; nothing is loaded before a test asks for one.

Belongs here: thin fixtures.
Does not belong here: what they give (`network.py`, `vertex/`, `backends/memory/`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tunekit.backends.memory.backend import MemoryBackend
    from tunekit.testing.vertex.emulator import VertexEmulator


@pytest.fixture
def tunekit_memory() -> MemoryBackend:
    """A fresh `MemoryBackend` whose jobs succeed; script it with `script_next`."""
    from tunekit.backends.memory.backend import MemoryBackend  # noqa: PLC0415  # only when asked for

    return MemoryBackend()


@pytest.fixture
def tunekit_vertex() -> Iterator[VertexEmulator]:
    """A running `VertexEmulator` whose jobs succeed; at the end, faults that were planned must have happened."""
    from tunekit.testing.vertex.emulator import VertexEmulator  # noqa: PLC0415  # only when asked for

    with VertexEmulator() as vertex:
        yield vertex
    vertex.check_faults_fired()


@pytest.fixture
def tunekit_no_network() -> Iterator[None]:
    """Nothing gets out of this machine during the test."""
    from tunekit.testing.network import forbid_network  # noqa: PLC0415  # only when asked for

    with forbid_network():
        yield
