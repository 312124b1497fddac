"""What a request is made of: the job that was asked for, and the place it is for. And what comes of it.

Belongs here: the values that go in and out of the files per way of tuning, and what all bodies share.
Does not belong here: any way of tuning (one file each), sending (`transport.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from pydantic import JsonValue

from tunekit.backends.vertex.options import VertexOptions
from tunekit.catalog.vertex import Family, VertexModel, short_name
from tunekit.errors import SettingInvalid
from tunekit.jobs.record import JobRequest
from tunekit.tuners.learning_rate import LearningRate, LearningRateMultiplier

Resource = Literal["pipelineJobs", "tuningJobs"]
Json: TypeAlias = dict[str, Any]
"""A JSON object on the wire."""

SPELLINGS = Literal[
    "documents",
    "gemini",
    "gemini_preference",
    "messages",
    "palm_chat",
    "preference",
    "prompt_completion",
    "prompt_messages",
    "prompts",
    "queries",
    "reinforcement",
    "relevance",
]
"""How rows are spelt for a way of tuning."""

_SIZES = {1: "ONE", 2: "TWO", 4: "FOUR", 8: "EIGHT", 16: "SIXTEEN", 32: "THIRTY_TWO"}
MAX_DISPLAY_NAME = 128
"""Characters of a name that Vertex AI takes."""


@dataclass(frozen=True, slots=True)
class Parent:
    """A tuned model that tuning goes on from."""

    model: str
    """Resource name of the model."""
    checkpoint_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A job that was asked for, and the place it is for."""

    request: JobRequest
    project: str
    location: str
    staging: str
    """Folder in Cloud Storage, without a slash behind."""
    options: VertexOptions = field(default_factory=VertexOptions)
    model: VertexModel | None = None
    """What the catalog knows of the base model."""
    parent: Parent | None = None
    uris: Mapping[str, str] = field(default_factory=dict[str, str])
    """Where the rows of each dataset lie."""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """Labels by which tunekit finds the job again."""

    @property
    def tuner(self) -> Any:
        """The tuner of the job."""
        return self.request.tuner

    @property
    def base_model(self) -> str:
        """The base model as Vertex AI calls it."""
        name = short_name(self.tuner.base_model)
        return self.model.id if self.model and self.model.id == f"{name}-001" else name

    @property
    def family(self) -> Family:
        """The family of the base model; guessed from its name where the catalog has none."""
        if self.model is not None:
            return self.model.family
        name = self.base_model
        if self.parent is not None or name.startswith("gemini"):
            return "gemini"
        if "bison" in name or "unicorn" in name:
            return "palm"
        if "embedding" in name:
            return "embedding"
        return "open" if "@" in name or "/" in name else "gemini"

    @property
    def output_uri(self) -> str:
        """Folder for what the job writes."""
        return self.options.output_uri or f"{self.staging}/outputs/{self.labels['tunekit-key']}"


@dataclass(frozen=True, slots=True)
class Body:
    """A request to create a job."""

    resource: Resource
    json: Json


class Recipe(Protocol):
    """What Vertex AI has to be told for one way of tuning."""

    def spellings(self, case: Case) -> Mapping[str, SPELLINGS]:
        """How the rows of each dataset are spelt.

        Raises:
            SettingInvalid: A setting cannot be on Vertex AI.
            MethodUnsupported: The base model is not tuned in that way.
        """
        ...

    def body(self, case: Case) -> Body:
        """The request; `case.uris` tells where the rows lie."""
        ...


@dataclass(frozen=True, slots=True)
class Misfit:
    """A setting that cannot be here."""

    field: str
    fact: str
    hint: str
    listed: bool = False
    """Whether only a list of the catalog says so: `VertexOptions.unlisted` sends it all the same."""


def refuse(case: Case, misfits: Iterable[Misfit]) -> None:
    """Raise where there is a misfit, and name all of them.

    Raises:
        SettingInvalid: There is one.
    """
    found = [one for one in misfits if not (one.listed and case.options.unlisted == "send")]
    if not found:
        return
    taker = type(case.tuner).__name__
    if len(found) == 1:
        only = found[0]
        raise SettingInvalid(only.fact, hint=only.hint, place=f"{taker}.{only.field}")
    listed = "".join(f"\n  {one.field}: {one.fact} {one.hint}" for one in found)
    raise SettingInvalid(
        f"{len(found)} settings cannot be on Vertex AI:{listed}\n",
        hint="Correct them and call again.",
        place=taker,
    )


def common(case: Case) -> Json:
    """The fields that all tuning jobs have."""
    options = case.options
    body: Json = {}
    if case.parent is not None:
        body["preTunedModel"] = without_none(
            {"tunedModelName": case.parent.model, "checkpointId": case.parent.checkpoint_id}
        )
    else:
        body["baseModel"] = case.base_model
    return body | without_none(
        {
            "tunedModelDisplayName": case.request.display_name,
            "description": options.description,
            "labels": {**case.request.labels, **case.labels},
            "encryptionSpec": kms(options.encryption_key),
            "serviceAccount": options.service_account,
        }
    )


def kms(key: str | None) -> JsonValue:
    """The field for a key of one's own."""
    return None if key is None else {"kmsKeyName": key}


def without_none(fields: Mapping[str, Any]) -> Json:
    """The fields that have a value."""
    return {name: value for name, value in fields.items() if value is not None}


def adapter_size(size: int | None) -> str | None:
    """A rank as the enum of the API spells it."""
    return None if size is None else f"ADAPTER_SIZE_{_SIZES[size]}"


def whole(number: int | None) -> str | None:
    """A whole number as JSON has those of 64 bits: as a text."""
    return None if number is None else str(number)


def multiplier(rate: object) -> float | None:
    """The multiplier of a learning rate, where it was given as one."""
    return rate.multiplier if isinstance(rate, LearningRateMultiplier) else None


def absolute(rate: object) -> float | None:
    """The learning rate itself, where it was given as one."""
    return rate.absolute if isinstance(rate, LearningRate) else None
