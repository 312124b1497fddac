"""Whether Vertex AI still does what is asked: the catalog's dates, and what follows from them.

Belongs here: refusing what is gone, warning of what nobody knows.
Does not belong here: the dates (`catalog/vertex.toml`), settings (`checks.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from tunekit._text import closest, either
from tunekit.catalog.vertex import VertexModel, retired_method, vertex_model, vertex_models
from tunekit.errors import CapabilityRetired
from tunekit.tuners.registry import AnyTuner

_SOON_DAYS = 90


def refuse_retired(tuner: AnyTuner, today: date) -> None:
    """Raise where the way of tuning, or the base model, is gone.

    Raises:
        CapabilityRetired: It is gone. No credential is looked up before this is known.
    """
    gone = retired_method(tuner.kind)
    if gone is not None:
        raise CapabilityRetired(
            f"{gone.what} is gone from Vertex AI since {gone.since} ({gone.source}). {gone.note}",
            hint=f"Its successor is {gone.successor}; or {_locally()}",
            since=gone.since,
            successor=gone.successor,
            place=type(tuner).__name__,
        )
    for field, name in _models_of(tuner):
        model = vertex_model(name)
        if model is not None and model.retires is not None and model.is_retired(today):
            raise CapabilityRetired(
                f"{name!r} is gone from Vertex AI since {model.retires} ({model.source}).",
                hint=f"{_successor(model)}{_locally()}",
                since=model.retires,
                successor=model.successor,
                place=f"{type(tuner).__name__}.{field}",
            )


def warnings(tuner: AnyTuner, model: VertexModel | None, today: date) -> Iterator[str]:
    """What speaks against the base model, without refusing it."""
    if model is None:
        known = [entry.id for entry in vertex_models() if not entry.is_retired(today)]
        close = closest(tuner.base_model, known)
        guess = f" Did you mean {close!r}?" if close else ""
        yield (
            f"tunekit does not know the base model {tuner.base_model!r} on Vertex AI, so neither its limits nor its "
            f"price; the server decides.{guess}"
        )
        return
    if tuner.kind not in model.methods:
        ways = either(model.methods, last="and") or "nothing"
        yield (
            f"No public page says that Vertex AI tunes {model.id!r} by {tuner.kind!r}; documented was {ways} on "
            f"{model.checked} ({model.source})."
        )
    if model.retires is not None:
        left = (model.retires - today).days
        if model.is_retired(today):
            yield f"{model.id!r} is gone since {model.retires}; the server will likely refuse it."
        elif left <= _SOON_DAYS:
            earliest = "not before " if model.retires_not_before else ""
            yield f"{model.id!r} retires {earliest}{model.retires} ({model.source})."


def _models_of(tuner: AnyTuner) -> Iterator[tuple[str, str]]:
    yield "base_model", tuner.base_model
    teacher = getattr(tuner, "teacher", None)
    if isinstance(teacher, str):
        yield "teacher", teacher


def _successor(model: VertexModel) -> str:
    return f"Google names {model.successor!r} as its successor; or " if model.successor else ""


def _locally() -> str:
    return (
        "run it here: the same tuner runs on LocalBackend, with a base model of yours. A project that still has "
        "access sends it with VertexBackend(allow_retired=True)."
    )
