"""`LocalBackend`: jobs on this machine, as folders that child processes work on.

Belongs here: the verbs of a backend, each a few steps on a job folder.
Does not belong here: what a folder looks like (`folder.py`), training (`worker.py`), asking models (`inference.py`).
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import sys
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from tunekit import catalog
from tunekit.backends.local.base_models import find_base_model, model_folder
from tunekit.backends.local.embedders import Embedders
from tunekit.backends.local.exporting import export_model
from tunekit.backends.local.extras import require_local_extra
from tunekit.backends.local.folder import JobFolder, Manifest, Status
from tunekit.backends.local.image_export import export_pipeline
from tunekit.backends.local.inference import Models
from tunekit.backends.local.measuring import tried_model
from tunekit.backends.local.pipelines import Painters
from tunekit.backends.local.process import spawn_worker
from tunekit.backends.local.reward_model import Scorers
from tunekit.backends.local.run import recipe_for
from tunekit.catalog import LearningRates
from tunekit.data.rows import Row
from tunekit.data.store import write_copy
from tunekit.errors import JobNotFound, KeyReused, ModelNotFound, SettingInvalid
from tunekit.evaluation.distillation import Tried
from tunekit.jobs.backend import (
    Drawing,
    Inspection,
    Polling,
    Prediction,
    PromptLike,
    RowLoss,
    Rows,
    Sampling,
)
from tunekit.jobs.exporting import Exported, ExportFormat
from tunekit.jobs.record import Checkpoint, Event, JobRecord, JobRequest, ModelRecord
from tunekit.jobs.states import JobState

if TYPE_CHECKING:
    from PIL.Image import Image

HOME_VARIABLE = "TUNEKIT_HOME"
"""Environment variable that names the root folder."""
_RECORDED = (
    "tunekit",
    "torch",
    "transformers",
    "trl",
    "peft",
    "accelerate",
    "datasets",
    "diffusers",
    "pillow",
    "safetensors",
)


class LocalBackend:
    """Trains on this machine, with PyTorch, transformers, PEFT and TRL, in a child process per job.

    A job survives the process that started it, and another process can list, follow, cancel, resume and use it.

    Args:
        root: Folder for jobs and models. `None` takes the environment variable `TUNEKIT_HOME`, else `~/.tunekit`.
    """

    name = "local"
    polling = Polling(first_seconds=0.2, most_seconds=1.0)

    def __init__(self, root: str | os.PathLike[str] | None = None) -> None:
        chosen = root or os.environ.get(HOME_VARIABLE) or "~/.tunekit"
        self._root = Path(chosen).expanduser().resolve()
        self._models = Models(self._root)
        self._scorers = Scorers(self._root)
        self._painters = Painters(self._root)
        self._embedders = Embedders()

    @property
    def root(self) -> Path:
        """Folder of jobs and models."""
        return self._root

    def __repr__(self) -> str:
        return f"LocalBackend(root={str(self._root)!r})"

    # --- the four verbs ----------------------------------------------------------------------------------------------

    def submit(self, request: JobRequest, rows: Rows) -> JobRecord:
        """Write the job's folder and start its worker; a key that is taken gives the job that has it."""
        require_local_extra()
        recipe_for(request.tuner.kind)
        folder = JobFolder(self._jobs / _folder_name(request.key))
        if not folder.path.exists():
            self._create(folder, request, rows)
        known = folder.manifest().request
        if known.fingerprint != request.fingerprint:
            raise _reused(request, folder)
        record = folder.record()
        never_ran = folder.process() is None
        broke_off = record.problem is not None and record.problem.code == "interrupted"
        if never_ran or broke_off:
            spawn_worker(folder)
        return folder.record()

    def fetch(self, job_id: str) -> JobRecord:
        """The job as its folder tells it."""
        return self._folder(job_id).record()

    def cancel(self, job_id: str) -> JobRecord:
        """Ask the worker to stop at its next step; it saves a checkpoint first."""
        folder = self._folder(job_id)
        if folder.record().state.is_terminal:
            return folder.record()
        folder.ask_to_stop()
        with folder.locked() as free:
            if free:
                _end_unworked(folder)
        return folder.record()

    def list_jobs(self) -> Sequence[JobRecord]:
        """All jobs, the newest first."""
        require_local_extra()
        found = (JobFolder(path.parent) for path in self._jobs.glob("[!.]*/manifest.json"))
        return sorted((folder.record() for folder in found), key=_newest_first)

    # --- what else this place can do ---------------------------------------------------------------------------------

    def learning_rates(self, base_model: str) -> LearningRates:
        """Rates from the catalog for the model, or for the model that it was tuned from."""
        require_local_extra()
        find_base_model(base_model, self._root)
        if base_model.startswith("local:"):
            return self.learning_rates(self.fetch_model(base_model).base_model)
        return catalog.model(self.name, base_model) or catalog.default_rates(self.name)

    def inspect(self, request: JobRequest, rows: Rows) -> Inspection:
        """Look at the rows as the base model would see them."""
        require_local_extra()
        return recipe_for(request.tuner.kind).inspect(request, rows, self._root)

    def events(self, job_id: str, after: int = 0) -> Sequence[Event]:
        """The job's log."""
        return self._folder(job_id).events(after)

    def checkpoints(self, job_id: str) -> Sequence[Checkpoint]:
        """The job's complete checkpoints."""
        return self._folder(job_id).checkpoint_records()

    def resume(self, job_id: str) -> JobRecord:
        """Start a worker that goes on from the last complete checkpoint."""
        folder = self._folder(job_id)
        record = folder.record()
        if record.state.has_model:
            raise SettingInvalid(
                f"The job is {record.state}: there is nothing to go on with.",
                hint="To train further, tune anew with base_model set to the id of its model.",
                place=job_id,
            )
        if record.state.is_terminal:
            folder.forget_request_to_stop()
            spawn_worker(folder)
        return folder.record()

    def fetch_model(self, model_id: str) -> ModelRecord:
        """The model of a job, or one of its checkpoints."""
        weights = model_folder(model_id, self._root)
        own = weights.name in ("model", "reward_model")
        folder = JobFolder(weights.parent if own else weights.parent.parent)
        model = folder.record().model
        if model is not None and own:
            return model if model_id == folder.model_id else model.companion(weights.name)
        return _checkpoint_model(folder, model_id, weights)

    def list_models(self) -> Sequence[ModelRecord]:
        """The models of all jobs, the newest first."""
        models = [record.model for record in self.list_jobs() if record.model is not None]
        return [model for model in models if Path(model.location or "").is_dir()]

    def delete_model(self, model_id: str) -> None:
        """Remove the weights of a model or checkpoint."""
        self._models.forget(model_id)
        self._painters.forget(model_id)
        shutil.rmtree(model_folder(model_id, self._root))

    def predict(
        self, model_id: str, prompts: Sequence[PromptLike], sampling: Sampling, *, tuned: bool
    ) -> Sequence[Prediction]:
        """Answer with the model, loaded into this process."""
        require_local_extra()
        base_model = self.fetch_model(model_id).base_model
        return self._models.answers(model_id, base_model, prompts, sampling, tuned=tuned)

    def losses(self, model_id: str, rows: Sequence[Row], *, tuned: bool) -> Sequence[RowLoss]:
        """The loss on the rows, with the model loaded into this process."""
        require_local_extra()
        base_model = self.fetch_model(model_id).base_model
        return self._models.losses(model_id, base_model, rows, tuned=tuned)

    def export_model(
        self, model_id: str, folder: Path, format: ExportFormat, *, max_drift: float | None
    ) -> Exported:
        """Write the model with its adapter merged, run what was written, and compare it with the tuned one."""
        require_local_extra()
        record = self.fetch_model(model_id)
        if record.kind == "image":
            return export_pipeline(
                self._painters, record, folder, format, max_drift=max_drift, home=self._root
            )
        return export_model(
            self._models, record, folder, format, max_drift=max_drift, home=self._root
        )

    def tried(
        self, name: str, prompts: Sequence[str], sampling: Sampling, *, num_measured: int
    ) -> Tried:
        """Answer with any model and measure it, loaded into this process."""
        require_local_extra()
        return tried_model(
            self._models, name, prompts, sampling, num_measured=num_measured, home=self._root
        )

    def generate(
        self, model_id: str, prompts: Sequence[str], drawing: Drawing, *, tuned: bool
    ) -> Sequence[Sequence[Image]]:
        """Draw with the model, loaded into this process."""
        require_local_extra()
        self.fetch_model(model_id)
        return self._painters.draw(model_id, prompts, drawing, tuned=tuned)

    def image_features(self, pictures: Sequence[Image], embedder: str) -> Sequence[Sequence[float]]:
        """Look at pictures with an embedding model, loaded into this process."""
        require_local_extra()
        return self._embedders.get(embedder).of_pictures(pictures)

    def text_features(self, texts: Sequence[str], embedder: str) -> Sequence[Sequence[float]]:
        """Read texts with an embedding model, loaded into this process."""
        require_local_extra()
        return self._embedders.get(embedder).of_texts(texts)

    def rewards(
        self, model_id: str, prompts: Sequence[PromptLike], responses: Sequence[str]
    ) -> Sequence[float]:
        """Score with the reward model, loaded into this process."""
        require_local_extra()
        base_model = self.fetch_model(model_id).base_model
        return self._scorers.get(model_id, base_model).scores(prompts, responses)

    # --- steps -------------------------------------------------------------------------------------------------------

    @property
    def _jobs(self) -> Path:
        return self._root / "jobs"

    def _folder(self, job_id: str) -> JobFolder:
        require_local_extra()
        name = job_id.removeprefix("local:")
        folder = JobFolder(self._jobs / name)
        if name != Path(name).name or not (folder.path / "manifest.json").exists():
            raise JobNotFound(
                f"There is no job {job_id!r} in {str(self._jobs)!r}.",
                hint="`client.jobs()` lists the jobs; another root folder has others.",
            )
        return folder

    def _create(self, folder: JobFolder, request: JobRequest, rows: Rows) -> None:
        """Make the folder beside its place and move it there at once; whoever is second leaves it at that."""
        fresh = JobFolder(self._jobs / f".{uuid.uuid4().hex}")
        fresh.path.mkdir(parents=True, mode=0o700)
        try:
            (fresh.path / "data").mkdir()
            for ref in request.datasets:
                write_copy(rows[ref.name], fresh.data(ref.name), digest=ref.digest)
            fresh.write_manifest(
                Manifest(
                    id=folder.id,
                    created_at=datetime.now(UTC),
                    request=_with_full_paths(request),
                    versions=_versions(),
                )
            )
            _move_unless_there(fresh.path, folder.path)
        finally:
            shutil.rmtree(fresh.path, ignore_errors=True)


