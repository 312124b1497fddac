"""A tuned model for small devices: really written, and really run by its own runtime."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

import pytest
import torch

import tunekit as tk
from local_jobs import work_here
from sample_rows import PROMPT, routing
from tiny_models import write_tiny_model
from tunekit.backends.local import backend as local_backend
from tunekit.backends.local.base_models import BaseModel
from tunekit.backends.local.drift import Reading, Reference
from tunekit.backends.local.exporting import export_model
from tunekit.backends.local.extras import EXPORT
from tunekit.backends.local.inference import Models
from tunekit.backends.local.onnx_export import OnnxWriter

pytestmark = pytest.mark.skipif(
    bool(EXPORT.missing), reason="the lowest transformers is too low for the extra"
)
AS_ON_A_DEVICE = """
import json, sys
import onnxruntime_genai as og
model = og.Model(sys.argv[1])
tokenizer = og.Tokenizer(model)
turns = json.dumps([{"role": "user", "content": sys.argv[2]}])
ids = tokenizer.encode(tokenizer.apply_chat_template(turns, add_generation_prompt=True))
parameters = og.GeneratorParams(model)
parameters.set_search_options(max_length=len(ids) + 12)
generator = og.Generator(model, parameters)
generator.append_tokens(ids)
answer = []
while not generator.is_done():
    generator.generate_next_token()
    answer.append(generator.get_next_tokens()[0])
print(tokenizer.decode(answer))
"""
"""What an application does, without tunekit."""

Damage = Callable[[Path], object]


@dataclass(frozen=True)
class Exports:
    """A tuned model, and its export with weights of 4 bits."""

    home: Path
    model: tk.TextModel
    exported: tk.Exported


class Damaged(OnnxWriter):
    """Writes what was written before, with some damage."""

    def __init__(self, source: Path, damage: Damage) -> None:
        super().__init__("int4")
        self._source = source
        self._damage = damage

    def write(self, base: BaseModel, folder: Path) -> None:
        copytree(self._source, folder)
        self._damage(folder)


@pytest.fixture(scope="module")
def exports(tiny_model: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exports]:
    """One model and one export for all tests here, since writing one takes seconds."""
    root = tmp_path_factory.mktemp("exports")
    (root / "user").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_backend, "spawn_worker", work_here)
        patch.setenv("HOME", str(root / "user"))
        patch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
        client = tk.Client(tk.LocalBackend(root / "home"), watch="silent")
        settings = tk.SupervisedTuner(
            base_model=tiny_model,
            train_steps=40,
            batch_size=8,
            learning_rate=tk.LearningRate(1e-2),
        )
        model = client.tune(settings, routing(24)).result()
        exported = model.export(root / "phone", format="onnx-int4")
        yield Exports(root / "home", model, exported)


def test_four_bits_are_small_and_drift_a_little(exports: Exports, tmp_path: Path) -> None:
    exported = exports.exported
    files = {path.name for path in exported.folder.iterdir()}
    wanted = {"model.onnx", "genai_config.json", "tokenizer.json", "chat_template.jinja"}
    assert files >= wanted | {"tunekit.json"}
    assert [path for path in exported.folder.parent.iterdir() if path.name.startswith(".")] == []
    assert 0 < exported.drift < 0.1
    assert exported.num_prompts == 8
    assert exported.num_bytes < exports.model.export(tmp_path / "whole").num_bytes / 2


def test_an_export_reports_nothing_to_anyone(exports: Exports) -> None:
    # as soon as ONNX Runtime may report, it keeps an id of the machine in the home of its user
    assert list((exports.exported.folder.parent / "user").rglob("*")) == []


def test_a_device_answers_like_the_tuned_model(exports: Exports, tmp_path: Path) -> None:
    exported = exports.model.export(tmp_path / "phone", format="onnx")
    assert exported.drift < 1e-5
    assert exported.num_same_answers == exported.num_prompts
    prompt = PROMPT.format(message="my parcel is late, number 3")
    done = subprocess.run(
        [sys.executable, "-c", AS_ON_A_DEVICE, str(tmp_path / "phone"), prompt],
        capture_output=True,
        text=True,
        check=True,
        env={"ORT_DISABLE_TELEMETRY": "1"},
    )
    assert done.stdout.strip() == exports.model.predict(prompt, max_output_tokens=12).text


def half_of_the_weights_gone(folder: Path) -> None:
    path = folder / "model.onnx.data"
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2] + bytes(len(raw) - len(raw) // 2))


def another_tokenizer(folder: Path) -> None:
    write_tiny_model(folder.parent / "other", corpus="quite another text, again and again")
    (folder.parent / "other" / "tokenizer.json").replace(folder / "tokenizer.json")


def another_template(folder: Path) -> None:
    (folder / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")


def no_model(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"no model")


def nothing(folder: Path) -> None:
    """Leave it as it is."""


def exported_again(
    exports: Exports, folder: Path, damage: Damage, *, max_drift: float | None = None
) -> tk.Exported:
    """Export the model once more, with some damage on the way."""
    return export_model(
        Models(exports.home),
        exports.model.record,
        folder,
        "onnx-int4",
        max_drift=max_drift,
        home=exports.home,
        writer=Damaged(exports.exported.folder, damage),
    )


@pytest.mark.parametrize(
    ("damage", "error", "told"),
    [
        (half_of_the_weights_gone, tk.ExportDrifted, "10.00% are borne"),
        (another_tokenizer, tk.ExportDrifted, "reads prompt 1 as other tokens"),
        (another_template, tk.ExportDrifted, "reads prompt 1 as other tokens"),
        (no_model, tk.ExportFailed, "cannot run what was written"),
    ],
)
def test_an_export_that_is_not_the_tuned_model_leaves_nothing(
    exports: Exports, tmp_path: Path, damage: Damage, error: type[tk.TunekitError], told: str
) -> None:
    with pytest.raises(error, match=told):
        exported_again(exports, tmp_path / "out", damage)
    assert list(tmp_path.iterdir()) == []


def test_no_drift_is_borne_where_none_is_allowed(exports: Exports, tmp_path: Path) -> None:
    with pytest.raises(tk.ExportDrifted, match=r"0\.00% are borne"):
        exported_again(exports, tmp_path / "out", nothing, max_drift=0.0)
    assert list(tmp_path.iterdir()) == []


def test_a_text_without_turns_is_read_as_it_is(exports: Exports, tiny_model: str) -> None:
    from transformers import AutoTokenizer

    ids = AutoTokenizer.from_pretrained(tiny_model)("Route this")["input_ids"]
    reference = Reference("Route this", None, Reading(ids, [5, 6], torch.zeros(2, 1)))
    (reading,) = OnnxWriter("int4").readings(exports.exported.folder, [reference])
    assert reading.prompt_ids == ids
    assert reading.logits.shape[0] == 2


def test_an_architecture_that_is_not_known_is_said_to_be(tmp_path: Path) -> None:
    from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

    write_tiny_model(tmp_path / "base")
    tokenizer = AutoTokenizer.from_pretrained(str(tmp_path / "base"))
    config = GPT2Config(vocab_size=len(tokenizer), n_embd=16, n_layer=1, n_head=2, n_positions=32)
    GPT2LMHeadModel(config).save_pretrained(str(tmp_path / "base"))
    with pytest.raises(tk.MethodUnsupported, match=r"architecture.*format='safetensors'"):
        OnnxWriter("int4").write(BaseModel(str(tmp_path / "base")), tmp_path / "out")
