"""What the command does with a tuned model, by its kind: asks it, holds it against files, writes it to a folder.

Belongs here: which arguments each kind of model takes, and what its replies look like in a terminal.
Does not belong here: the arguments themselves and exit codes (`cli.py`), what models do (`jobs/`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import BaseModel, JsonValue

from tunekit.data.dataset import Dataset
from tunekit.errors import MethodUnsupported, SettingInvalid
from tunekit.jobs.embedding_models import EmbeddingModel, Match
from tunekit.jobs.exporting import Exported, export_format
from tunekit.jobs.images import ImageModel
from tunekit.jobs.models import TextModel, TunedModel
from tunekit.tuners.retrieval import RetrievalData

Options: TypeAlias = Mapping[str, Any]
"""Options of the command by name; those that were not given are `None`."""

_FOUND = 5
"""Documents that a search gives where nothing else is asked for."""
_DOCUMENT_CHARACTERS = 80


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model says to a text."""

    text: str
    """For people."""
    json: JsonValue
    """For programs."""


@singledispatch
def ask(model: TunedModel, text: str, options: Options) -> Reply:  # noqa: ARG001  # for those below
    """Ask a model.

    Args:
        model: Any tuned model.
        text: What to ask.
        options: How, in words that models of this kind know.

    Raises:
        SettingInvalid: An option is for models of another kind.
        MethodUnsupported: Models of this kind are not asked on the command line.
    """
    raise _unsupported(model, "predict")


@ask.register(TextModel)
def _ask_for_text(model: TextModel, text: str, options: Options) -> Reply:
    answer = model.predict(
        text, **_only(model, options, "temperature", "max_output_tokens", "seed")
    )
    return Reply(str(answer), answer.model_dump(mode="json"))


@ask.register(EmbeddingModel)
def _ask_for_documents(model: EmbeddingModel, text: str, options: Options) -> Reply:
    known = _only(model, options, "top_k", "vector")
    if known.get("vector"):
        numbers: list[float] = model.embed([text])[0].tolist()
        return Reply(json.dumps(numbers), [*numbers])
    matches = model.search(text, known.get("top_k", _FOUND))
    lines = [_line(rank, match) for rank, match in enumerate(matches, 1)]
    return Reply("\n".join(lines), [match.model_dump(mode="json") for match in matches])


@singledispatch
def hold(model: TunedModel, files: Sequence[str], options: Options) -> BaseModel:  # noqa: ARG001  # for those below
    """Hold a model and its base against files.

    Args:
        model: Any tuned model.
        files: Files of rows, or a folder where the rows are in several files.
        options: How, in words that models of this kind know.

    Raises:
        SettingInvalid: An option is for models of another kind, or the files are.
        MethodUnsupported: Models of this kind are not evaluated on the command line.
    """
    raise _unsupported(model, "evaluate")


@hold.register(TextModel)
def _hold_text(model: TextModel, files: Sequence[str], options: Options) -> BaseModel:
    known = _only(model, options, "max_rows")
    return model.evaluate(Dataset.read(files), **known)


@hold.register(EmbeddingModel)
def _hold_search(model: EmbeddingModel, files: Sequence[str], options: Options) -> BaseModel:
    known = _only(model, options, "max_rows", "labels")
    if len(files) != 1 or not Path(files[0]).is_dir():
        raise SettingInvalid(
            f"An embedding model is held against one folder, not {' '.join(files)!r}.",
            hint="Write a folder with corpus.jsonl, queries.jsonl, and labels in qrels/.",
        )
    return model.evaluate(
        RetrievalData.read(files[0]),
        labels=known.get("labels"),
        max_queries=known.get("max_rows"),
    )


@singledispatch
def write(model: TunedModel, folder: Path, options: Options) -> Exported:  # noqa: ARG001  # for those below
    """Write a model to a folder.

    Args:
        model: Any tuned model.
        folder: Where to.
        options: How, in words that models of this kind know.

    Raises:
        SettingInvalid: An option is for models of another kind.
        MethodUnsupported: Models of this kind are not exported, or not in that format.
    """
    raise _unsupported(model, "export")


@write.register(TextModel)
def _write_text(model: TextModel, folder: Path, options: Options) -> Exported:
    known = _only(model, options, "format", "max_drift")
    return model.export(
        folder, format=export_format(known["format"]), max_drift=known.get("max_drift")
    )


@write.register(EmbeddingModel)
def _write_embedder(model: EmbeddingModel, folder: Path, options: Options) -> Exported:
    _as_safetensors(model, _only(model, options, "format"))
    return model.export(folder)


@write.register(ImageModel)
def _write_pipeline(model: ImageModel, folder: Path, options: Options) -> Exported:
    known = _only(model, options, "format", "max_drift")
    _as_safetensors(model, known)
    return model.export(folder, max_drift=known.get("max_drift"))


def _only(model: TunedModel, options: Options, *names: str) -> dict[str, Any]:
    """The options that were given, all of which are among those names."""
    given = {name: value for name, value in options.items() if value is not None}
    foreign = next((name for name in given if name not in names), None)
    if foreign is not None:
        known = " and ".join(f"--{name.replace('_', '-')}" for name in names)
        raise SettingInvalid(
            f"--{foreign.replace('_', '-')} is not for {_kind(model)}.",
            hint=f"Leave it out; there is {known}.",
        )
    return given


def _as_safetensors(model: TunedModel, options: Options) -> None:
    asked = export_format(options["format"])
    if asked != "safetensors":
        raise MethodUnsupported(
            f"There is no export to {asked!r} for {_kind(model)}.",
            hint="Write --format safetensors.",
            place="format",
        )


def _unsupported(model: TunedModel, verb: str) -> MethodUnsupported:
    return MethodUnsupported(
        f"`tunekit {verb}` does not know what to do with {_kind(model)}.",
        hint=f"Use it in Python: client.model({model.id!r}).",
    )


def _kind(model: TunedModel) -> str:
    return f"a model of the kind {model.record.kind!r}"


def _line(rank: int, match: Match) -> str:
    shown = " ".join(match.document.content.split())
    cut = shown if len(shown) <= _DOCUMENT_CHARACTERS else f"{shown[: _DOCUMENT_CHARACTERS - 1]}…"
    return f"{rank:>3}. {match.similarity:6.3f}  {match.document.id}  {cut}"
