"""The calls to Cloud Storage: buckets, and objects read, listed, changed and deleted.

Belongs here: which call is which, and its answer.
Does not belong here: uploads (`uploads.py`), keeping objects (`store.py`).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias
from urllib.parse import unquote

from tunekit.testing.vertex.storage.store import ObjectStore, StoredObject
from tunekit.testing.vertex.storage.uploads import Uploads
from tunekit.testing.vertex.wire import Call, Json, Refusal, Reply, json_reply

_MOST_PER_PAGE = 1_000
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
Handler: TypeAlias = Callable[["StorageRoutes", Call, Mapping[str, str]], Reply]


class StorageRoutes:
    """Answers calls to Cloud Storage.

    Args:
        store: What is stored.
        location: Where a new bucket is, unless the call says.
    """

    def __init__(self, store: ObjectStore, location: str) -> None:
        self._store = store
        self._location = location
        self._uploads = Uploads(store)

    def takes(self, call: Call) -> bool:
        """Whether a call is one to Cloud Storage."""
        return call.path.startswith(
            ("/storage/v1/", "/upload/storage/v1/", "/download/storage/v1/")
        )

    def answer(self, call: Call) -> Reply:
        """Answer a call.

        Raises:
            Refusal: The servers would refuse it.
        """
        for method, pattern, handler in _ROUTES:
            found = pattern.fullmatch(call.path)
            if found and call.method == method:
                names = {key: unquote(value) for key, value in found.groupdict().items()}
                return handler(self, call, names)
        raise Refusal(404, f"There is no method {call.method} {call.path}.", reason="notFound")

    # --- buckets -----------------------------------------------------------------------------------------------------

    def get_bucket(self, call: Call, names: Mapping[str, str]) -> Reply:
        """`buckets.get`."""
        return json_reply(self._store.bucket(names["bucket"]).body)

    def list_buckets(self, call: Call, names: Mapping[str, str]) -> Reply:
        """`buckets.list`."""
        prefix = call.query.get("prefix", "")
        items = [
            bucket.body
            for name, bucket in sorted(self._store.buckets.items())
            if name.startswith(prefix)
        ]
        return json_reply({"kind": "storage#buckets", "items": items})

    def insert_bucket(self, call: Call, names: Mapping[str, str]) -> Reply:
        """`buckets.insert`."""
        given = object_of(call.body)
        if not given.get("name"):
            raise Refusal(400, "Required parameter: name", reason="required")
        location = str(given.get("location") or self._location)
        return json_reply(self._store.add_bucket(str(given["name"]), location, given))

    def delete_bucket(self, call: Call, names: Mapping[str, str]) -> Reply:
        """`buckets.delete`: refused while there are objects."""
        if self._store.bucket(names["bucket"]).objects:
            raise Refusal(409, "The bucket you tried to delete is not empty.", reason="conflict")
        del self._store.buckets[names["bucket"]]
        return Reply(204)

    # --- objects -----------------------------------------------------------------------------------------------------

    def list_objects(self, call: Call, names: Mapping[str, str]) -> Reply:
        """`objects.list`, by prefix, and with folders where there is a delimiter."""
        query, objects = call.query, self._store.bucket(names["bucket"]).objects
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        entries: list[tuple[str, Json | None]] = []
        for name in sorted(objects):
            if not name.startswith(prefix):
                continue
            head, found, _ = (
                name[len(prefix) :].partition(delimiter) if delimiter else (name, "", "")
            )
            folder = f"{prefix}{head}{delimiter}"
            if not found:
                entries.append((name, objects[name].body))
            elif (folder, None) not in entries:
                entries.append((folder, None))
        start = _token_text(query.get("pageToken", "")) or query.get("startOffset", "")
        end = query.get("endOffset")
        inclusive = "pageToken" not in query
        entries = [
            entry
            for entry in entries
            if (entry[0] >= start if inclusive else entry[0] > start)
            and (end is None or entry[0] < end)
        ]
        size = min(int(query.get("maxResults") or _MOST_PER_PAGE), _MOST_PER_PAGE)
        answer: Json = {"kind": "storage#objects"}
        items = [body for _, body in entries[:size] if body is not None]
        folders = [name for name, body in entries[:size] if body is None]
        if items:
            answer["items"] = items
        if folders:
            answer["prefixes"] = folders
        if len(entries) > size:
            answer["nextPageToken"] = base64.urlsafe_b64encode(
                entries[size - 1][0].encode()
            ).decode()
        return json_reply(answer)

    def get_object(self, call: Call, names: Mapping[str, str]) -> Reply:
        """`objects.get`: the description, or with `alt=media` the data or a part of it."""
        stored = self._stored(call, names)
        if call.query.get("alt") == "media":
            return _data(stored, call.headers.get("range"))
        return json_reply(stored.body, headers={"ETag": stored.body["etag"]})

    def patch_object(self, call: Call, names: Mapping[str, str]) -> Reply:
        """`objects.patch` and `update`."""
        stored = self._stored(call, names)
        return json_reply(self._store.change(stored, object_of(call.body)))

    def delete_object(self, call: Call, names: Mapping[str, str]) -> Reply:
        """`objects.delete`."""
        self._stored(call, names)
        del self._store.bucket(names["bucket"]).objects[names["object"]]
        return Reply(204)

    def upload(self, call: Call, names: Mapping[str, str]) -> Reply:
        """`objects.insert`, in one of its three ways, or a part of one."""
        return self._uploads.answer(call, names["bucket"])

    def _stored(self, call: Call, names: Mapping[str, str]) -> StoredObject:
        stored = self._store.object(names["bucket"], names["object"])
        wanted = call.query.get("generation")
        if wanted not in (None, stored.body["generation"]):
            raise Refusal(
                404,
                f"No such object: {names['bucket']}/{names['object']}#{wanted}",
                reason="notFound",
            )
        self._store.check_conditions(names["bucket"], names["object"], call.query)
        return stored


def object_of(body: bytes) -> Json:
    """The body of a call, which is an object.

    Raises:
        Refusal: It is none.
    """
    try:
        value: Any = json.loads(body or b"{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Refusal(400, "Parse Error", reason="parseError")
    return value


def _data(stored: StoredObject, wanted: str | None) -> Reply:
    body, data = stored.body, stored.data
    headers = {
        "X-Goog-Hash": f"crc32c={body['crc32c']},md5={body['md5Hash']}",
        "X-Goog-Generation": body["generation"],
        "X-Goog-Metageneration": body["metageneration"],
        "X-Goog-Stored-Content-Encoding": "identity",
        "X-Goog-Stored-Content-Length": body["size"],
        "Accept-Ranges": "bytes",
        "ETag": body["etag"],
    }
    kind = str(body["contentType"])
    found = _RANGE.fullmatch(wanted or "")
    if found is None:
        return Reply(200, data, kind, headers)
    first, last = _bounds(found[1], found[2], len(data))
    if first >= len(data):
        raise Refusal(416, "Request range not satisfiable", reason="requestedRangeNotSatisfiable")
    headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
    return Reply(206, data[first : last + 1], kind, headers)


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(size - int(last or 0), 0), size - 1
    return int(first), min(int(last) if last else size - 1, size - 1)


def _token_text(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except ValueError:
        raise Refusal(400, "Invalid page token.", reason="invalid") from None


def _route(method: str, path: str, handler: Handler) -> tuple[str, re.Pattern[str], Handler]:
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
    return method, re.compile(pattern), handler


_OBJECT = "/storage/v1/b/{bucket}/o/{object}"
_ROUTES = (
    _route("GET", "/storage/v1/b", StorageRoutes.list_buckets),
    _route("POST", "/storage/v1/b", StorageRoutes.insert_bucket),
    _route("GET", "/storage/v1/b/{bucket}", StorageRoutes.get_bucket),
    _route("DELETE", "/storage/v1/b/{bucket}", StorageRoutes.delete_bucket),
    _route("GET", "/storage/v1/b/{bucket}/o", StorageRoutes.list_objects),
    _route("GET", _OBJECT, StorageRoutes.get_object),
    _route("GET", f"/download{_OBJECT}", StorageRoutes.get_object),
    _route("PATCH", _OBJECT, StorageRoutes.patch_object),
    _route("PUT", _OBJECT, StorageRoutes.patch_object),
    _route("DELETE", _OBJECT, StorageRoutes.delete_object),
    _route("POST", "/upload/storage/v1/b/{bucket}/o", StorageRoutes.upload),
    _route("PUT", "/upload/storage/v1/b/{bucket}/o", StorageRoutes.upload),
)
