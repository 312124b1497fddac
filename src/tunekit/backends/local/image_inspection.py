"""What can be known about images, captions and a base model before a job starts.

Belongs here: tokens of prompts, images that are smaller than the base model draws, and guessing how long it takes.
Does not belong here: faults that need no base model (`data/check/images.py`), training (`image_training.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tunekit.backends.local.base_models import BaseModel, find_base_model
from tunekit.backends.local.folder import JobFolder
from tunekit.data.check import rules
from tunekit.data.check.findings import Finding, Problem
from tunekit.data.dataset import Dataset
from tunekit.data.pictures import open_picture
from tunekit.errors import BaseModelNotFound
from tunekit.jobs.backend import Estimate, Inspection, Limit, Rows, TokenCount
from tunekit.jobs.record import JobRequest
from tunekit.jobs.tokens import estimated_tokens
from tunekit.tuners.images import ImageTuner

_START_SECONDS = 15.0
"""Loading the libraries and the pipeline, before the first step."""
_MOST_TOKENS = 100_000
"""Tokenizers that know no limit name a far larger number."""


def inspect_images(request: JobRequest, rows: Rows, home: Path) -> Inspection:
    """Look at every image and caption as the base model would. Nothing is fetched and nothing is changed.

    Args:
        request: What is asked for.
        rows: Its datasets.
        home: Root folder of the backend.

    Raises:
        BaseModelNotFound: There is no such base model, or it draws no images.
    """
    tuner: ImageTuner[Any] = request.tuner
    base = find_base_model(tuner.base_model, home)
    writes = [f"{home / 'jobs'}: a folder with the images, checkpoints, samples and the adapter"]
    if tuner.prior == "preserve":
        writes.append(f"{home / 'class_images'}: pictures by the base model, unless they are there")
    if not base.is_here:
        return _unseen(tuner.base_model, rows["train"], writes)
    _refuse_other_models(base)
    looked = _Look(base, tuner)
    findings = tuple(looked.findings_in(rows["train"]))
    limit = looked.most_tokens
    return Inspection(
        findings=findings,
        tokens=looked.tokens(),
        limits=(
            *(
                (Limit(name="tokens per prompt", value=limit, whose=tuner.base_model),)
                if limit
                else ()
            ),
            *(
                (Limit(name="pixels a side", value=looked.size, whose=tuner.base_model),)
                if looked.size
                else ()
            ),
        ),
        duration=_duration(tuner, home),
        writes=tuple(writes),
    )


class _Look:
    """What a look at the rows found."""

    def __init__(self, base: BaseModel, tuner: ImageTuner[Any]) -> None:
        from transformers import AutoTokenizer

        folder = Path(base.source)
        self._tuner = tuner
        self._tokenizer: Any = AutoTokenizer.from_pretrained(
            str(folder / "tokenizer"), local_files_only=True
        )
        self._counts: list[int] = []
        self.size = tuner.resolution or _native_size(folder)
        known = int(self._tokenizer.model_max_length)
        self.most_tokens = known if known < _MOST_TOKENS else None

    def findings_in(self, images: Dataset[Any]) -> Iterator[Finding]:
        """What the base model makes little of."""
        for item in images.located():
            prompt = self._tuner.prompted(item.row.caption)
            count = len(self._tokenizer(prompt).input_ids)
            self._counts.append(count)
            for problem in (self._overlong(count), self._upscaled(item.row.image, item.row.name)):
                if problem is not None:
                    yield Finding.of(problem, item.place)

    def tokens(self) -> TokenCount:
        """The tokens of all prompts; none of them is learnt."""
        return TokenCount.counted(
            total=sum(self._counts), trained=0, longest_row=max(self._counts, default=0)
        )

    def _overlong(self, count: int) -> Problem | None:
        if self.most_tokens is None or count <= self.most_tokens:
            return None
        fact = f"The prompt has {count} tokens; {self._tuner.base_model} reads {self.most_tokens}."
        return Problem(rules.CAPTION_TOO_LONG, fact, "caption")

    def _upscaled(self, path: str, name: str) -> Problem | None:
        if self.size is None:
            return None
        least = min(open_picture(path).size)
        if least >= self.size:
            return None
        fact = f"{name!r} has {least} pixels on its shorter side; {self.size} are learnt from."
        return Problem(rules.IMAGE_UPSCALED, fact, "image")


def _native_size(folder: Path) -> int | None:
    """Width and height that a pipeline of the kind of Stable Diffusion draws, from its configuration."""
    denoiser, autoencoder = folder / "unet" / "config.json", folder / "vae" / "config.json"
    if not denoiser.exists() or not autoencoder.exists():
        return None
    size = json.loads(denoiser.read_text(encoding="utf-8")).get("sample_size")
    widths = json.loads(autoencoder.read_text(encoding="utf-8")).get("block_out_channels", [])
    return int(size) * 2 ** (len(widths) - 1) if isinstance(size, int) else None


def _refuse_other_models(base: BaseModel) -> None:
    if not (Path(base.source) / "model_index.json").exists():
        raise BaseModelNotFound(
            f"{base.source!r} holds no text-to-image pipeline: it has no model_index.json.",
            hint="Use tunekit/sketch, a folder that diffusers wrote, or the id of a pipeline on the hub.",
            place="base_model",
        )


def _unseen(name: str, train: Dataset[Any], writes: list[str]) -> Inspection:
    """What can be said of a pipeline that is not on this machine yet."""
    return Inspection(
        tokens=estimated_tokens(train),
        writes=(*writes, f"the hub's cache: {name}, which is not on this machine yet"),
        warnings=(f"{name!r} is not on this machine yet: it is fetched when the job starts.",),
    )


def _duration(tuner: ImageTuner[Any], home: Path) -> Estimate | None:
    """How long training takes, from an earlier job on the same base model; `None` where there is none."""
    newest = sorted((home / "jobs").glob("*/status.json"), key=lambda path: -path.stat().st_mtime)
    for path in newest:
        model = JobFolder(path.parent).record().model
        known = model.metrics.get("seconds_per_step") if model else None
        if model and known and (model.base_model, model.method) == (tuner.base_model, tuner.kind):
            seconds = _START_SECONDS + known * (tuner.train_steps or 1)
            basis = "an earlier job of this kind on the same base model on this machine"
            return Estimate(low=seconds * 0.7, high=seconds * 1.5, basis=basis)
    return None
