"""Uploads to Cloud Storage: in one piece, with a description before it, or resumable.

Belongs here: the three ways of https://cloud.google.com/storage/docs/uploads-downloads.
Does not belong here: keeping what was uploaded (`store.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tunekit.testing.vertex.storage.store import ObjectStore
from tunekit.testing.vertex.wire import Call, Json, Refusal, Reply, json_reply

CHUNK = 256 * 1024
"""What the pieces of a resumable upload are multiples of, but for the last one."""
_CONTENT_RANGE = re.compile(r"bytes (?:(?P<first>\d+)-(?P<last>\d+)|\*)/(?P<total>\d+|\*)")


@dataclass(slots=True)
class _Session:
    """A resumable upload under way."""

    bucket: str
    name: str
    given: Json
    query: Mapping[str, str]
    data: bytearray = field(default_factory=bytearray)
    answer: Json | None = None
    """The object, once it is complete."""


class Uploads:
    """Takes uploads.

    Args:
        store: Where they go.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._sessions: dict[str, _Session] = {}

    def answer(self, call: Call, bucket: str) -> Reply:
        """Answer a call that uploads.

        Raises:
            Refusal: The servers would refuse it.
        """
        self._store.bucket(bucket)
        if "upload_id" in call.query:
            return self._went_on(call)
        way = call.query.get("uploadType")
        if way == "resumable":
            return self._begun(call, bucket)
        given, data = _parts(call) if way == "multipart" else (_described(call), call.body)
        return self._stored(bucket, given, data, call)

    def _stored(self, bucket: str, given: Json, data: bytes, call: Call) -> Reply:
        name = _name(call, given)
        self._store.check_conditions(bucket, name, call.query)
        return json_reply(self._store.put(bucket, name, data, {**given, **_hashes(call)}))

    def _begun(self, call: Call, bucket: str) -> Reply:
        given = _object(call.body)
        given.setdefault("contentType", call.headers.get("x-upload-content-type", ""))
        name = _name(call, given)
        self._store.check_conditions(bucket, name, call.query)
        made = f"upload-{len(self._sessions) + 1}"
        self._sessions[made] = _Session(bucket, name, given, call.query)
        host = call.headers.get("host", "")
        where = f"http://{host}{call.path}?uploadType=resumable&upload_id={made}"
        return Reply(200, headers={"Location": where, "X-GUploader-UploadID": made})

    def _went_on(self, call: Call) -> Reply:
        session = self._sessions.get(call.query["upload_id"])
        if session is None:
            raise Refusal(404, "Not Found", reason="notFound")
        if session.answer is not None:
            return json_reply(session.answer)
        found = _CONTENT_RANGE.fullmatch(call.headers.get("content-range", ""))
        if found is None:
            session.data[:] = call.body
            return self._completed(session, call)
        if found["first"] is not None:
            self._take(session, int(found["first"]), int(found["last"]), call.body)
        if found["total"] != "*" and int(found["total"]) == len(session.data):
            return self._completed(session, call)
        return _incomplete(session)

    def _take(self, session: _Session, first: int, last: int, data: bytes) -> None:
        if first > len(session.data):
            raise Refusal(
                503,
                f"Invalid request: expected bytes from {len(session.data)} on.",
                reason="backendError",
            )
        if last - first + 1 != len(data):
            raise Refusal(400, "Content-Range does not fit the body.", reason="invalid")
        del session.data[first:]
        session.data += data

    def _completed(self, session: _Session, call: Call) -> Reply:
        self._store.check_conditions(session.bucket, session.name, session.query)
        given = {**session.given, **_hashes(call)}
        session.answer = self._store.put(session.bucket, session.name, bytes(session.data), given)
        return json_reply(session.answer)


def _incomplete(session: _Session) -> Reply:
    size = len(session.data)
    return Reply(308, headers={"Range": f"bytes=0-{size - 1}"} if size else {})


def _parts(call: Call) -> tuple[Json, bytes]:
    """The description and the data of a multipart body."""
    found = re.search(r'boundary="?([^";]+)"?', call.headers.get("content-type", ""))
    pieces = call.body.split(b"--" + found[1].encode()) if found else []
    if len(pieces) < 4:
        raise Refusal(400, "Malformed multipart body.", reason="badRequest")
    bodies: list[tuple[bytes, bytes]] = []
    for piece in pieces[1:3]:
        head, _, body = piece.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        bodies.append((head, body.removesuffix(b"\r\n")))
    given = _object(bodies[0][1])
    kind = re.search(rb"content-type:\s*([^\r\n]+)", bodies[1][0], re.IGNORECASE)
    if kind is not None:
        given.setdefault("contentType", kind[1].decode())
    return given, bodies[1][1]


def _described(call: Call) -> Json:
    kind = call.headers.get("content-type")
    return {"contentType": kind} if kind else {}


def _object(body: bytes) -> Json:
    try:
        value: Any = json.loads(body or b"{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Refusal(400, "Parse Error", reason="parseError")
    return value


def _name(call: Call, given: Json) -> str:
    name = call.query.get("name") or given.get("name")
    if not name:
        raise Refusal(400, "Required parameter: name", reason="required")
    return str(name)


def _hashes(call: Call) -> Json:
    """Checksums in the header `X-Goog-Hash`."""
    names = {"crc32c": "crc32c", "md5": "md5Hash"}
    pairs = [part.strip().partition("=") for part in call.headers.get("x-goog-hash", "").split(",")]
    return {names[key]: value for key, _, value in pairs if key in names}
