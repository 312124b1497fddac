"""The fast path says what the slow path says, whatever the lines, and so do several parts merged."""

from __future__ import annotations

import pickle
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tools.bench.rows import Writer, spoilt, write_file

import tunekit as tk
from sample_rows import write_lines
from tunekit.data.check import parallel, repetition, scan
from tunekit.data.check.digests import RowKeys
from tunekit.data.check.partial import CheckOptions, Partial
from tunekit.data.check.records import ParsedRecord, sampled_records
from tunekit.data.check.repetition import RowLog
from tunekit.data.check.requirements import NO_REQUIREMENTS
from tunekit.data.check.scan import Range, scan_into
from tunekit.data.check.survey import survey
from tunekit.data.reader import FileSource

KINDS = ("text", "chat", "gemini", "preference")
GIVEN: dict[str, tuple[type[tk.Row] | None, ...]] = {
    "text": (None, tk.Conversation),
    "chat": (None, tk.PromptCompletion),
    "gemini": (None, tk.PromptCompletion),
    "preference": (None,),
}


def options_of(path: Path, row: type[tk.Row] | None = None) -> CheckOptions:
    found = survey(sampled_records((FileSource(str(path)),)), row)
    return CheckOptions(found, row, 1_000, excerpts=True)


def report(partial: Partial) -> dict[str, Any]:
    return partial.report("rows", NO_REQUIREMENTS, None).model_dump()


def one_pass(path: Path, options: CheckOptions) -> dict[str, Any]:
    return report(scan_into(Partial(options), Range(0, FileSource(str(path)))))


def both_ways(
    path: Path, options: CheckOptions, monkeypatch: pytest.MonkeyPatch
) -> tuple[dict[str, Any], dict[str, Any]]:
    monkeypatch.setattr(scan, "FAST_FROM_BYTES", 0)
    fast = one_pass(path, options)
    monkeypatch.setattr(scan, "FAST_FROM_BYTES", 1 << 60)
    return fast, one_pass(path, options)


@pytest.mark.parametrize("kind", KINDS)
def test_both_paths_agree_on_mutated_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = tmp_path / "rows.jsonl"
    write_file(path, kind, 40_000)
    known = {row: options_of(path, row) for row in GIVEN[kind]}
    draw, rows = random.Random(1), Writer(2).rows(kind)
    for _ in range(60):
        lines = [next(rows) for _ in range(draw.choice((1, 8, 40)))]
        for _ in range(draw.choice((0, 1, 1, 2, 5))):
            place = draw.randrange(len(lines))
            lines[place] = spoilt(lines[place], draw) if draw.random() < 0.9 else lines[0]
        path.write_bytes(
            draw.choice((b"\n", b"\n", b"\r\n")).join(lines) + b"\n" * draw.randrange(2)
        )
        for options in known.values():
            fast, slow = both_ways(path, options, monkeypatch)
            assert fast == slow


@pytest.mark.parametrize("kind", KINDS)
def test_the_fast_path_takes_nearly_all_good_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = tmp_path / "rows.jsonl"
    write_file(path, kind, 400_000)
    slowly: list[int] = []
    judge = scan._judge

    def counted(partial: Partial, record: ParsedRecord, ordinal: int) -> None:
        slowly.append(ordinal)
        judge(partial, record, ordinal)

    monkeypatch.setattr(scan, "_judge", counted)
    result = one_pass(path, options_of(path))
    assert result["datasets"]["rows"]["rows"] > 200
    assert not slowly


def test_prompts_are_proven_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [{"prompt": f"Say this number aloud.\nnumber: {n % 40}"} for n in range(60)]
    lines[7] = {"prompt": "number: 3"}
    path = Path(write_lines(tmp_path / "rows.jsonl", lines))
    fast, slow = both_ways(path, options_of(path), monkeypatch)
    assert fast == slow
    assert fast["counts"] == {"duplicate-row": 19, "missing-instruction": 1}


