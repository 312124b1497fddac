"""Tasks that pretraining did not contain, to see whether nano learns them from few rows.

Belongs here: the rows. `evaluate.py` does the tuning and the counting.
"""

import json
import random
import tomllib
from pathlib import Path

from .tuning import Row

_ROUTING = Path(__file__).parents[2] / "src/tunekit/quickstart/support_routing.jsonl"
_REVIEWS = Path(__file__).with_name("reviews.toml")
_CARRIERS = (
    "My order number is {}.", "Order {}.", "It's about order {}.", "This concerns {}.",
    "The number on the slip says {}.", "Reference: {}", "(order no. {})", "I mean {}.",
    "You will find it under {}.", "Order ID {} if you need it.", "order nr {}", "Re {}:",
    "The order in question is {}.", "Please look up {}.", "Confirmation {} from last week.",
    "it's number {}", "See {}.", "I have {} in front of me.", "#{}", "Purchase {}, bought in May.",
)  # fmt: skip
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def read_rows(path: Path) -> list[Row]:
    """The rows of a JSONL file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def routing_rows() -> list[Row]:
    """The sample rows of the quickstart."""
    return read_rows(_ROUTING)


def order_number_rows(count: int = 200, seed: int = 3) -> list[Row]:
    """Find the order number: hand-written messages with an order number somewhere in them."""
    rng = random.Random(seed)
    messages = [
        row["input_text"].split("Message: ")[1].removesuffix("\nTeam:") for row in routing_rows()
    ]
    rows = []
    for message in rng.sample([text for text in messages if len(text.split()) < 20], k=count):
        code = _order_number(rng)
        carrier = rng.choice(_CARRIERS).format(code)
        text = f"{carrier} {message}" if rng.random() < 0.4 else f"{message} {carrier}"
        rows.append(
            {"input_text": f"Give the order number.\n{text}\nOrder number:", "output_text": code}
        )
    return rows


def review_rows(seed: int = 3) -> list[Row]:
    """Judge a review with three words that are new as judgements: sunny, cloudy, stormy."""
    reviews = tomllib.loads(_REVIEWS.read_text(encoding="utf-8"))
    rows = [
        {
            "input_text": f"Weather report for this review: sunny, cloudy or stormy?\n{line}\nWeather:",
            "output_text": label,
        }
        for label, lines in reviews.items()
        for line in lines.strip().splitlines()
    ]
    random.Random(seed).shuffle(rows)
    return rows


def _order_number(rng: random.Random) -> str:
    digits = "".join(rng.choice("0123456789") for _ in range(rng.randint(4, 7)))
    letters = "".join(rng.choice(_LETTERS) for _ in range(2))
    return rng.choice([digits, f"{letters}-{digits}", f"{letters}{digits}"])
