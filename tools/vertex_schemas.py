"""Writes `testing/vertex/schemas.json`: the part of Vertex AI's public interface that the emulator speaks.

    python -m tools.vertex_schemas

The sources are the discovery documents inside google-api-python-client (Apache-2.0) for messages, fields and paths, and
google-cloud-aiplatform (Apache-2.0) for the numbers of enums, which discovery documents leave out. Descriptions are not
taken over. Run it anew when either library moves; a test compares the file with what this makes.

How a field is written: its type (`string`, `int64`, an enum or message by its name), `[...]` around it for a list and
`{...}` for a map, `!` behind it where the field is required and `-` where only the server sets it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

PLACE = Path(__file__).parent.parent / "src/tunekit/testing/vertex/schemas.json"
VERSIONS = ("v1", "v1beta1")
RESOURCES: Mapping[str, tuple[str, ...]] = {
    "tuningJobs": ("cancel", "create", "get", "list", "validateReinforcementTuningReward"),
    "pipelineJobs": ("cancel", "create", "delete", "get", "list"),
    "models": (
        *("delete", "deleteVersion", "get", "list", "listCheckpoints", "listVersions"),
        *("patch", "upload"),
    ),
    "endpoints": (
        *("countTokens", "create", "delete", "deployModel", "generateContent", "get", "list"),
        *("patch", "predict", "streamGenerateContent", "undeployModel"),
    ),
    "publishers.models": ("countTokens", "generateContent", "predict", "streamGenerateContent"),
    "metadataStores.contexts": ("get",),
    "operations": ("cancel", "delete", "get", "list", "wait"),
}
# messages that no method names, since they travel inside an operation
CARRIED = (
    *("CreateEndpointOperationMetadata", "DeleteOperationMetadata", "DeployModelOperationMetadata"),
    *("DeployModelResponse", "UndeployModelOperationMetadata", "UndeployModelResponse"),
    *("UploadModelOperationMetadata", "UploadModelResponse"),
)

LEFT_OUT = frozenset({"Endpoint.publisherModelConfig"})
"""Fields that no tuned endpoint has: settings for the models of other makers."""


def made() -> dict[str, Any]:
    """What the file is to hold."""
    numbers = _enum_numbers()
    return {version: _Slice(_document(version), version, numbers).made() for version in VERSIONS}


def text(schemas: Mapping[str, Any]) -> str:
    """The file: one message, method or enum a line, so that a change is read line by line."""
    lines = ["{"]
    for version, parts in schemas.items():
        lines.append(f' "{version}": {{')
        lines.append(f'  "revision": "{parts["revision"]}",')
        for part in ("methods", "messages", "enums"):
            rows = [f"   {json.dumps(k)}: {json.dumps(v)}" for k, v in parts[part].items()]
            lines += [f'  "{part}": {{', ",\n".join(rows), "  }," if part != "enums" else "  }"]
        lines.append(" }," if version != VERSIONS[-1] else " }")
    return "\n".join([*lines, "}", ""])


class _Slice:
    def __init__(
        self, document: Any, version: str, numbers: Mapping[frozenset[str], Mapping[str, int]]
    ) -> None:
        self._document = document
        self._prefix = f"GoogleCloudAiplatform{version.capitalize()}"
        self._numbers = numbers
        self._enums: dict[tuple[str, ...], str] = {}
        self._messages: dict[str, dict[str, str]] = {}

    def made(self) -> dict[str, Any]:
        methods = dict(self._methods())
        waiting = [
            m for method in methods.values() for m in (method["takes"], method["gives"]) if m
        ]
        waiting += CARRIED
        while waiting:
            name = waiting.pop()
            if name not in self._messages:
                waiting += self._add(name)
        return {
            "revision": self._document["revision"],
            "methods": methods,
            "messages": dict(sorted(self._messages.items())),
            "enums": {name: self._numbered(values) for values, name in sorted(self._enums.items())},
        }

    def _methods(self) -> Iterator[tuple[str, Any]]:
        places = self._document["resources"]["projects"]["resources"]["locations"]
        for resource, names in RESOURCES.items():
            found = places
            for part in resource.split("."):
                found = found["resources"][part]
            for name in names:
                if name not in found["methods"]:
                    continue
                method = found["methods"][name]
                yield (
                    f"{resource}.{name}",
                    {
                        "verb": method["httpMethod"],
                        "path": method["flatPath"],
                        "takes": self._short(method.get("request", {}).get("$ref")),
                        "gives": self._short(method["response"]["$ref"]),
                        "query": [
                            key
                            for key, parameter in method["parameters"].items()
                            if parameter["location"] == "query"
                        ],
                    },
                )

    def _short(self, name: str | None) -> str | None:
        return name.removeprefix(self._prefix) if name else None

    def _add(self, name: str) -> Iterable[str]:
        schemas = self._document["schemas"]
        schema = schemas.get(self._prefix + name) or schemas[name]
        fields = self._messages[name] = {}
        for key, field in schema.get("properties", {}).items():
            if f"{name}.{key}" in LEFT_OUT:
                continue
            kind, needed = self._kind(field, f"{name}.{key}")
            required = str(field.get("description", "")).startswith("Required.")
            fields[key] = kind + ("-" if field.get("readOnly") else "!" if required else "")
            yield from needed

    def _kind(self, field: Any, place: str) -> tuple[str, list[str]]:
        if "$ref" in field:
            name = str(self._short(field["$ref"]))
            return name, [name]
        kind = str(field["type"])
        if kind == "array":
            inner, needed = self._kind(field["items"], place)
            return f"[{inner}]", needed
        if kind == "object" and "additionalProperties" in field:
            inner, needed = self._kind(field["additionalProperties"], place)
            return f"{{{inner}}}", needed
        if "enum" in field:
            return self._enums.setdefault(tuple(field["enum"]), place), []
        return str(field.get("format", kind)), []

    def _numbered(self, values: tuple[str, ...]) -> dict[str, int | None]:
        known = self._numbers.get(frozenset(values), {})
        return {value: known.get(value) for value in values}


def _document(version: str) -> Any:
    folder = files("googleapiclient") / "discovery_cache" / "documents"
    return json.loads((folder / f"aiplatform.{version}.json").read_text(encoding="utf-8"))


def _enum_numbers() -> dict[frozenset[str], Mapping[str, int]]:
    """Numbers of every enum of the typed clients, found by the names of its values."""
    found: dict[frozenset[str], Mapping[str, int]] = {}
    for version in VERSIONS:
        package = import_module(f"google.cloud.aiplatform_{version}")
        for value in vars(package).values():
            descriptor = getattr(getattr(value, "_meta", None), "pb", None)
            if isinstance(descriptor, type):
                for enum in _enums_in(descriptor.DESCRIPTOR):  # type: ignore[attr-defined]
                    found[frozenset(enum)] = enum
            elif isinstance(value, type) and hasattr(value, "__members__"):
                enum = {name: int(member) for name, member in value.__members__.items()}
                found[frozenset(enum)] = enum
    return found


def _enums_in(message: Any) -> Iterator[dict[str, int]]:
    for enum in message.enum_types:
        yield {value.name: value.number for value in enum.values}
    for nested in message.nested_types:
        yield from _enums_in(nested)


if __name__ == "__main__":
    PLACE.write_text(text(made()), encoding="utf-8")
    print(f"{PLACE.name}: {PLACE.stat().st_size:,} bytes")
