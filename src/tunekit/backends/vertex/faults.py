"""What went wrong on the way to Google, in tunekit's own errors.

A vendor's error is translated once. Its text can quote a row of the user, so what is passed on is cut before any JSON,
and the cause is its name and that text rather than the object, which would carry the answer as a whole.

Belongs here: telling refused from lost, and both from denied.
Does not belong here: calling (`transport.py`), repeating (`jobs/retries.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import Any

from tunekit.backends.vertex.calls import CALLS, Call, Repeat
from tunekit.errors import (
    AccessDenied,
    BackendFault,
    QuotaExceeded,
    SubmissionUnknown,
    TransientFault,
    TunekitError,
)

_LONGEST = 400
_QUOTED = re.compile(r"(?:JSON\s*:|[\[{]\s*[\"']).*", re.DOTALL)
_ZERO_BASED = re.compile(r"\bRow:\s*(\d+)")
_ONE_BASED = re.compile(r"\bexample (\d+) of \d+", re.IGNORECASE)


class Verdict(Enum):
    """What an error says about the call."""

    REFUSED = auto()
    """It did not reach the service, or the service turned it away for now: nothing happened."""
    QUOTA = auto()
    DENIED = auto()
    """Who is calling, or what they may do."""
    MISSING = auto()
    """There is nothing of that name."""
    EXISTS = auto()
    """There is something of that name already, or it has changed since."""
    PERMANENT = auto()
    """The service says no, and will again."""
    LOST = auto()
    """It may have happened."""


class HttpFault(Exception):  # never leaves this folder
    """An answer that is no success, of a call in plain JSON."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        super().__init__(message)


class Missing(BackendFault):  # never leaves this folder
    """There is nothing of that name."""


class Exists(BackendFault):  # never leaves this folder
    """There is something of that name already."""


class VendorError(Exception):  # stands in for the original, whose text and answer may hold rows
    """The error of a vendor's library, by its name and what of its text can be shown."""


def verdict_on(error: BaseException) -> Verdict:
    """What an error says about the call. What is not known to be harmless counts as lost."""
    code = _status(error)
    if code is not None:
        return _of_status(code)
    name = type(error).__name__
    module = type(error).__module__
    if module.startswith("google.auth"):
        passing = name == "TransportError" or getattr(error, "retryable", False)
        return Verdict.REFUSED if passing else Verdict.DENIED
    if name == "ConnectTimeout" or any(_never_connected(one) for one in _inner(error)):
        return Verdict.REFUSED
    return Verdict.LOST


def translated(error: BaseException, call: str) -> TunekitError:
    """The error for a call that went wrong; raise it from `cause_of(error)`."""
    made, verdict = CALLS[call], verdict_on(error)
    fact = f"Could not {made.what}: {shown(error)}"
    match verdict:
        case Verdict.REFUSED:
            return TransientFault(fact, hint="Nothing happened; try again.")
        case Verdict.QUOTA:
            return QuotaExceeded(fact, hint="Nothing happened; try again later, or ask for quota.")
        case Verdict.DENIED:
            return AccessDenied(
                fact,
                hint="Log in with `gcloud auth application-default login`, or give credentials=; the account needs the "
                "role aiplatform.user and access to the bucket.",
            )
        case Verdict.MISSING:
            return Missing(fact, hint="Look at its name, project and location.")
        case Verdict.EXISTS:
            return Exists(fact, hint="Use another name.")
        case Verdict.PERMANENT:
            return BackendFault(fact, hint="Correct the request; sending it again changes nothing.")
        case Verdict.LOST:
            return _lost(fact, made)


def cause_of(error: BaseException) -> VendorError:
    """The original by name and text, without what it carries."""
    return VendorError(f"{type(error).__module__}.{type(error).__name__}: {shown(error)}")


def shown(error: BaseException) -> str:
    """The text of a vendor's error, as far as it can be shown."""
    code = _status(error)
    if code is None:
        return type(error).__name__
    return f"HTTP {code}: {without_rows(_message(error))}"


def without_rows(message: str) -> str:
    """A message of the server up to where it quotes JSON, which may be a row."""
    kept = _QUOTED.sub("...", message).strip()
    return kept if len(kept) <= _LONGEST else f"{kept[:_LONGEST]}..."


def row_in(message: str) -> int | None:
    """The number, from 0, of the row that a message of the server is about."""
    found = _ZERO_BASED.search(message)
    if found:
        return int(found[1])
    found = _ONE_BASED.search(message)
    return int(found[1]) - 1 if found else None


def _lost(fact: str, call: Call) -> TunekitError:
    if call.repeat is Repeat.RECONCILED:
        return SubmissionUnknown(
            fact,
            hint="The job may exist: call `tune` again with the same key, which looks for it before it starts another.",
        )
    if call.repeat is Repeat.NEVER:
        return BackendFault(
            fact, hint="It may have run and be billed; call again if you want it once more."
        )
    return TransientFault(fact, hint="Trying again does no harm.")


def _of_status(code: int) -> Verdict:
    if code == 429:
        return Verdict.QUOTA
    if code in (401, 403):
        return Verdict.DENIED
    if code == 404:
        return Verdict.MISSING
    if code in (409, 412):
        return Verdict.EXISTS
    if code in (408, 499) or code >= 500 or code < 400:
        return Verdict.LOST
    return Verdict.PERMANENT


def _status(error: BaseException) -> int | None:
    """The status of an answer, where there was one: `code` of Google's clients is a number, or an enum of one."""
    if isinstance(error, HttpFault):
        return error.code
    if not type(error).__module__.startswith(("google.api_core", "google.cloud")):
        return None
    code: Any = getattr(error, "code", None)
    try:
        return None if code is None else int(code)
    except (TypeError, ValueError):
        return None


def _message(error: BaseException) -> str:
    return str(getattr(error, "message", None) or error)


def _inner(error: BaseException) -> Iterator[Any]:
    """An error of requests and what it wraps."""
    waiting: list[Any] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting.extend((*one.args, getattr(one, "reason", None)))


def _never_connected(error: BaseException) -> bool:
    names = {"ConnectTimeoutError", "NameResolutionError", "NewConnectionError", "NetworkForbidden"}
    return type(error).__name__ in names
