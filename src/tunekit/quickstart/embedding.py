"""Embedding tuning: a search engine learns the words of a workshop, which no base model knows.

Belongs here: the steps and the data (`machine_notes/`, written for tunekit by `tools/retrieval`).
Does not belong here: anything that a user could not write the same way.
"""

from __future__ import annotations

import time
from importlib.resources import as_file, files
from itertools import islice

from tunekit.client import Client
from tunekit.data.dataset import Dataset
from tunekit.data.rows import RelevanceLabel
from tunekit.quickstart import WHOLE, Outcome, Say, Size, tuned
from tunekit.tuners.embedding import EmbeddingTuner
from tunekit.tuners.retrieval import LabelsName, RetrievalData

_QUERY = "the brantle is frazzic, what now"


def run(client: Client, say: Say, size: Size = WHOLE) -> Outcome:
    """Check, plan, tune, evaluate, search."""
    started = time.monotonic()
    with as_file(files("tunekit.quickstart") / "machine_notes") as folder:
        data = _within(RetrievalData.read(folder), size)
        say("data = tk.RetrievalData.read('machine_notes')", data)
        say("data.check()", data.check())

        tuner = EmbeddingTuner(
            base_model="tunekit/minilm",
            epochs=1 if size.train_steps is None else None,
            train_steps=size.train_steps,
        )
        model = tuned(client, say, tuner, data, name="data", display_name="shop talk")

        evaluation = model.evaluate(data)
        say("model.evaluate(data)", evaluation)
        (match,) = model.search(_QUERY, top_k=1)
        say(f"model.search({_QUERY!r}, top_k=1)", match.document.text)
        count = len(data.labels("train"))
    return Outcome.of(
        model,
        metric=evaluation.metric,
        before=evaluation.base.value,
        after=evaluation.tuned.value,
        rows=count,
        started=started,
    )


def _within(data: RetrievalData, size: Size) -> RetrievalData:
    """The data with as many labels of each kind as are taken."""
    if size.max_rows is None:
        return data

    def some(name: LabelsName) -> Dataset[RelevanceLabel]:
        return Dataset.read(list(islice(data.labels(name), size.max_rows)), row=RelevanceLabel)

    return RetrievalData(
        corpus=data.corpus,
        queries=data.queries,
        train_labels=some("train"),
        test_labels=some("test"),
    )
