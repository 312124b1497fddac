"""Holds the rules about texts against a row, and the rules that users write themselves.

Belongs here: which texts a row has and what its file calls them, which rules are asked for, rules of users.
Does not belong here: the rules of tunekit about texts (`text_rules.py`, `sensitive_rules.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from pydantic import JsonValue

from tunekit._text import did_you_mean, either
from tunekit.data.check import rules
from tunekit.data.check.findings import Problem, Rule, Severity
from tunekit.data.check.sensitive_rules import SENSITIVE_RULES, sensitive_faults
from tunekit.data.check.syntax import JsonObject, texts_of
from tunekit.data.check.text_rules import answer_faults, text_faults
from tunekit.data.rows import Row
from tunekit.errors import SettingInvalid

RowFinder: TypeAlias = Callable[[Row], Iterable[str]]
"""Gives a sentence for each fault of a row."""
_ROLES = ("role", "author")


@dataclass(frozen=True, slots=True)
class RowRule:
    """A rule of a user's own: `check(also=[...])` takes it. Make one with `tk.rule`."""

    rule: Rule
    find: RowFinder

    def __call__(self, row: Row) -> Iterable[str]:
        """What is wrong with a row."""
        return self.find(row)


RuleLike: TypeAlias = str | RowRule
"""What can be asked for: the id of a rule, a group (`personal-data`, `secrets`, `near-duplicates`), or a rule of one's
own."""


def rule(
    id: str, *, summary: str, fix: str, severity: Severity | str = Severity.WARNING
) -> Callable[[RowFinder], RowRule]:
    """Make a rule out of a function that gets a row and gives a sentence for each fault.

    Example:
        @tk.rule("no-shouting", summary="An answer is in capitals.", fix="Write it in small letters.")
        def no_shouting(row):
            if row.completion_text().isupper():
                yield "The answer is in capitals."

        report = rows.check(also=[no_shouting])

    Args:
        id: Kebab-case id that no other rule has.
        summary: What is wrong, as one sentence.
        fix: The way out, as one sentence.
        severity: `error`, `warning` or `info`.

    Raises:
        SettingInvalid: The id is taken or not in kebab case, or the severity is none.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", id) or id in rules.RULES:
        fact = "is a rule of tunekit already" if id in rules.RULES else "is not in kebab case"
        raise SettingInvalid(
            f"The rule id {id!r} {fact}.", hint="Choose one such as 'no-shouting'."
        )
    if severity not in list(Severity):
        raise SettingInvalid(
            f"There is no severity {severity!r}.", hint=f"Write one of {either(list(Severity))}."
        )
    name: Any = id  # the ids of our own rules are literals
    made = Rule(name, Severity(severity), summary, fix)
    return lambda find: RowRule(made, find)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for beyond the rules that always are, and what is left out."""

    sensitive: tuple[str, ...] = ()
    own: tuple[RowRule, ...] = ()
    near_duplicates: bool = False
    ignored: frozenset[str] = frozenset()

    @property
    def every_row(self) -> bool:
        """Whether each row has to be looked at."""
        return bool(self.sensitive or self.own or self.near_duplicates)


NOTHING_ASKED = Asked()
"""The rules that always are, and nothing else."""


def asked_for(also: Iterable[RuleLike], ignore: Iterable[str]) -> Asked:
    """What a caller asks for.

    Raises:
        SettingInvalid: There is no such rule, or it needs not be asked for.
    """
    groups = {group: [one.id for one in SENSITIVE_RULES if one.group == group] for group in _GROUPS}
    sensitive, own, near_duplicates = list[str](), list[RowRule](), False
    for wanted in also:
        if isinstance(wanted, RowRule):
            own.append(wanted)
            continue
        if wanted in (rules.NEAR_DUPLICATE.id, rules.NEAR_DUPLICATE.group):
            near_duplicates = True
            continue
        known = [*groups, "near-duplicates", *(one.id for one in SENSITIVE_RULES)]
        if wanted not in known:
            raise _unknown(wanted, known, "that can be asked for")
        sensitive += groups.get(wanted, [wanted])
    left_out = frozenset(ignore)
    known = [*rules.RULES, *(one.rule.id for one in own)]
    for ignored in left_out:
        if ignored not in known:
            raise _unknown(ignored, known, "")
    return Asked(tuple(dict.fromkeys(sensitive)), tuple(own), near_duplicates, left_out)


_GROUPS = tuple(dict.fromkeys(one.group for one in SENSITIVE_RULES if one.group))


def row_problems(row: Row, value: JsonObject | Row, asked: Asked) -> Iterator[Problem]:
    """What is wrong with the texts of a row.

    Args:
        row: The row.
        value: The object that it was decoded from, whose names of fields are told; or the row itself.
        asked: What is looked for beyond the rules that always are.
    """
    places = list(_texts(row, value))
    for field, text in places:
        for broken, fact in (*text_faults(text), *sensitive_faults(text, asked.sensitive)):
            yield Problem(broken, fact, field)
    answer = row.completion_text()
    if answer:
        stands = next((field for field, text in reversed(places) if text == answer), None)
        for broken, fact in answer_faults(row.prompt_text(), answer):
            yield Problem(broken, fact, stands)
    for one in asked.own:
        for fact in one.find(row):
            yield Problem(one.rule, fact)


def _texts(row: Row, value: JsonObject | Row) -> Iterator[tuple[str, str]]:
    """The texts that are trained on, with the names that the source gives them."""
    line = value.model_dump(mode="json", exclude={"extra"}) if isinstance(value, Row) else value
    unknown: Mapping[str, JsonValue] = row.extra if not isinstance(value, Row) else {}
    for name, inner in line.items():
        if name in unknown and name != "completions":
            continue
        for field, text in texts_of(inner, name):
            if field.rpartition(".")[2] not in _ROLES:
                yield field, text


def _unknown(wanted: str, known: Sequence[str], what: str) -> SettingInvalid:
    fact = f"There is no rule {wanted!r} {what}".rstrip()
    return SettingInvalid(
        f"{fact}.{did_you_mean(wanted, known)}", hint="`tk.rules()` lists the rules with their ids."
    )
