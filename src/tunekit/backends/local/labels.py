"""The first stage of distillation on this machine: a teacher that this machine loads answers the prompts.

Belongs here: the teacher as a model in memory, the stage, and the file that says where every label comes from.
Does not belong here: keeping labels (`tuners/labelling.py`), learning from them (`distillation.py`).
"""

from __future__ import annotations

import hashlib
import traceback
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from tunekit._text import first_few, plural
from tunekit.backends.local.base_models import BaseModel, find_base_model, load_encoder
from tunekit.backends.local.encoding import Encoder
from tunekit.backends.local.inference import Models
from tunekit.backends.local.run import Run, RunFailed, Stopped
from tunekit.data.dataset import Located
from tunekit.data.rows import Prompt
from tunekit.errors import BaseModelNotFound
from tunekit.jobs.backend import Sampling
from tunekit.jobs.record import JobProblem
from tunekit.tuners.distillation import Distiller, seed_of
from tunekit.tuners.labelling import (
    Completed,
    Labeller,
    Question,
    Reply,
    Wording,
    dataset_of,
    one_by_one,
)
from tunekit.tuners.labels import LabelFacts, LabelStore, Provenance

STAGE = "labels"
_AT_ONCE = 16
"""Prompts that are answered together where nothing is drawn."""


def labelled_rows(run: Run) -> Completed:
    """The rows of a run, each with an answer, and with a reason where reasons are learnt.

    Raises:
        Stopped: Somebody asked to stop; labels so far are kept.
        RunFailed: The teacher did not answer all; labels so far are kept.
    """
    parts: Completed = {ref.name: list(run.rows(ref.name)) for ref in run.request.datasets}
    rows = [item for part in parts.values() for item in part]
    if _is_incomplete(run, rows):
        parts = _asked(run, parts)
    for name, part in parts.items():
        if any(Provenance.of(item.row, run.request.key) for item in part):
            target = "labelled" if name == "train" else f"labelled_{name}"
            dataset_of(part).write(run.folder.data(target), overwrite=True)
    return parts


def figures_of(parts: Completed, job_key: str) -> dict[str, float]:
    """What the labels of rows took: calls, their tokens where they are known, and labels that were there already."""
    facts = {label.label: label for label in _labels(parts, job_key)}
    fresh = [label for label in facts.values() if not label.reused]
    figures = {
        "teacher_calls": float(len(fresh)),
        "labels_reused": float(len(facts) - len(fresh)),
    }
    prompts = [label.num_prompt_tokens for label in fresh if label.num_prompt_tokens is not None]
    outputs = [label.num_output_tokens for label in fresh if label.num_output_tokens is not None]
    if len(prompts) == len(fresh):
        figures["teacher_prompt_tokens"] = float(sum(prompts))
    if len(outputs) == len(fresh):
        figures["teacher_output_tokens"] = float(sum(outputs))
    return figures if facts else {}


def find_teacher(name: str, home: Path) -> BaseModel:
    """The teacher of that name.

    Raises:
        BaseModelNotFound: There is none.
    """
    try:
        return find_base_model(name, home)
    except BaseModelNotFound as error:
        raise BaseModelNotFound(error.fact, hint=error.hint, place="teacher") from error


def wording_of(tuner: Distiller) -> Wording:
    """How the teacher of a tuner is asked; one in a folder is another teacher when its weights are."""
    folder = Path(str(tuner.teacher))
    if tuner.teacher_name is not None or tuner.asks_here or not folder.is_dir():
        return tuner.wording()
    stats = [(path.name, path.stat()) for path in sorted(folder.glob("*.safetensors"))]
    written = repr([(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats])
    digest = hashlib.sha256(written.encode()).hexdigest()[:12]
    return tuner.wording(f"{tuner.teacher_id}@{digest}")


def store_of(wording: Wording, home: Path) -> LabelStore:
    """Where the labels of a teacher are kept on this machine."""
    return LabelStore(home / "labels", wording.teacher)


def _is_incomplete(run: Run, rows: Iterable[Located[Any]]) -> bool:
    reasons = run.request.tuner.rationale == "learn"
    for item in rows:
        known = Provenance.of(item.row, run.request.key)
        if isinstance(item.row, Prompt) or (reasons and (known is None or known.reason is None)):
            return True
    return False


def _asked(run: Run, parts: Completed) -> Completed:
    run.enter(STAGE)
    tuner: Distiller = run.request.tuner
    wording = wording_of(tuner)
    teacher = _LocalTeacher(tuner, run.home)

    def watch(done: int, num_missing: int) -> None:
        if run.folder.is_asked_to_stop():
            raise Stopped
        teacher.check()
        run.recorder.progress(done, num_missing)

    labeller = Labeller(
        wording,
        store_of(wording, run.home),
        one_by_one(teacher.ask),
        asked_by=run.request.key,
        at_once=_AT_ONCE if tuner.teacher_temperature == 0 else 1,
        watch=watch,
    )
    done = labeller.completed(parts)
    if labeller.findings:
        if labeller.cause is not None:
            traceback.print_exception(labeller.cause)  # into the log of the job
        raise RunFailed(_unlabelled(labeller)) from labeller.cause
    figures = figures_of(done, run.request.key)
    run.recorder.metrics(sum(len(part) for part in done.values()), figures)
    run.recorder.message(
        f"teacher {wording.teacher!r}: {plural(int(figures['teacher_calls']), 'label')} asked for, "
        f"{int(figures['labels_reused']):,} known already"
    )
    return done


class _LocalTeacher:
    """A teacher that is loaded when it is first asked."""

    def __init__(self, tuner: Distiller, home: Path) -> None:
        self._tuner = tuner
        self._name = str(tuner.teacher)
        self._home = home
        self._models = Models(home)

    def ask(self, batch: Sequence[Question]) -> list[Reply]:
        """Answer all of a batch at once."""
        drawn = self._tuner.teacher_temperature > 0
        sampling = Sampling(
            temperature=self._tuner.teacher_temperature,
            max_output_tokens=self._tuner.teacher_max_output_tokens,
            seed=seed_of(batch[0]) if drawn else None,
        )
        prompts = [question.asked for question in batch]
        answers = self._models.answers(self._name, "", prompts, sampling, tuned=True)
        return [
            Reply(
                answer.text,
                stopped=answer.stopped,
                num_prompt_tokens=len(self._encoder.prompt_ids(prompt)),
                num_output_tokens=answer.num_output_tokens,
            )
            for prompt, answer in zip(prompts, answers, strict=True)
        ]

    def check(self) -> None:
        """Raise where there is no such teacher; where nothing is left to ask it does not have to be there.

        Raises:
            BaseModelNotFound: There is none, or it cannot be fetched.
        """
        _ = self._encoder

    @cached_property
    def _encoder(self) -> Encoder:
        return load_encoder(find_teacher(self._name, self._home))


def _labels(parts: Completed, job_key: str) -> Iterable[LabelFacts]:
    for rows in parts.values():
        for item in rows:
            known = Provenance.of(item.row, job_key)
            yield from known.labels if known else ()


def _unlabelled(labeller: Labeller) -> JobProblem:
    findings = labeller.findings
    places = first_few([finding.place for finding in findings])
    left = f" {labeller.num_left:,} more were not asked." if labeller.num_left else ""
    return JobProblem(
        code="labels-missing",
        message=f"{plural(len(findings), 'row')} got no label: {places}. {findings[0].message}{left}",
        hint=findings[0].fix,
        resumable=True,
    )
