"""A check on Apache Beam gives the report of a single process.

What needs Beam itself is skipped where it is not installed: `nox -s beam` runs it.
"""

from __future__ import annotations

import json
import pickle
import random
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from tools.bench.rows import Writer

import tunekit as tk
from sample_rows import routing_lines
from tunekit.data.check.beam import Stretch, joined
from tunekit.data.check.parallel import ranges
from tunekit.data.check.partial import CheckOptions, Partial
from tunekit.data.check.records import sampled_records
from tunekit.data.check.requirements import NO_REQUIREMENTS
from tunekit.data.check.row_checks import asked_for
from tunekit.data.check.scan import FAST_FROM_BYTES, scan
from tunekit.data.check.survey import survey
from tunekit.data.reader import sources_of

ON_BEAM = pytest.mark.skipif(
    find_spec("apache_beam") is None, reason="apache-beam is not installed: nox -s beam"
)
SHARDS = 8
BAD = b'{"input_text": "no answer"}', b'{"input_text": ', b"", b"[1]"


@pytest.fixture
def shards(tmp_path: Path) -> list[Path]:
    """Eight files with bad lines, rows that are in two of them, contradictions, and two with CRLF."""
    lines = [json.dumps(line).encode() for line in routing_lines(240)]
    paths = [tmp_path / f"part-{index}.jsonl" for index in range(SHARDS)]
    for index, path in enumerate(paths):
        own = lines[index * 30 : (index + 1) * 30]
        own[3] = lines[0]  # in every file
        own[7] = BAD[index % len(BAD)]
        own[9] = lines[5].replace(b'"shipping"', b'"x"').replace(b'"billing"', b'"y"')
        ending = b"\r\n" if index in (2, 5) else b"\n"
        path.write_bytes(ending.join(own) + (b"" if index == 4 else ending))
    return paths


@pytest.fixture
def one_file(tmp_path: Path, shards: list[Path]) -> Path:
    """The same lines as one file."""
    path = tmp_path / "all.jsonl"
    path.write_bytes(b"\n".join(shard.read_bytes().removesuffix(b"\n") for shard in shards))
    return path


def in_one_process(files: Any, **settings: Any) -> str:
    """The report to be met, which is worth meeting."""
    report = tk.Dataset.read(files).check(processes=1, **settings)
    assert {"duplicate-row", "conflicting-completion", "crlf", "not-json"} <= set(report.counts)
    return report.to_json()


