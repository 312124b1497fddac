"""Starts child processes: the one that works on a job, and those that are waited for.

Belongs here: the commands, what the environment of every child is, and which attempt at a job it is.
Does not belong here: what a child does (`worker.py`, `onnx_worker.py`, `memory_worker.py`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from tunekit.backends.local.folder import JobFolder, Process

_QUIET = {
    # usage reports of the libraries that train; tunekit sends none and lets none be sent
    "DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "ORT_DISABLE_TELEMETRY": "1",
    "WANDB_DISABLED": "true",
    # threads of the tokenizer have no use in a process that forks
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONUNBUFFERED": "1",
}


def spawn_worker(folder: JobFolder) -> None:
    """Start a worker as the next attempt. It outlives this process.

    Where another worker already works on the job, the new one sees that and leaves.
    """
    before = folder.process()
    attempt = before.attempt + 1 if before else 1
    folder.write_process(Process(attempt=attempt, spawned_at=datetime.now(UTC)))
    command = [
        sys.executable,
        "-m",
        "tunekit.backends.local.worker",
        str(folder.path),
        str(attempt),
    ]
    with folder.log("stdout").open("ab") as out, folder.log("stderr").open("ab") as err:
        child = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=folder.path,
            # one device per job; the trainer refuses more without a launcher
            env={"CUDA_VISIBLE_DEVICES": "0"} | os.environ | _QUIET,
            start_new_session=True,
        )
    # somebody has to take note of its end, or it stays in the table of processes; the job does not need it
    threading.Thread(target=child.wait, daemon=True).start()


def run_child(folder: Path, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module to its end in a process of its own, which fetches nothing and reports nothing.

    Args:
        folder: Where it works.
        module: What to run.
        arguments: The words behind it on the command line.
    """
    return subprocess.run(  # noqa: S603  # our own interpreter
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | _QUIET | {"HF_HUB_OFFLINE": "1"},
        check=False,
    )
