"""Rows for tests: short, varied, and the same every time."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import tunekit as tk

_SUBJECTS = {
    "shipping": ("parcel", "courier", "delivery"),
    "billing": ("invoice", "fee", "payment"),
}
_TAILS = ("is late", "is wrong", "never came", "worries me", "has a question", "please help")
PROMPT = "Route the message to a team.\nMessage: {message}\nTeam:"


def routing_lines(count: int, *, seed: int = 0) -> list[dict[str, Any]]:
    """Distinct messages with the team that answers them, as lines of a file."""
    draw = random.Random(seed)
    lines = []
    for number in range(count):
        team = draw.choice(sorted(_SUBJECTS))
        message = f"my {draw.choice(_SUBJECTS[team])} {draw.choice(_TAILS)}, number {number}"
        lines.append({"input_text": PROMPT.format(message=message), "output_text": team})
    return lines


def routing(count: int = 24, *, seed: int = 0) -> tk.Dataset[tk.PromptCompletion]:
    """The same as a dataset in memory."""
    return tk.Dataset.read(routing_lines(count, seed=seed), row=tk.PromptCompletion)


def preference_lines(count: int, *, seed: int = 0) -> list[dict[str, Any]]:
    """Pairs of a polite and a terse reply in either order, of which the polite one is preferred."""
    draw = random.Random(seed)
    lines = []
    for number in range(count):
        subject = draw.choice([word for words in _SUBJECTS.values() for word in words])
        asked = f"my {subject} {draw.choice(_TAILS)}, number {number}"
        polite = draw.choice(["Thank you for writing.", "Thank you, we are on it."])
        terse = draw.choice(["No.", "Wait.", "Not our fault, as it happens."])
        choice = draw.randrange(2)
        answers = (polite, terse) if choice == 0 else (terse, polite)
        lines.append(
            {
                "input_text": asked,
                "candidate_0": answers[0],
                "candidate_1": answers[1],
                "choice": choice,
            }
        )
    return lines


def preferences(count: int = 24, *, seed: int = 0) -> tk.Dataset[tk.Preference]:
    """The same as a dataset in memory."""
    return tk.Dataset.read(preference_lines(count, seed=seed), row=tk.Preference)


_MACHINES = {"belt": "zorp", "pump": "vash", "press": "grum", "torch": "sizz"}
_FAULTS = {"hot": "fraz", "leaking": "drib", "stuck": "clog"}
RETRIEVAL_WORDS = [
    *["the", "is", "again", "what", "now", "with", "repair", "note", "find", "number", ".", ":"],
    *_MACHINES,
    *_MACHINES.values(),
    *_FAULTS,
    *_FAULTS.values(),
]
"""Every word of the data below but its numbers."""


def retrieval_rows(
    *, graded: bool = False
) -> tuple[list[dict[str, str]], list[dict[str, str]], list[dict[str, Any]]]:
    """Documents, queries in made-up words, and labels; of two queries to a document one is for the test."""
    pairs = [(machine, fault) for machine in _MACHINES for fault in _FAULTS]
    documents = [
        {"_id": f"note-{n}", "title": "repair note", "text": f"the {machine} is {fault}"}
        for n, (machine, fault) in enumerate(pairs)
    ]
    queries, labels = list[dict[str, str]](), list[dict[str, Any]]()
    for n, (machine, fault) in enumerate(pairs):
        for tail in ("again", "what now"):
            query = f"query-{len(queries)}"
            text = f"{_MACHINES[machine]} {_FAULTS[fault]} {tail}"
            queries.append({"_id": query, "text": text})
            labels.append({"query-id": query, "corpus-id": f"note-{n}", "score": 1 + graded})
            if graded:
                like = next(m for m, pair in enumerate(pairs) if pair[0] == machine and m != n)
                labels.append({"query-id": query, "corpus-id": f"note-{like}", "score": 1})
    return documents, queries, labels


def retrieval(*, graded: bool = False, test_from: int = 1) -> tk.RetrievalData:
    """The same as datasets in memory; every second query is for the test, from `test_from` on."""
    documents, queries, labels = retrieval_rows(graded=graded)
    of_test = {query["_id"] for query in queries[test_from::2]}
    parts = [
        tk.Dataset.read(
            [label for label in labels if (label["query-id"] in of_test) is test],
            row=tk.RelevanceLabel,
        )
        for test in (False, True)
    ]
    return tk.RetrievalData(
        corpus=tk.Dataset.read(documents, row=tk.Document),
        queries=tk.Dataset.read(queries, row=tk.Query),
        train_labels=parts[0],
        test_labels=parts[1],
    )


def write_lines(path: Path, lines: Iterable[Mapping[str, Any] | bytes | str]) -> str:
    """Write lines to a file: objects as JSON, bytes and texts as they are."""
    raw = []
    for line in lines:
        if isinstance(line, bytes):
            raw.append(line)
        else:
            text = line if isinstance(line, str) else json.dumps(line)
            raw.append(text.encode())
    path.write_bytes(b"\n".join(raw) + b"\n")
    return str(path)
