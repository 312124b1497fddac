"""A long check shows on a terminal how far it is, and nothing anywhere else."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from tools.bench.rows import write_file

import tunekit as tk
from tunekit.data.check import parallel
from tunekit.data.check.partial import CheckOptions
from tunekit.data.check.progress import ProgressBar
from tunekit.data.check.records import sampled_records
from tunekit.data.check.survey import survey
from tunekit.data.reader import FileSource


def shown(*, terminal: bool, seconds: float, num_bytes: int | None = 4_000_000) -> str:
    """What is shown when the second half is checked after so many seconds."""
    text, now = io.StringIO(), [0.0]
    console = Console(file=text, force_terminal=terminal, width=80)
    with ProgressBar(num_bytes, console=console, clock=lambda: now[0]) as told:
        told(2_000_000)
        now[0] = seconds
        told(1_000_000)
    return text.getvalue()


def test_a_check_of_more_than_a_second_shows_how_far_it_is_on_a_terminal() -> None:
    text = shown(terminal=True, seconds=1.5)
    assert "checking" in text
    assert "3.0/4.0 MB" in text


@pytest.mark.parametrize(
    ("terminal", "seconds", "num_bytes"),
    [(False, 9, 4_000_000), (True, 0.9, 4_000_000), (True, 9, None)],
)
def test_elsewhere_and_within_a_second_and_without_a_size_nothing_is_shown(
    terminal: bool, seconds: float, num_bytes: int | None
) -> None:
    assert shown(terminal=terminal, seconds=seconds, num_bytes=num_bytes) == ""


@pytest.mark.parametrize("processes", [1, 2])
def test_every_byte_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: int
) -> None:
    path = tmp_path / "rows.jsonl"
    write_file(path, "text", 1_200_000)
    monkeypatch.setattr(parallel, "RANGE_BYTES", 500_000)
    sources = (FileSource(str(path)),)
    options = CheckOptions(survey(sampled_records(sources), None), None, 10, excerpts=True)
    told: list[int] = []
    parallel.checked(sources, options, processes, told.append)
    assert len(told) > 2
    assert sum(told) == path.stat().st_size


def test_a_check_without_a_terminal_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tunekit.data.check.progress.MOMENT_SECONDS", -1)
    path = tmp_path / "rows.jsonl"
    write_file(path, "text", 20_000)
    assert tk.Dataset.read(path).check().stats.rows > 5
    assert capfd.readouterr() == ("", "")
