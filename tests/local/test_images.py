"""Style and subject tuning, really trained, in this process, on pipelines with random weights."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import tunekit as tk
from local_jobs import break_off, folder_of, weights, work_here
from tiny_pipelines import (
    SIZE,
    captioned,
    subject,
    write_tiny_pipeline,
    write_tiny_xl_pipeline,
    write_tiny_z_image_pipeline,
)
from tunekit.backends.local import backend as local_backend
from tunekit.jobs.backend import Drawing

FAMILIES: dict[str, Callable[[Path], str]] = {
    "sd": write_tiny_pipeline,
    "sd-v": lambda folder: write_tiny_pipeline(folder, prediction="v_prediction"),
    "sdxl": write_tiny_xl_pipeline,
    "z-image": write_tiny_z_image_pipeline,
}
QUICK = 2
"""Steps from noise to picture."""


@pytest.fixture(scope="module")
def pipelines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A folder with a pipeline of each family."""
    root = tmp_path_factory.mktemp("pipelines")
    return {name: write(root / name) for name, write in FAMILIES.items()}


@pytest.fixture
def tiny(pipelines: dict[str, str]) -> str:
    """The one that is used where the family does not matter."""
    return pipelines["sd"]


def style(base_model: str, **settings: Any) -> tk.ImagenStyleTuner:
    """A tuner that is quick."""
    defaults: dict[str, Any] = {
        "style": "zig",
        "prior": "none",
        "train_steps": 4,
        "batch_size": 2,
        "adapter_size": 4,
        "resolution": SIZE,
        "learning_rate": tk.LearningRate(1e-2),
        "sample_interval": 100,
    }
    return tk.ImagenStyleTuner(base_model=base_model, **(defaults | settings))


def subjects(base_model: str, **settings: Any) -> tk.ImagenSubjectTuner:
    """The same for a subject."""
    plain = style(base_model).model_dump(exclude={"style", "prior", "learning_rate"})
    plain |= {"learning_rate": tk.LearningRate(1e-2), "num_prior_images": 3}
    return tk.ImagenSubjectTuner(**(plain | settings))


def same(one: Image.Image, other: Image.Image) -> bool:
    """Whether two pictures are the same, pixel by pixel."""
    return one.tobytes() == other.tobytes()


# --- learning ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_learns(
    family: str, pipelines: dict[str, str], inline: tk.Client, tmp_path: Path
) -> None:
    tuner = style(pipelines[family], train_steps=40)
    job = inline.tune(tuner, captioned(tmp_path / "in"))
    model = job.result()
    assert isinstance(model, tk.ImageModel)
    assert model.record.metrics["last_loss"] < model.record.metrics["first_loss"]
    tuned = model.generate("a thing in zig style", seed=3, num_inference_steps=QUICK)
    (base,) = inline.backend.generate(  # type: ignore[attr-defined]
        model.id, ["a thing in zig style"], Drawing(seed=3, num_inference_steps=QUICK), tuned=False
    )
    assert tuned[0].size == (SIZE, SIZE)
    assert not same(tuned[0], base[0])


PLAIN = """
import json, sys
import torch
from diffusers import DiffusionPipeline

for base, adapter, prompt, size, out in json.loads(sys.argv[1]):
    pipeline = DiffusionPipeline.from_pretrained(base)
    pipeline.load_lora_weights(adapter)
    made = pipeline(
        prompt, num_inference_steps=2, height=size, width=size,
        generator=torch.Generator().manual_seed(3),
    )
    made.images[0].save(out)
assert "tunekit" not in sys.modules
"""


def test_plain_diffusers_draws_the_same_with_the_adapter(
    pipelines: dict[str, str], inline: tk.Client, tmp_path: Path
) -> None:
    prompt = "a thing in zig style"
    asked, drawn = [], {}
    for family, base in pipelines.items():
        model = inline.tune(style(base), captioned(tmp_path / family)).result()
        drawn[family] = model.generate(prompt, seed=3, num_inference_steps=QUICK)[0]
        folder = tmp_path / f"{family}.png"
        asked.append([base, model.record.location, prompt, SIZE, str(folder)])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PLAIN, json.dumps(asked)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    for family, picture in drawn.items():
        with Image.open(tmp_path / f"{family}.png") as plain:
            assert same(plain.convert("RGB"), picture), family


