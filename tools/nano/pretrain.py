"""Make `tunekit/nano` and `tunekit/pico` from nothing: tokenizer, pretraining, model folder.

Run it from the root of the repository; `README.md` has the times:

    OMP_NUM_THREADS=1 python -m tools.nano.pretrain nano
    OMP_NUM_THREADS=1 python -m tools.nano.pretrain pico
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from .embeddings import neighbour_embeddings
from .tokenizer import train_tokenizer
from .training import loss_of, rows, spoken

_CARD = Path(__file__).with_name("model_card.md")
_PLACE = Path(__file__).parents[2] / "src/tunekit/backends/local"
MODEL_FOLDER = _PLACE / "nano"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides the weights."""

    seed: int = 7
    train_steps: int = 10_000
    wide_share: float = 0.12
    """Share of the steps, at the end, that use rows as long as the context."""
    row_width: int = 256
    """Tokens in a row before that."""
    context: int = 1_024
    tokens_per_step: int = 1_024
    vocabulary_size: int = 4_096
    hidden_size: int = 192
    num_layers: int = 4
    feed_forward_size: int = 512
    num_heads: int = 4
    num_key_value_heads: int = 2
    learning_rate: float = 0.003
    """Highest learning rate of everything but the embeddings."""
    embedding_learning_rate: float = 0.001
    embedding_scale: float = 0.1
    """Standard deviation of the first token embeddings."""
    prompt_weight: float = 0.5
    """Weight of a prompt token in the loss, where a token of the assistant has 1."""


RECIPES = {
    "nano": Recipe(),
    "pico": Recipe(hidden_size=96, num_layers=2, feed_forward_size=256, train_steps=6_000),
}
"""The two models: the one that is tuned, and one a quarter its size that can learn from it."""


def build_model(recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """A freshly initialised model."""
    torch.manual_seed(recipe.seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden_size,
        num_hidden_layers=recipe.num_layers,
        intermediate_size=recipe.feed_forward_size,
        num_attention_heads=recipe.num_heads,
        num_key_value_heads=recipe.num_key_value_heads,
        max_position_embeddings=recipe.context,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = LlamaForCausalLM(config)
    near = neighbour_embeddings(
        tokenizer,
        size=recipe.hidden_size,
        scale=recipe.embedding_scale,
        num_conversations=60_000,
        window=12,
        seed=recipe.seed,
    )
    with torch.no_grad():
        model.model.embed_tokens.weight.copy_(near)
    return model


def pretrain(recipe: Recipe) -> tuple[LlamaForCausalLM, PreTrainedTokenizerFast]:
    """Train tokenizer and model, printing how it goes."""
    tokenizer = train_tokenizer(
        vocabulary_size=recipe.vocabulary_size,
        num_conversations=40_000,
        seed=recipe.seed,
        context=recipe.context,
    )
    model = build_model(recipe, tokenizer)
    print(f"{model.num_parameters():,} parameters")
    optimiser = _optimiser(model, recipe)
    began = time.monotonic()
    for step, ids in enumerate(_batches(recipe, tokenizer)):
        weights = torch.full(ids.shape, recipe.prompt_weight)
        weights[spoken(ids, tokenizer)] = 1.0
        loss = loss_of(model, ids, weights) / weights[:, 1:].sum()
        loss.backward()  # type: ignore[no-untyped-call]
        for group in optimiser.param_groups:
            group["lr"] = group["peak"] * _schedule(step, recipe)
        optimiser.step()
        optimiser.zero_grad()
        if step % 100 == 99:
            minutes = (time.monotonic() - began) / 60
            speed = (step + 1) * recipe.tokens_per_step / minutes / 60
            print(
                f"step {step + 1}  loss {loss.item():.3f}  {speed:,.0f} tokens/s  {minutes:.1f} min",
                flush=True,
            )
    return model, tokenizer


def _optimiser(model: LlamaForCausalLM, recipe: Recipe) -> torch.optim.AdamW:
    table = [model.model.embed_tokens.weight]
    others = [weight for weight in model.parameters() if weight is not table[0]]
    groups = [
        {"params": others, "peak": recipe.learning_rate},
        {"params": table, "peak": recipe.embedding_learning_rate},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.01)


def _schedule(step: int, recipe: Recipe) -> float:
    """Warm up over 50 steps, stay flat to half of the run, then fall to zero."""
    left = 1 - step / recipe.train_steps
    return min(1.0, (step + 1) / 50) * min(1.0, left * 2)


def _batches(recipe: Recipe, tokenizer: PreTrainedTokenizerFast) -> Iterator[Tensor]:
    """All batches of the run: narrow rows first, rows as wide as the context at the end."""
    num_wide = round(recipe.train_steps * recipe.wide_share)
    phases = (
        (recipe.seed + 1, recipe.row_width, 0.0, recipe.train_steps - num_wide),
        (recipe.seed + 2, recipe.context, 0.15, num_wide),
    )
    for seed, width, long_share, num_steps in phases:
        stream = rows(tokenizer, seed=seed, width=width, long_share=long_share)
        for _ in range(num_steps):
            yield torch.tensor(list(islice(stream, recipe.tokens_per_step // width)))


def save(
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    name: str,
    recipe: Recipe,
    folder: Path,
) -> None:
    """Write the model folder, weights in bfloat16, and its model card."""
    folder.mkdir(parents=True, exist_ok=True)
    model.generation_config = GenerationConfig(
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        max_new_tokens=64,
    )
    model.bfloat16().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    size = (folder / "model.safetensors").stat().st_size
    card = _CARD.read_text(encoding="utf-8").format(
        name=name,
        **asdict(recipe),
        parameters=model.num_parameters(),
        megabytes=size / 1e6,
        tokens_millions=recipe.train_steps * recipe.tokens_per_step / 1e6,
        recipe=json.dumps(asdict(recipe), indent=2),
        versions=", ".join(
            f"{name} {version(name)}" for name in ("torch", "transformers", "tokenizers", "numpy")
        ),
    )
    (folder / "README.md").write_text(card, encoding="utf-8")


def main() -> None:
    """Read the command line and make the model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("model", choices=RECIPES)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    recipe = RECIPES[given.model]
    if given.steps is not None:
        recipe = replace(recipe, train_steps=given.steps)
    model, tokenizer = pretrain(recipe)
    save(model, tokenizer, given.model, recipe, given.out or _PLACE / given.model)


if __name__ == "__main__":
    main()
