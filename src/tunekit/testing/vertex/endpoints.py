"""Endpoints: made, listed, deleted, and the models that are deployed to them.

Belongs here: the calls to `endpoints` that change or show one.
Does not belong here: asking the model behind one (`predictions.py`).
"""

from __future__ import annotations

import re

from tunekit.testing.vertex.asking import Ask
from tunekit.testing.vertex.listing import page_of
from tunekit.testing.vertex.operations import EMPTY, begun
from tunekit.testing.vertex.place import Endpoint, Place, checked_labels, checked_name
from tunekit.testing.vertex.wire import Json, Refusal, not_found

_FIELDS = ("displayName", "name", "createTime", "updateTime")
_CHANGEABLE = ("displayName", "description", "labels")
_ID = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?|[0-9]{1,9}")
_DEPLOYED_ID = re.compile(r"[0-9]{1,10}")


def create(place: Place, ask: Ask) -> Json:
    """`endpoints.create`, under an id of the client's choice."""
    wanted = ask.query.get("endpointId")
    if wanted is not None and not _ID.fullmatch(wanted):
        raise Refusal(
            400, f"The endpoint id {wanted!r} is invalid.", fields=[("endpoint_id", "Invalid id.")]
        )
    if wanted is not None and (ask.location, wanted) in place.endpoints:
        raise Refusal(409, f"The Endpoint {wanted!r} already exists.")
    endpoint = place.add_endpoint(
        location=ask.location,
        display_name=checked_name(ask.body["displayName"], "endpoint.display_name"),
        labels=checked_labels(ask.body.get("labels", {})),
        id=wanted,
    )
    endpoint.body |= {key: value for key, value in ask.body.items() if key not in endpoint.body}
    response = {"@type": ask.type_url("Endpoint"), "name": endpoint.body["name"]}
    return begun(place, ask, "CreateEndpointOperationMetadata", response)


def get(place: Place, ask: Ask) -> Json:
    """`endpoints.get`."""
    return _asked(place, ask).body


def list_(place: Place, ask: Ask) -> Json:
    """`endpoints.list`."""
    found = [
        (endpoint.number, endpoint.body)
        for endpoint in place.endpoints.values()
        if endpoint.location == ask.location
    ]
    return page_of(found, ask.query, key="endpoints", fields=_FIELDS)


def patch(place: Place, ask: Ask) -> Json:
    """`endpoints.patch`."""
    endpoint = _asked(place, ask)
    changed = {field: ask.body[field] for field in _CHANGEABLE if field in ask.body}
    endpoint.body |= changed | {"updateTime": place.time.stamp(place.time.now())}
    return endpoint.body


def delete(place: Place, ask: Ask) -> Json:
    """`endpoints.delete`: refused while a model is deployed."""
    endpoint = _asked(place, ask)
    if endpoint.body.get("deployedModels"):
        raise Refusal(
            400,
            f"The Endpoint {endpoint.body['name']!r} has deployed models; undeploy them first.",
            word="FAILED_PRECONDITION",
        )
    del place.endpoints[ask.location, endpoint.id]
    return begun(place, ask, "DeleteOperationMetadata", {"@type": EMPTY})


def deploy_model(place: Place, ask: Ask) -> Json:
    """`endpoints.deployModel`, under an id of the client's choice."""
    endpoint, wanted = _asked(place, ask), ask.body["deployedModel"]
    model, version = place.find_model(_with_number(place, wanted.get("model", "")))
    chosen = wanted.get("id")
    if chosen is not None and not _DEPLOYED_ID.fullmatch(chosen):
        raise Refusal(400, f"The deployed model id {chosen!r} is invalid: 1 to 10 digits.")
    if any(deployed["id"] == chosen for deployed in endpoint.body.get("deployedModels", [])):
        raise Refusal(409, f"The DeployedModel {chosen!r} already exists.")
    deployed = place.deploy(
        endpoint,
        {
            "displayName": version.body["displayName"],
            **wanted,
            "model": model.name,
            "modelVersionId": version.body["versionId"],
        },
    )
    if ask.body.get("trafficSplit"):
        split = ask.body["trafficSplit"]
        endpoint.body["trafficSplit"] = {
            deployed["id"] if key == "0" else key: share for key, share in split.items()
        }
    response = {"@type": ask.type_url("DeployModelResponse"), "deployedModel": deployed}
    return begun(place, ask, "DeployModelOperationMetadata", response)


def undeploy_model(place: Place, ask: Ask) -> Json:
    """`endpoints.undeployModel`."""
    endpoint, gone = _asked(place, ask), ask.body["deployedModelId"]
    deployed = endpoint.body.get("deployedModels", [])
    left = [model for model in deployed if model["id"] != gone]
    if len(left) == len(deployed):
        raise Refusal(404, f"The DeployedModel {gone!r} does not exist.")
    endpoint.body["deployedModels"] = left
    endpoint.body["trafficSplit"] = {left[-1]["id"]: 100} if left else {}
    response = {"@type": ask.type_url("UndeployModelResponse")}
    return begun(place, ask, "UndeployModelOperationMetadata", response)


def _asked(place: Place, ask: Ask) -> Endpoint:
    endpoint = place.endpoints.get((ask.location, ask.ids["endpoints"]))
    if endpoint is None:
        raise not_found("Endpoint")
    return endpoint


def _with_number(place: Place, name: str) -> str:
    """A name as the place has it: with the number of the project."""
    return name.replace(f"projects/{place.project}/", f"projects/{place.project_number}/", 1)
