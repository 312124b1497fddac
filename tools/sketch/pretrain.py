"""Make `tunekit/sketch` from nothing: tokenizer, autoencoder, text encoder and denoiser, as a diffusers folder.

Run it from the root of the repository; `README.md` has the times:

    OMP_NUM_THREADS=1 python -m tools.sketch.pretrain
"""

import argparse
import copy
import json
import math
import random
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from PIL import Image
from torch import Tensor
from torch.nn import functional
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from .drawing import IMAGE_SIZE, draw, random_palette
from .tokenizer import MAX_TOKENS, train_tokenizer
from .words import some_drawing

_CARD = Path(__file__).with_name("model_card.md")
MODEL_FOLDER = Path(__file__).parents[2] / "src/tunekit/backends/local/sketch"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides the weights."""

    seed: int = 7
    num_drawings: int = 40_000
    """Drawings that the denoiser learns from; each is seen several times."""
    autoencoder_steps: int = 2_500
    autoencoder_batch: int = 24
    autoencoder_widths: tuple[int, ...] = (16, 32, 40)
    num_latent_channels: int = 8
    autoencoder_learning_rate: float = 2e-3
    train_steps: int = 4_000
    batch: int = 64
    widths: tuple[int, ...] = (48, 96)
    text_width: int = 96
    learning_rate: float = 1.2e-3
    unnamed_share: float = 0.1
    """Share of captions left out, so that guidance has something to move away from."""
    averaging: float = 0.998
    """How much of the average of the weights is kept at a step."""


def pixels(images: Iterable[Image.Image]) -> Tensor:
    """Images as numbers from -1 to 1, channels first."""
    stacked = np.stack([np.asarray(image, dtype=np.float32) for image in images])
    return torch.from_numpy(stacked / 127.5 - 1).permute(0, 3, 1, 2).contiguous()


def train_autoencoder(recipe: Recipe) -> AutoencoderKL:
    """Learn to write drawings of any colour in a quarter of the width, and to read them back."""
    torch.manual_seed(recipe.seed)
    blocks = len(recipe.autoencoder_widths)
    model = AutoencoderKL(
        block_out_channels=recipe.autoencoder_widths,
        down_block_types=("DownEncoderBlock2D",) * blocks,
        up_block_types=("UpDecoderBlock2D",) * blocks,
        latent_channels=recipe.num_latent_channels,
        layers_per_block=1,
        norm_num_groups=8,
        mid_block_add_attention=False,
        sample_size=IMAGE_SIZE,
    )
    print(f"autoencoder: {model.num_parameters():,} parameters", flush=True)
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=0.0, betas=(0.9, 0.98))
    chance = random.Random(recipe.seed + 1)
    began = time.process_time()
    for step in range(recipe.autoencoder_steps):
        scenes = [some_drawing(chance).scene for _ in range(recipe.autoencoder_batch)]
        scenes = [
            random_palette(scene, chance) if chance.random() < 0.4 else scene for scene in scenes
        ]
        real = pixels(map(draw, scenes))
        posterior = model.encode(real).latent_dist
        read = model.decode(posterior.sample()).sample
        error = functional.mse_loss(read, real)
        loss = (
            error
            + 0.25 * functional.l1_loss(read, real)
            + 1e-4 * posterior.kl().mean() / posterior.mean[0].numel()
        )
        _step(
            optimiser, loss, model, recipe.autoencoder_learning_rate, step, recipe.autoencoder_steps
        )
        if step % 100 == 99:
            decibels = -10 * math.log10(error.item() / 4)
            print(
                f"autoencoder {step + 1}  {decibels:.1f} dB  {(time.process_time() - began) / 60:.1f} min",
                flush=True,
            )
    return model.eval()


def _step(  # noqa: PLR0917
    optimiser: torch.optim.Optimizer,
    loss: Tensor,
    model: torch.nn.Module,
    peak: float,
    step: int,
    num_steps: int,
) -> None:
    """One step, with 100 steps of warming up and a cosine to zero."""
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    for group in optimiser.param_groups:
        group["lr"] = (
            peak * min(1.0, (step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * step / num_steps))
        )
    optimiser.step()
    optimiser.zero_grad()


@torch.no_grad()
def written(recipe: Recipe, autoencoder: AutoencoderKL) -> tuple[Tensor, list[str]]:
    """The drawings as latents, and their captions; sets the scale of the autoencoder."""
    chance = random.Random(recipe.seed + 2)
    latents: list[Tensor] = []
    captions: list[str] = []
    for _ in range(recipe.num_drawings // 100):
        drawings = [some_drawing(chance) for _ in range(100)]
        means = autoencoder.encode(pixels(draw(one.scene) for one in drawings)).latent_dist.mean
        latents.append(means)
        captions += [one.caption for one in drawings]
    everything = torch.cat(latents)
    scale = 1 / everything.std().item()
    autoencoder.register_to_config(scaling_factor=scale)
    return everything * scale, captions


def scheduler() -> DDIMScheduler:
    """Noise that ends in pure noise, and a denoiser that predicts velocity: few steps, true colours."""
    return DDIMScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        steps_offset=1,
        set_alpha_to_one=True,
    )


class Painter(torch.nn.Module):
    """Text encoder and denoiser, trained together."""

    def __init__(self, recipe: Recipe, tokenizer: CLIPTokenizer) -> None:
        super().__init__()
        torch.manual_seed(recipe.seed + 3)
        self.text = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=len(tokenizer),
                hidden_size=recipe.text_width,
                intermediate_size=2 * recipe.text_width,
                num_hidden_layers=2,
                num_attention_heads=4,
                max_position_embeddings=MAX_TOKENS,
                projection_dim=recipe.text_width,
                bos_token_id=tokenizer.bos_token_id,
                eos_token_id=tokenizer.eos_token_id,
                pad_token_id=tokenizer.pad_token_id,
            )
        )
        blocks = len(recipe.widths)
        self.denoiser = UNet2DConditionModel(
            sample_size=IMAGE_SIZE // 4,
            in_channels=recipe.num_latent_channels,
            out_channels=recipe.num_latent_channels,
            block_out_channels=recipe.widths,
            layers_per_block=1,
            down_block_types=("CrossAttnDownBlock2D",) * blocks,
            up_block_types=("CrossAttnUpBlock2D",) * blocks,
            cross_attention_dim=recipe.text_width,
            attention_head_dim=4,
            norm_num_groups=8,
        )


def train_painter(
    recipe: Recipe, tokenizer: CLIPTokenizer, latents: Tensor, captions: list[str]
) -> Painter:
    """Learn to draw what a caption says; gives the average of the weights."""
    painter = Painter(recipe, tokenizer)
    print(
        f"denoiser: {painter.denoiser.num_parameters():,}, text encoder: {painter.text.num_parameters():,} parameters"
    )
    average = copy.deepcopy(painter).requires_grad_(requires_grad=False)
    ids = tokenizer(captions, padding="max_length", truncation=True, return_tensors="pt").input_ids
    empty = tokenizer("", padding="max_length", return_tensors="pt").input_ids[0]
    noising = scheduler()
    optimiser = torch.optim.AdamW(painter.parameters(), weight_decay=0.01, betas=(0.9, 0.99))
    order = torch.Generator().manual_seed(recipe.seed + 4)
    began = time.process_time()
    running = 0.0
    for step in range(recipe.train_steps):
        chosen = torch.randint(len(captions), (recipe.batch,), generator=order)
        words = ids[chosen].clone()
        words[torch.rand(recipe.batch, generator=order) < recipe.unnamed_share] = empty
        clean = latents[chosen]
        noise = torch.randn(clean.shape, generator=order)
        times = torch.randint(1000, (recipe.batch,), generator=order)
        noisy = noising.add_noise(clean, noise, times)
        target = noising.get_velocity(clean, noise, times)
        guess = painter.denoiser(noisy, times, painter.text(words)[0]).sample
        loss = functional.mse_loss(guess, target)
        _step(optimiser, loss, painter, recipe.learning_rate, step, recipe.train_steps)
        with torch.no_grad():
            kept = min(recipe.averaging, (step + 1) / (step + 10))
            for mean, now in zip(average.parameters(), painter.parameters(), strict=True):
                mean.lerp_(now, 1 - kept)
        running = loss.item() if step == 0 else 0.98 * running + 0.02 * loss.item()
        if step % 100 == 99:
            print(
                f"denoiser {step + 1}  loss {running:.4f}  {(time.process_time() - began) / 60:.1f} min",
                flush=True,
            )
        if step % 500 == 499:
            _keep("painter.pt", average.state_dict())
    return average.eval()


def _keep(name: str, state: object) -> None:
    """Keep what took minutes beside the code, for looking at it meanwhile."""
    folder = Path("build/sketch")
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(state, folder / name)


def assembled(
    tokenizer: CLIPTokenizer, autoencoder: AutoencoderKL, painter: Painter
) -> StableDiffusionPipeline:
    """The parts as a pipeline of diffusers."""
    return StableDiffusionPipeline(
        vae=autoencoder,
        text_encoder=painter.text,
        tokenizer=tokenizer,
        unet=painter.denoiser,
        scheduler=scheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def _load_in_full_precision(config: Path) -> None:
    """Let transformers load what is stored in half precision as diffusers does: in full."""
    told = json.loads(config.read_text(encoding="utf-8"))
    config.write_text(json.dumps(told | {"dtype": "float32"}, indent=2) + "\n", encoding="utf-8")


def save(pipeline: StableDiffusionPipeline, recipe: Recipe, folder: Path, minutes: float) -> None:
    """Write the pipeline in half precision, and its card."""
    parameters = sum(
        part.num_parameters() for part in (pipeline.vae, pipeline.unet, pipeline.text_encoder)
    )
    pipeline.to(dtype=torch.float16).save_pretrained(folder, safe_serialization=True)
    _load_in_full_precision(folder / "text_encoder" / "config.json")
    size = sum(one.stat().st_size for one in folder.rglob("*.safetensors"))
    names = ("torch", "diffusers", "transformers", "tokenizers", "pillow")
    card = _CARD.read_text(encoding="utf-8").format(
        parameters=parameters,
        megabytes=size / 1e6,
        minutes=minutes,
        recipe=json.dumps(asdict(recipe), indent=2),
        versions=", ".join(f"{name} {version(name)}" for name in names),
    )
    (folder / "README.md").write_text(card, encoding="utf-8")


def main() -> None:
    """Read the command line and make the pipeline."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--autoencoder-steps", type=int)
    parser.add_argument("--out", type=Path, default=MODEL_FOLDER)
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    recipe = Recipe()
    if given.steps is not None:
        recipe = replace(recipe, train_steps=given.steps)
    if given.autoencoder_steps is not None:
        recipe = replace(recipe, autoencoder_steps=given.autoencoder_steps)
    tokenizer = train_tokenizer(seed=recipe.seed)
    autoencoder = train_autoencoder(recipe)
    _keep("autoencoder.pt", autoencoder.state_dict())
    latents, captions = written(recipe, autoencoder)
    painter = train_painter(recipe, tokenizer, latents, captions)
    save(assembled(tokenizer, autoencoder, painter), recipe, given.out, time.process_time() / 60)


if __name__ == "__main__":
    main()