def test_the_adapter_is_a_file_of_the_layout_of_diffusers(
    tiny: str, inline: tk.Client, tmp_path: Path
) -> None:
    from safetensors import safe_open

    model = inline.tune(style(tiny), captioned(tmp_path / "in")).result()
    folder = Path(model.record.location or "")
    with safe_open(folder / "pytorch_lora_weights.safetensors", framework="np") as file:
        names = list(file.keys())
    assert {name.partition(".")[0] for name in names} == {"unet", "text_encoder"}
    assert {name.rsplit(".", 2)[1] for name in names} <= {"lora_A", "lora_B", "lora", "down", "up"}
    assert not list(folder.glob("*.bin")) + list(folder.glob("*.pt"))


def test_the_base_draws_as_it_did_while_the_adapter_is_off(
    tiny: str, inline: tk.Client, tmp_path: Path
) -> None:
    import torch
    from diffusers import StableDiffusionPipeline

    model = inline.tune(style(tiny), captioned(tmp_path / "in")).result()
    drawing = Drawing(seed=3, num_inference_steps=QUICK)
    off = inline.backend.generate(model.id, ["a thing"], drawing, tuned=False)[0][0]  # type: ignore[attr-defined]
    plain = StableDiffusionPipeline.from_pretrained(tiny)
    made = plain(
        "a thing", num_inference_steps=QUICK, generator=torch.Generator().manual_seed(3)
    ).images[0]
    assert same(off, made)


