"""A tuned model as a folder of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import tunekit as tk
from sample_rows import PROMPT, routing
from tunekit.backends.local.base_models import BaseModel
from tunekit.backends.local.exporting import Writer, export_model
from tunekit.backends.local.extras import Extra
from tunekit.backends.local.inference import Models
from tunekit.backends.local.safetensors_export import SafetensorsWriter


def tuned(client: tk.Client, base_model: str) -> tk.TextModel:
    """A model that has learnt something."""
    settings = tk.SupervisedTuner(
        base_model=base_model,
        train_steps=20,
        batch_size=8,
        learning_rate=tk.LearningRate(1e-2),
    )
    return client.tune(settings, routing(24)).result()


class Forgetful(SafetensorsWriter):
    """Forgets the adapter."""

    def write(self, base: BaseModel, folder: Path) -> None:
        super().write(BaseModel(base.source), folder)


class Interrupted(SafetensorsWriter):
    """Is stopped half way."""

    def write(self, base: BaseModel, folder: Path) -> None:
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(b"half")
        raise KeyboardInterrupt


def test_an_export_answers_like_the_tuned_model_without_tunekit(
    inline: tk.Client, tiny_model: str, tmp_path: Path
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = tuned(inline, tiny_model)
    exported = model.export(tmp_path / "out")
    assert exported.drift < 1e-5
    assert exported.num_prompts == exported.num_same_answers == 8
    assert exported.num_bytes == (tmp_path / "out" / "model.safetensors").stat().st_size
    assert not (tmp_path / "out" / "adapter_config.json").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")] == []
    assert "8 of 8 answers are the same" in str(exported)

    prompt = PROMPT.format(message="my parcel is late, number 3")
    plain: Any = AutoModelForCausalLM.from_pretrained(str(tmp_path / "out"))
    tokenizer: Any = AutoTokenizer.from_pretrained(str(tmp_path / "out"))
    asked = tokenizer.apply_chat_template(
        [{"role": "user", "content": prompt}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    answer = plain.generate(**asked, max_new_tokens=8, do_sample=False)[0][
        asked["input_ids"].shape[1] :
    ]
    text = tokenizer.decode(answer, skip_special_tokens=True).strip()
    assert text == model.predict(prompt, max_output_tokens=8).text
    again = tk.SupervisedTuner(base_model=str(tmp_path / "out"), train_steps=1)
    assert inline.plan(again, routing(12)).ok


def test_a_format_that_nobody_knows_is_refused(
    inline: tk.Client, tiny_model: str, tmp_path: Path
) -> None:
    model = tuned(inline, tiny_model)
    with pytest.raises(tk.FormatUnknown, match=r"no format 'gguf' to export to.*'onnx-int4'"):
        model.export(tmp_path / "out", format="gguf")  # type: ignore[arg-type]


def test_a_folder_that_is_there_is_kept(inline: tk.Client, tiny_model: str, tmp_path: Path) -> None:
    model = tuned(inline, tiny_model)
    (tmp_path / "out").mkdir()
    with pytest.raises(tk.FileKept):
        model.export(tmp_path / "out")


@pytest.mark.parametrize(
    ("writer", "error"), [(Forgetful(), tk.ExportDrifted), (Interrupted(), KeyboardInterrupt)]
)
def test_an_export_that_is_not_the_tuned_model_leaves_nothing(
    inline: tk.Client, tiny_model: str, tmp_path: Path, writer: Writer, error: type[BaseException]
) -> None:
    record, home = tuned(inline, tiny_model).record, tmp_path / "home"
    settings: Any = {"max_drift": None, "home": home, "writer": writer}
    with pytest.raises(error):
        export_model(Models(home), record, tmp_path / "out", "safetensors", **settings)
    assert [path.name for path in tmp_path.iterdir()] == ["home"]


def test_an_export_ends_an_answer_where_the_tuned_model_does(
    tiny_model: str, tmp_path: Path
) -> None:
    base = tmp_path / "base"
    base.mkdir()
    for path in Path(tiny_model).iterdir():
        (base / path.name).write_bytes(path.read_bytes())
    settings = json.loads((base / "generation_config.json").read_text())
    (base / "generation_config.json").write_text(json.dumps(settings | {"eos_token_id": 0}))
    SafetensorsWriter().write(BaseModel(str(base)), tmp_path / "out")
    written = json.loads((tmp_path / "out" / "generation_config.json").read_text())
    assert written["eos_token_id"] == [0, 2]  # the second one is the tokenizer's


def test_a_backend_that_cannot_export_says_so(tmp_path: Path) -> None:
    model = tk.Client(tk.MemoryBackend()).tune(tk.SupervisedTuner(base_model="m"), routing(4))
    with pytest.raises(tk.MethodUnsupported, match="cannot export"):
        model.result().export(tmp_path / "out")


def test_an_extra_that_is_not_installed_is_named() -> None:
    extra = Extra("export", ("numpy", "no_such_package"), "Exporting for small devices")
    with pytest.raises(tk.MissingExtra, match=r"needs 'no_such_package'.*'tunekit\[export\]'"):
        extra.require()
