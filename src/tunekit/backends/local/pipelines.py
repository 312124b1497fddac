"""Text-to-image pipelines on this machine: loading them, their adapters on disk, and drawing.

Belongs here: from a base model to a pipeline of diffusers, an adapter there and back, pictures as numbers.
Does not belong here: what is particular to a family (`denoisers.py`), training (`image_training.py`).
"""

from __future__ import annotations

import json
import secrets
import warnings
from collections import OrderedDict
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunekit.backends.local.base_models import (
    IMAGE_ADAPTER,
    BaseModel,
    computes_in_bfloat16,
    find_base_model,
    is_image_adapter,
    model_folder,
)
from tunekit.backends.local.denoisers import Family, family_of
from tunekit.backends.local.files import write_atomically
from tunekit.errors import BaseModelNotFound
from tunekit.jobs.backend import Drawing

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

ADAPTER_LAYERS = ("to_q", "to_k", "to_v", "to_out.0")
"""The layers of a denoiser beside which an adapter is trained: its attention."""
WORD_LAYERS = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")
"""The same for a text encoder of the kind of CLIP."""
_AT_ONCE = 16
"""Pictures that are drawn together."""
_NAME = "tuned"
_LOADED_AT_ONCE = 2


@dataclass(slots=True)
class Painter:
    """A pipeline in memory, and its family."""

    pipeline: Any
    family: Family
    size: int
    """Width and height in pixels of what it draws."""

    @property
    def denoiser(self) -> Any:
        """The part that is tuned."""
        return getattr(self.pipeline, self.family.part)


def load_painter(base: BaseModel, *, size: int | None = None) -> Painter:
    """A pipeline with every earlier adapter merged into it, on the GPU where there is one.

    Args:
        base: What to load.
        size: Width and height in pixels of what it shall draw. `None` takes its own.

    Raises:
        BaseModelNotFound: It is not there, cannot be fetched, or is no text-to-image pipeline.
        MethodUnsupported: It is of a family that is not known.
    """
    import torch
    from diffusers.pipelines.pipeline_utils import DiffusionPipeline

    if base.is_here and not (Path(base.source) / "model_index.json").exists():
        raise BaseModelNotFound(
            f"{base.source!r} holds no text-to-image pipeline: it has no model_index.json.",
            hint="Use tunekit/sketch, a folder that diffusers wrote, or the id of a pipeline on the hub.",
            place="base_model",
        )
    try:
        with _quietly():
            pipeline: Any = DiffusionPipeline.from_pretrained(
                base.source,
                torch_dtype=torch.bfloat16 if computes_in_bfloat16() else torch.float32,
                use_safetensors=True,
                local_files_only=base.is_here,
            )
    except (OSError, ValueError) as error:
        raise BaseModelNotFound(
            f"The pipeline {base.source!r} cannot be loaded: {str(error).splitlines()[0]}",
            hint="Correct the id, see to the network, or name a folder that holds the pipeline.",
            place="base_model",
        ) from error
    pipeline.set_progress_bar_config(disable=True)
    if torch.cuda.is_available():
        pipeline.to("cuda")
    family = family_of(pipeline)
    for adapter in base.adapters:
        put_beside(pipeline, adapter)
        pipeline.fuse_lora(components=[family.part, *_adapted(adapter)], adapter_names=[_NAME])
        pipeline.unload_lora_weights()
    for part in pipeline.components.values():
        if isinstance(part, torch.nn.Module):
            part.requires_grad_(requires_grad=False).eval()
    return Painter(pipeline, family, size or family.native_size)


def put_beside(pipeline: Any, folder: Path) -> None:
    """Put the adapter in a folder beside a pipeline's weights, so that it can be switched off."""
    with _quietly():
        pipeline.load_lora_weights(str(folder), adapter_name=_NAME)


def save_adapter(painter: Painter, folder: Path, *, base_model: str) -> None:
    """Write the adapter the way diffusers does, and beside it what it belongs to.

    Args:
        painter: The pipeline with the adapter.
        folder: Where to.
        base_model: The base model as the user named it.
    """
    from diffusers.utils.state_dict_utils import convert_state_dict_to_diffusers
    from peft import get_peft_model_state_dict

    layers: dict[str, Any] = {}
    words = [name for name in painter.family.words if _has_adapter(painter, name)]
    with _quietly():
        for name in (painter.family.part, *words):
            state: Any = get_peft_model_state_dict(getattr(painter.pipeline, name))
            layers[f"{name}_lora_layers"] = convert_state_dict_to_diffusers(state)
        type(painter.pipeline).save_lora_weights(str(folder), **layers)
    told: dict[str, Any] = {"base_model": base_model, "size": painter.size, "words": words}
    write_atomically(folder / IMAGE_ADAPTER, told)


