"""The model registry: models, their versions and checkpoints.

Belongs here: the calls to `models`.
Does not belong here: how jobs make models (`tuning_jobs.py`, `pipeline_jobs.py`).
"""

from __future__ import annotations

from tunekit.testing.vertex.asking import Ask
from tunekit.testing.vertex.listing import page_of
from tunekit.testing.vertex.operations import EMPTY, begun
from tunekit.testing.vertex.place import Model, ModelVersion, Place, checked_labels, checked_name
from tunekit.testing.vertex.wire import Json, Refusal

_FIELDS = ("displayName", "name", "createTime", "updateTime")
_CHANGEABLE = ("displayName", "description", "labels", "defaultCheckpointId")


def get(place: Place, ask: Ask) -> Json:
    """`models.get`, with `@` and a version or alias behind the id."""
    model, version = _asked(place, ask)
    return _view(place, model, version)


def list_(place: Place, ask: Ask) -> Json:
    """`models.list`: the newest version of each."""
    found = [
        (model.number, _view(place, model, model.versions[-1]))
        for model in place.models.values()
        if model.location == ask.location
    ]
    return page_of(found, ask.query, key="models", fields=_FIELDS)


def list_versions(place: Place, ask: Ask) -> Json:
    """`models.listVersions`."""
    model, _ = _asked(place, ask)
    found = [(n, _view(place, model, version)) for n, version in enumerate(model.versions)]
    return page_of(found, ask.query, key="models", fields=_FIELDS)


def list_checkpoints(place: Place, ask: Ask) -> Json:
    """`models.listCheckpoints`."""
    _, version = _asked(place, ask)
    checkpoints = version.body.get("checkpoints", [])
    found = [(-n, checkpoint) for n, checkpoint in enumerate(checkpoints)]
    return page_of(found, ask.query, key="checkpoints", fields=())


def patch(place: Place, ask: Ask) -> Json:
    """`models.patch`; without a mask, what is there is changed."""
    model, version = _asked(place, ask)
    mask = {part.strip() for part in ask.query.get("updateMask", "").split(",") if part.strip()}
    for field in _CHANGEABLE:
        if field in ask.body and (not mask or field in mask or _snake(field) in mask):
            version.body[field] = ask.body[field]
    known = [checkpoint["checkpointId"] for checkpoint in version.body.get("checkpoints", [])]
    default = version.body.get("defaultCheckpointId")
    if default is not None and default not in known:
        raise Refusal(400, f"The checkpoint {default!r} does not exist.")
    version.body["updateTime"] = place.time.stamp(place.time.now())
    return _view(place, model, version)


def upload(place: Place, ask: Ask) -> Json:
    """`models.upload`: register a model, or a version of one."""
    given = ask.body["model"]
    checked_name(given["displayName"], "model.display_name")
    wanted, parent = ask.body.get("modelId"), None
    if "parentModel" in ask.body:
        parent, _ = place.find_model(ask.body["parentModel"])
    elif wanted is not None and (ask.location, wanted) in place.models:
        raise Refusal(409, f"The Model {wanted!r} already exists.")
    body = {**given, "labels": checked_labels(given.get("labels", {}))}
    model = place.add_model(ModelVersion(body), location=ask.location, id=wanted, parent=parent)
    response = {
        "@type": ask.type_url("UploadModelResponse"),
        "model": model.name,
        "modelVersionId": model.versions[-1].body["versionId"],
    }
    return begun(place, ask, "UploadModelOperationMetadata", response)


def delete(place: Place, ask: Ask) -> Json:
    """`models.delete`: refused while the model is deployed."""
    model, _ = _asked(place, ask)
    _refuse_deployed(place, model)
    del place.models[ask.location, model.id]
    return begun(place, ask, "DeleteOperationMetadata", {"@type": EMPTY})


def delete_version(place: Place, ask: Ask) -> Json:
    """`models.deleteVersion`: refused for the last one."""
    model, version = _asked(place, ask)
    if len(model.versions) == 1:
        raise Refusal(
            400,
            "The only version of a model cannot be deleted; delete the model.",
            word="FAILED_PRECONDITION",
        )
    _refuse_deployed(place, model)
    model.versions.remove(version)
    return begun(place, ask, "DeleteOperationMetadata", {"@type": EMPTY})


def _asked(place: Place, ask: Ask) -> tuple[Model, ModelVersion]:
    return place.find_model(place.name(ask.location, "models", ask.ids["models"]))


def _view(place: Place, model: Model, version: ModelVersion) -> Json:
    deployed = place.deployments(model)
    return {**version.body, **({"deployedModels": deployed} if deployed else {})}


def _refuse_deployed(place: Place, model: Model) -> None:
    deployed = place.deployments(model)
    if deployed:
        raise Refusal(
            400,
            f"The Model {model.name!r} is deployed at {deployed[0]['endpoint']!r}; undeploy it first.",
            word="FAILED_PRECONDITION",
        )


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
