"""How this machine runs embedding tuning: the trainer of sentence-transformers on pairs of texts.

Belongs here: from the settings of an `EmbeddingTuner` and its data to a model in a folder.
Does not belong here: pairs (`embedding_rows.py`), losses (`embedding_trainer.py`), looking at texts beforehand
(`embedding_inspection.py`).
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunekit._text import plural
from tunekit.backends.local.base_models import BaseModel, find_base_model, hub_name
from tunekit.backends.local.embedders import (
    Embedder,
    load_embedder,
    load_weights_into,
    prompt_of,
    refuse_dimensions,
    save_embedder,
    save_weights,
)
from tunekit.backends.local.embedding_inspection import inspect_texts
from tunekit.backends.local.embedding_rows import Columns, Labels, Negatives, Texts
from tunekit.backends.local.extras import EMBEDDINGS
from tunekit.backends.local.files import write_atomically
from tunekit.backends.local.run import Result, Run, RunFailed, Stage
from tunekit.backends.local.trainers import best_folder, lora, pace_of, without_machine_paths
from tunekit.jobs.backend import Inspection, Rows
from tunekit.jobs.record import JobProblem, JobRequest
from tunekit.tuners.embedding import EmbeddingTuner

if TYPE_CHECKING:
    from tunekit.backends.local.embedding_trainer import EmbeddingTrainer
    from tunekit.backends.local.hooks import JobHooks

MINING = "hard-negatives"
"""The stage that looks for documents that are hard to tell apart."""
_TOLD = {"eval_ndcg_at_10": "validation_ndcg_at_10"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lesson:
    """What is learnt, and how."""

    tuner: EmbeddingTuner
    texts: Texts
    labels: dict[str, Labels]
    """By dataset: `train`, and `validation` where there is one."""
    is_graded: bool
    cut_to: int | None
    """Length of the vectors, where it is less than the model's own."""


class EmbeddingRecipe:
    """Embedding tuning on this machine."""

    def inspect(self, request: JobRequest, rows: Rows, home: Path) -> Inspection:
        """Count tokens, and find texts that the base model would cut."""
        EMBEDDINGS.require()
        return inspect_texts(request, rows, home)

    def train(self, run: Run, into: Path) -> Result:
        """Train, and leave a whole model in `into`, with the adapter beside it where one was trained."""
        from transformers import set_seed

        from tunekit.backends.local.hooks import last_figures, loss_figures, train

        tuner: EmbeddingTuner = run.request.tuner
        base = find_base_model(tuner.base_model, run.home)
        set_seed(tuner.seed)
        embedder = load_embedder(base)
        run.recorder.message(f"base model loaded: {_num_weights(embedder):,} weights")
        lesson = _lesson(run, embedder)
        negatives = _negatives(run, lesson, embedder)
        stage = run.enter()
        set_seed(tuner.seed)  # what was drawn so far depends on where an earlier attempt broke off
        trainer, hooks = _trainer(stage, lesson, embedder, negatives)
        started = time.monotonic()
        train(trainer, hooks, stage)
        seconds = time.monotonic() - started
        best = best_folder(run)
        if best is not None and best.exists():
            load_weights_into(embedder.model, best)
        _save(lesson, base, embedder, into)
        history = trainer.state.log_history
        pairs = hooks.steps_done * (tuner.batch_size or 1)
        tokens = pairs * _mean_tokens(lesson, embedder)
        speed = {"seconds_per_token": seconds / max(tokens, 1)}
        return Result(loss_figures(history) | last_figures(history, _TOLD) | speed)


RECIPE = EmbeddingRecipe()
"""What the registry of this backend finds."""


def _lesson(run: Run, embedder: Embedder) -> _Lesson:
    tuner: EmbeddingTuner = run.request.tuner
    refuse_dimensions(tuner.output_dimensionality, embedder.num_dimensions)
    labels = {
        name: Labels([item.row for item in run.rows(name)], tuner.seed)
        for name in ("train", "validation")
        if run.request.dataset(name) is not None
    }
    for name, part in labels.items():
        if not part.relevant:
            raise RunFailed(
                JobProblem(
                    code="rows-unusable",
                    message=f"No {name} label says that a document is relevant.",
                    hint="Add labels with a score above 0.",
                )
            )
    cut = tuner.output_dimensionality
    graded = labels["train"].is_graded if tuner.objective == "auto" else tuner.objective == "scores"
    told = "by their scores" if graded else "by ranking relevant documents above the others"
    run.recorder.message(f"{plural(len(labels['train'].relevant), 'pair')} are learnt {told}")
    return _Lesson(
        tuner=tuner,
        texts=Texts(
            queries={item.row.id: item.row.text for item in run.rows("queries")},
            documents={item.row.id: item.row.content for item in run.rows("corpus")},
        ),
        labels=labels,
        is_graded=graded,
        cut_to=None if cut == embedder.num_dimensions else cut,
    )


def _negatives(run: Run, lesson: _Lesson, embedder: Embedder) -> Negatives:
    """Documents that are hard to tell apart, found once per job."""
    count = lesson.tuner.hard_negatives
    if not count:
        return {}
    run.enter(MINING)
    kept = run.folder.stage(MINING) / "negatives.json"
    if kept.exists():
        known: dict[str, list[str]] = json.loads(kept.read_text(encoding="utf-8"))
        return known
    train = lesson.labels["train"]
    found = train.mined(embedder, lesson.texts, count, query_task=lesson.tuner.query_task)
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(kept, {query_id: list(ids) for query_id, ids in found.items()})
    mined = sum(len(ids) for ids in found.values())
    run.recorder.message(
        f"{plural(mined, 'hard negative')} for {plural(len(found), 'query', 'queries')}"
    )
    return found


