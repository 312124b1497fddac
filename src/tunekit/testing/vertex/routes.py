"""Which function answers which method of Vertex AI, and how a call gets there.

Belongs here: the table, and reading a call as strictly as the servers do.
Does not belong here: what a method does (the files named for the resources), Cloud Storage (`storage/`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias
from urllib.parse import unquote

from tunekit.testing.vertex import (
    endpoints,
    experiments,
    models,
    operations,
    pipeline_jobs,
    predictions,
    tuning_jobs,
)
from tunekit.testing.vertex.asking import Ask
from tunekit.testing.vertex.place import Place
from tunekit.testing.vertex.schemas import Method, Schemas, schemas
from tunekit.testing.vertex.wire import Call, Json, Refusal, Reply, json_reply

Handler: TypeAlias = Callable[[Place, Ask], Json]

_HANDLERS: Mapping[str, Handler] = MappingProxyType(
    {
        "tuningJobs.cancel": tuning_jobs.cancel,
        "tuningJobs.create": tuning_jobs.create,
        "tuningJobs.get": tuning_jobs.get,
        "tuningJobs.list": tuning_jobs.list_,
        "tuningJobs.validateReinforcementTuningReward": tuning_jobs.validate_reward,
        "pipelineJobs.cancel": pipeline_jobs.cancel,
        "pipelineJobs.create": pipeline_jobs.create,
        "pipelineJobs.delete": pipeline_jobs.delete,
        "pipelineJobs.get": pipeline_jobs.get,
        "pipelineJobs.list": pipeline_jobs.list_,
        "models.delete": models.delete,
        "models.deleteVersion": models.delete_version,
        "models.get": models.get,
        "models.list": models.list_,
        "models.listCheckpoints": models.list_checkpoints,
        "models.listVersions": models.list_versions,
        "models.patch": models.patch,
        "models.upload": models.upload,
        "endpoints.countTokens": predictions.count_tokens,
        "endpoints.create": endpoints.create,
        "endpoints.delete": endpoints.delete,
        "endpoints.deployModel": endpoints.deploy_model,
        "endpoints.generateContent": predictions.generate_content,
        "endpoints.get": endpoints.get,
        "endpoints.list": endpoints.list_,
        "endpoints.patch": endpoints.patch,
        "endpoints.predict": predictions.predict,
        "endpoints.streamGenerateContent": predictions.generate_content,
        "endpoints.undeployModel": endpoints.undeploy_model,
        "publishers.models.countTokens": predictions.count_tokens,
        "publishers.models.generateContent": predictions.generate_content,
        "publishers.models.predict": predictions.predict,
        "publishers.models.streamGenerateContent": predictions.generate_content,
        "metadataStores.contexts.get": experiments.get_context,
        "operations.cancel": operations.cancel,
        "operations.delete": operations.delete,
        "operations.get": operations.get,
        "operations.list": operations.list_,
        "operations.wait": operations.get,
    }
)
_EVERYWHERE = frozenset(
    {"$.xgafv", "$alt", "$prettyPrint", "alt", "fields", "key", "prettyPrint", "quotaUser"}
)
"""Query parameters that every method takes: https://cloud.google.com/apis/docs/system-parameters."""


_CONSOLE = "ui"
"""What the typed clients call `v1` when they look at operations: aiplatform_v1/services/*/transports/rest.py in
googleapis/python-aiplatform."""


@dataclass(frozen=True, slots=True)
class _Route:
    schemas: Schemas
    method: Method
    ids: Mapping[str, str]


def answer_vertex(place: Place, call: Call) -> Reply:
    """Answer a call to Vertex AI.

    Raises:
        Refusal: The servers would refuse it.
    """
    route = _route(call)
    if route is None:
        raise Refusal(404, f"There is no method {call.method} {call.path}.")
    ask = Ask(
        version=route.schemas.version,
        ids=route.ids,
        query=_query(route.method, call),
        body=_body(route, call),
    )
    _refuse_elsewhere(place, ask)
    answer = _HANDLERS[route.method.name](place, ask)
    other = next(known for known in schemas().values() if known is not route.schemas)
    numbered = "enum-encoding=int" in call.query.get("$alt", "")
    written = route.schemas.written(route.method.gives, answer, other=other, numbered=numbered)
    return (
        _streamed(written, call)
        if "streamGenerateContent" in route.method.name
        else json_reply(written)
    )


def _route(call: Call) -> _Route | None:
    version, _, rest = call.path.removeprefix("/").partition("/")
    version = "v1" if version == _CONSOLE else version
    known = schemas().get(version)
    if known is None:
        return None
    path = f"/{version}/{rest}"
    for method in known.methods:
        found = method.pattern.fullmatch(path) if method.verb == call.method else None
        if found:
            ids = {key: unquote(value) for key, value in found.groupdict().items()}
            return _Route(known, method, ids)
    return None


def _query(method: Method, call: Call) -> dict[str, str]:
    query: dict[str, str] = {}
    for key, value in call.query.items():
        if key in _EVERYWHERE:
            continue
        name = next((known for known in method.query if key in (known, _snake(known))), None)
        if name is None:
            text = (
                f"Unknown name \"{key}\": Cannot bind query parameter. Field '{key}' could not be found in request "
                "message."
            )
            raise Refusal(400, f"Invalid JSON payload received. {text}", fields=[("", text)])
        query[name] = value
    return query


def _body(route: _Route, call: Call) -> Json:
    if route.method.takes is None or call.method in ("GET", "DELETE"):
        return {}
    raw: Any = {}
    if call.body.strip():
        try:
            raw = json.loads(call.body)
        except ValueError:
            raise Refusal(400, "Invalid JSON payload received. The body is not JSON.") from None
    return route.schemas.read(route.method.takes, raw, partial=call.method == "PATCH")


def _refuse_elsewhere(place: Place, ask: Ask) -> None:
    project = ask.ids["projects"]
    if project not in (place.project, place.project_number):
        raise Refusal(403, f"Permission denied on resource project {project}.")


def _streamed(answer: Json, call: Call) -> Reply:
    """One piece of a stream, as server-sent events or as a list."""
    if call.query.get("alt") == "sse":
        text = json.dumps(answer, ensure_ascii=False)
        return Reply(body=f"data: {text}\r\n\r\n".encode(), content_type="text/event-stream")
    return json_reply([answer])


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