# --- the same again ---------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_weights_and_another_one_others(
    tiny: str, inline: tk.Client, tmp_path: Path
) -> None:
    images = captioned(tmp_path / "in")
    digests = [
        weights(inline.tune(style(tiny, seed=seed), images, key=key))
        for key, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    assert digests[0] == digests[1] != digests[2]


def test_samples_in_between_change_nothing(tiny: str, inline: tk.Client, tmp_path: Path) -> None:
    images = captioned(tmp_path / "in")
    plain = inline.tune(style(tiny), images, key="plain")
    often = inline.tune(style(tiny, sample_interval=1), images, key="often")
    assert weights(plain) == weights(often)


@pytest.mark.parametrize("after_step", [0, 3])
def test_a_run_that_broke_off_goes_on_to_the_same_weights(
    after_step: int, tiny: str, inline: tk.Client, tmp_path: Path
) -> None:
    tuner = subjects(tiny, train_steps=6, checkpoint_interval=3)
    data = subject(tmp_path / "in")
    whole = weights(inline.tune(tuner, data, key="whole"))
    broken = inline.tune(tuner, data, key="broken")
    break_off(broken, after_step=after_step)
    broken.resume()
    assert weights(broken) == whole
    going_on = [event for event in broken.events() if event.message.startswith("going on")]
    assert len(going_on) == (1 if after_step else 0)


def test_a_cancelled_run_keeps_a_checkpoint_and_resumes(
    tiny: str, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = tk.Client(tk.LocalBackend(home), watch="silent")
    monkeypatch.setattr(local_backend, "spawn_worker", work_here)
    tuner, images = style(tiny, train_steps=6), captioned(tmp_path / "in")
    whole = weights(client.tune(tuner, images, key="whole"))

    from tunekit.backends.local.recorder import Recorder

    told = Recorder.progress

    def cancel_at_step_3(self: Recorder, step: int, total_steps: int) -> None:
        told(self, step, total_steps)
        if step == 3:
            self._folder.ask_to_stop()

    monkeypatch.setattr(Recorder, "progress", cancel_at_step_3)
    job = client.tune(tuner, images, key="stopped")
    assert job.wait().state is tk.JobState.CANCELLED
    assert 3 in [checkpoint.step for checkpoint in job.checkpoints()]
    monkeypatch.setattr(Recorder, "progress", told)
    job.resume()
    assert weights(job) == whole


def test_a_checkpoint_is_a_model(tiny: str, inline: tk.Client, tmp_path: Path) -> None:
    job = inline.tune(style(tiny, checkpoint_interval=2), captioned(tmp_path / "in"))
    first, last = job.checkpoints()
    drawn = {
        checkpoint.step: inline.model(checkpoint.id, tk.ImageModel).generate(
            "a thing in zig style", seed=1, num_inference_steps=QUICK
        )[0]
        for checkpoint in (first, last)
    }
    assert not same(drawn[2], drawn[4])
    whole = job.result().generate("a thing in zig style", seed=1, num_inference_steps=QUICK)[0]
    assert same(drawn[4], whole)


# --- what a run tells ------------------------------------------------------------------------------------------------


def test_samples_are_events_with_a_picture(tiny: str, inline: tk.Client, tmp_path: Path) -> None:
    tuner = style(tiny, sample_interval=2, sample_prompts=("a boat", "a house"))
    job = inline.tune(tuner, captioned(tmp_path / "in"))
    samples = [event for event in job.events() if event.kind == "sample"]
    assert [event.step for event in samples] == [2, 4]
    assert "a boat in zig style" in samples[0].message
    with Image.open(samples[0].image or "") as picture:
        assert picture.width > picture.height


def test_the_figures_are_told(tiny: str, inline: tk.Client, tmp_path: Path) -> None:
    job = inline.tune(subjects(tiny), subject(tmp_path / "in"))
    last = list(job.metrics())[-1]
    assert last.step == 4
    assert {"loss", "prior_loss", "gradient_norm"} <= set(last.values)


def test_a_run_that_diverges_fails_with_the_way_out(
    tiny: str, inline: tk.Client, tmp_path: Path
) -> None:
    import torch
    from diffusers import StableDiffusionPipeline

    broken = StableDiffusionPipeline.from_pretrained(tiny)
    with torch.no_grad():
        broken.unet.conv_out.bias.fill_(float("nan"))
    broken.save_pretrained(tmp_path / "broken")
    job = inline.tune(style(str(tmp_path / "broken")), captioned(tmp_path / "in"))
    assert job.wait().state is tk.JobState.FAILED
    assert job.record.problem is not None
    assert job.record.problem.code == "loss-not-finite"


# --- prior preservation ----------------------------------------------------------------------------------------------


def test_pictures_of_the_class_are_drawn_once_and_kept(
    tiny: str, inline: tk.Client, home: Path, tmp_path: Path
) -> None:
    data = subject(tmp_path / "in")
    first = inline.tune(subjects(tiny), data, key="first")
    (folder,) = (home / "class_images").iterdir()
    assert len(list(folder.glob("*.png"))) == 3
    second = inline.tune(subjects(tiny), data, key="second")
    drew = [
        [event for event in job.events() if "pictures with the base model" in event.message]
        for job in (first, second)
    ]
    assert [len(events) for events in drew] == [1, 0]
    assert weights(first) == weights(second)


def test_prior_preservation_changes_what_is_learnt(
    tiny: str, inline: tk.Client, tmp_path: Path
) -> None:
    data = subject(tmp_path / "in")
    plain, preserved, stronger = (
        inline.tune(subjects(tiny, **settings), data, key=key)
        for key, settings in (
            ("none", {"prior": "none"}),
            ("preserve", {}),
            ("stronger", {"prior_weight": 5.0}),
        )
    )
    assert len({weights(plain), weights(preserved), weights(stronger)}) == 3


# --- drawing and evaluating ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tuned(
    pipelines: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[tk.ImageModel, tk.Dataset[tk.CaptionedImage]]:
    """A model that was tuned once, and the images that it was tuned on."""
    root = tmp_path_factory.mktemp("tuned")
    images = captioned(root / "in")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_backend, "spawn_worker", work_here)
        client = tk.Client(tk.LocalBackend(root / "home"), watch="silent")
        return client.tune(style(pipelines["sd"]), images).result(), images


def test_a_seed_repeats_a_picture_and_the_next_seed_is_the_next_picture(tuned: Any) -> None:
    model, _ = tuned
    prompt = "a thing in zig style"
    pair = model.generate(prompt, num_images=2, seed=4, num_inference_steps=QUICK)
    again = model.generate(prompt, num_images=2, seed=4, num_inference_steps=QUICK)
    after = model.generate(prompt, num_images=1, seed=5, num_inference_steps=QUICK)
    assert [same(one, other) for one, other in zip(pair, again, strict=True)] == [True, True]
    assert not same(pair[0], pair[1])
    assert max(abs(a - b) for a, b in zip(pair[1].tobytes(), after[0].tobytes(), strict=True)) <= 2


def test_a_prompt_without_the_phrase_warns(tuned: Any) -> None:
    model, _ = tuned
    assert model.phrase == "in zig style"
    with pytest.warns(tk.PromptShapeWarning, match="in zig style"):
        model.generate("a thing", num_inference_steps=QUICK)


def test_drawn_images_show_themselves_as_a_grid(tuned: Any) -> None:
    model, _ = tuned
    drawn = model.generate("a thing in zig style", num_images=5, seed=1, num_inference_steps=QUICK)
    assert len(drawn) == 5
    assert drawn.grid().width > drawn.grid().height
    assert (drawn._repr_png_() or b"").startswith(b"\x89PNG")
    assert "data:image/png;base64," in (drawn._repr_html_() or "")


def test_an_evaluation_holds_both_beside_the_images(tuned: Any) -> None:
    model, images = tuned
    evaluation = model.evaluate(
        images, prompts=["a boat", "a house"], num_images=2, num_inference_steps=QUICK
    )
    assert evaluation.num_prompts == 2
    assert evaluation.samples[0].prompt == "a boat in zig style"
    assert set(evaluation.metrics) == {"similarity", "prompt_fidelity", "similarity_unasked"}
    assert 0 <= evaluation.drift.value <= 1
    assert evaluation.measure == "shared colours and outlines"
    assert "<img" in evaluation._repr_html_()
    assert evaluation._repr_png_().startswith(b"\x89PNG")
    assert tk.ImageEvaluation.model_validate_json(evaluation.model_dump_json()) == evaluation


def write_tiny_clip(folder: Path) -> str:
    """A model that sees pictures and reads texts, with random weights."""
    import torch
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPProcessor

    from tiny_pipelines import _tokenizer

    torch.manual_seed(0)
    tokenizer = _tokenizer()
    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1}
    config = CLIPConfig(
        text_config={
            **small,
            "num_attention_heads": 2,
            "vocab_size": len(tokenizer),
            "max_position_embeddings": 24,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
        },
        vision_config={**small, "num_attention_heads": 2, "image_size": 16, "patch_size": 8},
        projection_dim=8,
    )
    CLIPModel(config).save_pretrained(str(folder))
    sizes: dict[str, Any] = {
        "size": {"shortest_edge": 16},
        "crop_size": {"height": 16, "width": 16},
    }
    CLIPProcessor(CLIPImageProcessorPil(**sizes), tokenizer).save_pretrained(str(folder))
    return str(folder)


