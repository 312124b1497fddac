"""`MemoryBackend`: a fake for the tests of code that calls tunekit. Nothing is trained and no time passes.

Jobs follow a script of states on a clock of their own, faults happen on demand, and every request is remembered.

Belongs here: the verbs of a backend, pretended.
Does not belong here: what a scripted job does (`script.py`), fixtures and the contract suite (`testing/`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from tunekit import catalog
from tunekit.backends.memory.embeddings import TextVectors, hashed_words, vectors_of
from tunekit.backends.memory.script import (
    Fault,
    ScriptedJob,
    ScriptLike,
    Step,
    Verb,
    VirtualClock,
    steps_of,
)
from tunekit.catalog import LearningRates
from tunekit.data.rows import Document
from tunekit.errors import (
    JobNotFound,
    KeyReused,
    ModelNotFound,
    QuotaExceeded,
    SettingInvalid,
    SubmissionUnknown,
    TransientFault,
)
from tunekit.jobs.backend import (
    Estimate,
    Inspection,
    Polling,
    Prediction,
    PromptLike,
    Rows,
    Sampling,
)
from tunekit.jobs.record import Checkpoint, Event, JobRecord, JobRequest, ModelRecord
from tunekit.jobs.tokens import estimated_tokens
from tunekit.tuners.embedding import EmbeddingTask

if TYPE_CHECKING:
    from tunekit.jobs.backend import Vectors

Answers: TypeAlias = Mapping[str, str] | Callable[[str], str]
"""What a model answers: by prompt, or a function of the prompt. A prompt that is not there is answered with nothing."""


@dataclass(slots=True)
class _Planned:
    """A fault, and how many calls it has seen and hit."""

    fault: Fault
    seen: int = 0
    hit: int = 0


class MemoryBackend:
    """A backend that only pretends, for tests.

    Args:
        script: The states that a job goes through, each a word or a `Step`. The default succeeds.
        faults: What goes wrong.
        predictions: What tuned models answer.
        base_predictions: What their base models answer.
        rewards: What reward models score an answer with. `None` scores every answer with 0.
        embeddings: What tuned embedding models make of a text. `None` gives texts with the same words similar vectors.
        base_embeddings: What their base models make of it.

    Example:
        >>> import tunekit as tk
        >>> backend = tk.MemoryBackend(script=["QUEUED", "RUNNING", "FAILED"])
        >>> rows = tk.Dataset.read([{"input_text": "a", "output_text": "b"}], row=tk.PromptCompletion)
        >>> job = tk.Client(backend).tune(tk.SupervisedTuner(base_model="any"), rows)
        >>> job.wait().state.value
        'FAILED'
    """

    name = "memory"
    polling = Polling(first_seconds=1.0, most_seconds=30.0)

    def __init__(
        self,
        script: ScriptLike = ("QUEUED", "RUNNING", "SUCCEEDED"),
        *,
        faults: Iterable[Fault] = (),
        predictions: Answers | None = None,
        base_predictions: Answers | None = None,
        rewards: Callable[[str], float] | None = None,
        embeddings: TextVectors | None = None,
        base_embeddings: TextVectors | None = None,
    ) -> None:
        self.clock = VirtualClock()
        self.requests: list[JobRequest] = []
        """Every request that was submitted, also repeated ones and ones whose answer was lost."""
        self.calls: list[str] = []
        """The verb of every call, in order."""
        self._script = steps_of(script)
        self._next_scripts: list[tuple[Step, ...]] = []
        self._faults = [_Planned(fault) for fault in faults]
        self._answers = {True: predictions or {}, False: base_predictions or {}}
        self._rewards = rewards
        self._embeddings = {
            True: embeddings or hashed_words,
            False: base_embeddings or hashed_words,
        }
        self._corpora: dict[str, tuple[Document, ...]] = {}
        self._jobs: dict[str, ScriptedJob] = {}

    def __repr__(self) -> str:
        return f"<MemoryBackend with {len(self._jobs)} jobs>"

    def script_next(self, *script: str | Step) -> None:
        """Give the next new job a script of its own; later jobs follow the common one again."""
        self._next_scripts.append(steps_of(script))

    def fail_next(self, fault: Fault) -> None:
        """Let something go wrong from now on."""
        self._faults.append(_Planned(fault))

    @property
    def faults_left(self) -> tuple[Fault, ...]:
        """Faults that have not hit as often as planned: a test that plans them should see none left."""
        return tuple(plan.fault for plan in self._faults if plan.hit < plan.fault.times)

    # --- the four verbs ----------------------------------------------------------------------------------------------

    def submit(self, request: JobRequest, rows: Rows) -> JobRecord:
        """Start to pretend, or give the job of that key."""
        self.requests.append(request)
        lost = self._called("submit")
        job = next((job for job in self._jobs.values() if job.request.key == request.key), None)
        if job is None:
            job = self._new(request)
            self._corpora[job.id] = tuple(rows.get("corpus", ()))
        elif job.request.fingerprint != request.fingerprint:
            raise KeyReused(
                f"The key {request.key!r} belongs to a job with other rows or settings.",
                hint=f"Use another key, or pick that job up with client.job({job.id!r}).",
                place=job.id,
            )
        if lost:
            raise SubmissionUnknown(
                "The answer to the submission was lost, as planned.",
                hint="Look for the job by its key.",
            )
        return job.record()

    def fetch(self, job_id: str) -> JobRecord:
        """The job as its script has it by now."""
        self._lose_reply_of("fetch")
        return self._job(job_id).record()

    def cancel(self, job_id: str) -> JobRecord:
        """Pretend to stop: `CANCELLING` for ten seconds, then `CANCELLED`."""
        lost = self._called("cancel")
        job = self._job(job_id)
        job.cancel()
        if lost:
            raise _lost("cancel")
        return job.record()

    def list_jobs(self) -> Sequence[JobRecord]:
        """All jobs, the newest first."""
        self._lose_reply_of("list_jobs")
        return [job.record() for job in reversed(self._jobs.values())]

    # --- what else this place can do ---------------------------------------------------------------------------------

    def learning_rates(self, base_model: str) -> LearningRates:
        """The common defaults; any base model will do."""
        return catalog.default_rates(self.name)

    def inspect(self, request: JobRequest, rows: Rows) -> Inspection:
        """Estimates from the number of bytes, and the time that the script takes."""
        seconds = sum(step.seconds for step in self._script[:-1])
        texts = rows.get("corpus", rows["train"])
        return Inspection(
            tokens=estimated_tokens(texts),
            duration=Estimate(low=seconds, high=seconds, basis="the script"),
        )

    def events(self, job_id: str, after: int = 0) -> Sequence[Event]:
        """The states that were entered so far, and the figures that came in."""
        return [event for event in self._job(job_id).events() if event.number > after]

    def checkpoints(self, job_id: str) -> Sequence[Checkpoint]:
        """One at the end of a job that gives a model."""
        job = self._job(job_id)
        if not job.state.has_model:
            return ()
        return (Checkpoint(id=f"{job.id}/checkpoint-1", step=1),)

    def resume(self, job_id: str) -> JobRecord:
        """Begin a new attempt, which succeeds."""
        job = self._job(job_id)
        if job.state.has_model:
            raise SettingInvalid(
                f"The job is {job.state}: there is nothing to go on with.",
                hint="Tune anew.",
                place=job_id,
            )
        if job.state.is_terminal:
            job.resume()
        return job.record()

    def fetch_model(self, model_id: str) -> ModelRecord:
        """The model that a job has given."""
        job = self._jobs.get(model_id.rpartition("/")[0])
        model = job.record().model if job else None
        if model is None:
            raise ModelNotFound(
                f"There is no model {model_id!r}.", hint="`client.models()` lists them."
            )
        kind = model_id.rpartition("/")[2]
        if kind in model.companions:
            return model.companion(kind)
        return model.model_copy(update={"id": model_id})

    def list_models(self) -> Sequence[ModelRecord]:
        """The models of all jobs, the newest first."""
        records = [job.record() for job in reversed(self._jobs.values())]
        return [record.model for record in records if record.model is not None]

    def delete_model(self, model_id: str) -> None:
        """Forget the model."""
        self._job(self.fetch_model(model_id).job_id).has_model = False

    def predict(
        self, model_id: str, prompts: Sequence[PromptLike], sampling: Sampling, *, tuned: bool
    ) -> Sequence[Prediction]:
        """The scripted answers."""
        self._lose_reply_of("predict")
        self.fetch_model(model_id)
        answers = self._answers[tuned]
        texts = [prompt if isinstance(prompt, str) else prompt[-1].text for prompt in prompts]
        found = [answers(text) if callable(answers) else answers.get(text, "") for text in texts]
        return [Prediction(text=text) for text in found]

    def rewards(
        self, model_id: str, prompts: Sequence[PromptLike], responses: Sequence[str]
    ) -> Sequence[float]:
        """The scripted scores."""
        self.fetch_model(model_id)
        scored = self._rewards
        return [scored(text) if scored else 0.0 for text in responses]

    def embed(
        self,
        model_id: str,
        texts: Sequence[str],
        *,
        task_type: EmbeddingTask,
        output_dimensionality: int | None,
        tuned: bool,
    ) -> Vectors:
        """The scripted vectors, brought to the length 1."""
        self.calls.append("embed")
        tuner = self._job(self.fetch_model(model_id).job_id).request.tuner
        cut = output_dimensionality or (tuner.output_dimensionality if tuned else None)
        return vectors_of(self._embeddings[tuned], texts, cut)

    def corpus(self, model_id: str) -> Sequence[Document]:
        """The documents that were submitted."""
        return self._corpora[self.fetch_model(model_id).job_id]

    # --- steps -------------------------------------------------------------------------------------------------------

    def _called(self, verb: Verb) -> bool:
        """Note a call; gives whether its answer is to be lost, and raises where it is to be refused."""
        self.calls.append(verb)
        for plan in self._faults:
            if plan.fault.verb != verb or plan.hit >= plan.fault.times:
                continue
            plan.seen += 1
            if plan.seen <= plan.fault.after:
                continue
            plan.hit += 1
            if plan.fault.kind == "quota":
                raise QuotaExceeded(f"No quota for {verb}, as planned.", hint="Try again later.")
            if plan.fault.kind == "transient":
                raise TransientFault(f"{verb} was refused, as planned.", hint="Try again.")
            return True
        return False

    def _lose_reply_of(self, verb: Verb) -> None:
        """For calls that change nothing a lost answer is as good as a refused call."""
        if self._called(verb):
            raise _lost(verb)

    def _new(self, request: JobRequest) -> ScriptedJob:
        script = self._next_scripts.pop(0) if self._next_scripts else self._script
        job = ScriptedJob(len(self._jobs) + 1, request, script, self.clock.now(), self.clock)
        self._jobs[job.id] = job
        return job

    def _job(self, job_id: str) -> ScriptedJob:
        if job_id not in self._jobs:
            raise JobNotFound(
                f"There is no job {job_id!r}.", hint="`client.jobs()` lists the jobs."
            )
        return self._jobs[job_id]


def _lost(verb: Verb) -> TransientFault:
    return TransientFault(f"The answer to {verb} was lost, as planned.", hint="Try again.")
