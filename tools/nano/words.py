"""Read the three word files into typed values.

Belongs here: parsing `lexicon.toml`, `topics.toml` and `support.toml`. Sentences are made in `grammar.py`.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of thing (`fruit`, `fruits`) and the words that belong to it."""

    singular: str
    plural: str
    members: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One part of life, with the words and phrases that meet in it."""

    labels: tuple[str, ...]
    things: tuple[str, ...]
    people: tuple[str, ...]
    places: tuple[str, ...]
    traits: tuple[str, ...]
    acts: tuple[str, ...]
    happens: tuple[str, ...]
    news: tuple[str, ...]
    talk: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Situation:
    """One matter that customers write about, and two ways to answer."""

    gist: tuple[str, ...]
    says: tuple[str, ...]
    wants: tuple[str, ...]
    help: tuple[str, ...]
    short: str


@dataclass(frozen=True, kw_only=True)
class Lexicon:
    """Everything the generator may draw from."""

    kinds: tuple[Kind, ...]
    pairs: dict[str, tuple[tuple[str, str], ...]]
    topics: tuple[Topic, ...]
    situations: tuple[Situation, ...]
    phrases: dict[str, str]
    products: tuple[str, ...]

    def kind(self, singular: str) -> Kind:
        """The kind with this name."""
        return next(kind for kind in self.kinds if kind.singular == singular)


@cache
def lexicon() -> Lexicon:
    """The lexicon of the repository, read once."""
    words = tomllib.loads((_FOLDER / "lexicon.toml").read_text(encoding="utf-8"))
    topics = tomllib.loads((_FOLDER / "topics.toml").read_text(encoding="utf-8"))
    support = tomllib.loads((_FOLDER / "support.toml").read_text(encoding="utf-8"))
    phrases = support.pop("phrases")
    return Lexicon(
        kinds=tuple(_kind(names, members) for names, members in words["kinds"].items()),
        pairs={name: _pairs(text) for name, text in words["pairs"].items()},
        topics=tuple(_topic(table) for table in topics.values()),
        situations=tuple(_situation(table) for table in support.values()),
        products=_items(phrases.pop("products")),
        phrases=phrases,
    )


def _items(text: str) -> tuple[str, ...]:
    return tuple(item.strip() for item in text.split(","))


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.strip().splitlines())


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    halves = (item.split("/") for item in _items(text))
    return tuple((first, second) for first, second in halves)


def _kind(names: str, members: str) -> Kind:
    singular, plural = names.split("/")
    return Kind(singular=singular, plural=plural, members=_items(members))


def _topic(table: dict[str, str]) -> Topic:
    return Topic(
        labels=_items(table["labels"]),
        things=_items(table["things"]),
        people=_items(table["people"]),
        places=_items(table["places"]),
        traits=_items(table["traits"]),
        acts=_items(table["acts"]),
        happens=_lines(table["happens"]),
        news=_lines(table["news"]),
        talk=_lines(table["talk"]),
    )


def _situation(table: dict[str, str]) -> Situation:
    return Situation(
        gist=_items(table["gist"]),
        says=_lines(table["says"]),
        wants=_lines(table["wants"]),
        help=_lines(table["help"]),
        short=table["short"],
    )
