"""The files that a tuning job reads: found in the emulated storage, checked row by row, and measured.

Belongs here: what the servers say about a row, and the statistics that a job shows.
Does not belong here: the rest of a request (`tuning_requests.py`).
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tunekit.testing.vertex.engines import num_tokens
from tunekit.testing.vertex.storage.store import ObjectStore
from tunekit.testing.vertex.wire import Json, Refusal

_NUM_EXAMPLES = 3
"""Rows that a finished job shows: a real one does, and a client has to keep them out of its logs."""
_NUM_BUCKETS = 10

RowFault = Callable[[Json], str | None]
"""What is wrong with a row, or `None`."""


def rows_at(storage: ObjectStore, uri: str, field: str, fault: RowFault) -> list[Json]:
    """The rows of a stored file.

    Raises:
        Refusal: It is not there, or a row is not as it has to be; with its number, counted from 0 as the servers do.
    """
    data = storage.read_uri(uri)
    if data is None:
        raise Refusal(
            400,
            f"Failed to read the dataset: {uri!r} was not found.",
            fields=[(field, "Not found.")],
        )
    rows: list[Json] = []
    for number, line in enumerate(data.splitlines()):
        text = _row_fault(line, rows, fault)
        if text is not None:
            raise Refusal(400, f"Row: {number}. {text}", fields=[(field, text)])
    if not rows:
        raise Refusal(400, f"The dataset {uri!r} has no rows.", fields=[(field, "Empty.")])
    return rows


def _row_fault(line: bytes, rows: list[Json], fault: RowFault) -> str | None:
    try:
        row = json.loads(line)
    except ValueError:
        return "Invalid JSON."
    if not isinstance(row, dict):
        return "Expected a JSON object."
    rows.append(row)
    return fault(row)


# --- what is wrong with a row ----------------------------------------------------------------------------------------


def gemini_fault(row: Json) -> str | None:
    """A conversation that ends with the model: `supervised-tuning/prepare-data` of the product's documentation."""
    return _turns_fault(row, ("user", "model", "function"))


def open_fault(row: Json) -> str | None:
    """A row for an open model: prompt and completion, messages, or turns with an assistant."""
    if "messages" in row:
        return (
            None
            if isinstance(row["messages"], list) and row["messages"]
            else "Missing required `messages` field."
        )
    if "prompt" in row:
        return None if "completion" in row else "Missing required `completion` field."
    return _turns_fault(row, ("user", "assistant", "model"))


def prompt_fault(row: Json) -> str | None:
    """A prompt for distillation."""
    if any(isinstance(row.get(key), str) for key in ("prompt", "input_text")) or row.get(
        "messages"
    ):
        return None
    return _turns_fault(row, ("user", "assistant", "model"))


def preference_fault(row: Json) -> str | None:
    """A prompt with one preferred and one other completion."""
    fault = _turns_fault(row, ("user", "model"))
    completions = row.get("completions")
    if fault is None and (not isinstance(completions, list) or len(completions) != 2):
        return "Expected exactly 2 `completions`."
    if fault is None and sorted(str(item.get("score")) for item in completions or ()) not in (
        ["0", "1"],
        ["0.0", "1.0"],
    ):
        return "Expected one completion with score 1 and one with score 0."
    return fault


def reinforcement_fault(row: Json) -> str | None:
    """A prompt with references, which are texts."""
    references = row.get("references", {})
    if not isinstance(references, dict) or not all(
        isinstance(text, str) for text in references.values()
    ):
        return "`references` must be a map of strings."
    return _turns_fault(row, ("user", "model"))


def _turns_fault(row: Json, roles: Sequence[str]) -> str | None:
    contents = row.get("contents")
    if not isinstance(contents, list) or not contents:
        return "Missing required `contents` field."
    for turn in contents:
        if (
            not isinstance(turn, dict)
            or not isinstance(turn.get("parts"), list)
            or not turn["parts"]
        ):
            return "Missing required `parts` field."
        if turn.get("role", "user") not in roles:
            return f"Invalid role {turn['role']!r}: use one of {', '.join(roles)}."
    return None


# --- what a finished job tells about them ----------------------------------------------------------------------------


