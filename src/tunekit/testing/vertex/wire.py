"""What goes over the wire: a call as it came, a reply as it goes, and a refusal in the words of Google's servers.

Belongs here: the three values, and how a refusal is written.
Does not belong here: sockets (`server.py`), what a call means (`routes.py`, `storage/`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
"""An object of the wire."""

_STATUS_WORDS: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""The canonical code that goes with an HTTP status: google/rpc/code.proto in googleapis/googleapis."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it came over the wire. Headers and body may hold tokens and rows, and are not in its repr."""

    method: str
    """The verb, such as `POST`."""
    path: str
    """The path as sent: escapes are kept, and the query is left out."""
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """By their names in lower case."""
    body: bytes = field(default=b"", repr=False)

    @property
    def json(self) -> Any:
        """The body, read as JSON.

        Raises:
            ValueError: It is none.
        """
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent back."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json; charset=UTF-8"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Refusal(Exception):  # named for the fact, as all errors here
    """The server refuses a call, as Google's servers do: with a status and a reason in JSON.

    Args:
        status: The HTTP status.
        message: What the server says.
        word: The canonical code. `None` takes the usual one for the status.
        fields: The fields at fault, each with what is wrong with it.
        reason: What Cloud Storage calls the fault, such as `notFound`. `None` leaves the list of errors out, as
            Vertex AI does.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        word: str | None = None,
        fields: Sequence[tuple[str, str]] = (),
        reason: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.word = word or _STATUS_WORDS.get(status, "UNKNOWN")
        self.fields = tuple(fields)
        self.reason = reason

    def reply(self) -> Reply:
        """The refusal as it is sent."""
        error: Json = {"code": self.status, "message": self.message}
        if self.reason is None:
            error["status"] = self.word
        else:
            error["errors"] = [{"message": self.message, "domain": "global", "reason": self.reason}]
        if self.fields:
            error["details"] = [
                {
                    "@type": "type.googleapis.com/google.rpc.BadRequest",
                    "fieldViolations": [
                        {"field": name, "description": text} for name, text in self.fields
                    ],
                }
            ]
        return json_reply({"error": error}, status=self.status)


def not_found(what: str) -> Refusal:
    """The refusal for a resource that is not there."""
    return Refusal(404, f"The {what} does not exist.")


def json_reply(body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """A reply in JSON."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Reply(status, text.encode(), headers=headers or {})


def status_text(status: int) -> str:
    """The words behind a status, such as `Not Found`."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Status"
