"""Measures the check of rows beside its peers: `nox -s bench_data`, or `python -m tools.bench.data --megabytes 1000`.

Every candidate runs in a process of its own, round after round (A, B, C, A, B, C ...), and the medians of the CPU times
are compared: the wall clock says more about what else the machine does. What the peers do is a small part of the check.

Belongs here: the candidates, the rounds, and the table.
Does not belong here: making the rows (`rows.py`).
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path

from tools.bench.rows import write_file

KINDS = ("text", "chat", "gemini")


def _check(path: str, processes: int | None) -> int:
    from tunekit.data.dataset import Dataset  # noqa: PLC0415

    return Dataset.read(path).check(processes=processes).stats.lines


def _decode(path: str, kind: str) -> int:
    """Bare typed decoding of blocks by the same library with the same types."""
    import msgspec  # noqa: PLC0415

    from tunekit.data.check.proofs import chats, texts  # noqa: PLC0415
    from tunekit.data.reader import FileSource  # noqa: PLC0415

    line = {"text": texts.InputOutput, "chat": chats.MessagesRow, "gemini": chats.GeminiRow}[kind]
    decoder = msgspec.json.Decoder(line)
    return sum(len(decoder.decode_lines(block.lines)) for block in FileSource(path).blocks())


def _pydantic(path: str, kind: str) -> int:
    """One pydantic model a line."""
    from tunekit.data.formats import FORMATS  # noqa: PLC0415

    name = {"text": "prompt_completion", "chat": "messages", "gemini": "gemini"}[kind]
    wire = FORMATS[name].wire_for({})  # type: ignore[index]
    with Path(path).open("rb") as file:
        return sum(1 for line in file if wire.model_validate_json(line))


def _json(path: str, kind: str) -> int:  # noqa: ARG001
    """`json.loads` a line, and nothing else."""
    with Path(path).open("rb") as file:
        return sum(1 for line in file if json.loads(line))


def _datasets(path: str, kind: str) -> int:  # noqa: ARG001
    """`datasets.load_dataset("json")`: parses, and finds the first syntax error."""
    import datasets  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as cache:
        return len(datasets.load_dataset("json", data_files=path, cache_dir=cache)["train"])


def _polars(path: str, kind: str) -> int:  # noqa: ARG001
    """`polars.read_ndjson`: parses, and finds the first syntax error without its line."""
    import polars as pl  # noqa: PLC0415

    return len(pl.read_ndjson(path))


def _together(path: str, kind: str) -> int:  # noqa: ARG001
    """Together's `check_file`, whose package is installed by the session: UTF-8, JSON, an object a line."""
    check_file = import_module("together.lib.utils").check_file  # it is not among our constraints

    return int(check_file(path)["num_samples"])


CANDIDATES: Mapping[str, Callable[[str, str], int]] = {
    "check, one process": lambda path, _: _check(path, 1),
    "check, all cores": lambda path, _: _check(path, None),
    "bare typed decoding": _decode,
    "pydantic, one model a line": _pydantic,
    "json.loads a line": _json,
    "together check_file": _together,
    "datasets load_dataset": _datasets,
    "polars read_ndjson": _polars,
}


def main() -> None:
    """Measure, and print one table a kind of row."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--megabytes", type=int, default=1_000)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--kinds", nargs="+", default=KINDS)
    arguments.add_argument("--bad-share", type=float, default=0.0)
    arguments.add_argument("--candidate", help="measure this one in this process")
    arguments.add_argument("--path")
    asked = arguments.parse_args()
    if asked.candidate:
        _measure_here(asked.candidate, asked.path, asked.kinds[0])
        return
    with tempfile.TemporaryDirectory() as folder:
        for kind in asked.kinds:
            path = Path(folder, f"{kind}.jsonl")
            write_file(path, kind, asked.megabytes * 1_000_000, bad_share=asked.bad_share)
            _compare(path, kind, asked.rounds)
            path.unlink()


def _compare(path: Path, kind: str, rounds: int) -> None:
    measured: dict[str, list[dict[str, float]]] = {}
    for _ in range(rounds):
        for name in CANDIDATES:
            found = _measure(name, path, kind)
            if found is not None:
                measured.setdefault(name, []).append(found)
    own = statistics.median(one["cpu"] for one in measured["check, one process"])
    megabytes = path.stat().st_size / 1e6
    print(f"\n{kind}: {megabytes:,.0f} MB, medians of {rounds}")
    print(f"{'candidate':28}{'CPU MB/s':>9}{'CPU ratio':>10}{'wall MB/s':>10}{'peak MB':>8}")
    for name, times in measured.items():
        cpu, wall, peak = (
            statistics.median(one[key] for one in times) for key in ("cpu", "wall", "peak")
        )
        print(
            f"{name:28}{megabytes / cpu:9.0f}{cpu / own:10.2f}{megabytes / wall:10.0f}{peak:8.0f}"
        )


def _measure(name: str, path: Path, kind: str) -> dict[str, float] | None:
    command = [sys.executable, "-m", "tools.bench.data", "--candidate", name]
    command += ["--path", str(path), "--kinds", kind]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if "ModuleNotFoundError" in done.stderr:
        return None
    if done.returncode:
        raise RuntimeError(done.stderr)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _measure_here(name: str, path: str, kind: str) -> None:
    """Measure one candidate, imports included, and print what it took."""
    began = time.perf_counter()
    CANDIDATES[name](path, kind)
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    cpu = own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
    peak = max(own.ru_maxrss, children.ru_maxrss) / 1024
    print(json.dumps({"cpu": cpu, "wall": time.perf_counter() - began, "peak": peak}))


if __name__ == "__main__":
    main()
