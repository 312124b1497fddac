"""An emulator per test, whose every answer is held against Google's own descriptions when the test is over."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from emulated import Wire, hold_answers
from tunekit.testing import VertexEmulator


@pytest.fixture
def vertex() -> Iterator[VertexEmulator]:
    """An emulator whose jobs succeed after 40 seconds of its clock."""
    with VertexEmulator(
        predictions={"Say 3": "3"}, base_predictions={"Say 3": "three"}, seconds_per_request=0
    ) as emulator:
        yield emulator
    hold_answers(emulator)


@pytest.fixture
def wire(vertex: VertexEmulator) -> Wire:
    """A raw client of that emulator."""
    return Wire(vertex)


@pytest.fixture
def examples(tmp_path: Path) -> Path:
    """A folder for files."""
    return tmp_path
