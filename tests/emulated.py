"""What tests of the emulator share: rows, a raw client that is nobody's, and the referee over all its answers."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

from tunekit.testing import VertexEmulator
from vertex.discovery import Referee, referee

EMBEDDING_TEMPLATE = (
    "https://us-kfp.pkg.dev/ml-pipeline/llm-text-embedding/tune-text-embedding-model/v1.1.4"
)
INVENTED = "REHEARSING"
"""A state that is in no description: answers with it are not held against them."""


def client_library(name: str) -> Any:
    """A module of Google's clients: typed in part only, so not at all here."""
    return import_module(name)


@dataclass
class Answer:
    """What came back."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def error(self) -> str:
        """What the server says is wrong."""
        assert self.status >= 400, self.body
        return str(self.body["error"]["message"])


class Wire:
    """A client that sends what it is told to, on a new connection each time."""

    def __init__(self, vertex: VertexEmulator, version: str = "v1beta1") -> None:
        self.vertex = vertex
        self.parent = f"/{version}/projects/{vertex.project}/locations/{vertex.location}"

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        timeout: float = 10.0,
    ) -> Answer:
        """Send a call; paths that begin with a word are below the location."""
        full = path if path.startswith("/") else f"{self.parent}/{path}"
        url = self.vertex.url + full + (f"?{urlencode(query)}" if query else "")
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, method=method, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=timeout) as response:
                return Answer(response.status, _read(response.read()), dict(response.headers))
        except HTTPError as error:
            with error:
                return Answer(error.code, _read(error.read()), dict(error.headers))

    def get(self, path: str, **query: str) -> Answer:
        """Look at something."""
        return self.call("GET", path, query=query)

    def tune(self, **changes: Any) -> Answer:
        """Start a supervised job; a change to `None` takes a field away."""
        body = {
            "baseModel": "gemini-3.5-flash",
            "supervisedTuningSpec": {"trainingDatasetUri": stored_rows(self.vertex)},
            **changes,
        }
        return self.call(
            "POST", "tuningJobs", {key: value for key, value in body.items() if value is not None}
        )

    def job(self, answer: Answer) -> dict[str, Any]:
        """A job as it is now."""
        assert answer.status == 200, answer.body
        found = self.call(
            "GET", f"{self.parent[: self.parent.index('/projects')]}/{answer.body['name']}"
        )
        assert found.status == 200, found.body
        job: dict[str, Any] = found.body
        return job


def _read(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data


def gemini_rows(count: int = 20) -> list[dict[str, Any]]:
    """Rows for a Gemini model."""
    return [
        {
            "contents": [
                {"role": "user", "parts": [{"text": f"Say {n}"}]},
                {"role": "model", "parts": [{"text": str(n)}]},
            ]
        }
        for n in range(count)
    ]


def lines(rows: list[Any]) -> bytes:
    """Rows as JSON Lines."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def stored_rows(vertex: VertexEmulator) -> str:
    """Address of twenty rows in the emulated storage."""
    uri = f"gs://{vertex.bucket}/train.jsonl"
    return uri if uri in vertex.objects else vertex.put_object("train.jsonl", lines(gemini_rows()))


def embedding_run(vertex: VertexEmulator) -> dict[str, Any]:
    """A pipeline job that tunes an embedding model, with its data in the emulated storage."""
    documents = [{"_id": f"d{n}", "text": f"document {n}"} for n in range(9)]
    queries = [{"_id": f"q{n}", "text": f"query {n}"} for n in range(9)]
    labels = "query-id\tcorpus-id\tscore\n" + "".join(f"q{n}\td{n}\t1\n" for n in range(9))
    return {
        "displayName": "search",
        "templateUri": EMBEDDING_TEMPLATE,
        "runtimeConfig": {
            "gcsOutputDirectory": f"gs://{vertex.bucket}/out",
            "parameterValues": {
                "corpus_path": vertex.put_object("corpus.jsonl", lines(documents)),
                "queries_path": vertex.put_object("queries.jsonl", lines(queries)),
                "train_label_path": vertex.put_object("labels.tsv", labels.encode()),
                "base_model_version_id": "text-embedding-005",
                "batch_size": "128",
                "train_steps": 40,
            },
        },
    }


# --- the referee -----------------------------------------------------------------------------------------------------


class _StorageReferee(Referee):
    """The same rules over the description of Cloud Storage."""

    def __init__(self) -> None:
        folder = files("googleapiclient") / "discovery_cache" / "documents"
        document = json.loads((folder / "storage.v1.json").read_text(encoding="utf-8"))
        self.version = "v1"
        self.revision = document["revision"]
        self.schemas = document["schemas"]
        self.methods = ()


_storage_referee = cache(_StorageReferee)
_STORAGE_KINDS = {
    "storage#bucket": "Bucket",
    "storage#buckets": "Buckets",
    "storage#object": "Object",
    "storage#objects": "Objects",
}


def hold_answers(vertex: VertexEmulator) -> int:
    """Hold every answer with a body against the descriptions; gives how many there were."""
    held = 0
    for call, reply in zip(vertex.requests, vertex.replies, strict=True):
        if (
            reply is None
            or reply.status != 200
            or not reply.content_type.startswith("application/json")
        ):
            continue
        body = _read(reply.body)
        if isinstance(body, bytes) or INVENTED in reply.body.decode():
            continue
        held += 1
        faults = (
            _storage_faults(body)
            if "/storage/v1/" in call.path
            else _vertex_faults(call.method, call.path, body, numbered="$alt" in call.query)
        )
        assert faults == [], (call, faults)
    return held


def _storage_faults(body: Any) -> list[str]:
    return _storage_referee().faults(_STORAGE_KINDS[body["kind"]], body, sent=False)


def _vertex_faults(method: str, path: str, body: Any, *, numbered: bool) -> list[str]:
    known = referee("v1beta1" if path.startswith("/v1beta1") else "v1")
    found = known.method(method, path.replace("/ui/", "/v1/", 1))
    assert found is not None, f"{method} {path} is in no description"
    assert found.response is not None, found
    spelling: Any = "gapic" if numbered else "json"
    answers = body if isinstance(body, list) else [body]
    faults = [
        fault
        for answer in answers
        for fault in known._faults(found.response, answer, "", spelling, sent=False)
    ]
    for part in ("metadata", "response"):
        inner = body.get(part) if isinstance(body, dict) else None
        if isinstance(inner, dict) and "@type" in inner:
            faults += _carried_faults(known, inner)
    return faults


def _carried_faults(known: Referee, inner: dict[str, Any]) -> list[str]:
    kind = inner["@type"].rpartition(".")[2]
    rest = {key: value for key, value in inner.items() if key != "@type"}
    if kind == "Empty":
        return [] if not rest else [f"Empty has {rest}"]
    return known.faults(kind, rest, sent=False)
