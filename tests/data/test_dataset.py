"""Reading, looking, splitting and writing rows."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

import tunekit as tk
from sample_rows import routing, routing_lines, write_lines


def test_rows_are_read_as_the_kind_asked_for(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "r.jsonl", routing_lines(3))
    rows = list(tk.Dataset.read(path, row=tk.PromptCompletion))
    assert rows[0].completion == routing_lines(3)[0]["output_text"]


def test_the_format_is_that_of_most_lines_not_of_the_first(tmp_path: Path) -> None:
    chat = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    path = write_lines(tmp_path / "r.jsonl", [chat, *routing_lines(9)])
    dataset = tk.Dataset.read(path)
    assert dataset.format == "prompt_completion"
    assert [f.line for f in dataset.check().findings if f.rule == "mixed-format"] == [1]


def test_prompts_without_answers_are_prompts(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "r.jsonl", [{"input_text": f"tell me {n}"} for n in range(5)])
    dataset = tk.Dataset.read(path)
    assert dataset.format == "prompts"
    assert dataset.row_type is tk.Prompt


def test_a_few_missing_answers_do_not_make_prompts(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "r.jsonl", [{"input_text": "tell me"}, *routing_lines(9)])
    report = tk.Dataset.read(path).check()
    assert report.stats.format == "prompt_completion"
    assert report.counts["missing-field"] == 1


def test_a_conversation_of_two_turns_reads_as_prompt_and_completion(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "why"}, {"role": "assistant", "content": "so"}]
    path = write_lines(tmp_path / "r.jsonl", [{"messages": turns}])
    assert list(tk.Dataset.read(path, row=tk.PromptCompletion)) == [
        tk.PromptCompletion(prompt="why", completion="so")
    ]


def test_a_longer_conversation_is_refused_as_prompt_and_completion(tmp_path: Path) -> None:
    turns = [
        {"role": "system", "content": "be kind"},
        {"role": "user", "content": "why"},
        {"role": "assistant", "content": "so"},
    ]
    path = write_lines(tmp_path / "r.jsonl", [{"messages": turns}])
    report = tk.Dataset.read(path, row=tk.PromptCompletion).check()
    assert [finding.rule for finding in report.findings] == ["wrong-row-kind"]


def test_rows_of_our_own_and_generators_are_read() -> None:
    rows = [tk.PromptCompletion(prompt=f"p{n}", completion="c") for n in range(3)]
    dataset = tk.Dataset.read((row for row in rows), row=tk.PromptCompletion)
    assert list(dataset) == rows
    assert list(dataset) == rows
    assert dataset.row_type is tk.PromptCompletion


def test_several_files_and_globs_are_one_dataset_with_lines_per_file(tmp_path: Path) -> None:
    write_lines(tmp_path / "a.jsonl", routing_lines(2))
    write_lines(tmp_path / "b.jsonl", [*routing_lines(2, seed=9), {"input_text": "x"}])
    dataset = tk.Dataset.read(str(tmp_path / "*.jsonl"))
    assert dataset.check().stats.rows == 4
    bad = [f for f in dataset.check().findings if f.rule == "missing-field"]
    assert [(Path(f.path or "").name, f.line) for f in bad] == [("b.jsonl", 3)]
    assert len(dataset.names) == 2


def test_a_missing_file_names_one_nearby(tmp_path: Path) -> None:
    write_lines(tmp_path / "tickets.jsonl", routing_lines(1))
    with pytest.raises(tk.SourceNotFound, match=r"tickets\.jsonl"):
        tk.Dataset.read(tmp_path / "ticket.jsonl")


@pytest.mark.parametrize("source", [7, {"input_text": "a"}, None])
def test_what_holds_no_rows_is_refused(source: object) -> None:
    with pytest.raises(tk.SettingInvalid, match="Pass a path"):
        tk.Dataset.read(source)  # type: ignore[call-overload]


def test_paths_and_objects_do_not_mix(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", routing_lines(2))
    with pytest.raises(tk.SettingInvalid, match="at once"):
        tk.Dataset.read([path, {"input_text": "a", "output_text": "b"}])


def test_objects_that_json_cannot_hold_are_findings() -> None:
    report = tk.Dataset.read([*routing_lines(2), {"input_text": object()}]).check()  # type: ignore[dict-item]
    assert [(f.rule, f.line) for f in report.findings] == [("wrong-type", 3)]


def test_going_through_bad_rows_raises_at_the_first_with_its_place(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "r.jsonl", [*routing_lines(2), {"input_text": "a"}])
    with pytest.raises(tk.DatasetInvalid, match=r"r\.jsonl:3: output_text"):
        list(tk.Dataset.read(path, row=tk.PromptCompletion))


def test_blank_lines_are_passed_over(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "r.jsonl", [*routing_lines(2), "", *routing_lines(2, seed=5)])
    assert len(tk.Dataset.read(path, row=tk.PromptCompletion)) == 4


def test_head_len_and_statistics_agree(tmp_path: Path) -> None:
    dataset = routing(30)
    stats = dataset.check().stats
    assert len(dataset) == stats.rows == 30
    assert [row.prompt for row in dataset.head(2)] == [row.prompt for row in dataset][:2]
    assert stats.labels is not None
    assert sum(stats.labels.values()) == 30
    assert stats.template is not None
    assert stats.template.pattern == "Route the message to a team.\nMessage: {}\nTeam:"


def test_length_quantiles_are_close(tmp_path: Path) -> None:
    lengths = [10 * n for n in range(1, 1001)]
    rows = [{"input_text": "x" * n, "output_text": "y"} for n in lengths]
    stats = tk.Dataset.read(rows, row=tk.PromptCompletion).check().stats.prompt_characters
    assert stats is not None
    assert stats.median == pytest.approx(5000, rel=0.04)
    assert stats.p90 == pytest.approx(9000, rel=0.04)
    assert (stats.shortest, stats.longest, stats.total) == (10, 10_000, sum(lengths))


def test_free_text_is_not_taken_for_labels() -> None:
    rows = [{"input_text": f"p{n}", "output_text": f"answer {n}"} for n in range(40)]
    assert tk.Dataset.read(rows, row=tk.PromptCompletion).check().stats.labels is None


# --- split ------------------------------------------------------------------------------------------------------------


def test_a_split_is_the_same_for_the_same_seed() -> None:
    first, second = routing(40).split(0.25, seed=7), routing(40).split(0.25, seed=7)
    assert list(first.test) == list(second.test)
    assert list(first.test) != list(routing(40).split(0.25, seed=8).test)


def test_a_split_loses_nothing_and_shares_nothing() -> None:
    rows = routing(40)
    train, test = rows.split(0.25, seed=1)
    assert len(test) == 10
    both = sorted(row.prompt for row in (*train, *test))
    assert both == sorted(row.prompt for row in rows)


def test_equal_prompts_stay_on_one_side() -> None:
    lines = [*routing_lines(20), *routing_lines(20)]
    train, test = tk.Dataset.read(lines, row=tk.PromptCompletion).split(0.3, seed=3)
    assert not {row.prompt for row in train} & {row.prompt for row in test}


def test_parts_keep_the_lines_of_the_file(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "r.jsonl", routing_lines(20))
    _, test = tk.Dataset.read(path, row=tk.PromptCompletion).split(0.2, seed=2)
    raw = Path(path).read_text().splitlines()
    for located in test.located():
        assert located.place.line is not None
        assert json.loads(raw[located.place.line - 1])["input_text"] == located.row.prompt


def test_parts_can_be_split_again() -> None:
    train, _ = routing(40).split(0.2, seed=1)
    smaller, rest = train.split(0.5, seed=1)
    assert len(smaller) + len(rest) == len(train)


@pytest.mark.parametrize("fraction", [0, 1, -0.5, 2])
def test_a_fraction_that_leaves_a_part_empty_is_refused(fraction: float) -> None:
    with pytest.raises(tk.SettingInvalid):
        routing(10).split(fraction)


def test_rows_that_are_all_alike_cannot_be_split() -> None:
    same = tk.Dataset.read(routing_lines(1) * 5, row=tk.PromptCompletion)
    with pytest.raises(tk.SettingInvalid, match="1 distinct prompt"):
        same.split(0.5)


# --- write ------------------------------------------------------------------------------------------------------------


def test_written_rows_read_back_equal(tmp_path: Path) -> None:
    rows = routing(5)
    written = rows.write(tmp_path / "out.jsonl")
    assert list(tk.Dataset.read(written, row=tk.PromptCompletion)) == list(rows)


def test_a_file_is_never_replaced_unasked(tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    target.write_text("mine")
    with pytest.raises(tk.FileKept):
        routing(3).write(target)
    assert target.read_text() == "mine"
    routing(3).write(target, overwrite=True)
    assert target.read_text() != "mine"


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "r.jsonl", [*routing_lines(2), {"input_text": "a"}])
    with pytest.raises(tk.DatasetInvalid):
        tk.Dataset.read(path, row=tk.PromptCompletion).write(tmp_path / "out.jsonl")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["r.jsonl"]


def test_a_row_that_a_format_cannot_hold_is_refused(tmp_path: Path) -> None:
    row = tk.Conversation(
        messages=(
            tk.Message(role="system", content="be kind"),
            tk.Message(role="user", content="why"),
            tk.Message(role="model", content="so"),
        )
    )
    dataset = tk.Dataset.read([row], row=tk.Conversation)
    with pytest.raises(tk.FormatLoss, match="prompt_completion"):
        dataset.write(tmp_path / "out.jsonl", format="prompt_completion")
    assert not (tmp_path / "out.jsonl").exists()


def test_an_unknown_format_names_the_closest(tmp_path: Path) -> None:
    with pytest.raises(tk.FormatUnknown, match="Did you mean 'messages'"):
        routing(2).write(tmp_path / "out.jsonl", format="mesages")  # type: ignore[arg-type]


def test_equal_rows_have_equal_digests_whatever_the_file(tmp_path: Path) -> None:
    rows = routing(6)
    as_chat = rows.write(tmp_path / "chat.jsonl", format="messages")
    again = tk.Dataset.read(as_chat, row=tk.PromptCompletion)
    assert rows.digest() == again.digest() == rows.check().stats.digest
    assert rows.digest() != routing(6, seed=1).digest()


def test_a_large_file_is_checked_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "big.jsonl"
    with path.open("w") as file:
        for number in range(20_000):
            text = f"Route the message.\nMessage: {'word ' * 100}{number}\nTeam:"
            file.write(json.dumps({"input_text": text, "output_text": "a"}) + "\n")
    size = path.stat().st_size
    rows = tk.Dataset.read(path, row=tk.PromptCompletion)
    rows.check()  # what is loaded once is not counted
    tracemalloc.start()
    report = rows.check()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert report.stats.rows == 20_000
    assert size > 10_000_000
    assert peak < size * 0.5  # rows are not kept; digests and places are, 40 bytes a row
