"""A bare LoRA loop and a bare greedy decoder, so that nano is measured with plain transformers and peft.

Belongs here: how a model is tuned and asked. What is measured is in `evaluate.py`.
"""

import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

Model = LlamaForCausalLM | PeftModel
Row = dict[str, str]
"""`input_text` and `output_text`."""


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """How nano is tuned when it is measured."""

    method: Literal["lora", "full"] = "lora"
    train_steps: int = 200
    batch_size: int = 16
    learning_rate: float = 0.003
    warmup_share: float = 0.05
    seed: int = 0


@dataclass(kw_only=True)
class Tuned:
    """A tuned model and how the tuning went."""

    model: Model
    tokenizer: PreTrainedTokenizerFast
    seconds: float
    losses: list[float]


def load(folder: Path) -> tuple[Model, PreTrainedTokenizerFast]:
    """Model (float32) and tokenizer of a folder."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return cast(LlamaForCausalLM, model), cast(PreTrainedTokenizerFast, tokenizer)


def tune(folder: Path, rows: list[Row], tuning: Tuning) -> Tuned:
    """Tune the model of `folder` on `rows`, loss on the answers only."""
    torch.manual_seed(tuning.seed)
    model: Model
    model, tokenizer = load(folder)
    if tuning.method == "lora":
        config = LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM")
        model = get_peft_model(model, config)
    trainable = [weight for weight in model.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(trainable, lr=tuning.learning_rate, weight_decay=0.0)
    batches = _batches(rows, tuning, tokenizer)
    losses, began = [], time.monotonic()
    for step, (ids, marks) in enumerate(batches):
        for group in optimiser.param_groups:
            group["lr"] = tuning.learning_rate * _schedule(step, tuning)
        loss = _answer_loss(model, ids, marks)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(trainable, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        losses.append(loss.item())
    seconds = time.monotonic() - began
    return Tuned(model=model.eval(), tokenizer=tokenizer, seconds=seconds, losses=losses)


def answers(
    model: Model,
    tokenizer: PreTrainedTokenizerFast,
    prompts: list[str],
    *,
    max_new_tokens: int = 24,
    temperature: float = 0.0,
) -> list[str | None]:
    """What the model answers to each prompt; `None` where it did not stop in time.

    Args:
        model: A causal language model.
        tokenizer: Its tokenizer.
        prompts: The words of the user.
        max_new_tokens: Longest answer, stop token included.
        temperature: 0 takes the likeliest token each time.
    """
    config = GenerationConfig(
        max_new_tokens=max_new_tokens,
        do_sample=temperature > 0,
        temperature=temperature or None,
        top_k=0 if temperature else None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    found: list[str | None] = []
    for start in range(0, len(prompts), 32):
        ids, mask = _prompt_batch(tokenizer, prompts[start : start + 32])
        with torch.inference_mode():
            out = model.generate(input_ids=ids, attention_mask=mask, generation_config=config)  # type: ignore[misc]
        lines = cast(Tensor, out)[:, ids.shape[1] :].tolist()
        found += [_spoken(tokenizer, line) for line in lines]
    return found


def _spoken(tokenizer: PreTrainedTokenizerFast, line: list[int]) -> str | None:
    """The text before the stop token; `None` without a stop token."""
    if tokenizer.eos_token_id not in line:
        return None
    return str(tokenizer.decode(line[: line.index(tokenizer.eos_token_id)])).strip()


def accuracy(tuned: Tuned, rows: list[Row]) -> float:
    """Share of `rows` that the model answers word for word, by greedy decoding."""
    found = answers(tuned.model, tuned.tokenizer, [row["input_text"] for row in rows])
    right = sum(text == row["output_text"] for text, row in zip(found, rows, strict=True))
    return right / len(rows)


def _schedule(step: int, tuning: Tuning) -> float:
    warmup = max(1, round(tuning.train_steps * tuning.warmup_share))
    return min((step + 1) / warmup, (tuning.train_steps - step) / (tuning.train_steps - warmup + 1))


def _batches(
    rows: list[Row], tuning: Tuning, tokenizer: PreTrainedTokenizerFast
) -> list[tuple[Tensor, Tensor]]:
    """Enough shuffled batches for the whole run: token ids and marks of the answers."""
    encoded = [_encode(row, tokenizer) for row in rows]
    rng = random.Random(tuning.seed)
    order: list[int] = []
    while len(order) < tuning.train_steps * tuning.batch_size:
        order += rng.sample(range(len(rows)), k=len(rows))
    batches = []
    for start in range(0, tuning.train_steps * tuning.batch_size, tuning.batch_size):
        part = [encoded[index] for index in order[start : start + tuning.batch_size]]
        width = max(len(ids) for ids, _ in part)
        ids = torch.full((len(part), width), tokenizer.pad_token_id)
        marks = torch.zeros(len(part), width, dtype=torch.bool)
        for line, (tokens, begin) in enumerate(part):
            ids[line, : len(tokens)] = torch.tensor(tokens)
            marks[line, begin : len(tokens)] = True
        batches.append((ids, marks))
    return batches


def _encode(row: Row, tokenizer: PreTrainedTokenizerFast) -> tuple[list[int], int]:
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": row["input_text"]}], tokenize=False, add_generation_prompt=True
    )
    ids = tokenizer.encode(prompt)
    return ids + tokenizer.encode(row["output_text"] + tokenizer.eos_token), len(ids)


def _answer_loss(model: Model, ids: Tensor, marks: Tensor) -> Tensor:
    logits = model(input_ids=ids).logits[:, :-1]
    return torch.nn.functional.cross_entropy(logits[marks[:, 1:]], ids[:, 1:][marks[:, 1:]])


def _prompt_batch(tokenizer: PreTrainedTokenizerFast, prompts: list[str]) -> tuple[Tensor, Tensor]:
    texts = [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
        )
        for prompt in prompts
    ]
    batch = tokenizer(texts, padding=True, padding_side="left", return_tensors="pt")
    return batch["input_ids"], batch["attention_mask"]
