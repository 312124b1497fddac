"""Write the sample pairs of the quickstarts: a customer message, a polite and a terse reply, the polite one preferred.

Run `python -m tools.nano.reply_preferences` from the root of the repository; the same rows come out every time.
"""

import json
import random
from pathlib import Path

from . import sentences
from .words import lexicon

_ROWS = 500
_SEED = 2_026
_PLACE = Path(__file__).parents[2] / "src/tunekit/quickstart/reply_preferences.jsonl"


def reply_preferences(count: int, seed: int) -> list[dict[str, str | int]]:
    """So many pairs with different messages, the preferred reply in either place."""
    rng = random.Random(seed)
    rows: dict[str, dict[str, str | int]] = {}
    while len(rows) < count:
        message = sentences.customer_message(rng.choice(lexicon().situations), rng)
        polite, terse = sentences.polite_reply(message, rng), sentences.terse_reply(message, rng)
        choice = rng.randrange(2)
        candidates = (polite, terse) if choice == 0 else (terse, polite)
        rows.setdefault(
            message.text,
            {
                "input_text": message.text,
                "candidate_0": candidates[0],
                "candidate_1": candidates[1],
                "choice": choice,
            },
        )
    return list(rows.values())


if __name__ == "__main__":
    lines = [json.dumps(row, ensure_ascii=False) for row in reply_preferences(_ROWS, _SEED)]
    _PLACE.write_text("\n".join(lines) + "\n", encoding="utf-8")
