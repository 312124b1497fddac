"""The rules that every conversation keeps, whatever the format.

Belongs here: who may speak when, and who must speak last.
Does not belong here: how a format names the speakers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tunekit.data.check import rules
from tunekit.data.check.findings import Problem
from tunekit.data.rows import Message, Role


def turn_problems(messages: tuple[Message, ...], *, field: str, last: Role) -> Iterator[Problem]:
    """Faults in the order of the turns.

    Args:
        messages: The turns, an optional system turn first.
        field: What the format calls the list of turns, for naming places.
        last: Who must speak last: `model` where an answer is learnt, `user` for a prompt.
    """
    speakers: list[tuple[int, Role]] = [
        (i, message.role) for i, message in enumerate(messages) if message.role != "system"
    ]
    if not any(role == last for _, role in speakers):
        yield _no_turn(last, field)
    yield from _misplaced_system(messages, field)
    yield from _out_of_turn(speakers, field)
    if speakers and speakers[-1][1] != last and any(role == last for _, role in speakers):
        fact = f"The last turn is the {speakers[-1][1]}'s, not the {last}'s."
        fix = f"End with the {last}, or delete the last turn."
        yield Problem(rules.LAST_TURN, fact, field=_turn(field, speakers[-1][0]), fix=fix)


def _no_turn(last: Role, field: str) -> Problem:
    if last == "model":
        return Problem(
            rules.NO_TRAINABLE_TURN, "No turn is the model's, so nothing is learnt.", field=field
        )
    return Problem(rules.LAST_TURN, "No turn is the user's.", field=field, fix="Add the prompt.")


def _misplaced_system(messages: tuple[Message, ...], field: str) -> Iterator[Problem]:
    for index, message in enumerate(messages):
        if message.role == "system" and index > 0:
            fact = f"Turn {index + 1} is a system turn; only the first may be one."
            yield Problem(rules.SYSTEM_NOT_FIRST, fact, field=_turn(field, index))


def _out_of_turn(speakers: Sequence[tuple[int, Role]], field: str) -> Iterator[Problem]:
    expected: Role = "user"
    for index, role in speakers:
        if role != expected:
            before = "first" if index == speakers[0][0] else f"after another {role} turn"
            fact = f"The {role} speaks {before}; it is the {expected}'s turn."
            yield Problem(rules.ROLE_ORDER, fact, field=_turn(field, index))
        expected = "model" if role == "user" else "user"


def _turn(field: str, index: int) -> str:
    return f"{field}[{index}]"
