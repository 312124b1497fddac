"""A call to Vertex AI, read: which resource, with which message.

Belongs here: the value that handlers get.
Does not belong here: reading it (`routes.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tunekit.testing.vertex.wire import Json


@dataclass(frozen=True, slots=True)
class Ask:
    """A call, read and found in order."""

    version: str
    """`v1` or `v1beta1`."""
    ids: Mapping[str, str]
    """The ids in its path by their collections, such as `locations` and `endpoints`."""
    query: Mapping[str, str]
    body: Json

    @property
    def location(self) -> str:
        """The location that it is about."""
        return self.ids["locations"]

    def type_url(self, message: str) -> str:
        """Type of a message inside an operation."""
        return f"type.googleapis.com/google.cloud.aiplatform.{self.version}.{message}"
