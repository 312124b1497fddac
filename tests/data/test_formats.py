"""Every format, there and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tunekit as tk
from tunekit.data.check.digests import row_digest
from tunekit.data.formats import FORMATS
from tunekit.data.formats.convert import as_kind, plain_turns
from tunekit.data.rows import Row

SCORED: Any = {
    "systemInstruction": {"role": "system", "parts": [{"text": "Be kind."}]},
    "contents": [
        {"role": "user", "parts": [{"text": "Hello."}]},
        {"role": "model", "parts": [{"text": "How can I help?"}]},
        {"role": "user", "parts": [{"text": "I am late."}]},
    ],
    "completions": [
        {"score": 0.0, "completion": {"role": "model", "parts": [{"text": "So what."}]}},
        {"score": 1.0, "completion": {"role": "model", "parts": [{"text": "No worry."}]}},
    ],
}
TEXTS = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=30
).filter(lambda text: text.strip())
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=2)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "mediaResolution": st.just({"level": "MEDIA_RESOLUTION_HIGH"}),
        "videoMetadata": st.just({"startOffset": "5s", "endOffset": "25s"}),
    },
)
FILES = st.builds(tk.FilePart, uri=TEXTS, mime_type=TEXTS, settings=SETTINGS)
CALLS = st.builds(tk.FunctionCallPart, name=TEXTS, args=OBJECTS, id=st.none() | TEXTS)
ANSWERS = st.builds(tk.FunctionResponsePart, name=TEXTS, response=OBJECTS, id=st.none() | TEXTS)
TOOLS = st.lists(OBJECTS, max_size=2).map(tuple)
PARTS = st.lists(
    st.builds(tk.TextPart, text=TEXTS) | FILES | CALLS | ANSWERS, min_size=1, max_size=3
).map(tuple)
TEXT_PARTS = st.lists(st.builds(tk.TextPart, text=TEXTS), min_size=1, max_size=3).map(tuple)
NOTES = st.dictionaries(TEXTS.map(lambda text: f"note {text}"), st.integers() | TEXTS, max_size=2)
PAIRS = st.builds(tk.PromptCompletion, prompt=TEXTS, completion=TEXTS, extra=NOTES)


@st.composite
def turns(draw: st.DrawFn, *, last: str, contents: Any = TEXTS) -> tuple[tk.Message, ...]:
    """An optional system turn, then user and model in turn."""
    count = 2 * draw(st.integers(1, 3)) - (last == "user")
    messages = [
        tk.Message(role="user" if place % 2 == 0 else "model", content=draw(contents))
        for place in range(count)
    ]
    if draw(st.booleans()):
        messages.insert(0, tk.Message(role="system", content=draw(TEXTS)))
    return tuple(messages)


def conversations(contents: Any = TEXTS) -> st.SearchStrategy[tk.Conversation]:
    """Conversations that end with the model."""
    return st.builds(tk.Conversation, messages=turns(last="model", contents=contents), extra=NOTES)


def read_back(name: Any, row: Row) -> Row | None:
    """A row encoded, written as JSON, parsed and decoded."""
    line = json.loads(json.dumps(FORMATS[name].encode(row)))
    decoded = FORMATS[name].decode(line).row
    return as_kind(decoded, type(row)) if decoded else None


@pytest.mark.parametrize("name", ["prompt_completion", "messages", "palm_chat", "gemini"])
@given(row=PAIRS)
def test_prompt_and_completion_survive_every_format_that_holds_them(
    name: str, row: tk.PromptCompletion
) -> None:
    assert read_back(name, row) == row


@pytest.mark.parametrize("name", ["messages", "palm_chat", "gemini"])
@given(row=conversations())
def test_conversations_survive_every_format_that_holds_them(
    name: str, row: tk.Conversation
) -> None:
    assert read_back(name, row) == row


@given(row=conversations(TEXTS | PARTS), tools=TOOLS)
def test_conversations_with_files_functions_and_tools_survive_gemini(
    row: tk.Conversation, tools: Any
) -> None:
    row = row.model_copy(update={"tools": tools})
    again = read_back("gemini", row)
    assert again == row
    assert row_digest(row) == row_digest(again)


CALLED: Any = {
    "systemInstruction": {"role": "system", "parts": [{"text": "Use the tools."}]},
    "contents": [
        {"role": "user", "parts": [{"text": "Where is parcel 7?"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "find", "args": {"parcel": 7}}}]},
        {
            "role": "user",
            "parts": [{"functionResponse": {"name": "find", "response": {"place": "Bremen"}}}],
        },
        {"role": "model", "parts": [{"text": "It is in Bremen."}]},
    ],
    "tools": [{"functionDeclarations": [{"name": "find", "parameters": {"type": "OBJECT"}}]}],
    "generationConfig": {"mediaResolution": "MEDIA_RESOLUTION_LOW"},
}


def test_a_line_with_calls_of_functions_is_a_row_without_a_finding_and_written_back_the_same() -> (
    None
):
    decoded = FORMATS["gemini"].decode(CALLED)
    assert decoded.problems == ()
    assert isinstance(decoded.row, tk.Conversation)
    call = decoded.row.messages[2].content[0]
    assert call == tk.FunctionCallPart(name="find", args={"parcel": 7})
    assert decoded.row.tools == tuple(CALLED["tools"])
    assert FORMATS["gemini"].encode(decoded.row) == CALLED


def test_functions_are_also_read_in_snake_case_and_with_a_role_of_their_own() -> None:
    text = json.dumps(CALLED).replace("functionCall", "function_call")
    line = json.loads(text.replace("functionResponse", "function_response"))
    line["contents"][2]["role"] = "function"
    assert FORMATS["gemini"].decode(line) == FORMATS["gemini"].decode(CALLED)


@pytest.mark.parametrize(
    ("part", "field", "rule"),
    [
        ({"functionCall": {"args": {}}}, "functionCall.name", "missing-field"),
        ({"functionCall": {"name": "a", "args": 5}}, "functionCall.args", "wrong-type"),
        ({"functionResponse": {"name": "a"}}, "functionResponse.response", "missing-field"),
        ({"functionCall": {"name": "a"}, "text": "b"}, "", "missing-field"),
        ({"text": "b", "mediaResolution": {"level": "c"}}, "", "wrong-type"),
        ({"functionCall": {"name": "a", "argz": {}}}, "functionCall.argz", "unknown-field"),
    ],
)
def test_faults_of_functions_are_named_with_their_field(part: Any, field: str, rule: str) -> None:
    answer = {"role": "model", "parts": [part]}
    line: Any = {"contents": [{"role": "user", "parts": [{"text": "a"}]}, answer]}
    (problem,) = FORMATS["gemini"].decode(line).problems
    expected = f"contents[1].parts[0]{field and '.'}{field}"
    assert (problem.rule.id, problem.field) == (rule, expected)


def test_rows_that_differ_in_calls_or_tools_alone_are_no_duplicates() -> None:
    lines = [json.loads(json.dumps(CALLED)) for _ in range(4)]
    lines[1]["contents"][1]["parts"][0]["functionCall"]["args"]["parcel"] = 8
    lines[2]["tools"][0]["functionDeclarations"][0]["name"] = "track"
    report = tk.Dataset.read(lines).check()
    found = [finding.line for finding in report.findings if finding.rule == "duplicate-row"]
    assert found == [4]


def test_calls_and_tools_do_not_fit_formats_of_text() -> None:
    called = FORMATS["gemini"].decode(CALLED).row
    assert isinstance(called, tk.Conversation)
    only_tools = called.model_copy(update={"messages": called.messages[1::3]})
    pair = tk.Conversation(
        messages=(tk.Message(role="user", content="a"), tk.Message(role="model", content="b")),
        tools=called.tools,
    )
    without = called.model_copy(update={"tools": ()})
    for name in ("messages", "palm_chat", "prompt_completion"):
        for row in (called, only_tools, without, pair):
            with pytest.raises(tk.FormatLoss):
                FORMATS[name].encode(row)
    prompt = tk.Preference(prompt=called.messages[:3], candidates=("a", "b"), choice=0)
    with pytest.raises(tk.FormatLoss, match="text only"):
        FORMATS["gemini_preference"].encode(prompt)


@given(prompt=TEXTS | turns(last="user", contents=TEXTS | PARTS), tools=TOOLS)
def test_prompts_with_files_functions_and_tools_survive(prompt: Any, tools: Any) -> None:
    row = tk.Prompt(prompt=plain_turns(prompt), tools=tools)
    assert read_back("prompts", row) == row


@given(prompt=TEXTS | turns(last="user"), extra=NOTES)
def test_prompts_survive(prompt: Any, extra: Any) -> None:
    row = tk.Prompt(prompt=prompt, extra=extra)
    again = read_back("prompts", row)
    assert again is not None
    assert again.prompt_text() == row.prompt_text()


@given(
    prompt=TEXTS | turns(last="user"), pair=st.tuples(TEXTS, TEXTS), choice=st.sampled_from([0, 1])
)
def test_preferences_survive(prompt: Any, pair: tuple[str, str], choice: Any) -> None:
    if pair[0] != pair[1]:
        row = tk.Preference(prompt=prompt, candidates=pair, choice=choice)
        assert read_back("preference", row) == row


PAIRS_OF_ANSWERS = st.tuples(TEXTS, TEXTS).filter(lambda pair: pair[0] != pair[1])


@given(
    prompt=TEXTS | turns(last="user", contents=TEXTS | TEXT_PARTS),
    pair=PAIRS_OF_ANSWERS,
    choice=st.sampled_from([0, 1]),
    extra=NOTES,
)
def test_preferences_survive_gemini(
    prompt: Any, pair: tuple[str, str], choice: Any, extra: Any
) -> None:
    row = tk.Preference(prompt=plain_turns(prompt), candidates=pair, choice=choice, extra=extra)
    assert read_back("gemini_preference", row) == row


def scored(*completions: Any, **fields: Any) -> Any:
    """The line of scored answers with these instead."""
    return SCORED | {"completions": list(completions)} | fields


GOOD_ANSWER, BAD_ANSWER = SCORED["completions"][1], SCORED["completions"][0]


def test_scored_answers_are_read_as_a_choice() -> None:
    row = FORMATS["gemini_preference"].decode(SCORED).row
    assert isinstance(row, tk.Preference)
    assert (row.chosen, row.rejected, row.choice) == ("No worry.", "So what.", 1)
    assert [turn.role for turn in row.prompt if isinstance(turn, tk.Message)] == [
        "system",
        "user",
        "model",
        "user",
    ]
    assert FORMATS["gemini_preference"].encode(row) == SCORED


@pytest.mark.parametrize("scores", [(0.9, 0.2), (1, 5), (0, -1), (1, 0.5)])
def test_scores_are_kept_and_those_that_vertex_refuses_are_told(
    scores: tuple[float, float],
) -> None:
    pair = [SCORED["completions"][index] | {"score": scores[index]} for index in (0, 1)]
    decoded = FORMATS["gemini_preference"].decode(scored(*pair, id=7))
    assert isinstance(decoded.row, tk.Preference)
    assert decoded.row.choice == int(scores[1] > scores[0])
    told = [(problem.rule.id, problem.field) for problem in decoded.problems]
    assert told == [("unusual-score", "completions"), ("unknown-field", "id")]
    through = read_back("preference", decoded.row)
    assert through is not None
    assert FORMATS["gemini_preference"].encode(through) == scored(*pair, id=7)


def test_scores_that_contradict_the_choice_are_not_written() -> None:
    notes: Any = {"completions": [{"score": 3}, {"score": 2}]}
    row = tk.Preference(prompt="a", candidates=("b", "c"), choice=1, extra=notes)
    with pytest.raises(tk.FormatLoss, match="completions"):
        FORMATS["gemini_preference"].encode(row)


def test_a_preference_that_points_to_a_file_does_not_fit() -> None:
    picture = tk.FilePart(uri="gs://b/a.png", mime_type="image/png")
    message = tk.Message(role="user", content=(picture, tk.TextPart(text="what is it")))
    row = tk.Preference(prompt=(message,), candidates=("b", "c"), choice=1)
    with pytest.raises(tk.FormatLoss, match="text only"):
        FORMATS["gemini_preference"].encode(row)


@pytest.mark.parametrize(
    ("lines", "name", "rule", "field"),
    [
        (
            [SCORED] * 9 + [{"contents": SCORED["contents"]}],
            "gemini_preference",
            "missing-field",
            "completions",
        ),
        (
            [SCORED] * 9 + [SCORED | {"contents": SCORED["contents"][:2]}],
            "gemini_preference",
            "last-turn",
            "contents[1]",
        ),
        (
            [{"contents": SCORED["contents"]}] * 9 + [SCORED],
            "prompts",
            "unknown-field",
            "completions",
        ),
        ([{"contents": SCORED["contents"][:2]}] * 9 + [SCORED], "gemini", "mixed-format", None),
    ],
)
def test_scored_answers_are_told_from_prompts_and_conversations(
    lines: Any, name: str, rule: str, field: str | None
) -> None:
    report = tk.Dataset.read(lines).check()
    assert report.stats.format == name
    findings = [(f.rule, f.line, f.field) for f in report.findings if f.rule != "duplicate-row"]
    assert findings == [(rule, 10, field)]


@pytest.mark.parametrize(
    ("line", "rule", "field"),
    [
        (scored(GOOD_ANSWER), "completion-count", "completions"),
        (scored(GOOD_ANSWER, BAD_ANSWER, BAD_ANSWER), "completion-count", "completions"),
        (scored(), "completion-count", "completions"),
        (scored(GOOD_ANSWER, BAD_ANSWER | {"score": 1}), "equal-scores", "completions[1].score"),
        (scored(GOOD_ANSWER, BAD_ANSWER | {"score": "0"}), "wrong-type", "completions[1].score"),
        (scored(GOOD_ANSWER, BAD_ANSWER | {"score": False}), "wrong-type", "completions[1].score"),
        (
            scored(GOOD_ANSWER, {"completion": BAD_ANSWER["completion"]}),
            "missing-field",
            "completions[1].score",
        ),
        (
            scored(GOOD_ANSWER, GOOD_ANSWER | {"score": 0}),
            "equal-candidates",
            "completions[1].completion",
        ),
        (
            scored(
                GOOD_ANSWER, {"score": 0, "completion": {"role": "user", "parts": [{"text": "a"}]}}
            ),
            "unknown-role",
            "completions[1].completion.role",
        ),
        (
            scored(GOOD_ANSWER, {"score": 0, "completion": {"role": "model", "parts": []}}),
            "wrong-type",
            "completions[1].completion.parts",
        ),
        (SCORED | {"contents": SCORED["contents"][:2]}, "last-turn", "contents[1]"),
        (
            SCORED
            | {
                "contents": [
                    {
                        "role": "user",
                        "parts": [{"fileData": {"mimeType": "image/png", "fileUri": "gs://a/b"}}],
                    }
                ]
            },
            "wrong-type",
            "contents[0]",
        ),
        (SCORED | {"completions": "a"}, "wrong-type", "completions"),
    ],
)
def test_faults_of_scored_answers_name_the_field(line: Any, rule: str, field: str) -> None:
    decoded = FORMATS["gemini_preference"].decode(line)
    assert decoded.row is None
    assert (rule, field) in [(problem.rule.id, problem.field) for problem in decoded.problems]


@pytest.mark.parametrize(
    "line",
    [
        {"prompt": "why", "completion": "so"},
        {"input_text": "why", "output_text": "so"},
    ],
)
def test_both_spellings_of_prompt_and_completion_are_read(line: Any) -> None:
    row = FORMATS["prompt_completion"].decode(line).row
    assert row == tk.PromptCompletion(prompt="why", completion="so")


def test_a_missing_field_is_named_in_the_spelling_of_the_line() -> None:
    problems = FORMATS["prompt_completion"].decode({"prompt": "why"}).problems
    assert [problem.field for problem in problems] == ["completion"]


def test_gemini_is_read_in_both_spellings_of_its_fields() -> None:
    camel: Any = {
        "systemInstruction": {"parts": [{"text": "be kind"}]},
        "contents": [
            {
                "role": "user",
                "parts": [{"fileData": {"mimeType": "image/png", "fileUri": "gs://b/a.png"}}],
            },
            {"role": "model", "parts": [{"text": "a cat"}]},
        ],
    }
    snake: Any = {
        "system_instruction": {"role": "system", "parts": [{"text": "be kind"}]},
        "contents": [
            {
                "role": "user",
                "parts": [{"file_data": {"mime_type": "image/png", "file_uri": "gs://b/a.png"}}],
            },
            {"role": "assistant", "parts": [{"text": "a cat"}]},
        ],
    }
    gemini = FORMATS["gemini"]
    assert gemini.decode(camel).row == gemini.decode(snake).row
    assert gemini.decode(camel).row is not None


def test_content_in_parts_is_read_from_messages() -> None:
    content = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    line: Any = {
        "messages": [{"role": "user", "content": content}, {"role": "assistant", "content": "c"}]
    }
    row = FORMATS["messages"].decode(line).row
    assert isinstance(row, tk.Conversation)
    assert row.messages[0].text == "ab"
    assert FORMATS["messages"].encode(row) == line


@pytest.mark.parametrize(
    ("name", "line", "problems"),
    [
        ("gemini", {"contents": [{"role": "user", "parts": []}]}, {"wrong-type"}),
        ("gemini", {"contents": [{"role": "user", "parts": [{}]}]}, {"missing-field"}),
        ("gemini", {"contents": "a"}, {"wrong-type"}),
        ("messages", {"messages": [{"role": "user"}]}, {"missing-field"}),
        ("messages", {"messages": [{"role": "user", "contnt": "a"}]}, {"misspelt-field"}),
        (
            "messages",
            {"messages": [{"role": "user", "content": "a", "name": "b"}]},
            {"unknown-field"},
        ),
        ("messages", {"messages": [{"role": "user", "content": 3}]}, {"wrong-type"}),
        ("messages", {"messages": []}, {"no-trainable-turn"}),
        ("palm_chat", {"messages": [{"author": "me", "content": "a"}]}, {"unknown-role"}),
        ("palm_chat", {"context": 3, "messages": []}, {"wrong-type"}),
        (
            "preference",
            {"input_text": "a", "candidate_0": "b", "candidate_1": "b", "choice": 0},
            {"equal-candidates"},
        ),
        (
            "preference",
            {"input_text": "a", "candidate_0": "b", "candidate_1": "c", "choice": 2},
            {"choice-out-of-range"},
        ),
        (
            "preference",
            {"input_text": "a", "candidate_0": "b", "candidate_1": "c", "choice": True},
            {"wrong-type"},
        ),
        ("preference", {"input_text": "a", "candidate_0": "b", "choice": 1}, {"missing-field"}),
        (
            "prompts",
            {"messages": [{"role": "assistant", "content": "a"}]},
            {"last-turn", "role-order"},
        ),
    ],
)
def test_faults_inside_a_line_are_named(name: Any, line: Any, problems: set[str]) -> None:
    decoded = FORMATS[name].decode(line)
    assert decoded.row is None
    assert {problem.rule.id for problem in decoded.problems} == problems


def test_a_role_close_to_a_known_one_is_suggested() -> None:
    line: Any = {"messages": [{"role": "asistant", "content": "a"}]}
    (problem,) = FORMATS["messages"].decode(line).problems
    assert "Did you mean 'assistant'?" in problem.fact


def test_a_file_does_not_fit_formats_of_text() -> None:
    picture = tk.FilePart(uri="gs://b/a.png", mime_type="image/png")
    row = tk.Conversation(
        messages=(
            tk.Message(role="user", content=(picture, tk.TextPart(text="what is it"))),
            tk.Message(role="model", content="a cat"),
        )
    )
    for name in ("messages", "palm_chat", "prompt_completion"):
        with pytest.raises(tk.FormatLoss):
            FORMATS[name].encode(row)


def test_a_note_that_has_the_name_of_a_field_is_not_overwritten() -> None:
    row = tk.PromptCompletion(prompt="a", completion="b", extra={"messages": "mine"})
    with pytest.raises(tk.FormatLoss, match="messages"):
        FORMATS["messages"].encode(row)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["role", "content", "parts", "text", "x"]), inner, max_size=3
            )
        ),
        max_leaves=8,
    )
)
def test_whatever_a_line_holds_it_is_a_row_or_has_a_problem(inner: Any) -> None:
    for name, form in FORMATS.items():
        for outer in ("messages", "contents", "input_text", "candidate_0", "completions"):
            decoded = form.decode({outer: inner})
            assert (decoded.row is None) == bool(
                [problem for problem in decoded.problems if problem.rule.id != "unknown-field"]
            ), (name, outer)