def test_a_named_embedding_model_measures(tuned: Any, tmp_path: Path) -> None:
    model, images = tuned
    clip = write_tiny_clip(tmp_path / "clip")
    evaluation = model.evaluate(
        images, prompts=["a boat"], embedder=clip, max_rows=2, num_inference_steps=QUICK
    )
    assert evaluation.measure == clip
    assert -1 <= evaluation.metrics["prompt_fidelity"].tuned.value <= 1
    assert evaluation.tuned.value > 0.5  # even a random one finds all pictures somewhat alike
    with pytest.raises(tk.BaseModelNotFound, match="embedder"):
        model.evaluate(images, prompts=["a boat"], embedder=str(tmp_path / "none"))


def test_an_export_is_a_pipeline_that_draws_the_same(tuned: Any, tmp_path: Path) -> None:
    from diffusers import DiffusionPipeline

    model, _ = tuned
    exported = model.export(tmp_path / "out")
    assert exported.num_same_answers == exported.num_prompts
    import torch

    whole = DiffusionPipeline.from_pretrained(tmp_path / "out")
    prompt, first = "a thing in zig style", torch.Generator().manual_seed(8)
    made = whole(prompt, num_inference_steps=QUICK, generator=first).images[0]
    drawn = model.generate(prompt, seed=8, num_inference_steps=QUICK)[0]
    assert max(abs(a - b) for a, b in zip(made.tobytes(), drawn.tobytes(), strict=True)) <= 2
    with pytest.raises(tk.FileKept):
        model.export(tmp_path / "out")
    with pytest.raises(tk.ExportDrifted, match="drift"):
        model.export(tmp_path / "strict", max_drift=-1.0)
    assert not (tmp_path / "strict").exists()


