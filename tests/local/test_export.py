"""A tuned model as a folder of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tunekit as tk
from sample_rows import PROMPT, routing


def tuned(client: tk.Client, base_model: str) -> tk.TextModel:
    """A model that has learnt something."""
    settings = tk.SupervisedTuner(
        base_model=base_model,
        train_steps=20,
        batch_size=8,
        learning_rate=tk.LearningRate(1e-2),
    )
    return client.tune(settings, routing(24)).result()


def test_an_export_answers_like_the_tuned_model_without_tunekit(
    inline: tk.Client, tiny_model: str, tmp_path: Path
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = tuned(inline, tiny_model)
    exported = model.export(tmp_path / "out")
    assert exported.drift < 1e-3
    assert exported.num_prompts == 8
    assert exported.num_bytes == (tmp_path / "out" / "model.safetensors").stat().st_size
    assert not (tmp_path / "out" / "adapter_config.json").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")] == []

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


def test_a_folder_that_is_there_is_kept(inline: tk.Client, tiny_model: str, tmp_path: Path) -> None:
    model = tuned(inline, tiny_model)
    (tmp_path / "out").mkdir()
    with pytest.raises(tk.FileKept):
        model.export(tmp_path / "out")


def test_an_export_that_drifts_is_refused_and_leaves_nothing(
    inline: tk.Client, tiny_model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tunekit.backends.local import exporting
    from tunekit.backends.local.base_models import BaseModel, find_base_model

    model = tuned(inline, tiny_model)
    monkeypatch.setattr(
        exporting,
        "find_base_model",
        lambda name, home: BaseModel(
            find_base_model(name, home).source
        ),  # as if the adapter were forgotten
    )
    with pytest.raises(tk.ExportDrifted, match="not the tuned one"):
        model.export(tmp_path / "out")
    assert [path for path in tmp_path.iterdir() if "out" in path.name] == []


def test_a_backend_that_cannot_export_says_so(tmp_path: Path) -> None:
    model = tk.Client(tk.MemoryBackend()).tune(tk.SupervisedTuner(base_model="m"), routing(4))
    with pytest.raises(tk.MethodUnsupported, match="cannot export"):
        model.result().export(tmp_path / "out")