def _folder_name(key: str) -> str:
    """A readable name that no two keys share: the key as far as file systems take it, and a digest."""
    readable = re.sub(r"[^a-z0-9]+", "-", key.lower()).strip("-")[:40]
    digest = hashlib.sha256(key.encode()).hexdigest()[:8]
    return f"{readable}-{digest}" if readable else digest


def _with_full_paths(request: JobRequest) -> JobRequest:
    """A base model in a folder, named so that a worker with another working folder finds it."""
    name = request.tuner.base_model
    if not Path(name).is_dir():
        return request
    tuner = request.tuner.model_copy(update={"base_model": str(Path(name).resolve())})
    return request.model_copy(update={"tuner": tuner})


def _move_unless_there(fresh: Path, place: Path) -> None:
    try:
        fresh.rename(place)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.EACCES) or not place.exists():
            raise


def _reused(request: JobRequest, folder: JobFolder) -> KeyReused:
    return KeyReused(
        f"The key {request.key!r} belongs to a job with other rows or settings.",
        hint=f"Use another key, or pick that job up with client.job({folder.id!r}).",
        place=folder.id,
    )


def _end_unworked(folder: JobFolder) -> None:
    """Write down that a job nobody works on is cancelled."""
    record, now = folder.record(), datetime.now(UTC)
    if record.state.is_terminal:
        return
    folder.write_status(
        Status(attempt=record.attempt, state=JobState.CANCELLED, started_at=now, ended_at=now)
    )


def _checkpoint_model(folder: JobFolder, model_id: str, weights: Path) -> ModelRecord:
    marks = {path.name: mark for path, mark in folder.checkpoints.marks()}
    if weights.name not in marks:
        raise ModelNotFound(
            f"The checkpoint {model_id!r} is not complete.",
            hint="`job.checkpoints()` lists those that are.",
        )
    manifest = folder.manifest()
    request = manifest.request
    return ModelRecord(
        id=model_id,
        kind=request.tuner.model_kind,
        job_id=folder.id,
        display_name=f"{request.display_name}, step {marks[weights.name].step}",
        base_model=request.tuner.base_model,
        method=request.tuner.kind,
        created_at=manifest.created_at,
        template=request.template,
        metrics=marks[weights.name].metrics,
        location=str(weights),
    )


def _versions() -> dict[str, str]:
    found = {"python": sys.version.split()[0]}
    for name in _RECORDED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _newest_first(record: JobRecord) -> float:
    return -record.created_at.timestamp()
