"""`Client`: checks, plans and starts jobs on one backend, and finds jobs and models again.

Belongs here: putting tuner, rows and backend together, the same way for every way of tuning.
Does not belong here: anything that only one tuner or one backend needs.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, overload

from tunekit import catalog
from tunekit.backends.local.backend import LocalBackend
from tunekit.data.check.report import Report, merged
from tunekit.data.check.requirements import NO_REQUIREMENTS
from tunekit.data.dataset import Dataset
from tunekit.errors import (
    BudgetExceeded,
    JobNotFound,
    MethodUnsupported,
    ModelNotFound,
    SettingInvalid,
)
from tunekit.jobs.backend import Backend, Decides, HasClock, Inspection, Inspects, KeepsModels
from tunekit.jobs.clock import Clock, SystemClock
from tunekit.jobs.handle import Job
from tunekit.jobs.model_kinds import model_handle
from tunekit.jobs.models import TunedModel
from tunekit.jobs.plan import Plan
from tunekit.jobs.record import DatasetRef, JobRecord, JobRequest, fingerprint_of
from tunekit.jobs.retries import find, persistently, submit_once
from tunekit.jobs.states import JobState
from tunekit.jobs.watching import Watch, watcher_for
from tunekit.tuners.base import Circumstances, Setting, Tuner

DataT = TypeVar("DataT")
ModelT = TypeVar("ModelT")
KnownT = TypeVar("KnownT", bound=TunedModel)

_TRAIN, _VALIDATION = "train", "validation"

Parts = Mapping[str, Dataset[Any]]


class Client:
    """Tunes models on one backend.

    Args:
        backend: Where jobs run. `None` is this machine: `LocalBackend()`.
        watch: How a wait shows itself: `auto` draws a bar on a terminal or in a notebook and is silent elsewhere; or a
            watcher of your own.
        clock: The time in which waits pass. `None` takes the backend's own where it has one, else the real one.
    """

    def __init__(
        self,
        backend: Backend | None = None,
        *,
        watch: Watch = "auto",
        clock: Clock | None = None,
    ) -> None:
        self._backend: Backend = backend or LocalBackend()
        self._clock = clock or _clock_of(self._backend)
        self._watch: Watch = watch

    @property
    def backend(self) -> Backend:
        """Where jobs run."""
        return self._backend

    def check(
        self, tuner: Tuner[DataT, ModelT], data: DataT, *, validation: DataT | None = None
    ) -> Report:
        """Find every fault of the rows, also those that only the base model can tell. Nothing is started.

        Args:
            tuner: What the rows are for.
            data: Rows to train on.
            validation: Rows to evaluate on during training.

        Raises:
            BaseModelNotFound: There is no such model to start from.
        """
        return self.plan(tuner, data, validation=validation).report

    def plan(
        self,
        tuner: Tuner[DataT, ModelT],
        data: DataT,
        *,
        validation: DataT | None = None,
        display_name: str | None = None,
        key: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Plan:
        """Work out what `tune` would do with the same arguments. Changes nothing and costs nothing.

        Args:
            tuner: What to tune, and how.
            data: Rows to train on.
            validation: Rows to evaluate on during training.
            display_name: Name for people; the tuned model gets it too. `None` makes one of method and base model.
            key: Equal keys start one job, however often and from wherever they are called. `None` draws a new one.
            labels: Words of your own to find the job by.

        Raises:
            BaseModelNotFound: There is no such model to start from.
            MethodUnsupported: The backend cannot run that tuner.
            SettingInvalid: A setting cannot be, with these rows.
        """
        parts = self._parts(tuner, data, validation)
        tuner = tuner.told(data)
        report = _checked(tuner, parts)
        decided, settings = self._decided(tuner, report)
        job = JobRequest(
            tuner=decided,
            datasets=tuple(_ref(name, part, report) for name, part in parts.items()),
            display_name=display_name or f"{tuner.kind} {_short(tuner.base_model)}",
            key=key or f"{tuner.kind}-{uuid.uuid4().hex[:12]}",
            fingerprint=fingerprint_of(tuner, _digests(report)),
            labels=dict(labels or {}),
            template=report.stats.template,
        )
        seen = self._inspected(job, parts) if report.ok else Inspection()
        return _plan(self._backend.name, job, report.with_findings(seen.findings), settings, seen)

    def tune(
        self,
        tuner: Tuner[DataT, ModelT],
        data: DataT,
        *,
        validation: DataT | None = None,
        display_name: str | None = None,
        key: str | None = None,
        labels: Mapping[str, str] | None = None,
        budget: float | None = None,
    ) -> Job[ModelT]:
        """Check the rows and start the job. Returns at once; `job.result()` waits and gives the model.

        The arguments are those of `plan`, and `budget`: what the run may cost at most, in the currency of
        `plan.cost`. `None` has no bound, and a run that costs nothing but the time of this machine is within any.

        Raises:
            BudgetExceeded: The run could cost more, or nobody can say what it costs; nothing was started.
            DatasetInvalid: The rows have errors; it carries the report with all of them, and nothing was started.
            KeyReused: The key belongs to a job with other rows or settings.
            BaseModelNotFound: There is no such model to start from.
            MethodUnsupported: The backend cannot run that tuner.
            SettingInvalid: A setting cannot be, with these rows.
        """
        plan = self.plan(
            tuner, data, validation=validation, display_name=display_name, key=key, labels=labels
        )
        plan.report.raise_if_errors()
        if budget is not None:
            _refuse_above(budget, plan)
        parts = self._parts(tuner, data, validation)
        request = plan.job
        if tuner.is_incomplete(parts) and not (key and self._is_taken(key)):
            parts = tuner.completed(parts, key=request.key, home=_home_of(self._backend))
            request = _with_rows(request, parts)
        return self._job(submit_once(self._backend, request, parts, self._clock))

    def job(self, id: str) -> Job[Any]:
        """The job of that id, from whichever process it was started.

        Raises:
            JobNotFound: There is none.
        """
        if not id.startswith(f"{self._backend.name}:"):
            raise JobNotFound(
                f"{id!r} is no job of the backend {self._backend.name!r}.",
                hint="Its ids begin with the name of the backend; use the client of the other one.",
            )
        return self._job(persistently(lambda: self._backend.fetch(id), self._clock))

    def jobs(
        self, *, state: JobState | None = None, labels: Mapping[str, str] | None = None
    ) -> list[Job[Any]]:
        """The jobs of the backend, the newest first.

        Args:
            state: Only those in that state. `None` takes all.
            labels: Only those that were given these labels. `None` takes all.
        """
        records = persistently(lambda: list(self._backend.list_jobs()), self._clock)
        wanted = (labels or {}).items()
        return [
            self._job(record)
            for record in records
            if state in (None, record.state) and wanted <= record.request.labels.items()
        ]

    @overload
    def model(self, id: str) -> Any: ...

    @overload
    def model(self, id: str, kind: type[KnownT]) -> KnownT: ...

    def model(self, id: str, kind: type[TunedModel] = TunedModel) -> Any:
        """The tuned model of that id.

        Args:
            id: Id of a model, or of a checkpoint.
            kind: The kind of model it must be, such as `TextModel`, which also tells the type checker.

        Raises:
            ModelNotFound: There is none, or it is of another kind.
            MethodUnsupported: The backend keeps no models.
        """
        keeper = self._keeper()
        record = persistently(lambda: keeper.fetch_model(id), self._clock)
        model = model_handle(self._backend, record, self._clock)
        if not isinstance(model, kind):
            raise ModelNotFound(
                f"{id!r} is a {type(model).__name__}, not a {kind.__name__}.",
                hint=f"Ask for {type(model).__name__}.",
            )
        return model

    def models(self) -> list[TunedModel]:
        """All tuned models of the backend, the newest first."""
        keeper = self._keeper()
        records = persistently(lambda: list(keeper.list_models()), self._clock)
        return [model_handle(self._backend, record, self._clock) for record in records]

    def __repr__(self) -> str:
        return f"<Client of {self._backend!r}>"

    def _parts(self, tuner: Tuner[DataT, ModelT], data: DataT, validation: DataT | None) -> Parts:
        parts = dict(_datasets(tuner, data))
        if validation is not None:
            parts[_VALIDATION] = _datasets(tuner, validation)[_TRAIN]
        return parts

    def _decided(
        self, tuner: Tuner[DataT, ModelT], report: Report
    ) -> tuple[Tuner[DataT, ModelT], tuple[Setting, ...]]:
        backend = self._backend
        rates = (
            backend.learning_rates(tuner.base_model)
            if isinstance(backend, Inspects)
            else catalog.default_rates(backend.name)
        )
        circumstances = Circumstances(
            num_rows=report.stats.rows,
            others={name: stats.rows for name, stats in report.datasets.items() if name != _TRAIN},
            has_validation=_VALIDATION in report.datasets,
            rates=rates,
        )
        if isinstance(backend, Decides):
            return backend.decided(tuner, circumstances)
        return tuner.decided(circumstances)

    def _inspected(self, job: JobRequest, parts: Parts) -> Inspection:
        backend = self._backend
        return backend.inspect(job, parts) if isinstance(backend, Inspects) else Inspection()

    def _is_taken(self, key: str) -> bool:
        """Whether a job has that key already: then nothing is paid for, and the backend says what it has to say."""
        return find(self._backend, key, self._clock) is not None

    def _job(self, record: JobRecord) -> Job[Any]:
        return Job(self._backend, record, clock=self._clock, watcher=watcher_for(self._watch))

    def _keeper(self) -> KeepsModels:
        backend = self._backend
        if isinstance(backend, KeepsModels):
            return backend
        raise MethodUnsupported(
            f"The backend {backend.name!r} keeps no models.", hint="Use `job.result()`."
        )


def _datasets(tuner: Tuner[DataT, ModelT], data: DataT) -> Parts:
    """The datasets of a tuner, refused where they are none: a path, or a list of rows."""
    parts = tuner.datasets(data)
    for name, part in parts.items():
        if not _is_dataset(part):
            raise SettingInvalid(
                f"The {name} data is a {type(part).__name__}, not a Dataset.",
                hint="Read it first: tk.Dataset.read(...).",
                place=type(tuner).__name__,
            )
    return parts


def _is_dataset(value: object) -> bool:
    return isinstance(value, Dataset)


def _checked(tuner: Tuner[DataT, ModelT], parts: Parts) -> Report:
    reports = {
        name: part.check(
            name=name, requirements=tuner.requirements() if name == _TRAIN else NO_REQUIREMENTS
        )
        for name, part in parts.items()
    }
    report = merged(reports)
    report = report.with_findings(tuner.data_findings(parts, report))
    return report.with_findings(tuner.findings(report))


def _ref(name: str, part: Dataset[Any], report: Report) -> DatasetRef:
    stats = report.datasets[name]
    return DatasetRef(
        name=name,
        digest=stats.digest or "",
        num_rows=stats.rows,
        row_kind=stats.row_kind or "",
        sources=part.names,
    )


def _with_rows(request: JobRequest, parts: Parts) -> JobRequest:
    """A request for rows that were completed; its fingerprint stays that of what was asked for."""
    refs = tuple(
        ref.model_copy(
            update={
                "digest": parts[ref.name].digest(),
                "num_rows": len(parts[ref.name]),
                "row_kind": parts[ref.name].row_type.__name__,
            }
        )
        for ref in request.datasets
    )
    return request.model_copy(update={"datasets": refs})


def _digests(report: Report) -> dict[str, str]:
    return {name: stats.digest or "" for name, stats in report.datasets.items()}


def _plan(
    backend: str,
    job: JobRequest,
    report: Report,
    settings: tuple[Setting, ...],
    seen: Inspection,
) -> Plan:
    return Plan(
        backend=backend,
        job=job,
        report=report,
        rows=report.stats.rows,
        steps=getattr(job.tuner, "train_steps", None),
        settings=settings,
        tokens=seen.tokens,
        limits=seen.limits,
        duration=seen.duration,
        cost=seen.cost,
        writes=seen.writes,
        request=seen.request,
        warnings=(*seen.warnings, *(finding.message for finding in report.warnings)),
    )


def _refuse_above(budget: float, plan: Plan) -> None:
    cost = plan.cost
    if cost is None or (cost.high is not None and cost.high <= budget):
        return
    if cost.high is None:
        fact = f"Nobody can say that the run costs at most {budget:,.2f} {cost.currency}: {cost.basis}."
        hint = "Set epochs and a price, or leave the budget out."
    else:
        fact = f"The run could cost {cost.high:,.2f} {cost.currency}, more than the {budget:,.2f} that were allowed."
        hint = f"Allow more, or tune for fewer epochs or on fewer rows ({cost.basis})."
    raise BudgetExceeded(f"{fact} Nothing was started.", hint=hint, place="budget")


def _short(base_model: str) -> str:
    return base_model.rstrip("/").rsplit("/", 1)[-1]


def _clock_of(backend: Backend) -> Clock:
    return backend.clock if isinstance(backend, HasClock) else SystemClock()


def _home_of(backend: Backend) -> Path:
    """Folder for what is worth keeping between jobs: that of the local backend."""
    local = backend if isinstance(backend, LocalBackend) else LocalBackend()
    return local.root
