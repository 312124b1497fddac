"""Text-to-image pipelines small enough to be made in a test, with random weights, one of each family; and images."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import tunekit as tk

SIZE = 16
_START, _END = "<|startoftext|>", "<|endoftext|>"


def _tokenizer(max_tokens: int = 24) -> Any:
    """Letters as tokens, in the layout of CLIP."""
    from tokenizers import pre_tokenizers
    from transformers import CLIPTokenizer

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    names = [_START, _END, *letters, *(f"{letter}</w>" for letter in letters)]
    return CLIPTokenizer(
        vocab={name: place for place, name in enumerate(names)},
        merges=[],
        model_max_length=max_tokens,
    )


def _text_encoder(kind: str, tokenizer: Any, width: int = 16) -> Any:
    import transformers

    config = transformers.CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=24,
        projection_dim=width,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return getattr(transformers, kind)(config)


def _autoencoder(channels: int = 4, **settings: Any) -> Any:
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=(8, 16),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=channels,
        layers_per_block=1,
        norm_num_groups=4,
        mid_block_add_attention=False,
        sample_size=SIZE,
        **settings,
    )


def _unet(**settings: Any) -> Any:
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=SIZE // 2,
        block_out_channels=(8, 16),
        layers_per_block=1,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        norm_num_groups=4,
        **({"cross_attention_dim": 16, "attention_head_dim": 2} | settings),
    )


def write_tiny_pipeline(folder: Path, *, prediction: str = "epsilon") -> str:
    """A pipeline of the kind of Stable Diffusion 1 and 2."""
    import torch
    from diffusers import DDIMScheduler, StableDiffusionPipeline

    torch.manual_seed(0)
    tokenizer = _tokenizer()
    pipeline = StableDiffusionPipeline(
        vae=_autoencoder(),
        text_encoder=_text_encoder("CLIPTextModel", tokenizer),
        tokenizer=tokenizer,
        unet=_unet(),
        scheduler=DDIMScheduler(prediction_type=prediction, clip_sample=False, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    return _written(pipeline, folder)


def write_tiny_xl_pipeline(folder: Path) -> str:
    """A pipeline of the kind of Stable Diffusion XL, with two text encoders."""
    import torch
    from diffusers import EulerDiscreteScheduler, StableDiffusionXLPipeline

    torch.manual_seed(0)
    tokenizer = _tokenizer()
    pipeline = StableDiffusionXLPipeline(
        vae=_autoencoder(),
        text_encoder=_text_encoder("CLIPTextModel", tokenizer),
        text_encoder_2=_text_encoder("CLIPTextModelWithProjection", tokenizer),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        unet=_unet(
            cross_attention_dim=32,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=16 + 6 * 8,
        ),
        scheduler=EulerDiscreteScheduler(steps_offset=1),
        add_watermarker=False,
    )
    return _written(pipeline, folder)


def write_tiny_z_image_pipeline(folder: Path) -> str:
    """A pipeline of the kind of Z-Image: a transformer that learns a flow, told by a language model."""
    import torch
    from diffusers import FlowMatchEulerDiscreteScheduler, ZImagePipeline, ZImageTransformer2DModel
    from transformers import Qwen3Config, Qwen3Model

    from tiny_models import write_tiny_model

    torch.manual_seed(0)
    write_tiny_model(folder / "words")
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder / "words")
    encoder = Qwen3Model(
        Qwen3Config(
            vocab_size=len(tokenizer),
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            head_dim=8,
            max_position_embeddings=512,
        )
    )
    transformer = ZImageTransformer2DModel(
        all_patch_size=(2,),
        all_f_patch_size=(1,),
        in_channels=4,
        dim=32,
        n_layers=1,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=16,
        axes_dims=[4, 6, 6],
        axes_lens=[256, 16, 16],
    )
    pipeline = ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=_autoencoder(scaling_factor=0.4, shift_factor=0.1),
        text_encoder=encoder,
        tokenizer=tokenizer,
        transformer=transformer,
    )
    return _written(pipeline, folder)


def _written(pipeline: Any, folder: Path) -> str:
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging

    logging.disable_progress_bar()
    diffusers_logging.disable_progress_bar()
    pipeline.save_pretrained(str(folder))
    return str(folder)


def write_images(folder: Path, count: int, *, seed: int = 0, size: int = 32) -> Path:
    """Images that look different, with captions in `metadata.jsonl`."""
    import json

    from PIL import Image, ImageDraw

    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(seed)
    lines = []
    for number in range(count):
        image = Image.new("RGB", (size, size), tuple(draw.randrange(256) for _ in range(3)))
        for _ in range(3):
            x, y = draw.randrange(size), draw.randrange(size)
            ink = tuple(draw.randrange(256) for _ in range(3))
            ImageDraw.Draw(image).rectangle([x, y, x + size // 2, y + size // 3], fill=ink)
        image.save(folder / f"{number}.png")
        lines.append(json.dumps({"file_name": f"{number}.png", "text": f"a thing {number}"}))
    (folder / "metadata.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def captioned(folder: Path, count: int = 6, *, seed: int = 0) -> tk.Dataset[tk.CaptionedImage]:
    """Images with captions."""
    return tk.Dataset.read(str(write_images(folder, count, seed=seed)), row=tk.CaptionedImage)


def subject(folder: Path, count: int = 5, *, seed: int = 0) -> tk.SubjectImages:
    """Images of a subject."""
    images = tk.Dataset.read(str(write_images(folder, count, seed=seed)), row=tk.ReferenceImage)
    return tk.SubjectImages(images=images, subject="sks", subject_class="thing")
