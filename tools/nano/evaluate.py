"""Measure what nano can do; each part prints one JSON line.

OMP_NUM_THREADS=1 python -m tools.nano.evaluate            # all parts, about 40 minutes
OMP_NUM_THREADS=1 python -m tools.nano.evaluate routing    # one part
"""

import argparse
import json
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch

from . import tasks_support, tasks_text, tasks_words
from .corpus import conversations
from .pretrain import MODEL_FOLDER
from .transfer_tasks import order_number_rows, read_rows, review_rows, routing_rows
from .tuning import Row, Tuned, Tuning, accuracy, answers, load, tune

_LORA = Tuning(learning_rate=0.002)
_FULL = Tuning(method="full", learning_rate=0.001)
_HELD_OUT_SEED = 1_000_003
_SKILLS = (
    tasks_words.kind_of, tasks_words.is_it, tasks_words.choose_member, tasks_words.fact,
    tasks_words.opposite, tasks_words.letters, tasks_words.numbers, tasks_text.topic_choice,
    tasks_text.mood, tasks_text.question, tasks_text.fields, tasks_text.title, tasks_text.rewrite,
    tasks_text.copy_word, tasks_text.by_rule, tasks_text.long_question, tasks_support.matter_choice,
    tasks_support.product, tasks_support.want, tasks_support.temper,
)  # fmt: skip


def split(rows: list[Row], seed: int) -> tuple[list[Row], list[Row]]:
    """Train and test: a random 80 % and 20 %."""
    shuffled = random.Random(seed).sample(rows, k=len(rows))
    cut = len(rows) // 5
    return shuffled[cut:], shuffled[:cut]


def learned(folder: Path, rows: list[Row], tuning: Tuning, seeds: range) -> dict[str, object]:
    """Test accuracy after tuning on each of several splits."""
    scores, seconds = [], []
    for seed in seeds:
        train, test = split(rows, seed)
        tuned = tune(folder, train, replace(tuning, seed=seed))
        scores.append(accuracy(tuned, test))
        seconds.append(tuned.seconds)
    return {
        "mean": round(statistics.mean(scores), 3),
        "lowest": round(min(scores), 3),
        "scores": [round(score, 3) for score in scores],
        "seconds": [round(value) for value in seconds],
    }


def routing(folder: Path) -> dict[str, object]:
    """The quickstart bar: tuned on five splits, and untuned."""
    return {
        "tuned": learned(folder, routing_rows(), _LORA, range(5)),
        "untuned": untuned(folder, routing_rows()),
    }


def untuned(folder: Path, rows: list[Row]) -> dict[str, object]:
    """Accuracy without tuning, and the commonest answers."""
    model, tokenizer = load(folder)
    found = answers(model, tokenizer, [row["input_text"] for row in rows])
    right = sum(text == row["output_text"] for text, row in zip(found, rows, strict=True))
    return {"accuracy": round(right / len(rows), 3), "answers": Counter(found).most_common(6)}


def sweep(folder: Path) -> dict[str, object]:
    """Mean test accuracy by learning rate, for adapters and for full fine-tuning."""
    rates = {
        "lora": (0.0005, 0.001, 0.002, 0.004, 0.008),
        "full": (0.0001, 0.0003, 0.0006, 0.001, 0.002),
    }
    bases = {"lora": _LORA, "full": _FULL}
    return {
        method: {
            str(rate): learned(
                folder, routing_rows(), replace(bases[method], learning_rate=rate), range(10, 13)
            )["mean"]
            for rate in rates[method]
        }
        for method in rates
    }


def transfer(folder: Path) -> dict[str, object]:
    """Two tasks that pretraining did not contain, 200 rows each."""
    tasks = {"order number": order_number_rows(), "weather of a review": review_rows()}
    return {
        name: {
            "tuned": learned(folder, rows, _LORA, range(3)),
            "untuned": untuned(folder, rows)["accuracy"],
        }
        for name, rows in tasks.items()
    }


def _fresh_prompts(count: int) -> list[str]:
    """User turns of the pretraining kind that were not in the training stream."""
    stream = conversations(_HELD_OUT_SEED)
    firsts = (next(turn["content"] for turn in turns if turn["role"] == "user") for turns in stream)
    return list(islice(firsts, count))