# --- what it starts from ---------------------------------------------------------------------------------------------


def test_a_tuned_model_can_be_tuned_on(tiny: str, inline: tk.Client, tmp_path: Path) -> None:
    images = captioned(tmp_path / "in")
    first = inline.tune(style(tiny, train_steps=20), images).result()
    second = inline.tune(style(first.id, style="zag"), images).result()
    drawing = Drawing(seed=3, num_inference_steps=QUICK)
    prompt = ["a thing in zig style"]
    below = inline.backend.generate(second.id, prompt, drawing, tuned=False)[0][0]  # type: ignore[attr-defined]
    above = inline.backend.generate(first.id, prompt, drawing, tuned=True)[0][0]  # type: ignore[attr-defined]
    apart = max(abs(a - b) for a, b in zip(below.tobytes(), above.tobytes(), strict=True))
    assert apart <= 2  # merged into the weights rather than beside them


def test_a_text_model_is_refused(tiny_model: str, inline: tk.Client, tmp_path: Path) -> None:
    with pytest.raises(tk.BaseModelNotFound, match="text-to-image"):
        inline.plan(style(tiny_model), captioned(tmp_path / "in"))


def test_a_family_that_is_not_known_is_refused(tiny: str) -> None:
    from tunekit.backends.local.denoisers import family_of

    with pytest.raises(tk.MethodUnsupported, match="UNet2DConditionModel"):
        family_of(object())


def test_a_plan_looks_with_the_eyes_of_the_base(
    tiny: str, inline: tk.Client, tmp_path: Path
) -> None:
    long = "a thing with a caption that goes on and on"
    images = [*captioned(tmp_path / "in")]
    images[0] = images[0].model_copy(update={"caption": long})
    rows = tk.Dataset.read(images, row=tk.CaptionedImage)
    plan = inline.plan(style(tiny, resolution=64), rows)
    assert plan.report.counts["caption-too-long"] == 1
    assert plan.report.counts["image-upscaled"] == len(images)
    assert plan.ok
    assert plan.tokens is not None
    assert plan.tokens.exact
    assert plan.tokens.total > 0
    assert inline.jobs() == []


def test_a_finished_job_tells_how_long_the_next_one_takes(
    tiny: str, inline: tk.Client, tmp_path: Path
) -> None:
    images = captioned(tmp_path / "in")
    assert inline.plan(style(tiny), images).duration is None
    inline.tune(style(tiny), images).result()
    duration = inline.plan(style(tiny), images).duration
    assert duration is not None
    assert duration.low < duration.high


def test_the_images_of_a_job_are_its_own(tiny: str, inline: tk.Client, tmp_path: Path) -> None:
    job = inline.tune(style(tiny), captioned(tmp_path / "in", 3))
    assert len(list((folder_of(job).path / "data" / "images").glob("*.png"))) == 3
