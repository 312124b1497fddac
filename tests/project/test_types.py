"""The type checks can fail: wrong rows for a tuner are an error, not `Any`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLANTED = """
import tunekit as tk
rows = tk.Dataset.read("a.jsonl", row=tk.Preference)
tk.Client().tune(tk.SupervisedTuner(base_model="m"), rows)
"""


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_planted_wrong_rows_are_caught(checker: str, tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text(PLANTED)
    command = {
        "mypy": [
            sys.executable,
            "-m",
            "mypy",
            "--config-file",
            str(ROOT / "pyproject.toml"),
            str(planted),
        ],
        "pyright": [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, str(planted)],
    }[checker]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "planted.py:4" in done.stdout
    assert "1 error" in done.stdout
