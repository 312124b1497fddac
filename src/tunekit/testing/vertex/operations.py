"""Long-running operations: what starts one, and the calls that look at it.

Belongs here: operations of Vertex AI.
Does not belong here: what an operation does (the resource that starts it).
"""

from __future__ import annotations

from tunekit.testing.vertex.asking import Ask
from tunekit.testing.vertex.listing import page_of
from tunekit.testing.vertex.place import Operation, Place
from tunekit.testing.vertex.wire import Json, not_found

EMPTY = "type.googleapis.com/google.protobuf.Empty"


def begun(place: Place, ask: Ask, metadata: str, response: Json) -> Json:
    """Start an operation whose effect is there already.

    Args:
        place: Where.
        ask: The call that starts it.
        metadata: Name of its message of metadata.
        response: What it gives when it is done, with its `@type`.
    """
    now = place.time.now()
    number = place.number()
    made = place.id_of(number)
    stamp = place.time.stamp(now)
    body: Json = {
        "name": place.name(ask.location, "operations", made),
        "metadata": {
            "@type": ask.type_url(metadata),
            "genericMetadata": {"createTime": stamp, "updateTime": stamp},
        },
        "response": response,
    }
    operation = Operation(number, body, now + place.rules.operation_seconds)
    place.operations[ask.location, made] = operation
    return _view(place, operation)


def get(place: Place, ask: Ask) -> Json:
    """`operations.get`, and `wait`, which may come back early: so it does."""
    operation = place.operations.get((ask.location, ask.ids["operations"]))
    if operation is None:
        raise not_found("Operation")
    return _view(place, operation)


def list_(place: Place, ask: Ask) -> Json:
    """`operations.list`."""
    found = [
        (operation.number, _view(place, operation))
        for (location, _), operation in place.operations.items()
        if location == ask.location
    ]
    return page_of(found, ask.query, key="operations", fields=("done", "name"))


def cancel(place: Place, ask: Ask) -> Json:
    """`operations.cancel`: without effect, since the effect is there already."""
    get(place, ask)
    return {}


def delete(place: Place, ask: Ask) -> Json:
    """`operations.delete`: forget it."""
    get(place, ask)
    del place.operations[ask.location, ask.ids["operations"]]
    return {}


def _view(place: Place, operation: Operation) -> Json:
    if place.time.now() >= operation.done_at:
        return {**operation.body, "done": True}
    return {key: value for key, value in operation.body.items() if key != "response"}
