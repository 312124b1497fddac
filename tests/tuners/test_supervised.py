"""The settings of supervised tuning, and how open ones are decided."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

import tunekit as tk
from tunekit import catalog
from tunekit.tuners.base import Circumstances
from tunekit.tuners.registry import kinds, tuner_class, tuner_from_json, tuner_to_json

RATES = catalog.default_rates("local")


def decided(tuner: tk.SupervisedTuner, rows: int = 300, *, validation: bool = False) -> Any:
    """The decided tuner, and the source of each setting by name."""
    circumstances = Circumstances(num_rows=rows, has_validation=validation, rates=RATES)
    done, settings = tuner.decided(circumstances)
    return done, {setting.name: setting for setting in settings}


def tuner(**settings: Any) -> tk.SupervisedTuner:
    """A tuner with some settings."""
    return tk.SupervisedTuner(base_model="tunekit/nano", **settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"epochs": 0},
        {"train_steps": 0},
        {"epochs": 2, "train_steps": 10},
        {"learning_rate": 1e-4},
        {"adapter_size": 0},
        {"adapter_size": 8, "tuning_mode": "full"},
        {"tuning_mode": "half"},
        {"task": "translation"},
        {"seed": -1},
        {"learning_rat": 1},
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        tuner(**settings)


def test_a_tuner_is_a_value() -> None:
    assert tuner(epochs=2) == tuner(epochs=2)
    assert hash(tuner(epochs=2)) == hash(tuner(epochs=2))
    with pytest.raises(ValidationError, match="frozen"):
        tuner().epochs = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"learning_rate": tk.LearningRate(1e-4), "epochs": 2},
        {"learning_rate": tk.LearningRateMultiplier(0.5), "task": "chat"},
        {"tuning_mode": "full", "checkpoint_selection": "best"},
    ],
)
def test_a_tuner_survives_json(settings: dict[str, Any]) -> None:
    before = tuner(**settings)
    assert tuner_from_json(tuner_to_json(before)) == before
    assert tuner_to_json(before)["kind"] == "supervised"


def test_a_method_that_is_not_there_names_the_closest() -> None:
    assert "supervised" in kinds()
    with pytest.raises(tk.SettingInvalid, match="Did you mean 'supervised'"):
        tuner_class("supervized")


@pytest.mark.parametrize(
    ("task", "rows", "steps", "source"),
    [
        (None, 300, 57, "rows"),
        (None, 5, 3, "rows"),
        ("classification", 25, 100, "task"),
        ("classification", 1_600, 300, "rows"),
        ("classification", 1_000_000, 500, "task"),
        ("summarization", 100, 200, "task"),
        ("extractive_qa", 100, 100, "task"),
        ("chat", 200, 1_000, "task"),
    ],
)
def test_steps_come_from_rows_within_what_the_task_needs(
    task: Any, rows: int, steps: int, source: str
) -> None:
    done, settings = decided(tuner(task=task), rows)
    assert done.train_steps == settings["train_steps"].value == steps
    assert settings["train_steps"].source == source
    assert task is None or "https://" in settings["train_steps"].why


def test_what_was_asked_is_done() -> None:
    done, settings = decided(tuner(epochs=4, batch_size=8, task="classification"), 100)
    assert done.train_steps == 13 * 4
    assert {settings[name].source for name in ("train_steps", "batch_size")} == {"you"}
    assert decided(tuner(train_steps=7))[0].train_steps == 7


@pytest.mark.parametrize(
    ("settings", "rate", "source"),
    [
        ({}, RATES.adapter_learning_rate, "catalog"),
        ({"tuning_mode": "full"}, RATES.full_learning_rate, "catalog"),
        ({"learning_rate": tk.LearningRate(0.5)}, 0.5, "you"),
        ({"learning_rate": tk.LearningRateMultiplier(3)}, 3 * RATES.adapter_learning_rate, "you"),
    ],
)
def test_the_learning_rate_is_absolute_in_the_end(
    settings: dict[str, Any], rate: float, source: str
) -> None:
    done, told = decided(tuner(**settings))
    assert done.learning_rate == tk.LearningRate(rate)
    assert told["learning_rate"].source == source


def test_deciding_twice_changes_nothing() -> None:
    done, _ = decided(tuner(task="chat"), validation=True)
    again, _ = decided(done, validation=True)
    assert again == done


def test_evaluation_needs_rows_to_evaluate_on() -> None:
    assert decided(tuner(), validation=False)[0].evaluation_interval is None
    assert decided(tuner(train_steps=50), validation=True)[0].evaluation_interval == 5
    for settings in (
        {"early_stopping": 2},
        {"checkpoint_selection": "best"},
        {"evaluation_interval": 5},
    ):
        with pytest.raises(tk.SettingInvalid, match="validation"):
            decided(tuner(**settings), validation=False)


def test_the_task_asks_for_rows() -> None:
    wanted = tuner(task="chat").requirements().recommended_rows
    assert wanted is not None
    assert (wanted.rows, wanted.purpose) == (200, "chat")
    assert tuner().requirements().recommended_rows is None


def test_every_row_of_the_catalog_is_dated_and_has_a_public_source() -> None:
    for entry in catalog.models("local"):
        assert entry.source.startswith("https://")
        assert entry.checked.year >= 2026
    for task in ("classification", "summarization", "extractive_qa", "chat"):
        advice = catalog.recommendation("supervised", task)
        assert advice is not None
        assert advice.source.startswith("https://")
        assert advice.train_steps[0] <= advice.train_steps[1]
    assert catalog.recommendation("supervised", None) is None
    assert catalog.model("local", "no/such") is None
