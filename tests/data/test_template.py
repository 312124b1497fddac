"""The shape that prompts share."""

from __future__ import annotations

import pytest

from tunekit.data.template import learn_template

MESSAGES = [
    f"{word} number {n}"
    for n, word in enumerate(["red", "green", "blue", "pink", "grey", "gold", "black", "white"])
]


@pytest.mark.parametrize(
    "pattern",
    [
        "Classify the topic.\n- sport\n- politics\nText: {}\nThe answer is:",
        "Background:\n{}\nA:",
        "Summarize in one sentence: {}",
        "{}\nIs this message polite or rude?",
        "question: {} context: the sky is high",
    ],
)
def test_the_pattern_is_found(pattern: str) -> None:
    template = learn_template([pattern.replace("{}", message) for message in MESSAGES])
    assert template is not None
    assert template.pattern == pattern


def test_prompts_of_the_shape_do_not_depart_from_it() -> None:
    prompts = [f"Text: {message}\nLabel:" for message in MESSAGES]
    template = learn_template(prompts)
    assert template is not None
    assert all(template.departures(prompt) == () for prompt in prompts)


def test_prompts_without_a_shared_shape_have_none() -> None:
    assert learn_template(MESSAGES) is None


def test_few_prompts_have_no_shape() -> None:
    assert learn_template(["Text: a", "Text: b"]) is None


def test_a_minority_does_not_hide_the_shape() -> None:
    prompts = [f"Say it politely.\nText: {message}" for message in MESSAGES] + ["hello", "goodbye"]
    template = learn_template(prompts)
    assert template is not None
    assert [departure.kind for departure in template.departures("hello")] == [
        "missing-instruction",
        "missing-label",
    ]


def test_parts_in_another_order_are_seen() -> None:
    template = learn_template([f"Question: {m}\nContext: it is {m}" for m in MESSAGES])
    assert template is not None
    departures = template.departures("Context: it is late\nQuestion: why")
    assert [departure.kind for departure in departures] == ["order"]


def test_a_template_survives_json() -> None:
    template = learn_template([f"Text: {message}\nLabel:" for message in MESSAGES])
    assert template is not None
    assert type(template).model_validate_json(template.model_dump_json()) == template
