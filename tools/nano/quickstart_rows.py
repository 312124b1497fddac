"""Write the sample rows of quickstarts that are generated; the messages to route to teams were written by hand.

Run `python -m tools.nano.quickstart_rows` from the root of the repository; the same rows come out every time.
"""

import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path

from . import sentences
from .sentences import CustomerMessage
from .words import lexicon

_FOLDER = Path(__file__).parents[2] / "src/tunekit/quickstart"
_ROUTING = (
    "Which team should answer this message: account, billing, returns, shipping or technical?\n"
    "Message: {message}\nTeam:"
)


def reply_preferences(count: int, seed: int) -> list[dict[str, str | int]]:
    """Messages, each with a polite and a terse reply in either place, of which the polite one is preferred."""
    rng = random.Random(seed)
    rows: list[dict[str, str | int]] = []
    for message in _messages(count, rng):
        polite, terse = sentences.polite_reply(message, rng), sentences.terse_reply(message, rng)
        choice = rng.randrange(2)
        first, second = (polite, terse) if choice == 0 else (terse, polite)
        rows.append(
            {
                "input_text": message.text,
                "candidate_0": first,
                "candidate_1": second,
                "choice": choice,
            }
        )
    return rows


def support_prompts(count: int, seed: int) -> list[dict[str, str]]:
    """Messages to route to teams, without the answers."""
    messages = _messages(count, random.Random(seed))
    return [{"input_text": _ROUTING.format(message=message.text)} for message in messages]


def _messages(count: int, rng: random.Random) -> list[CustomerMessage]:
    """So many messages with different texts."""
    found: dict[str, CustomerMessage] = {}
    while len(found) < count:
        message = sentences.customer_message(rng.choice(lexicon().situations), rng)
        found.setdefault(message.text, message)
    return list(found.values())


def _write(name: str, rows: Iterable[Mapping[str, str | int]]) -> None:
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    (_FOLDER / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _write("reply_preferences.jsonl", reply_preferences(500, seed=2_026))
    _write("support_prompts.jsonl", support_prompts(1_500, seed=2_027))
