"""What is particular to a family of text-to-image pipelines, found by the type of its parts.

Belongs here: for each family its denoiser, how it takes prompts and images, and the loss of a guess.
Does not belong here: the training loop (`image_training.py`), loading pipelines (`pipelines.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from tunekit._text import either
from tunekit.errors import MethodUnsupported

if TYPE_CHECKING:
    from torch import Generator, Tensor

Condition = dict[str, Any]
"""What a denoiser is told about one image, by its own names."""


class Family(Protocol):
    """How pipelines of one family are taught."""

    part: str
    """The part of the pipeline that is the denoiser."""

    @property
    def words(self) -> tuple[str, ...]:
        """Parts that read prompts and are small enough to learn a new word: text encoders of the kind of CLIP."""
        ...

    @property
    def native_size(self) -> int:
        """Width and height in pixels that the pipeline draws unless told otherwise."""
        ...

    def conditions(self, prompts: Sequence[str], size: int) -> list[Condition]:
        """What the denoiser is told for each prompt, for images of that size."""
        ...

    def latents(self, pixels: Tensor) -> Tensor:
        """Images, from -1 to 1, as what the denoiser works on."""
        ...

    def losses(self, clean: Tensor, conditions: Sequence[Condition], draw: Generator) -> Tensor:
        """How wrong the denoiser is on each image at a level of noise that is drawn.

        Args:
            clean: Latents.
            conditions: What it is told about each.
            draw: Where noise and its level come from, on the processor.
        """
        ...


def family_of(pipeline: Any) -> Family:
    """The family that a pipeline belongs to.

    Raises:
        MethodUnsupported: It is of none that is known.
    """
    from diffusers.models.transformers.transformer_z_image import ZImageTransformer2DModel
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    if isinstance(getattr(pipeline, "unet", None), UNet2DConditionModel):
        return UNetFamily(pipeline)
    if isinstance(getattr(pipeline, "transformer", None), ZImageTransformer2DModel):
        return ZImageFamily(pipeline)
    known = ("UNet2DConditionModel", "ZImageTransformer2DModel")
    raise MethodUnsupported(
        f"A {type(pipeline).__name__} cannot be tuned here: its denoiser is none of {either(known)}.",
        hint="Use Stable Diffusion 1.5, 2 or XL, Z-Image, or tunekit/sketch.",
        place="base_model",
    )


class UNetFamily:
    """Stable Diffusion 1, 2 and XL: a UNet that guesses noise, velocity or the image itself."""

    part = "unet"

    def __init__(self, pipeline: Any) -> None:
        from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

        self._pipeline = pipeline
        self._noising: Any = DDPMScheduler.from_config(pipeline.scheduler.config)

    @property
    def words(self) -> tuple[str, ...]:
        known = ("text_encoder", "text_encoder_2")
        return tuple(name for name in known if getattr(self._pipeline, name, None) is not None)

    @property
    def native_size(self) -> int:
        return int(self._pipeline.unet.config.sample_size * self._pipeline.vae_scale_factor)

    def conditions(self, prompts: Sequence[str], size: int) -> list[Condition]:
        import torch

        pipe, asked = self._pipeline, list(prompts)
        if len(self.words) == 1:
            embedded, _ = pipe.encode_prompt(asked, pipe.device, 1, False)  # noqa: FBT003
            return [{"encoder_hidden_states": one} for one in embedded]
        embedded, _, pooled, _ = pipe.encode_prompt(
            asked, device=pipe.device, do_classifier_free_guidance=False
        )
        shape = torch.tensor([size, size, 0, 0, size, size]).to(embedded)
        return [
            {"encoder_hidden_states": one, "text_embeds": whole, "time_ids": shape}
            for one, whole in zip(embedded, pooled, strict=True)
        ]

    def latents(self, pixels: Tensor) -> Tensor:
        vae = self._pipeline.vae
        written: Tensor = vae.encode(pixels.to(vae.device, vae.dtype)).latent_dist.mode()
        shift = vae.config.shift_factor or 0.0
        latents: Tensor = (written - shift) * vae.config.scaling_factor
        return latents

    def losses(self, clean: Tensor, conditions: Sequence[Condition], draw: Generator) -> Tensor:
        import torch

        noise = torch.randn(clean.shape, generator=draw).to(clean)
        levels: int = self._noising.config.num_train_timesteps
        times = torch.randint(levels, (len(clean),), generator=draw).to(clean.device)
        noisy = self._noising.add_noise(clean, noise, times)
        told = {name: torch.stack([one[name] for one in conditions]) for name in conditions[0]}
        embedded = told.pop("encoder_hidden_states")
        guess = self._pipeline.unet(
            noisy.to(embedded.dtype), times, embedded, added_cond_kwargs=told or None
        ).sample
        return _squared(guess, self._target(clean, noise, times))

    def _target(self, clean: Tensor, noise: Tensor, times: Tensor) -> Tensor:
        kind = self._noising.config.prediction_type
        if kind == "epsilon":
            return noise
        if kind == "sample":
            return clean
        velocity: Tensor = self._noising.get_velocity(clean, noise, times)
        return velocity


class ZImageFamily:
    """Z-Image: a transformer that guesses the flow from the image to the noise."""

    part = "transformer"
    words = ()

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline

    @property
    def native_size(self) -> int:
        return 1_024  # what its pipeline draws unless told otherwise

    def conditions(self, prompts: Sequence[str], size: int) -> list[Condition]:
        pipe = self._pipeline
        embedded, _ = pipe.encode_prompt(
            list(prompts), device=pipe.device, do_classifier_free_guidance=False
        )
        return [{"embedded": one} for one in embedded]

    def latents(self, pixels: Tensor) -> Tensor:
        vae = self._pipeline.vae
        written: Tensor = vae.encode(pixels.to(vae.device, vae.dtype)).latent_dist.mode()
        latents: Tensor = (written - vae.config.shift_factor) * vae.config.scaling_factor
        return latents

    def losses(self, clean: Tensor, conditions: Sequence[Condition], draw: Generator) -> Tensor:
        import torch

        noise = torch.randn(clean.shape, generator=draw).to(clean)
        level = torch.sigmoid(torch.randn(len(clean), generator=draw)).to(clean)
        shift = float(self._pipeline.scheduler.config.shift)
        level = shift * level / (1 + (shift - 1) * level)
        mixed = torch.lerp(clean, noise, level[:, None, None, None])
        # the model takes one frame of a video, counts time from noise to image, and guesses the way back
        frames = list(mixed.to(self._pipeline.transformer.dtype).unsqueeze(2).unbind(0))
        guess = self._pipeline.transformer(
            frames, 1 - level, [one["embedded"] for one in conditions], return_dict=False
        )[0]
        return _squared(-torch.stack(list(guess)).squeeze(2), noise - clean)


def _squared(guess: Tensor, target: Tensor) -> Tensor:
    """Mean squared error of each image."""
    error: Tensor = (guess.float() - target.float()).pow(2).flatten(1).mean(dim=1)
    return error
