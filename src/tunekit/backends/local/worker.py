"""The child process that works on a job: `python -m tunekit.backends.local.worker FOLDER ATTEMPT`.

Belongs here: taking the lock, running the recipe, and writing down how it ended, whatever happens.
Does not belong here: how a way of tuning trains (`supervised.py` and its siblings).
"""

from __future__ import annotations

import shutil
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from tunekit.backends.local.files import write_atomically
from tunekit.backends.local.folder import JobFolder
from tunekit.backends.local.recorder import Recorder
from tunekit.backends.local.run import Result, Run, RunFailed, Stopped, recipe_for
from tunekit.errors import TunekitError
from tunekit.jobs.record import JobProblem, JobRequest, ModelRecord
from tunekit.jobs.states import JobState

_LOCK_SECONDS = 10.0
"""How long to try for the lock, which others hold for moments when they look whether a worker lives."""


def main() -> None:
    """Work on the job that the command line names."""
    run_job(JobFolder(Path(sys.argv[1])), attempt=int(sys.argv[2]))


def run_job(folder: JobFolder, *, attempt: int) -> None:
    """Work on a job until it is over. Leaves at once where another worker is at it."""
    try:
        with FileLock(folder.path / "job.lock").acquire(timeout=_LOCK_SECONDS):
            before = folder.status()
            if before is None or before.attempt < attempt or not before.state.is_terminal:
                request, home = folder.manifest().request, folder.path.parent.parent
                _work(Run(folder, request, Recorder(folder, attempt), home))
    except Timeout:
        return


def _work(run: Run) -> None:
    recorder = run.recorder
    recorder.running("at work")
    fresh = run.folder.model.with_name(".model")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        if run.folder.is_asked_to_stop():
            raise Stopped
        result = recipe_for(run.request.tuner.kind).train(run, fresh)
        model = _keep(run, fresh, result)
    except Stopped:
        recorder.ended(JobState.CANCELLED, "stopped, as asked", problem=_cancelled(run.folder.id))
    except RunFailed as failure:
        recorder.ended(JobState.FAILED, failure.problem.message, problem=failure.problem)
    except BaseException as error:
        traceback.print_exc()
        problem = _problem(error, run.folder)
        recorder.ended(JobState.FAILED, problem.message, problem=problem)
        if not isinstance(error, Exception):
            raise
    else:
        recorder.ended(JobState.SUCCEEDED, "done", model=model)


def _keep(run: Run, fresh: Path, result: Result) -> ModelRecord:
    """Put the finished model in its place, at once and with its record."""
    record = model_record(run.folder, run.request, result)
    write_atomically(fresh / "model.json", record.model_dump(mode="json"))
    shutil.rmtree(run.folder.model, ignore_errors=True)
    fresh.rename(run.folder.model)
    return record


def model_record(folder: JobFolder, request: JobRequest, result: Result) -> ModelRecord:
    """The record of a model that a job has given."""
    return ModelRecord(
        id=folder.model_id,
        kind=request.tuner.model_kind,
        job_id=folder.id,
        display_name=request.display_name,
        base_model=request.tuner.base_model,
        method=request.tuner.kind,
        created_at=datetime.now(UTC),
        template=request.template,
        metrics=result.metrics,
        location=str(folder.model),
        companions={name: f"{folder.id}/{name}" for name in request.tuner.companions},
    )


def _problem(error: BaseException, folder: JobFolder) -> JobProblem:
    if isinstance(error, TunekitError):
        return JobProblem(code="refused", message=error.fact, hint=error.hint)
    name = type(error).__name__
    if isinstance(error, MemoryError) or name == "OutOfMemoryError":
        return JobProblem(
            code="out-of-memory",
            message="The machine's memory does not hold the model and a batch.",
            hint="Use a smaller batch_size or base model, or shorter rows; then resume.",
            resumable=True,
        )
    return JobProblem(
        code="crashed",
        message=f"The training broke off with {name}.",
        hint=f"The whole story is in {folder.log('stderr')}.",
        resumable=True,
    )


def _cancelled(job_id: str) -> JobProblem:
    return JobProblem(
        code="cancelled",
        message="Somebody cancelled it.",
        hint=f"Go on from its last checkpoint with client.job({job_id!r}).resume().",
        resumable=True,
    )


if __name__ == "__main__":
    main()
