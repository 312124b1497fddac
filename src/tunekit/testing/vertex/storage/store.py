"""What is stored: buckets, and objects with their generations and checksums.

Belongs here: keeping, finding and describing objects, and the conditions under which they may change.
Does not belong here: HTTP (`routes.py`, `uploads.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import count
from urllib.parse import quote

from tunekit.testing.vertex.storage.checksums import crc32c, md5
from tunekit.testing.vertex.wire import Json, Refusal

_FIRST_GENERATION = 1_893_456_000_000_000
"""Generations are microseconds on the servers; here they count from where a virtual clock starts."""
_KEPT = (
    "contentType",
    "cacheControl",
    "contentDisposition",
    "contentEncoding",
    "contentLanguage",
    "metadata",
)


@dataclass(slots=True)
class StoredObject:
    """An object, with its description."""

    data: bytes = field(repr=False)
    body: Json


@dataclass(slots=True)
class Bucket:
    """A bucket."""

    body: Json
    objects: dict[str, StoredObject] = field(default_factory=dict[str, StoredObject])


@dataclass
class ObjectStore:
    """All buckets of the place."""

    project_number: str
    stamp: Callable[[], str]
    """The time by now, as the wire has it."""
    base_url: str = ""
    buckets: dict[str, Bucket] = field(default_factory=dict[str, Bucket])
    _generations: count[int] = field(default_factory=lambda: count(_FIRST_GENERATION))

    def add_bucket(self, name: str, location: str, given: Json | None = None) -> Json:
        """Make a bucket.

        Raises:
            Refusal: There is one of that name.
        """
        if name in self.buckets:
            raise Refusal(
                409,
                "Your previous request to create the named bucket succeeded and you already own it.",
                reason="conflict",
            )
        now = self.stamp()
        body: Json = {
            "storageClass": "STANDARD",
            **(given or {}),
            "kind": "storage#bucket",
            "id": name,
            "name": name,
            "selfLink": f"{self.base_url}/storage/v1/b/{name}",
            "projectNumber": self.project_number,
            "location": location.upper(),
            "locationType": "multi-region"
            if location.lower() in ("us", "eu", "asia")
            else "region",
            "metageneration": "1",
            "timeCreated": now,
            "updated": now,
            "etag": "CAE=",
        }
        self.buckets[name] = Bucket(body)
        return body

    def bucket(self, name: str) -> Bucket:
        """The bucket of that name.

        Raises:
            Refusal: There is none.
        """
        if name not in self.buckets:
            raise Refusal(404, "The specified bucket does not exist.", reason="notFound")
        return self.buckets[name]

    def object(self, bucket: str, name: str) -> StoredObject:
        """The object of that name.

        Raises:
            Refusal: There is none.
        """
        found = self.bucket(bucket).objects.get(name)
        if found is None:
            raise Refusal(404, f"No such object: {bucket}/{name}", reason="notFound")
        return found

    def put(self, bucket: str, name: str, data: bytes, given: Json | None = None) -> Json:
        """Store an object, in place of the one of that name.

        Raises:
            Refusal: There is no such bucket, or the data is not what a checksum says.
        """
        objects, given = self.bucket(bucket).objects, given or {}
        sums = {"crc32c": crc32c(data), "md5Hash": md5(data)}
        for key, actual in sums.items():
            if given.get(key) not in (None, "", actual):
                raise Refusal(
                    400,
                    f"Provided {key} hash {given[key]!r} doesn't match calculated hash {actual!r}.",
                    reason="invalid",
                )
        now, generation, where = self.stamp(), str(next(self._generations)), quote(name, safe="")
        body: Json = {
            "contentType": "application/octet-stream",
            **{key: given[key] for key in _KEPT if key in given},
            "kind": "storage#object",
            "id": f"{bucket}/{name}/{generation}",
            "name": name,
            "bucket": bucket,
            "selfLink": f"{self.base_url}/storage/v1/b/{bucket}/o/{where}",
            "mediaLink": f"{self.base_url}/download/storage/v1/b/{bucket}/o/{where}?generation={generation}&alt=media",
            "generation": generation,
            "metageneration": "1",
            "storageClass": "STANDARD",
            "size": str(len(data)),
            **sums,
            "etag": f"{sums['crc32c']}{generation}",
            "timeCreated": now,
            "updated": now,
            "timeStorageClassUpdated": now,
        }
        objects[name] = StoredObject(data, body)
        return body

    def change(self, stored: StoredObject, given: Json) -> Json:
        """Change the description of an object; an empty value takes a field away."""
        for key in _KEPT:
            if key == "metadata" and isinstance(given.get(key), dict):
                merged = {**stored.body.get(key, {}), **given[key]}
                stored.body[key] = {
                    name: value for name, value in merged.items() if value is not None
                }
            elif key in given:
                stored.body[key] = given[key]
        stored.body["metageneration"] = str(int(stored.body["metageneration"]) + 1)
        stored.body["updated"] = self.stamp()
        return stored.body

    def check_conditions(self, bucket: str, name: str, query: Mapping[str, str]) -> None:
        """Hold a call against the conditions it names: https://cloud.google.com/storage/docs/request-preconditions.

        Raises:
            Refusal: One does not hold.
        """
        found = self.bucket(bucket).objects.get(name)
        for key, field_name, wanted in (
            ("ifGenerationMatch", "generation", True),
            ("ifGenerationNotMatch", "generation", False),
            ("ifMetagenerationMatch", "metageneration", True),
            ("ifMetagenerationNotMatch", "metageneration", False),
        ):
            if key in query:
                actual = found.body[field_name] if found else "0"
                if (actual == query[key]) is not wanted:
                    raise Refusal(
                        412,
                        "At least one of the pre-conditions you specified did not hold.",
                        reason="conditionNotMet",
                    )

    # --- by address --------------------------------------------------------------------------------------------------

    def read_uri(self, uri: str) -> bytes | None:
        """The object at a `gs://` address, or `None`."""
        bucket, _, name = uri.removeprefix("gs://").partition("/")
        found = self.buckets[bucket].objects.get(name) if bucket in self.buckets else None
        return found.data if found else None

    def matching_uris(self, pattern: str) -> list[str]:
        """The addresses that match one with `*`."""
        bucket, _, names = pattern.removeprefix("gs://").partition("/")
        known = self.buckets[bucket].objects if bucket in self.buckets else {}
        return [f"gs://{bucket}/{name}" for name in sorted(known) if fnmatchcase(name, names)]
