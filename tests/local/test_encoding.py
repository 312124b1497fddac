"""Which tokens are read and which are learnt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tunekit as tk
from sample_rows import routing
from tiny_models import CHAT_TEMPLATE, write_tiny_model
from tunekit.backends.local.base_models import BaseModel, find_base_model, load_encoder
from tunekit.backends.local.encoding import NOT_LEARNT, ChatTemplateRefuses, Encoded, Encoder


@pytest.fixture(scope="module")
def encoder(tiny_model: str) -> Encoder:
    return load_encoder(BaseModel(tiny_model))


def plain_encoder(folder: Path, template: str | None) -> Encoder:
    """The encoder of a tiny model with another chat template, or none."""
    return load_encoder(BaseModel(write_tiny_model(folder, chat_template=template)))


def learnt(encoder: Encoder, encoded: Encoded) -> str:
    """The text of the learnt tokens."""
    return str(encoder.tokenizer.decode([t for t in encoded.labels if t != NOT_LEARNT]))


def read(encoder: Encoder, encoded: Encoded) -> str:
    """The text of all tokens."""
    return str(encoder.tokenizer.decode(encoded.input_ids))


def test_the_completion_and_the_stop_token_are_learnt_and_nothing_else(encoder: Encoder) -> None:
    encoded = encoder.encode(tk.PromptCompletion(prompt="which team?", completion="billing"))
    assert learnt(encoder, encoded) == "billing<|im_end|>"
    assert read(encoder, encoded) == (
        "<|im_start|>user\nwhich team?<|im_end|>\n<|im_start|>assistant\nbilling<|im_end|>\n"
    )


def test_every_turn_of_the_model_is_learnt(encoder: Encoder) -> None:
    turns = [
        ("system", "be kind"),
        ("user", "hi"),
        ("model", "hello"),
        ("user", "bye"),
        ("model", "ciao"),
    ]
    messages = tuple(tk.Message(role=role, content=text) for role, text in turns)  # type: ignore[arg-type]
    encoded = encoder.encode(tk.Conversation(messages=messages))
    assert learnt(encoder, encoded) == "hello<|im_end|>ciao<|im_end|>"
    assert "be kind" in read(encoder, encoded)


def test_a_model_is_asked_exactly_as_it_was_trained(encoder: Encoder) -> None:
    row = routing(1).head(1)[0]
    encoded = encoder.encode(row)
    asked = encoder.prompt_ids(row.prompt)
    assert encoded.input_ids[: len(asked)] == asked
    assert set(encoded.labels[: len(asked)]) == {NOT_LEARNT}
    assert encoded.labels[len(asked)] != NOT_LEARNT


def test_a_model_without_a_chat_template_reads_plain_text(tmp_path: Path) -> None:
    encoder = plain_encoder(tmp_path, None)
    encoded = encoder.encode(tk.PromptCompletion(prompt="team? ", completion="billing"))
    assert read(encoder, encoded) == "team? billing<|im_end|>"
    assert learnt(encoder, encoded) == "billing<|im_end|>"
    assert encoder.prompt_ids("team? ") == encoded.input_ids[: -encoded.num_learnt]


def test_a_model_without_a_chat_template_takes_no_conversation(tmp_path: Path) -> None:
    turns = (tk.Message(role="user", content="a"), tk.Message(role="model", content="b"))
    with pytest.raises(tk.SettingInvalid, match="no chat template"):
        plain_encoder(tmp_path, None).encode(tk.Conversation(messages=turns))


def test_a_template_that_forgets_the_stop_token_is_caught(tmp_path: Path) -> None:
    template = CHAT_TEMPLATE.replace(
        "{{ message['content'] }}<|im_end|>", "{{ message['content'] }}"
    )
    encoder = plain_encoder(tmp_path, template)
    encoded = encoder.encode(tk.PromptCompletion(prompt="a", completion="b"))
    (problem,) = encoder.problems(encoded, whose="it")
    assert problem.rule.id == "untrainable-row"
    assert "never stop" in problem.fact


def test_a_template_that_drops_the_answer_is_caught(tmp_path: Path) -> None:
    template = "{% for m in messages %}{% if m['role'] == 'user' %}{{ m['content'] }}{% endif %}{% endfor %}"
    encoder = plain_encoder(tmp_path, template)
    encoded = encoder.encode(tk.PromptCompletion(prompt="a", completion="b"))
    assert [p.fact for p in encoder.problems(encoded, whose="it")] == [
        "No token of the row would be learnt."
    ]


def test_a_template_that_rewrites_earlier_turns_is_refused(tmp_path: Path) -> None:
    template = "{{ messages | length }}" + CHAT_TEMPLATE
    with pytest.raises(ChatTemplateRefuses, match="writes earlier turns anew"):
        plain_encoder(tmp_path, template).encode(tk.PromptCompletion(prompt="a", completion="b"))


def test_a_template_that_refuses_a_system_turn_is_told(tmp_path: Path) -> None:
    template = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system turn') }}{% endif %}"
    )
    turns = [("system", "a"), ("user", "b"), ("model", "c")]
    messages = tuple(tk.Message(role=role, content=text) for role, text in turns)  # type: ignore[arg-type]
    with pytest.raises(ChatTemplateRefuses, match="no system turn"):
        plain_encoder(tmp_path, template + CHAT_TEMPLATE).encode(tk.Conversation(messages=messages))


def test_a_row_over_the_context_names_the_limit_and_whose_it_is(encoder: Encoder) -> None:
    encoded = encoder.encode(tk.PromptCompletion(prompt="long " * 200, completion="b"))
    (problem,) = encoder.problems(encoded, whose="tiny")
    assert problem.rule.id == "row-too-long"
    assert "tiny takes 256" in problem.fact


def test_a_turn_with_a_file_is_refused(encoder: Encoder) -> None:
    picture = tk.FilePart(uri="gs://b/a.png", mime_type="image/png")
    messages = (tk.Message(role="user", content=(picture,)), tk.Message(role="model", content="b"))
    with pytest.raises(ChatTemplateRefuses, match="points to a file"):
        encoder.encode(tk.Conversation(messages=messages))


def test_a_turn_that_calls_a_function_and_a_row_with_tools_are_refused(encoder: Encoder) -> None:
    call = tk.FunctionCallPart(name="find")
    asked, answer = tk.Message(role="user", content="a"), tk.Message(role="model", content="b")
    called = (asked, tk.Message(role="model", content=(call,)))
    with pytest.raises(ChatTemplateRefuses, match="calls a function"):
        encoder.encode(tk.Conversation(messages=called))
    tools: Any = ({"functionDeclarations": [{"name": "find"}]},)
    for row in (
        tk.Conversation(messages=(asked, answer), tools=tools),
        tk.Prompt(prompt="a", tools=tools),
    ):
        with pytest.raises(ChatTemplateRefuses, match="text only") as refused:
            encoder.encodings(row)
        assert refused.value.problem().rule.id == "untrainable-row"


@pytest.mark.parametrize(
    "name", ["./nowhere", "a/b/c", "tunekit/nanoo", "/no/such/folder", "local:x/model"]
)
def test_a_base_model_that_is_not_there_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(tk.BaseModelNotFound):
        find_base_model(name, tmp_path)


def test_a_misspelt_base_model_names_the_closest(tmp_path: Path) -> None:
    with pytest.raises(tk.BaseModelNotFound, match="Did you mean 'tunekit/nano'"):
        find_base_model("tunekit/nanno", tmp_path)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(tk.BaseModelNotFound, match=r"config\.json"):
        find_base_model(str(tmp_path), tmp_path)


def test_a_hub_id_is_left_to_the_hub(tmp_path: Path) -> None:
    assert not find_base_model("some-org/some-model", tmp_path).is_here


def test_an_adapter_that_is_pickled_is_refused(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "tunekit/nano"}')
    (tmp_path / "adapter_model.bin").write_bytes(b"pickle")
    with pytest.raises(tk.BaseModelNotFound, match="safetensors"):
        find_base_model(str(tmp_path), tmp_path)
