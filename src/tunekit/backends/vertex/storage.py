"""What tunekit keeps in Cloud Storage: rows under the digest of their bytes, what was asked for, and claims on keys.

    <staging>/data/<sha256>.jsonl               the rows of a dataset
    <staging>/requests/<key>-<fingerprint>.json what was asked for, for whoever picks the job up
    <staging>/claims/<key>.json                 who is starting the job of a key, and until when

Belongs here: reading and writing these objects, each once and whole.
Does not belong here: what is in them (`rows.py`, `submission.py`).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from tunekit._text import size as bytes_text
from tunekit.backends.vertex.faults import Exists, Missing
from tunekit.backends.vertex.transport import Transport
from tunekit.errors import BackendFault, SettingInvalid, SourceNotFound

_CHUNK = 8 << 20
"""Bytes that are sent at once; a larger file goes in pieces, and a piece that was lost is sent again."""
MAX_FILE_BYTES = 5 << 40
"""Largest object that Cloud Storage takes."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """An object as it lies there."""

    uri: str
    generation: int
    crc32c: str
    size: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A small object, and the state that it was seen in."""

    value: Mapping[str, Any]
    generation: int


class Counted:
    """A file that is counted and summed while it is written."""

    def __init__(self, file: BinaryIO) -> None:
        import google_crc32c

        self._file = file
        self._checksum = google_crc32c.Checksum()
        self.size = 0

    def write(self, data: bytes) -> int:
        """Write, count and sum."""
        self._checksum.update(data)
        self.size += len(data)
        return self._file.write(data)

    @property
    def crc32c(self) -> str:
        """The sum as Cloud Storage spells it."""
        return base64.b64encode(self._checksum.digest()).decode()


class Storage:
    """The objects of tunekit, through Google's client."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def upload(self, uri: str, file: BinaryIO, *, size: int, crc32c: str) -> Uploaded:
        """Write an object under the digest of its bytes; one that is there already is held against them.

        Raises:
            BackendFault: There is another object of that name.
            TransientFault: It is not there yet; try again.
        """
        if size > MAX_FILE_BYTES:
            raise SettingInvalid(
                f"{bytes_text(size)} are more than Cloud Storage takes in one object.",
                hint="Leave rows out.",
                place=uri,
            )
        known = self.look(uri)
        if known is None:
            self._send(uri, file, size)
            known = self.look(uri)
        if known is None or (known.size, known.crc32c) != (size, crc32c):
            raise BackendFault(
                f"The object is not what was sent: {known.size if known else 0:,} of {size:,} bytes, or other ones.",
                hint="Delete it and call again; nothing was started.",
                place=uri,
            )
        return known

    def look(self, uri: str) -> Uploaded | None:
        """The object as it lies there, or `None`."""
        bucket, name = parts_of(uri)
        blob = self._transport.call(
            "objects.get",
            lambda: self._bucket(bucket).get_blob(name, timeout=self._timeout, retry=None),
        )
        if blob is None:
            return None
        return Uploaded(uri, int(blob.generation), str(blob.crc32c), int(blob.size))

    def read(self, uri: str) -> bytes:
        """The bytes of an object.

        Raises:
            SourceNotFound: There is none.
        """
        bucket, name = parts_of(uri)
        blob = self._bucket(bucket).blob(name)
        try:
            data: bytes = self._transport.call(
                "objects.download",
                lambda: blob.download_as_bytes(timeout=self._timeout, retry=None),
            )
        except Missing as error:
            raise SourceNotFound(
                f"There is no object {uri!r}.", hint="Look at its bucket and name."
            ) from error.__cause__
        return data

    def get(self, uri: str) -> Kept | None:
        """A small object, or `None`."""
        seen = self.look(uri)
        if seen is None:
            return None
        try:
            value = json.loads(self.read(uri))
        except (SourceNotFound, ValueError):
            return None
        return Kept(value, seen.generation) if isinstance(value, dict) else None

    def put(self, uri: str, value: Mapping[str, Any], *, generation: int) -> bool:
        """Write a small object, unless it has changed since it was seen.

        Args:
            uri: Its address.
            value: What to write.
            generation: The state in which it was seen, 0 where there was none.

        Returns:
            Whether it was written.
        """
        bucket, name = parts_of(uri)
        blob = self._bucket(bucket).blob(name)
        text = json.dumps(value, ensure_ascii=False)
        try:
            self._transport.call(
                "objects.insert",
                lambda: blob.upload_from_string(
                    text,
                    content_type="application/json",
                    if_generation_match=generation,
                    checksum="crc32c",
                    timeout=self._timeout,
                    retry=None,
                ),
            )
        except Exists:
            # a write whose answer was lost shows as one that somebody else made
            found = self.get(uri)
            return found is not None and found.value == json.loads(text)
        return True

    def _send(self, uri: str, file: BinaryIO, size: int) -> None:
        bucket, name = parts_of(uri)
        several = size > _CHUNK
        blob = self._bucket(bucket).blob(name, chunk_size=_CHUNK if several else None)
        retry = _retry() if several else None
        file.seek(0)
        try:
            self._transport.call(
                "objects.insert",
                lambda: blob.upload_from_file(
                    file,
                    size=size,
                    content_type="application/jsonl",
                    if_generation_match=0,
                    checksum="crc32c",
                    timeout=self._timeout,
                    retry=retry,
                ),
            )
        except Exists:
            return

    def _bucket(self, name: str) -> Any:
        return self._transport.bucket(name)

    @property
    def _timeout(self) -> float:
        return self._transport.connection.timeout_seconds


def parts_of(uri: str) -> tuple[str, str]:
    """The bucket and the name in an address.

    Raises:
        SettingInvalid: It is no address in Cloud Storage.
    """
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    if not uri.startswith("gs://") or not bucket:
        raise SettingInvalid(
            f"{uri!r} is no address in Cloud Storage.", hint="Write gs://bucket/folder."
        )
    return bucket, name


def _retry() -> Any:
    """A piece of a large file may be sent again: the library knows which bytes have arrived."""
    from google.cloud.storage.retry import DEFAULT_RETRY

    return DEFAULT_RETRY.with_timeout(120)
