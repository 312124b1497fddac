"""The one training loop of image models: an adapter learns to denoise images under their prompts.

Every random choice of a step is drawn from the seed and the number of the step, so that a run that goes on from a
checkpoint is the run that was never broken off, and drawing samples in between changes nothing.

Belongs here: the loop, its checkpoints, and what it tells.
Does not belong here: which images and prompts (`imagen_style.py`, `imagen_subject.py`), families (`denoisers.py`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunekit.backends.local.base_models import computes_in_bfloat16, find_base_model
from tunekit.backends.local.class_images import class_pictures
from tunekit.backends.local.denoisers import Condition
from tunekit.backends.local.pipelines import (
    ADAPTER_LAYERS,
    WORD_LAYERS,
    Painter,
    draw,
    load_painter,
    pixels_of,
    save_adapter,
)
from tunekit.backends.local.run import Result, Run, RunFailed, Stage, Stopped
from tunekit.data.pictures import open_picture
from tunekit.evaluation.grids import grid_of
from tunekit.jobs.backend import Drawing
from tunekit.jobs.record import JobProblem
from tunekit.tuners.images import ImageTuner
from tunekit.tuners.learning_rate import LearningRate

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Generator, Tensor
    from torch.optim import Optimizer

_STATE = "optimizer.safetensors"
_LOGS = 100
"""About so many figures are told in a run, and never more than ten steps apart."""
_SAMPLES = 4
"""Pictures of a sample, where the tuner names no prompts for them."""
_SAMPLE_STEPS = 20
_MAX_GRADIENT = 1.0


@dataclass(frozen=True, slots=True)
class Lessons:
    """Images as latents, and the prompt of each."""

    latents: Tensor
    prompts: Sequence[str]

    def pick(self, places: Sequence[int]) -> tuple[Tensor, list[str]]:
        """Those at some places."""
        return self.latents[list(places)], [self.prompts[place] for place in places]


def train_images(run: Run, into: Path) -> Result:
    """Train an adapter on the images of a job, and leave it in a folder.

    Raises:
        Stopped: Somebody asked to stop.
        RunFailed: The run has diverged.
    """
    from transformers import set_seed

    tuner: ImageTuner[Any] = run.request.tuner
    base = find_base_model(tuner.base_model, run.home)
    painter = load_painter(base, size=tuner.resolution)
    run.recorder.message(f"base model loaded: {painter.denoiser.num_parameters():,} weights")
    rows = [item.row for item in run.rows("train")]
    prompts = [tuner.prompted(row.caption) for row in rows]
    pictures = [open_picture(row.image, size=painter.size) for row in rows]
    lessons = _lessons(painter, pictures, prompts)
    prior = None
    if tuner.prior == "preserve":
        asked = list(dict.fromkeys(tuner.unprompted(row.caption) for row in rows))
        prior = _lessons(painter, *class_pictures(painter, asked, run))
    stage = run.enter()
    set_seed(tuner.seed)
    course = _Course(stage, tuner, painter, lessons, prior, _sample_prompts(tuner, prompts))
    course.begin()
    course.finish()
    save_adapter(painter, into, base_model=tuner.base_model)
    return Result(course.figures())


def _lessons(painter: Painter, pictures: Sequence[Image], prompts: Sequence[str]) -> Lessons:
    """Latents are worked out once: they do not change while the adapter learns."""
    import torch

    with torch.no_grad():
        written = [
            painter.family.latents(pixels_of(pictures[start : start + 8])).float()
            for start in range(0, len(pictures), 8)
        ]
    return Lessons(torch.cat(written), prompts)


def _sample_prompts(tuner: ImageTuner[Any], prompts: Sequence[str]) -> list[str]:
    if tuner.sample_prompts:
        return [tuner.prompted(prompt) for prompt in tuner.sample_prompts]
    distinct = list(dict.fromkeys(prompts))
    stride = max(1, len(distinct) // _SAMPLES)
    return distinct[::stride][:_SAMPLES]


@dataclass(slots=True)
class _Course:
    """A run of the loop."""

    stage: Stage
    tuner: ImageTuner[Any]
    painter: Painter
    lessons: Lessons
    prior: Lessons | None
    sample_prompts: Sequence[str]
    step: int = 0
    losses: list[float] = field(default_factory=list[float])
    weights: dict[str, Any] = field(default_factory=dict[str, Any])
    optimiser: Optimizer | Any = None
    accelerator: Any = None
    learns_words: bool = False
    told: dict[str, Condition] = field(default_factory=dict[str, Condition])
    began: float = 0.0
    begun_at: int = 0

    # --- setting up --------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Put a fresh adapter beside the denoiser, or the one of the newest checkpoint."""
        import torch
        from accelerate import Accelerator
        from diffusers.training_utils import cast_training_params
        from peft import LoraConfig

        rank, family = self.tuner.adapter_size or 1, self.painter.family
        self.learns_words = self.tuner.text_encoder == "adapter" and bool(family.words)
        layers: dict[str, tuple[str, ...]] = {family.part: ADAPTER_LAYERS}
        if self.learns_words:
            layers |= dict.fromkeys(family.words, WORD_LAYERS)
        for part, targets in layers.items():
            model = getattr(self.painter.pipeline, part)
            model.add_adapter(
                LoraConfig(
                    r=rank,
                    lora_alpha=rank,
                    init_lora_weights="gaussian",
                    target_modules=list(targets),
                )
            )
            cast_training_params(model, dtype=torch.float32)
            self.weights |= {
                f"{part}.{name}": weight
                for name, weight in model.named_parameters()
                if weight.requires_grad
            }
        rate = self.tuner.learning_rate
        self.accelerator = Accelerator(
            cpu=not torch.cuda.is_available(),
            mixed_precision="bf16" if computes_in_bfloat16() else "no",
        )
        self.optimiser = self.accelerator.prepare(
            torch.optim.AdamW(
                self.weights.values(),
                lr=rate.absolute if isinstance(rate, LearningRate) else 0.0,
                weight_decay=1e-2,
            )
        )
        self._go_on()
        self.began, self.begun_at = time.monotonic(), self.step

    def _go_on(self) -> None:
        """Take up the newest complete checkpoint, where there is one."""
        from safetensors.torch import load_file

        checkpoint = self.stage.checkpoints.last_resumable()
        if checkpoint is None:
            return
        state = load_file(checkpoint / _STATE)
        self.step = int(state.pop("step").item())
        self.losses = state.pop("losses").tolist()
        _restore(self.weights, self.optimiser, state)
        self.stage.run.recorder.message(f"going on from {checkpoint.name}")

    # --- training ----------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Train to the end.

        Raises:
            Stopped: Somebody asked to stop; there is a checkpoint.
            RunFailed: The loss is no number any more.
        """
        total = self.tuner.train_steps or 1
        recorder = self.stage.run.recorder
        telling = max(1, min(10, total // _LOGS))
        saving, drawing = (
            self.tuner.checkpoint_interval or total,
            self.tuner.sample_interval or total,
        )
        while self.step < total:
            told = self._learn()
            self.step += 1
            recorder.progress(self.step, total)
            if self.step % telling == 0 or self.step == total:
                recorder.metrics(self.step, told)
            stopped = self.stage.run.folder.is_asked_to_stop()
            if self.step % saving == 0 or self.step == total or stopped:
                self._save()
            if self.step % drawing == 0 or self.step == total:
                self._sample()
            if stopped and self.step < total:
                raise Stopped

    def figures(self) -> dict[str, float]:
        """For the record of the model: how the loss went, and how long a step took."""
        tenth = max(1, len(self.losses) // 10)
        steps = max(1, self.step - self.begun_at)
        return {
            "first_loss": sum(self.losses[:tenth]) / tenth,
            "last_loss": sum(self.losses[-tenth:]) / tenth,
            "seconds_per_step": (time.monotonic() - self.began) / steps,
        }

    def _learn(self) -> dict[str, float]:
        """One step; gives its figures."""
        draw_from = _generator(self.tuner.seed, self.step)
        own, prompts = self.lessons.pick(self._places())
        parts = [own]
        if self.prior is not None:
            kept, also = self.prior.pick(_drawn(len(self.prior.prompts), len(own), draw_from))
            parts.append(kept)
            prompts += also
        with self.accelerator.autocast():
            conditions = self._conditions(prompts)
        loss, figures = self._loss(parts, conditions, draw_from)
        self.accelerator.backward(loss)
        norm = self.accelerator.clip_grad_norm_(self.weights.values(), _MAX_GRADIENT)
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.losses.append(figures["loss"])
        return figures | {"gradient_norm": float(norm)}

    def _conditions(self, prompts: Sequence[str]) -> list[Condition]:
        """What the denoiser is told; worked out once for each prompt unless the text encoder learns too."""
        import torch

        family, size = self.painter.family, self.painter.size
        distinct = list(dict.fromkeys(prompts))
        if self.learns_words:
            fresh = dict(zip(distinct, family.conditions(distinct, size), strict=True))
            return [fresh[prompt] for prompt in prompts]
        missing = [prompt for prompt in distinct if prompt not in self.told]
        if missing:
            with torch.no_grad():
                self.told |= dict(zip(missing, family.conditions(missing, size), strict=True))
        return [self.told[prompt] for prompt in prompts]

    def _loss(
        self, parts: Sequence[Tensor], conditions: Sequence[Condition], draw_from: Generator
    ) -> tuple[Tensor, dict[str, float]]:
        import torch

        device = self.painter.denoiser.device
        clean = torch.cat(list(parts)).to(device)
        with self.accelerator.autocast():
            losses = self.painter.family.losses(clean, conditions, draw_from)
        own = losses[: len(parts[0])].mean()
        figures = {"loss": float(own.detach())}
        loss = own
        if len(parts) > 1:
            kept = losses[len(parts[0]) :].mean()
            figures["prior_loss"] = float(kept.detach())
            loss = own + self.tuner.prior_weight * kept
        total = float(loss.detach())
        if not math.isfinite(total):
            raise RunFailed(_divergence(total, self.step + 1))
        return loss, figures

    def _places(self) -> list[int]:
        """The images of this step: every pass goes over all of them, in an order of its own."""
        size, count = self.tuner.batch_size or 1, len(self.lessons.prompts)
        places: list[int] = []
        for number in range(self.step * size, (self.step + 1) * size):
            turn, place = divmod(number, count)
            places.append(_order(self.tuner.seed, turn, count)[place])
        return places

    # --- keeping and showing -----------------------------------------------------------------------------------------

    def _save(self) -> None:
        """Save a checkpoint: complete, or not there."""
        import torch
        from safetensors.torch import save_file

        folder = self.stage.checkpoints.path / f"checkpoint-{self.step}"
        folder.mkdir(parents=True, exist_ok=True)
        save_adapter(self.painter, folder, base_model=self.tuner.base_model)
        state = _state(self.weights, self.optimiser)
        state["step"] = torch.tensor(self.step)
        state["losses"] = torch.tensor(self.losses, dtype=torch.float64)
        save_file(state, folder / _STATE)
        figures = {"loss": self.losses[-1]}
        self.stage.checkpoints.complete(self.step, figures, keep_weights=True)
        self.stage.run.recorder.checkpoint(self.step)

    def _sample(self) -> None:
        """Draw the sample prompts, always from the same noise."""
        drawn = draw(
            self.painter,
            self.sample_prompts,
            Drawing(seed=self.tuner.seed, num_inference_steps=_SAMPLE_STEPS),
        )
        folder = self.stage.run.folder.path / "samples"
        folder.mkdir(exist_ok=True)
        path = folder / f"step-{self.step}.png"
        grid_of([pictures[0] for pictures in drawn], columns=len(drawn)).save(path)
        self.stage.run.recorder.sample(self.step, self.sample_prompts, path)


def _generator(seed: int, step: int) -> Generator:
    """Where the random choices of a step come from, whatever happened before it."""
    import torch

    return torch.Generator().manual_seed((seed << 24) + step)


def _drawn(count: int, wanted: int, draw_from: Generator) -> list[int]:
    import torch

    places: list[int] = torch.randint(count, (wanted,), generator=draw_from).tolist()
    return places


def _order(seed: int, turn: int, count: int) -> list[int]:
    import torch

    order = torch.randperm(count, generator=torch.Generator().manual_seed((seed << 24) + turn))
    places: list[int] = order.tolist()
    return places


def _state(weights: dict[str, Any], optimiser: Any) -> dict[str, Tensor]:
    """The weights and what the optimiser knows of each, by name."""
    state: dict[str, Tensor] = {}
    for name, weight in weights.items():
        state[f"weight:{name}"] = weight.detach().cpu().contiguous()
        for kind, value in optimiser.state[weight].items():
            state[f"{kind}:{name}"] = value.detach().cpu().contiguous()
    return state


def _restore(weights: dict[str, Any], optimiser: Any, state: dict[str, Tensor]) -> None:
    import torch

    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(state.pop(f"weight:{name}"))
    by_name: dict[str, dict[str, Tensor]] = {}
    for key, value in state.items():
        kind, _, name = key.partition(":")
        by_name.setdefault(name, {})[kind] = value if kind == "step" else value.to(weights[name])
    for name, values in by_name.items():
        optimiser.state[weights[name]] = values


def _divergence(loss: float, step: int) -> JobProblem:
    return JobProblem(
        code="loss-not-finite",
        message=f"The loss was {loss} at step {step}: the run has diverged.",
        hint="Use a lower learning rate, for example LearningRateMultiplier(0.3).",
    )