def _trainer(
    stage: Stage, lesson: _Lesson, embedder: Embedder, negatives: Negatives
) -> tuple[EmbeddingTrainer, JobHooks]:
    from datasets import Dataset as Table
    from sentence_transformers import SentenceTransformerTrainingArguments

    from tunekit.backends.local.embedding_trainer import (
        EmbeddingTrainer,
        ValidationEvaluator,
        loss_for,
    )
    from tunekit.backends.local.hooks import JobHooks

    tuner, model = lesson.tuner, embedder.model
    if tuner.trains_adapter:
        model.add_adapter(lora(tuner.adapter_size or 1, task_type="FEATURE_EXTRACTION"))
    tables = {
        name: _columns(lesson, part, negatives if name == "train" else {})
        for name, part in lesson.labels.items()
    }
    hooks = JobHooks(
        stage,
        told=_TOLD,
        keep_old_weights=tuner.trains_adapter,
        early_stopping=tuner.early_stopping,
        best=best_folder(stage.run),
        save=lambda trained, folder: save_weights(trained, folder, tuner.base_model),
    )
    trainer = EmbeddingTrainer(
        model=model,
        args=SentenceTransformerTrainingArguments(
            **pace_of(tuner).arguments(SentenceTransformerTrainingArguments, stage),
            per_device_train_batch_size=tuner.batch_size or 1,
            per_device_eval_batch_size=tuner.batch_size or 1,
            prompts=_prompts(lesson, embedder, tables["train"]),
        ),
        train_dataset=Table.from_dict(tables["train"]),
        eval_dataset=Table.from_dict(tables["validation"]) if "validation" in tables else None,
        loss=loss_for(
            model,
            graded=lesson.is_graded,
            longest=_longest(lesson, embedder),
            batch=(tuner.batch_size or 1) * len(tables["train"]),
            cut_to=lesson.cut_to,
        ),
        evaluator=ValidationEvaluator(
            lesson.labels["validation"].relevant, lesson.texts, tuner.query_task, lesson.cut_to
        )
        if "validation" in lesson.labels
        else None,
        callbacks=[hooks],
    )
    trainer.base_model = tuner.base_model
    trainer.relevant = None if lesson.is_graded else _relevant(lesson)
    return trainer, hooks


def _columns(lesson: _Lesson, labels: Labels, negatives: Negatives) -> Columns:
    rows = labels.scored_rows if lesson.is_graded else labels.ranked_rows
    return rows(lesson.texts, negatives, lesson.tuner.hard_negatives)


def _relevant(lesson: _Lesson) -> dict[str, set[str]]:
    """What is relevant to each query, whichever labels say so."""
    found: dict[str, set[str]] = {}
    for labels in lesson.labels.values():
        for query, documents in labels.relevant_texts(lesson.texts).items():
            found.setdefault(query, set()).update(documents)
    return found


def _prompts(lesson: _Lesson, embedder: Embedder, columns: Columns) -> dict[str, str] | None:
    """What stands before the texts of each column, the same as when the model is asked."""
    query = prompt_of(embedder.model, lesson.tuner.query_task)
    document = prompt_of(embedder.model, "RETRIEVAL_DOCUMENT")
    texts = [name for name in columns if name != "score"]
    own = embedder.model.prompts.get(embedder.model.default_prompt_name or "")
    found = dict.fromkeys(texts, document or own) | {texts[0]: query or own}
    return {name: prompt for name, prompt in found.items() if prompt} or None


def _save(lesson: _Lesson, base: BaseModel, embedder: Embedder, into: Path) -> None:
    """Leave a whole model, so that it needs nothing beside it; and the adapter by itself where one was trained."""
    tuner = lesson.tuner
    if not tuner.trains_adapter:
        save_embedder(_cut(embedder, lesson), into)
        return
    adapter = into / "adapter"
    first: Any = embedder.model[0]
    first.model.save_pretrained(str(adapter))
    merged = load_embedder(BaseModel(base.source, (*base.adapters, adapter)))
    save_embedder(_cut(merged, lesson), into)
    without_machine_paths(adapter, hub_name(tuner.base_model))


def _cut(embedder: Embedder, lesson: _Lesson) -> Embedder:
    return Embedder(embedder.model, embedder.num_dimensions, lesson.cut_to)


def _num_weights(embedder: Embedder) -> int:
    return sum(weights.numel() for weights in embedder.model.parameters())


def _longest(lesson: _Lesson, embedder: Embedder) -> int:
    """Tokens of the longest text, as far as characters tell, within what the model takes."""
    characters = max(map(len, (*lesson.texts.queries.values(), *lesson.texts.documents.values())))
    return max(1, min(embedder.model.max_seq_length or characters, characters))


def _mean_tokens(lesson: _Lesson, embedder: Embedder) -> float:
    """Tokens of a pair."""
    pairs = lesson.labels["train"].relevant[:200]
    texts = [
        f"{lesson.texts.queries[label.query_id]} {lesson.texts.documents[label.document_id]}"
        for label in pairs
    ]
    counted = sum(len(ids) for ids in embedder.model.tokenizer(texts)["input_ids"])
    return counted / max(len(pairs), 1)
