"""The estimate of tokens, and that its bounds hold where they were measured."""

from __future__ import annotations

import pytest
from tools.bench.tokens import SENTENCES, measured, text_sets

import tunekit as tk
from tunekit.jobs.tokens import Guess, estimated_tokens, guessed


def test_the_bounds_hold_for_every_text_that_was_measured() -> None:
    pytest.importorskip("tokenizers")
    held = list(measured())
    assert {one.texts for one in held} == set(text_sets())
    assert {one.tokenizer for one in held} >= {"nano", "bytes"}
    assert [one for one in held if one.outside] == []


def test_the_bounds_are_apart_and_around_the_estimate() -> None:
    for text in SENTENCES.values():
        guess = guessed(text)
        assert 0 < guess.low < guess.middle < guess.high


def test_the_kind_of_writing_decides() -> None:
    assert guessed("") == Guess()
    assert guessed("p" * 400) == Guess(low=60, middle=100, high=260)
    assert guessed("1" * 100) == Guess(low=40, middle=100, high=110)
    assert guessed("ш" * 100) == Guess(low=50, middle=100, high=200)
    assert guessed("账" * 100) == Guess(low=50, middle=100, high=300)
    assert guessed("😀" * 10).high == 40


def test_an_answer_of_one_letter_is_a_token() -> None:
    assert guessed("a").low == 1


def test_the_tokens_of_rows_add_up() -> None:
    row = tk.PromptCompletion(prompt="p" * 400, completion="a" * 40)
    count = estimated_tokens([row, row])
    assert not count.exact
    assert (count.low, count.total, count.high) == (132, 220, 572)
    assert (count.trained, count.longest_row) == (20, 110)


def test_every_turn_and_both_candidates_count() -> None:
    word = "parcel " * 40
    pair = tk.Preference(prompt="Where?", candidates=(word, word), choice=0)
    asked = tk.Message(role="user", content=word)
    said = tk.Message(role="model", content=word)
    chat = tk.Conversation(messages=(asked, said, asked, said))
    one = estimated_tokens([tk.PromptCompletion(prompt=word, completion=word)])
    assert estimated_tokens([pair]).trained >= 2 * one.trained
    counted = estimated_tokens([chat])
    assert (counted.total, counted.trained) == pytest.approx(
        (2 * one.total, 2 * one.trained), abs=4
    )
    assert estimated_tokens([tk.Prompt(prompt=(asked, said, asked))]).total > 2.9 * one.trained