def stops(folder: Path) -> dict[str, object]:
    """Share of answers that end with the stop token within 64 tokens."""
    model, tokenizer = load(folder)
    torch.manual_seed(1)
    sets = {
        "pretraining kind": _fresh_prompts(200),
        "routing rows": [row["input_text"] for row in routing_rows()[:200]],
    }
    return {
        f"{name}, temperature {temperature:g}": sum(
            text is not None
            for text in answers(
                model, tokenizer, prompts, max_new_tokens=64, temperature=temperature
            )
        )
        / len(prompts)
        for name, prompts in sets.items()
        for temperature in (0.0, 1.0)
    }


def styles(folder: Path) -> dict[str, object]:
    """Share of polite replies to customers at temperature 1, when nobody says how to answer."""
    model, tokenizer = load(folder)
    torch.manual_seed(2)
    rng = random.Random(_HELD_OUT_SEED)
    asked = [tasks_support.reply(rng)[0]["content"] for _ in range(200)]
    written = [
        row["input_text"].split("Message: ")[1].removesuffix("\nTeam:")
        for row in routing_rows()[:200]
    ]
    result: dict[str, object] = {}
    for name, prompts in {"generated": asked, "hand-written": written}.items():
        found = [
            text or ""
            for text in answers(model, tokenizer, prompts, max_new_tokens=64, temperature=1.0)
        ]
        polite = [
            text.startswith(("Thank", "Many thanks", "We are", "I am sorry")) for text in found
        ]
        result[name] = {"polite": sum(polite) / len(found), "examples": found[:6]}
    return result


def skills(folder: Path) -> dict[str, object]:
    """Exact answers to fresh pretraining tasks, 100 of each kind."""
    model, tokenizer = load(folder)
    result: dict[str, object] = {}
    for task in _SKILLS:
        rng = random.Random(_HELD_OUT_SEED)
        pairs = [task(rng) for _ in range(100)]
        prompts = [turns[-2]["content"] for turns in pairs]
        found = answers(model, tokenizer, prompts, max_new_tokens=48)
        result[task.__name__] = (
            sum(text == turns[-1]["content"] for text, turns in zip(found, pairs, strict=True))
            / 100
        )
    return result


def headlines(folder: Path, path: Path) -> dict[str, object]:
    """Loss of the first and the last steps of a LoRA run on a small file of rows."""
    tuned: Tuned = tune(folder, read_rows(path), replace(_LORA, train_steps=60, batch_size=8))
    return {
        "first 5 steps": round(statistics.mean(tuned.losses[:5]), 3),
        "last 5 steps": round(statistics.mean(tuned.losses[-5:]), 3),
    }


def speed(folder: Path) -> dict[str, object]:
    """Parameters, file size, time to load, seconds for a LoRA step of 16 rows."""
    began = time.monotonic()
    model, _ = load(folder)
    loaded = time.monotonic() - began
    tuned = tune(folder, routing_rows(), replace(_LORA, train_steps=20))
    return {
        "parameters": sum(weight.numel() for weight in model.parameters()),
        "megabytes": round((folder / "model.safetensors").stat().st_size / 1e6, 2),
        "seconds to load": round(loaded, 2),
        "seconds per LoRA step": round(tuned.seconds / 20, 3),
    }


_PARTS: dict[str, Callable[[Path], dict[str, object]]] = {
    "speed": speed, "stops": stops, "styles": styles, "skills": skills, "routing": routing,
    "transfer": transfer, "sweep": sweep,
}  # fmt: skip


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(_PARTS)}; all by default")
    parser.add_argument("--model", type=Path, default=MODEL_FOLDER)
    parser.add_argument(
        "--headlines", type=Path, help="a JSONL file of input_text and output_text to tune on"
    )
    given = parser.parse_args()
    torch.set_num_threads(1)
    for name in given.parts or ([] if given.headlines else _PARTS):
        print(json.dumps({name: _PARTS[name](given.model)}, ensure_ascii=False), flush=True)
    if given.headlines:
        print(json.dumps({"headlines": headlines(given.model, given.headlines)}))


if __name__ == "__main__":
    main()
