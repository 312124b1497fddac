"""A referee that nobody here wrote: Google's public descriptions of its API, as they ship in google-api-python-client.

Every request that tunekit sends, and every answer of an emulator, is held against them: path, query, body, both ways.
It is strict: unknown fields, fields that only the server sets, numbers for texts, unknown words of enums are faults.

Belongs here: reading the descriptions and naming faults.
Does not belong here: any request or answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

Version = Literal["v1", "v1beta1"]
Spelling = Literal["json", "gapic", "genai"]
"""Who wrote a body: `json` is spelt as described; `gapic` has numbers for enums; `genai` has snake_case names too."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_COMMON_QUERY = {"alt", "fields", "key", "prettyPrint", "quotaUser", "$.xgafv", "access_token"}


@dataclass(frozen=True)
class Method:
    """A method of the API."""

    id: str
    http: str
    path: re.Pattern[str]
    query: frozenset[str]
    request: str | None
    response: str | None


class Referee:
    """Knows one version of the API of Vertex AI."""

    def __init__(self, version: Version = "v1beta1") -> None:
        import googleapiclient  # 110 MB beside it: only where a test needs it

        folder = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
        document = json.loads((folder / f"aiplatform.{version}.json").read_text(encoding="utf-8"))
        self.version = version
        self.revision: str = document["revision"]
        self.schemas: dict[str, Any] = document["schemas"]
        self.methods = tuple(_methods(document))

    def method(self, http: str, url: str) -> Method | None:
        """The method that a call is of, or `None`."""
        path = unquote(urlsplit(url).path).lstrip("/")
        return next((m for m in self.methods if m.http == http and m.path.fullmatch(path)), None)

    def request_faults(
        self, http: str, url: str, body: object = None, *, spelling: Spelling = "json"
    ) -> list[str]:
        """What is wrong with a request; nothing is an empty list.

        Args:
            http: `GET`, `POST`, ...
            url: A full address, or the path with its query.
            body: The body as JSON, `None` where there is none.
            spelling: Who wrote it.
        """
        method = self.method(http, url)
        if method is None:
            return [f"{http} {urlsplit(url).path}: no such method in {self.version}"]
        faults = [
            f"query {name}: unknown for {method.id}"
            for name, _ in parse_qsl(urlsplit(url).query)
            if name not in method.query | _COMMON_QUERY
            and not (spelling == "gapic" and name == "$alt")
        ]
        if method.request is None:
            return faults + ([] if body in (None, {}) else [f"{method.id} takes no body"])
        written = {} if body is None else body
        return faults + list(self._faults(method.request, written, "", spelling, sent=True))

    def answer_faults(self, http: str, url: str, body: object) -> list[str]:
        """What is wrong with the answer to a request."""
        method = self.method(http, url)
        if method is None:
            return [f"{http} {urlsplit(url).path}: no such method in {self.version}"]
        if method.response is None:
            return [f"{method.id} has no answer"]
        return list(self._faults(method.response, body, "", "json", sent=False))

    def faults(self, schema: str, value: object, *, sent: bool = True) -> list[str]:
        """What is wrong with a value by the short name of its schema, such as `TuningJob`."""
        full = f"GoogleCloudAiplatform{self.version.replace('v', 'V')}{schema}"
        name = full if full in self.schemas else schema
        return list(self._faults(name, value, "", "json", sent=sent))

    def _faults(
        self, name: str, value: object, at: str, spelling: Spelling, *, sent: bool
    ) -> Iterator[str]:
        yield from self._hold(self.schemas[name], value, at or name, spelling, sent=sent)

    def _hold(
        self, schema: Mapping[str, Any], value: object, at: str, spelling: Spelling, *, sent: bool
    ) -> Iterator[str]:
        if "$ref" in schema:
            yield from self._faults(schema["$ref"], value, at, spelling, sent=sent)
            return
        kind = schema.get("type", "any")
        if kind == "any":
            return
        if kind == "object":
            yield from self._hold_object(schema, value, at, spelling, sent=sent)
        elif kind == "array":
            if not isinstance(value, list):
                yield f"{at}: {type(value).__name__}, not an array"
                return
            for index, item in enumerate(value):
                yield from self._hold(schema["items"], item, f"{at}[{index}]", spelling, sent=sent)
        else:
            fault = _scalar_fault(kind, schema, value, spelling)
            if fault:
                yield f"{at}: {fault}"

    def _hold_object(
        self, schema: Mapping[str, Any], value: object, at: str, spelling: Spelling, *, sent: bool
    ) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield f"{at}: {type(value).__name__}, not an object"
            return
        known = schema.get("properties", {})
        rest = schema.get("additionalProperties")
        for name, item in value.items():
            spelt = _camel(name) if spelling == "genai" and name not in known else name
            inner = known.get(spelt, rest)
            if inner is None and (known or schema.get("id") is None):
                yield f"{at}.{name}: unknown field"
            elif inner is None:
                yield f"{at}.{name}: unknown field of an empty object"
            elif sent and inner.get("readOnly"):
                yield f"{at}.{name}: only the server sets it"
            else:
                yield from self._hold(inner, item, f"{at}.{name}", spelling, sent=sent)


@cache
def referee(version: Version = "v1beta1") -> Referee:
    """The referee of a version, read once."""
    return Referee(version)


def _scalar_fault(
    kind: str, schema: Mapping[str, Any], value: object, spelling: Spelling
) -> str | None:
    form = schema.get("format", "")
    if "enum" in schema:
        if spelling == "gapic" and isinstance(value, int) and not isinstance(value, bool):
            return None if 0 <= value < 1_000 else f"{value!r} is no number of an enum"
        return None if value in schema["enum"] else f"{value!r} is none of {schema['enum']}"
    if kind == "boolean":
        return None if isinstance(value, bool) else f"{type(value).__name__}, not a boolean"
    if form in ("int64", "uint64"):
        spelt = str(value) if not isinstance(value, bool) else ""
        return None if re.fullmatch(r"-?\d+", spelt) else f"{value!r} is no {form}"
    if kind == "integer":
        whole = isinstance(value, int) and not isinstance(value, bool)
        return None if whole else f"{value!r} is no integer"
    if kind == "number":
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return None if number or value in ("NaN", "Infinity", "-Infinity") else f"{value!r}"
    if not isinstance(value, str):
        return f"{type(value).__name__}, not a string"
    if form == "google-datetime" and not _TIME.fullmatch(value):
        return f"{value!r} is no time"
    return None


def _methods(document: Mapping[str, Any]) -> Iterator[Method]:
    for found in document.get("methods", {}).values():
        parameters = found.get("parameters", {})
        yield Method(
            id=found["id"],
            http=found["httpMethod"],
            path=_path_pattern(found["flatPath"]),
            query=frozenset(n for n, p in parameters.items() if p.get("location") == "query"),
            request=found.get("request", {}).get("$ref"),
            response=found.get("response", {}).get("$ref"),
        )
    for resource in document.get("resources", {}).values():
        yield from _methods(resource)


def _path_pattern(flat_path: str) -> re.Pattern[str]:
    parts = re.split(r"\{[^}]*\}", flat_path)
    return re.compile("[^/:]+".join(re.escape(part) for part in parts))


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)
