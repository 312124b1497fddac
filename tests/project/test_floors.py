"""The floors of the house hold, and the check that holds them can fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on a copy of the project."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environment = os.environ | {"PYTHONPATH": str(root / "src")}
    return subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project without the model."""
    ignored = shutil.ignore_patterns("nano", "__pycache__")
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=ignored)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_no_room_imports_a_higher_one(project: Path) -> None:
    done = lint_imports(project)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("room", "line"),
    [
        ("data/rows.py", "from tunekit.client import Client"),
        ("evaluation/metrics.py", "from tunekit.tuners.base import Tuner"),
        ("jobs/states.py", "import tunekit.backends.memory.backend"),
    ],
)
def test_a_planted_import_is_caught(project: Path, room: str, line: str) -> None:
    target = project / "src" / "tunekit" / room
    target.write_text(target.read_text() + f"\n\ndef _planted() -> None:\n    {line}\n")
    done = lint_imports(project)
    assert done.returncode != 0
    assert "BROKEN" in done.stdout


def test_a_room_without_a_floor_is_caught(project: Path) -> None:
    (project / "src" / "tunekit" / "attic.py").write_text('"""A room nobody planned."""\n')
    assert lint_imports(project).returncode != 0
