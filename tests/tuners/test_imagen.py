"""Style and subject tuners as values: the prompts they make, what they ask of images, and how they decide."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tunekit as tk
from tiny_pipelines import captioned, subject, write_images
from tunekit.tuners.registry import tuner_from_json, tuner_to_json

STYLE = tk.ImagenStyleTuner(base_model="m", style="zig")
SUBJECT = tk.ImagenSubjectTuner(base_model="m", subject="sks", subject_class="mug")


@pytest.fixture
def client() -> tk.Client:
    """A client of the fake."""
    return tk.Client(tk.MemoryBackend())


@pytest.mark.parametrize(
    ("caption", "prompt"),
    [
        ("a boat", "a boat in zig style"),
        ("a boat.", "a boat in zig style"),
        ("a boat in zig style", "a boat in zig style"),
    ],
)
def test_a_style_is_asked_for_behind_the_caption(caption: str, prompt: str) -> None:
    assert STYLE.phrase == "in zig style"
    assert STYLE.prompted(caption) == prompt
    assert STYLE.unprompted(prompt) == "a boat"


@pytest.mark.parametrize(
    ("caption", "prompt"),
    [
        (None, "a sks mug"),
        ("a mug on a table", "a sks mug on a table"),
        ("the sks mug at night", "the sks mug at night"),
    ],
)
def test_a_subject_is_called_by_its_word_and_its_class(caption: str | None, prompt: str) -> None:
    assert SUBJECT.prompted(caption) == prompt
    assert SUBJECT.unprompted(caption) == prompt.replace("sks mug", "mug")


@pytest.mark.parametrize("word", ["two words", "", "9lives", "in style"])
def test_a_word_is_one_word(word: str) -> None:
    with pytest.raises(ValueError, match="style"):
        tk.ImagenStyleTuner(base_model="m", style=word)


def test_the_words_for_a_subject_come_from_the_data(client: tk.Client, tmp_path: Path) -> None:
    tuner = tk.ImagenSubjectTuner(base_model="m")
    plan = client.plan(tuner, subject(tmp_path))
    assert (plan.job.tuner.subject, plan.job.tuner.subject_class) == ("sks", "thing")
    assert tuner.subject is None


def test_a_tuner_and_data_that_disagree_are_refused(client: tk.Client, tmp_path: Path) -> None:
    tuner = tk.ImagenSubjectTuner(base_model="m", subject="fido")
    with pytest.raises(tk.SettingInvalid, match="fido"):
        client.plan(tuner, subject(tmp_path))


def test_images_without_words_are_no_subject(client: tk.Client, tmp_path: Path) -> None:
    images: Any = tk.Dataset.read(str(write_images(tmp_path, 5)), row=tk.ReferenceImage)
    with pytest.raises(tk.SettingInvalid, match="SubjectImages"):
        client.plan(tk.ImagenSubjectTuner(base_model="m"), images)
    with pytest.raises(tk.SettingInvalid, match="subject_class"):
        tk.ImagenSubjectTuner(base_model="m").data_of({"train": images})
    assert SUBJECT.data_of({"train": images}).subject == "sks"


@pytest.mark.parametrize(
    ("count", "rule"), [(3, "too-few-images"), (4, None), (20, None), (21, "too-many-images")]
)
def test_a_subject_takes_four_to_twenty_images(
    count: int, rule: str | None, client: tk.Client, tmp_path: Path
) -> None:
    report = client.check(tk.ImagenSubjectTuner(base_model="m"), subject(tmp_path, count))
    told = {finding.rule for finding in report.errors}
    assert told == ({rule} if rule else set())


def test_few_images_of_a_style_are_a_warning(client: tk.Client, tmp_path: Path) -> None:
    report = client.check(STYLE, captioned(tmp_path, 9))
    assert report.ok
    assert "too-few-rows" in report.counts


def test_a_bad_image_keeps_a_job_from_starting(client: tk.Client, tmp_path: Path) -> None:
    images = captioned(tmp_path, 10)
    (tmp_path / "3.png").write_bytes(b"noise")
    with pytest.raises(tk.DatasetInvalid, match=r"3\.png") as caught:
        client.tune(STYLE, images)
    assert [finding.rule for finding in caught.value.report.errors] == ["image-unreadable"]
    assert client.jobs() == []


def test_steps_follow_the_number_of_images(client: tk.Client, tmp_path: Path) -> None:
    images = captioned(tmp_path, 12)
    assert client.plan(STYLE, images).steps == 480
    few = tk.Dataset.read(images.head(2), row=tk.CaptionedImage)
    assert client.plan(STYLE, few).steps == 200
    given = tk.ImagenStyleTuner(base_model="m", train_steps=7)
    assert client.plan(given, images).steps == 7


def test_rates_are_those_of_images_and_not_of_text(client: tk.Client, tmp_path: Path) -> None:
    plan = client.plan(STYLE, captioned(tmp_path, 10))
    rate = next(setting for setting in plan.settings if setting.name == "learning_rate")
    assert rate.value == 1e-4
    assert "diffusers" in rate.why


def test_validation_images_are_refused_with_the_way_out(client: tk.Client, tmp_path: Path) -> None:
    images = captioned(tmp_path, 10)
    with pytest.raises(tk.SettingInvalid, match=r"model\.evaluate"):
        client.plan(STYLE, images, validation=images)


@pytest.mark.parametrize("tuner", [STYLE, SUBJECT], ids=lambda tuner: tuner.kind)
def test_a_tuner_survives_json(tuner: Any) -> None:
    assert tuner_from_json(tuner_to_json(tuner)) == tuner
