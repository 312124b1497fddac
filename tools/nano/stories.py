"""Short stories about a person, with the questions that they answer.

Belongs here: texts whose facts are known, made of `stories.toml`.
What is asked about them belongs in `tasks_text.py`.
"""

import random
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from . import grammar, sentences
from .words import lexicon


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One fact of a story: as a question, as a span of the text, as a sentence, as a field name."""

    field: str
    question: str
    span: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Story:
    """A text and the facts in it."""

    text: str
    facts: list[Fact]


@dataclass(frozen=True, kw_only=True)
class _FactKind:
    field: str
    told: list[str]
    question: str
    answer: str
    kind: str


@cache
def _fact_kinds() -> list[_FactKind]:
    tables = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    return [_FactKind(field=field, **table) for field, table in tables.items()]


def story(rng: random.Random) -> Story:
    """Two to five facts about one or two people, with other sentences between."""
    names = rng.sample(grammar.NAMES, k=2)
    lines, facts = [], []
    for number, kind in enumerate(rng.sample(_fact_kinds(), k=rng.randint(2, 5))):
        name = names[1] if number and rng.random() < 0.2 else names[0]
        line, fact = _told(kind, name, rng)
        lines.append(line)
        facts.append(fact)
    for _ in range(rng.randint(0, 2)):
        other = sentences.one(rng.choice(lexicon().topics), rng)
        lines.insert(rng.randint(0, len(lines)), other)
    return Story(text=" ".join(lines), facts=facts)


def _told(kind: _FactKind, name: str, rng: random.Random) -> tuple[str, Fact]:
    """One sentence of a story, and the fact in it."""
    common = grammar.common_slot(rng)
    fixed = {"name": name, "x": _value(kind.kind, rng)}

    def say(text: str) -> str:
        return grammar.sentence(
            grammar.expand(text, rng, lambda slot: fixed.get(slot) or common(slot))
        )

    line = say(rng.choice(kind.told))
    question, answer = say(kind.question), say(kind.answer)
    return line, Fact(field=kind.field, question=question, span=fixed["x"], sentence=answer)


def _value(kind: str, rng: random.Random) -> str:
    match kind:
        case "number":
            return str(rng.randint(3, 99))
        case "time":
            return grammar.clock(rng)
        case _:
            return rng.choice(lexicon().kind(kind).members)