def eighth(path: Path) -> int:
    """The bytes of a range, for eight of them."""
    size = -(-path.stat().st_size // SHARDS)
    assert len(list(ranges(sources_of(path), size))) == SHARDS
    return size


def parts(files: Any, size: int | None) -> Iterator[bytes]:
    """What each range gives, as it travels."""
    sources = sources_of(files)
    asked = asked_for(["near-duplicates"], ())
    options = CheckOptions(survey(sampled_records(sources), None), None, 5, True, asked)
    for number, part in enumerate(ranges(sources, size)):
        yield pickle.dumps([Stretch(number, number + 1, scan(part, options))])


@pytest.mark.parametrize("seed", range(8))
def test_parts_that_come_in_any_order_give_the_report_of_one_process(
    shards: list[Path], one_file: Path, seed: int
) -> None:
    draw = random.Random(seed)
    for files, size in ((shards, None), (one_file, eighth(one_file))):
        given = [pickle.loads(part) for part in parts(files, size)]
        while len(given) > 1:  # some of them, then what they gave, as Beam does
            draw.shuffle(given)
            count = draw.randint(2, len(given))
            given = [joined(given[:count]), *given[count:]]
        ((stretch,),) = given
        num_bytes = sum(source.num_bytes or 0 for source in sources_of(files))
        report = stretch.partial.report("rows", NO_REQUIREMENTS, num_bytes)
        expected = in_one_process(files, max_findings_per_rule=5, also=["near-duplicates"])
        assert report.to_json() == expected


def test_stretches_with_a_gap_between_them_stay_apart(one_file: Path) -> None:
    first, _, third, *_ = (pickle.loads(part) for part in parts(one_file, eighth(one_file)))
    assert [(one.first, one.behind) for one in joined([third, first])] == [(0, 1), (2, 3)]
    assert joined([]) == []


@ON_BEAM
def test_eight_files_on_beam_give_the_report_of_one_process(shards: list[Path]) -> None:
    assert tk.check_on_beam(shards).to_json() == in_one_process(shards)
    pattern = str(shards[0].parent / "part-*.jsonl")
    assert tk.check_on_beam(pattern).to_json() == in_one_process(pattern)


@ON_BEAM
def test_eight_ranges_of_one_file_on_beam_give_the_report_of_one_process(one_file: Path) -> None:
    on_beam = tk.check_on_beam(one_file, range_bytes=eighth(one_file))
    assert on_beam.to_json() == in_one_process(one_file)


@ON_BEAM
@pytest.mark.parametrize("mode", ["in_memory", "multi_threading", "multi_processing"])
def test_workers_that_run_at_once_give_the_report_of_one_process(tmp_path: Path, mode: str) -> None:
    paths = [tmp_path / f"part-{index}.jsonl" for index in range(SHARDS)]
    rows = Writer(1).rows("text")
    lines = [next(rows) for _ in range(8_000)]
    for index, path in enumerate(paths):  # large enough for the fast path
        path.write_bytes(
            b"\n".join([*lines[index * 1_000 : (index + 1) * 1_000], lines[0], BAD[1]])
        )
        assert path.stat().st_size > FAST_FROM_BYTES
    flags = [f"--direct_running_mode={mode}", "--direct_num_workers=2"]
    on_beam = tk.check_on_beam(paths, flags=flags, range_bytes=100_000)
    assert on_beam.to_json() == tk.Dataset.read(paths).check(processes=1).to_json()
    assert on_beam.counts["duplicate-row"] >= SHARDS


@ON_BEAM
def test_beam_is_told_what_a_check_is_told(shards: list[Path]) -> None:
    @tk.rule("no-seven", summary="A seven.", fix="Leave it out.")
    def no_seven(row: tk.Row) -> Iterator[str]:
        if "7" in row.prompt_text():
            yield "There is a seven."

    settings: dict[str, Any] = {
        "name": "train",
        "max_findings_per_rule": 2,
        "excerpts": False,
        "also": [no_seven, "near-duplicates"],
        "ignore": ["blank-line"],
    }
    on_beam = tk.check_on_beam(shards, row=tk.PromptCompletion, **settings)
    rows = tk.Dataset.read(shards, row=tk.PromptCompletion)
    assert on_beam == rows.check(processes=1, **settings)
    assert on_beam.counts["no-seven"] > 2


@ON_BEAM
def test_a_check_is_a_step_of_a_pipeline(shards: list[Path]) -> None:
    import apache_beam as beam
    from apache_beam.testing.util import assert_that, equal_to

    expected = [tk.Dataset.read(shards[:2]).check(processes=1).to_json()]
    with beam.Pipeline() as pipeline:
        for label in ("first", "again"):
            reports = pipeline | label >> tk.beam_check(shards[:2])
            texts = reports | f"{label} text" >> beam.Map(tk.Report.to_json)
            assert_that(texts, equal_to(expected), label=f"{label} is equal")


@ON_BEAM
def test_the_report_is_written_where_it_is_wanted(tmp_path: Path, shards: list[Path]) -> None:
    where = tmp_path / "report.json"
    report = tk.check_on_beam(shards[0], report_to=where)
    assert tk.Report.model_validate_json(where.read_bytes()) == report
    with pytest.raises(tk.FileKept, match=r"report\.json' is there already"):
        tk.check_on_beam(shards[1], report_to=where)
    assert tk.check_on_beam(shards[1], report_to=where, overwrite=True) != report
    assert tk.Report.model_validate_json(where.read_bytes()) != report


@ON_BEAM
def test_what_cannot_work_is_said_before_anything_runs(shards: list[Path]) -> None:
    with pytest.raises(tk.SettingInvalid, match=r"'DataflowRunner' runs cannot.*report_to="):
        tk.check_on_beam(shards, flags=["--runner=DataflowRunner"])
    with pytest.raises(tk.SettingInvalid, match="range_bytes=0 leaves nothing to read"):
        tk.beam_check(shards, range_bytes=0)
    with pytest.raises(tk.SourceNotFound, match=r"none-\*"):
        tk.beam_check(shards[0].parent / "none-*.jsonl")


def test_without_the_extra_the_error_names_it(
    monkeypatch: pytest.MonkeyPatch, shards: list[Path]
) -> None:
    monkeypatch.setitem(sys.modules, "apache_beam", None)  # what Python knows of a missing package
    for call in (tk.beam_check, tk.check_on_beam):
        with pytest.raises(tk.MissingExtra, match=r"pip install 'tunekit\[beam\]'") as caught:
            call(shards)
        assert caught.value.extra == "beam"


def test_a_whole_is_what_its_only_part_is(shards: list[Path]) -> None:
    (given,) = (pickle.loads(part) for part in parts(shards[0], None))
    (stretch,) = given
    whole = Partial(stretch.partial.options).merge(pickle.loads(pickle.dumps(stretch.partial)))
    alone = stretch.partial.report("rows", NO_REQUIREMENTS, 1)
    assert whole.report("rows", NO_REQUIREMENTS, 1) == alone