def _has_adapter(painter: Painter, name: str) -> bool:
    return bool(getattr(getattr(painter.pipeline, name), "peft_config", None))


def _adapted(folder: Path) -> list[str]:
    """The text encoders that the adapter in a folder goes beside, besides the denoiser."""
    told = json.loads((folder / IMAGE_ADAPTER).read_text(encoding="utf-8"))
    return [str(name) for name in told.get("words", [])]


def pixels_of(pictures: Iterable[Image]) -> Tensor:
    """Pictures of one size as numbers from -1 to 1, channels first."""
    import numpy as np
    import torch

    stacked = np.stack([np.asarray(picture, dtype=np.float32) for picture in pictures])
    return torch.from_numpy(stacked / 127.5 - 1).permute(0, 3, 1, 2).contiguous()


def draw(painter: Painter, prompts: Sequence[str], drawing: Drawing) -> list[list[Image]]:
    """Pictures for each prompt; those of one prompt begin from seeds that follow each other.

    Args:
        painter: What draws.
        prompts: What to draw.
        drawing: How.
    """
    first = secrets.randbelow(2**31) if drawing.seed is None else drawing.seed
    each = drawing.num_images
    drawn = draw_each(
        painter,
        [(prompt, first + place) for prompt in prompts for place in range(each)],
        drawing,
    )
    return [drawn[place * each : (place + 1) * each] for place in range(len(prompts))]


def draw_each(painter: Painter, wanted: Sequence[tuple[str, int]], drawing: Drawing) -> list[Image]:
    """A picture for each prompt and the seed of its noise, in order."""
    import torch

    settings = _settings(drawing)
    drawn: list[Image] = []
    for start in range(0, len(wanted), _AT_ONCE):
        some = wanted[start : start + _AT_ONCE]
        with torch.inference_mode(), _quietly():
            drawn += painter.pipeline(
                prompt=[prompt for prompt, _ in some],
                generator=[torch.Generator().manual_seed(seed) for _, seed in some],
                height=painter.size,
                width=painter.size,
                **_spread(settings, len(some)),
            ).images
    return drawn


def _settings(drawing: Drawing) -> dict[str, Any]:
    """What was asked for; the rest is left to the pipeline."""
    asked = drawing.model_dump(include={"num_inference_steps", "guidance_scale", "negative_prompt"})
    return {name: value for name, value in asked.items() if value is not None}


def _spread(settings: Mapping[str, Any], count: int) -> dict[str, Any]:
    """The settings for several pictures at once."""
    spread = dict(settings)
    if "negative_prompt" in spread:
        spread["negative_prompt"] = [spread["negative_prompt"]] * count
    return spread


class Painters:
    """The image models that were asked last, in memory.

    Args:
        home: Root folder of the backend.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._loaded: OrderedDict[str, Painter] = OrderedDict()

    def get(self, model_id: str) -> Painter:
        """The model, its adapter beside the base.

        Raises:
            ModelNotFound: The weights are gone.
        """
        folder = model_folder(model_id, self._home)
        if model_id not in self._loaded:
            base = find_base_model(model_id, self._home)
            told = json.loads((folder / IMAGE_ADAPTER).read_text(encoding="utf-8"))
            below = BaseModel(base.source, base.adapters[:-1])
            painter = load_painter(below, size=int(told["size"]))
            put_beside(painter.pipeline, folder)
            self._loaded[model_id] = painter
        self._loaded.move_to_end(model_id)
        while len(self._loaded) > _LOADED_AT_ONCE:
            self._loaded.popitem(last=False)
        return self._loaded[model_id]

    def forget(self, model_id: str) -> None:
        """Let go of a model."""
        self._loaded.pop(model_id, None)

    def draw(
        self, model_id: str, prompts: Sequence[str], drawing: Drawing, *, tuned: bool
    ) -> list[list[Image]]:
        """Pictures of the tuned model, or of the base it came from."""
        painter = self.get(model_id)
        switch: Callable[[], None] = (
            painter.pipeline.enable_lora if tuned else painter.pipeline.disable_lora
        )
        switch()
        return draw(painter, prompts, drawing)


def is_image_model(model_id: str, home: Path) -> bool:
    """Whether a model is one that draws."""
    return is_image_adapter(model_folder(model_id, home))


@contextmanager
def _quietly() -> Generator[None]:
    """Keep diffusers and transformers from drawing bars and from warning of names that each asks the other by."""
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    shown = transformers_logging.is_progress_bar_enabled()
    verbosity = diffusers_logging.get_verbosity()
    transformers_logging.disable_progress_bar()
    diffusers_logging.disable_progress_bar()
    diffusers_logging.set_verbosity_error()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        diffusers_logging.set_verbosity(verbosity)
        diffusers_logging.enable_progress_bar()
        if shown:
            transformers_logging.enable_progress_bar()