@pytest.mark.parametrize("kind", KINDS)
def test_parts_merged_in_any_grouping_give_the_report_of_one_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(scan, "FAST_FROM_BYTES", 0)
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for seed, path in enumerate(paths):
        write_file(path, kind, 60_000, seed=seed // 5, bad_share=0.1)
    paths[1].write_bytes(paths[1].read_bytes().replace(b"\n", b"\r\n", 40))
    sources = tuple(FileSource(str(path)) for path in paths)
    options = CheckOptions(survey(sampled_records(sources), None), None, 7, excerpts=True)
    whole = Partial(options)
    for index, source in enumerate(sources):
        scan_into(whole, Range(index, source))
    monkeypatch.setattr(parallel, "RANGE_BYTES", 9_973)
    parts = list(parallel.ranges(sources))
    assert len(parts) > 10

    def part(index: int) -> Partial:
        partial: Partial = pickle.loads(pickle.dumps(scan.scan(parts[index], options)))
        return partial

    from_left, from_right = part(0), part(len(parts) - 1)
    for index in range(1, len(parts)):
        from_left.merge(part(index))
    for index in reversed(range(len(parts) - 1)):
        from_right = part(index).merge(from_right)
    assert report(from_left) == report(whole)
    assert report(from_right) == report(whole)


def test_two_processes_give_the_report_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows.jsonl"
    write_file(path, "chat", 300_000, bad_share=0.05)
    monkeypatch.setattr(parallel, "RANGE_BYTES", 100_000)
    rows = tk.Dataset.read(path)
    assert rows.check(processes=2) == rows.check(processes=1)


def test_a_file_that_goes_away_is_an_error_of_the_caller_in_any_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rows.jsonl"
    write_file(path, "text", 30_000)
    monkeypatch.setattr(parallel, "RANGE_BYTES", 10_000)
    options = options_of(path)
    parts = list(parallel.ranges((FileSource(str(path)),)))
    path.unlink()
    with pytest.raises(FileNotFoundError):
        list(parallel._judged(parts, options, 1))


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 1)), max_size=40),
    st.integers(1, 9),
)
@settings(max_examples=60, deadline=None)
def test_repetitions_are_the_same_in_plain_python_in_numpy_and_from_disk(
    rows: list[tuple[int, int, int]], keep: int
) -> None:
    logs = [RowLog(), RowLog()]
    before = repetition._ENTRIES_IN_MEMORY
    repetition._ENTRIES_IN_MEMORY = 5
    for log in logs:
        for ordinal, (question, taught, choice) in enumerate(rows):
            digest = bytes((question, *[0] * 13, taught, 2 + choice))
            log.add(RowKeys(digest, question << 62), None, ordinal)
        repetition._ENTRIES_IN_MEMORY = before
    plain = logs[1].repetitions(keep)
    repetition._PLAIN_ENTRIES, kept = -1, repetition._PLAIN_ENTRIES
    try:
        assert logs[0].repetitions(keep) == logs[1].repetitions(keep) == plain
        assert logs[0].digest() == logs[1].digest()
    finally:
        repetition._PLAIN_ENTRIES = kept


def test_a_line_longer_than_a_block_and_blocks_that_end_in_a_line_are_read_whole(
    tmp_path: Path,
) -> None:
    path = tmp_path / "rows.jsonl"
    lines = [b"x" * length for length in (3, 700_000, 0, 300_000, 262_143, 262_144, 5)]
    path.write_bytes(b"\n".join(lines))
    source = FileSource(str(path))
    whole = b"".join(bytes(block.lines) for block in source.blocks())
    assert whole == b"\n".join(lines) + b"\n"
    size = path.stat().st_size
    for cut in (0, 1, 3, 4, 5, 700_004, 700_005, size - 5, size - 6, size):
        offsets, read = list[int](), b""
        for part in ((0, cut), (cut, None)):
            for block in source.blocks(*part):
                offsets.append(block.offset)
                read += block.lines
        assert read == whole
        assert offsets == sorted(offsets)


def test_checks_in_several_threads_do_not_disturb_each_other(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_file(path, "text", 4_000_000)
    options = options_of(path)
    alone = one_pass(path, options)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads take turns as often as they can
    try:
        with ThreadPoolExecutor(8) as pool:
            futures = [pool.submit(one_pass, path, options) for _ in range(8)]
            assert [future.result() for future in futures] == [alone] * 8
    finally:
        sys.setswitchinterval(before)
