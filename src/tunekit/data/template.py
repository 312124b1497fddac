"""The shape that the prompts of a dataset share: found in a sample, then held against single prompts.

A model tuned on prompts of one shape expects that shape when it predicts: the same instruction, the same labels, in the
same order. This module finds that shape and tells how a prompt departs from it.

Belongs here: learning a template and comparing with it.
Does not belong here: which departures are findings (`check/scan.py`) or warnings (`jobs/`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Literal

from tunekit._value import Value

MIN_SAMPLE = 8
"""Prompts below which nothing is called a shared shape."""
_SHARE = 0.6
"""Share of the prompts that must carry a text before it counts as part of the shape."""
_MIN_WORDS, _MAX_WORDS = 3, 24
_MAX_LINE = 300
_LINE_LABEL = re.compile(r"^\s*([A-Za-z][^\n:]{0,58}:)(?=\s|$)")
_WORD_LABEL = re.compile(r"(?:^|(?<=\s))([A-Za-z][\w-]{1,20}:)(?=\s|$)")


class Anchor(StrEnum):
    """Where in a prompt a fragment stands."""

    LINE = "line"
    """A whole line."""
    LABEL = "label"
    """A word or two and a colon, with varying text behind it."""
    START = "start"
    """The beginning of the prompt."""
    END = "end"
    """The end of the prompt."""


class Fragment(Value):
    """A text that most prompts carry."""

    text: str
    anchor: Anchor

    @property
    def is_instruction(self) -> bool:
        """Whether it tells the model what to do, rather than naming a part."""
        return len(self.text.split()) >= _MIN_WORDS

    def position(self, prompt: str) -> int:
        """Index of the fragment in the prompt, -1 where it is not at its place."""
        match self.anchor:
            case Anchor.START:
                lead = len(prompt) - len(prompt.lstrip())
                return lead if prompt.startswith(self.text, lead) else -1
            case Anchor.END:
                tail = prompt.rstrip()
                return len(tail) - len(self.text) if tail.endswith(self.text) else -1
            case Anchor.LINE:
                found = re.search(
                    rf"^[^\S\n]*{re.escape(self.text)}[^\S\n]*$", prompt, re.MULTILINE
                )
            case Anchor.LABEL:
                found = re.search(rf"(?:^|(?<=\s)){re.escape(self.text)}(?=\s|$)", prompt)
        return found.start() if found else -1

    def plain_position(self, prompt: str) -> int:
        """What `position` gives, or -1 where a quick look cannot tell."""
        if self.anchor in (Anchor.START, Anchor.END):
            return self.position(prompt)
        start = prompt.find(self.text)
        end = start + len(self.text)
        before, behind = (
            prompt[start - 1 : start] if start > 0 else "\n",
            prompt[end : end + 1] or "\n",
        )
        if self.anchor is Anchor.LINE:
            return start if before == behind == "\n" else -1
        return start if before.isspace() and behind.isspace() else -1


DepartureKind = Literal["missing-instruction", "missing-label", "order"]


class Departure(Value):
    """How a prompt departs from the shape of the others."""

    kind: DepartureKind
    fragment: str
    """The text that is missing, or the first one that stands elsewhere."""


class PromptTemplate(Value):
    """The shape that the prompts share."""

    fragments: tuple[Fragment, ...]
    """The shared texts, in the order in which most prompts have them."""
    pattern: str
    """The shape as one text, with `{}` where the prompts differ."""

    def is_plainly_kept(self, prompt: str) -> bool:
        """Whether a quick look proves that the prompt keeps the shape; `departures` has the last word on others.

        Where the first occurrence of a fragment is in its place, it is where `Fragment.position` finds it.
        """
        before = -1
        for fragment in self.fragments:
            position = fragment.plain_position(prompt)
            if position <= before:
                return False
            before = position
        return True

    def departures(self, prompt: str) -> tuple[Departure, ...]:
        """How the prompt departs from the shape; empty where it does not."""
        positions = [(fragment, fragment.position(prompt)) for fragment in self.fragments]
        missing = [fragment for fragment, position in positions if position < 0]
        departures = [
            Departure(
                kind="missing-instruction" if fragment.is_instruction else "missing-label",
                fragment=fragment.text,
            )
            for fragment in missing
        ]
        present = [(fragment, position) for fragment, position in positions if position >= 0]
        ordered = sorted(present, key=lambda pair: pair[1])
        for (expected, _), (found, _) in zip(present, ordered, strict=True):
            if expected != found:
                departures.append(Departure(kind="order", fragment=found.text))
                break
        return tuple(departures)


def learn_template(prompts: Sequence[str]) -> PromptTemplate | None:
    """The shape that most of the prompts share, or `None` where they share none."""
    if len(prompts) < MIN_SAMPLE or len(set(prompts)) < MIN_SAMPLE:
        return None
    fragments = _without_echoes(_fragments(prompts))
    if not fragments:
        return None
    ordered = _in_usual_order(fragments, prompts)
    return PromptTemplate(fragments=ordered, pattern=_pattern(ordered, prompts))


def _fragments(prompts: Sequence[str]) -> list[Fragment]:
    needed = _SHARE * len(prompts)
    lines = _frequent((set(_whole_lines(prompt)) for prompt in prompts), needed)
    fragments = [Fragment(text=line, anchor=Anchor.LINE) for line in lines]
    rest = [_without_lines(prompt, lines) for prompt in prompts]
    labels = _frequent((set(_labels(text)) for text in rest), needed)
    fragments += [Fragment(text=label, anchor=Anchor.LABEL) for label in labels]
    opening = _longest((set(_openings(prompt)) for prompt in prompts), needed)
    closing = _longest((set(_closings(prompt)) for prompt in prompts), needed)
    if opening:
        fragments.append(Fragment(text=opening, anchor=Anchor.START))
    if closing:
        fragments.append(Fragment(text=closing, anchor=Anchor.END))
    return fragments


def _without_echoes(fragments: list[Fragment]) -> list[Fragment]:
    """Leave out what a longer fragment already says: the label at the head of an opening."""
    return [
        fragment
        for fragment in fragments
        if not any(
            fragment is not other
            and fragment.text in other.text
            and (len(fragment.text), fragment.anchor) < (len(other.text), other.anchor)
            for other in fragments
        )
    ]


def _frequent(sets: Iterable[set[str]], needed: float) -> list[str]:
    counts: Counter[str] = Counter()
    for texts in sets:
        counts.update(texts)
    return [text for text, count in counts.items() if count >= needed]


def _longest(sets: Iterable[set[str]], needed: float) -> str | None:
    return max(_frequent(sets, needed), key=len, default=None)


def _whole_lines(prompt: str) -> Iterator[str]:
    for line in prompt.splitlines():
        text = line.strip()
        if text and len(text) <= _MAX_LINE:
            yield text


def _without_lines(prompt: str, fixed: Sequence[str]) -> str:
    known = set(fixed)
    return "\n".join(line for line in prompt.splitlines() if line.strip() not in known)


def _labels(text: str) -> Iterator[str]:
    for line in text.splitlines():
        if label := _LINE_LABEL.match(line):
            yield label.group(1)
    yield from _WORD_LABEL.findall(text)


def _openings(prompt: str) -> Iterator[str]:
    """The first words of the first line, when there is more on that line."""
    line = next(iter(prompt.strip().splitlines()), "")
    ends = [word.end() for word in re.finditer(r"\S+", line)]
    for count in range(_MIN_WORDS, min(len(ends), _MAX_WORDS + 1)):
        yield line[: ends[count - 1]]


def _closings(prompt: str) -> Iterator[str]:
    """The last words of the last line, when there is more on that line."""
    line = next(reversed(prompt.strip().splitlines()), "")
    starts = [word.start() for word in re.finditer(r"\S+", line)]
    for count in range(_MIN_WORDS, min(len(starts), _MAX_WORDS + 1)):
        yield line[starts[-count] :]


def _in_usual_order(fragments: list[Fragment], prompts: Sequence[str]) -> tuple[Fragment, ...]:
    """The order that most prompts have, not the mean of all orders."""
    orders: Counter[tuple[Fragment, ...]] = Counter()
    for prompt in prompts:
        placed = [(fragment.position(prompt), fragment) for fragment in fragments]
        if all(position >= 0 for position, _ in placed):
            orders[tuple(fragment for _, fragment in sorted(placed, key=lambda pair: pair[0]))] += 1
    return orders.most_common(1)[0][0] if orders else tuple(fragments)


def _pattern(fragments: tuple[Fragment, ...], prompts: Sequence[str]) -> str:
    """Write the shape after the shortest prompt that has all of it in order."""
    template = PromptTemplate(fragments=fragments, pattern="")
    fitting = [prompt for prompt in prompts if not template.departures(prompt)]
    if not fitting:
        return " {} ".join(fragment.text for fragment in fragments)
    model = min(fitting, key=len)
    pattern, end = "", 0
    for fragment in fragments:
        start = model.index(fragment.text, end)
        pattern += _slot(model[end:start]) + fragment.text
        end = start + len(fragment.text)
    return (pattern + _slot(model[end:])).strip()


def _slot(between: str) -> str:
    """What stands between two fragments: `{}` with the white space around it kept."""
    if not between.strip():
        return between
    lead = between[: len(between) - len(between.lstrip())]
    tail = between[len(between.rstrip()) :]
    return f"{lead}{{}}{tail}"
