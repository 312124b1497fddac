"""Holds the fast path against the slow path on mutated blocks: `python -m tools.bench.fuzz --blocks 100000`.

With `--lines 1000000` it checks so many mutated lines instead: each is either a row or has a finding that says why not.

Belongs here: the seeded fuzzer, without limit. The tests run a small part of it.
Does not belong here: the mutations (`rows.py`).
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path
from typing import Any

from tools.bench.rows import Writer, spoilt, write_file, write_mutated

from tunekit.data.check import scan
from tunekit.data.check.findings import Severity
from tunekit.data.check.partial import CheckOptions, Partial
from tunekit.data.check.records import sampled_records
from tunekit.data.check.requirements import NO_REQUIREMENTS
from tunekit.data.check.scan import Range, scan_into
from tunekit.data.check.survey import survey
from tunekit.data.dataset import Dataset
from tunekit.data.reader import FileSource

KINDS = ("text", "chat", "gemini", "preference")


def main() -> None:
    """Compare, and stop at the first difference."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--blocks", type=int, default=100_000)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--lines", type=int, help="check so many lines instead of blocks")
    asked = arguments.parse_args()
    if asked.lines:
        _check_lines(asked.lines, asked.seed)
        return
    lines = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.jsonl")
        for kind in KINDS:
            write_file(path, kind, 40_000)
            found = survey(sampled_records((FileSource(str(path)),)), None)
            options = CheckOptions(found, None, 1_000, excerpts=True)
            draw, rows = random.Random(asked.seed), Writer(asked.seed + 1).rows(kind)
            for _ in range(asked.blocks // len(KINDS)):
                lines += _compare(
                    path, options, [next(rows) for _ in range(draw.choice((1, 4, 12)))], draw
                )
    print(
        f"{asked.blocks:,} blocks, {lines:,} lines: no difference, and no bad line without a finding"
    )


def account(path: Path) -> tuple[int, int, int]:
    """How many lines a file has, how many of them are rows, and how many have a finding that says why they are none."""
    report = Dataset.read(path).check(max_findings_per_rule=1 << 40)
    refused = {
        finding.line
        for finding in report.findings
        if finding.severity is Severity.ERROR or finding.rule == "blank-line"
    }
    return report.stats.lines, report.stats.rows, len(refused - {None})


def _check_lines(count: int, seed: int) -> None:
    """Check mutated lines, and stop at a file of which a line is neither a row nor refused, or both."""
    chunk, slowest, totals = 25_000, 0.0, [0, 0, 0]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.jsonl")
        for number in range(-(-count // chunk)):
            kind = KINDS[number % len(KINDS)]
            write_mutated(path, kind, min(chunk, count - number * chunk), seed=seed + number)
            began = time.perf_counter()
            lines, rows, refused = account(path)
            slowest = max(slowest, time.perf_counter() - began)
            if rows + refused != lines:
                raise SystemExit(
                    f"{kind}, seed {seed + number}: {lines:,} lines, {rows:,} rows, {refused:,} refused."
                )
            totals = [sum(pair) for pair in zip(totals, (lines, rows, refused), strict=True)]
    print("{:,} lines: {:,} rows, {:,} refused with a finding".format(*totals), end="; ")
    print(f"the slowest {chunk:,} took {slowest:.1f} s")


def _compare(path: Path, options: CheckOptions, lines: list[bytes], draw: random.Random) -> int:
    for _ in range(draw.choice((1, 1, 2, 5))):
        place = draw.randrange(len(lines))
        lines[place] = spoilt(lines[place], draw)
    path.write_bytes(draw.choice((b"\n", b"\n", b"\r\n")).join(lines) + b"\n" * draw.randrange(2))
    fast, slow = _report(path, options, 0), _report(path, options, 1 << 60)
    if fast != slow:
        kept = Path("difference.jsonl")
        kept.write_bytes(path.read_bytes())
        raise SystemExit(f"The two paths differ: see {kept}.")
    stats = fast["datasets"]["rows"]
    told = {finding["line"] for finding in fast["findings"]}
    if stats["rows"] + len(told) < stats["lines"]:
        raise SystemExit("A line is neither a row nor a finding.")
    return len(lines)


def _report(path: Path, options: CheckOptions, fast_from_bytes: int) -> dict[str, Any]:
    scan.FAST_FROM_BYTES = fast_from_bytes
    partial = scan_into(Partial(options), Range(0, FileSource(str(path))))
    return partial.report("rows", NO_REQUIREMENTS, None).model_dump()


if __name__ == "__main__":
    main()
