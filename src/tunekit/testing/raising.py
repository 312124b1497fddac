"""Holds a call to the error that it has to raise, without a test library.

Belongs here: that one assertion, which the behaviours share.
Does not belong here: behaviours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

ErrorT = TypeVar("ErrorT", bound=Exception)


def raises(kind: type[ErrorT], call: Callable[[], object]) -> ErrorT:
    """Give the error that a call raises.

    Raises:
        AssertionError: It raises none of that kind.
    """
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was to be raised, and was not")