def statistics_of(field: str, rows: Sequence[Json], *, num_steps: int) -> Json:
    """The statistics that a job shows, with a few of its rows, as a real one has them.

    Args:
        field: The field of the request that says how to tune.
        rows: The rows that were read.
        num_steps: Steps that the job takes.
    """
    name, preferences = _STATISTICS.get(field, ("", False))
    if not name:
        return {}
    given = [num_tokens(_text_in(_prompt_of(row))) for row in rows]
    wanted = [num_tokens(_text_in(_answer_of(row))) for row in rows]
    billable = [(2 if preferences else 1) * g + w for g, w in zip(given, wanted, strict=True)]
    supervised = field == "supervisedTuningSpec"
    found: Json = {
        "tuningDatasetExampleCount": str(len(rows)),
        "tuningStepCount": str(num_steps),
        "totalBillableTokenCount": str(sum(billable)),
        "userInputTokenDistribution": _distribution(given, supervised=supervised),
        "userOutputTokenDistribution": _distribution(wanted, supervised=supervised),
    }
    if field == "reinforcementTuningSpec":
        return {name: found}
    if preferences:
        return {name: found | {"scoresDistribution": _distribution([0, 1], supervised=False)}}
    characters = sum(len(_text_in(row)) for row in rows)
    turns = [len(_turns(row)) for row in rows]
    found |= {
        "totalTuningCharacterCount": str(characters),
        "totalBillableCharacterCount": str(characters),
        "userMessagePerExampleDistribution": _distribution(turns, supervised=supervised),
        "userDatasetExamples": [turn for row in rows[:_NUM_EXAMPLES] for turn in _turns(row)[:1]],
    }
    if supervised:
        return {name: found | {"totalTruncatedExampleCount": "0"}}
    return {name: {"trainingDatasetStats": found}}


_STATISTICS: Mapping[str, tuple[str, bool]] = {
    "supervisedTuningSpec": ("supervisedTuningDataStats", False),
    "preferenceOptimizationSpec": ("preferenceOptimizationDataStats", True),
    "distillationSpec": ("distillationDataStats", False),
    "reinforcementTuningSpec": ("reinforcementTuningDataStats", False),
}


def _turns(row: Json) -> list[Json]:
    """The turns of a row as contents, whatever its format."""
    if isinstance(row.get("contents"), list):
        return [turn for turn in row["contents"] if isinstance(turn, dict)]
    if isinstance(row.get("messages"), list):
        return [
            {"role": _role(turn.get("role")), "parts": [{"text": _text_in(turn.get("content"))}]}
            for turn in row["messages"]
            if turn.get("role") != "system"
        ]
    texts = (("user", row.get("prompt") or row.get("input_text")), ("model", row.get("completion")))
    return [
        {"role": role, "parts": [{"text": text}]} for role, text in texts if isinstance(text, str)
    ]


def _role(role: object) -> str:
    return "model" if role == "assistant" else str(role or "user")


def _prompt_of(row: Json) -> Any:
    turns = _turns(row)
    return turns[:-1] if turns and turns[-1].get("role") in ("model", "assistant") else turns


def _answer_of(row: Json) -> Any:
    if "completions" in row:
        return [completion.get("completion") for completion in row["completions"]]
    turns = _turns(row)
    return turns[-1:] if turns and turns[-1].get("role") in ("model", "assistant") else []


def _text_in(value: Any) -> str:
    """All texts in a part of a row."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "".join(
            _text_in(item) for key, item in value.items() if key not in ("role", "score")
        )
    return "".join(_text_in(item) for item in value) if isinstance(value, list) else ""


def _distribution(values: Sequence[float], *, supervised: bool) -> Json:
    low, high = float(min(values)), float(max(values))
    width = (high - low) / _NUM_BUCKETS or 1.0
    counts = [0] * _NUM_BUCKETS
    for value in values:
        counts[min(int((value - low) / width), _NUM_BUCKETS - 1)] += 1
    total = sum(values)
    buckets = [
        {
            "count": float(count) if supervised else str(count),
            "left": low + n * width,
            "right": low + (n + 1) * width,
        }
        for n, count in enumerate(counts)
        if count
    ]
    ordered = sorted(values)
    found: Json = {
        "sum": str(int(total)) if supervised else float(total),
        "min": low,
        "max": high,
        "mean": statistics.fmean(values),
        "median": float(statistics.median(values)),
        "p5": float(ordered[int(0.05 * (len(ordered) - 1))]),
        "p95": float(ordered[int(0.95 * (len(ordered) - 1))]),
        "buckets": buckets,
    }
    return found | ({"billableSum": str(int(total))} if supervised else {})
