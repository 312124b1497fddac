"""`VertexBackend`: jobs of Google's managed tuning.

Belongs here: the verbs of a backend, each a few steps.
Does not belong here: requests (one file per way of tuning), calls (`service.py`), answers (`states.py`), starting a job
once (`starting.py`), models and endpoints (`tuned.py`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic import JsonValue

from tunekit import catalog
from tunekit.backends.local.backend import HOME_VARIABLE
from tunekit.backends.vertex.capability import refuse_retired
from tunekit.backends.vertex.case import Case, Parent
from tunekit.backends.vertex.figures import figures_of
from tunekit.backends.vertex.jobs import KnownJobs
from tunekit.backends.vertex.names import job_name, job_of_model, labels_of
from tunekit.backends.vertex.options import VertexOptions
from tunekit.backends.vertex.planning import inspected
from tunekit.backends.vertex.rewards import reward_config
from tunekit.backends.vertex.rows import spelt
from tunekit.backends.vertex.settings import location_of, options_of, project_of, staging_of
from tunekit.backends.vertex.starting import Starting
from tunekit.backends.vertex.states import (
    DataStatistics,
    checkpoints_of,
    events_of,
    model_name,
    state_of,
    statistics_of,
    time_of,
)
from tunekit.backends.vertex.transport import Connection, Transport, initialised
from tunekit.backends.vertex.tuned import TunedModels
from tunekit.catalog import LearningRates
from tunekit.catalog.vertex import vertex_model
from tunekit.data.dataset import Dataset
from tunekit.data.rows import Document, Prompt, RowT
from tunekit.errors import BackendFault, ModelNotFound, SourceNotFound
from tunekit.jobs.backend import (
    Deployment,
    Inspection,
    Machine,
    Polling,
    Prediction,
    PromptLike,
    Rows,
    Sampling,
)
from tunekit.jobs.clock import Clock, SystemClock
from tunekit.jobs.record import Checkpoint, Event, JobRecord, JobRequest, ModelRecord
from tunekit.tuners.base import Circumstances, Setting
from tunekit.tuners.embedding import EmbeddingTask
from tunekit.tuners.registry import AnyTuner, tuner_to_json
from tunekit.tuners.rewards import Reward, Sample

if TYPE_CHECKING:
    from tunekit.jobs.backend import Vectors

_NOT_SETTINGS = ("base_model", "seed")


class VertexBackend:
    """Tunes on Vertex AI, through Google's own clients.

    Nothing is looked up and nothing imported before the first call that needs it: planning needs no credentials.

    Args:
        project: The project. `None` takes that of `vertexai.init`, else the variable `GOOGLE_CLOUD_PROJECT`.
        location: The region. `None` takes that of `vertexai.init`, else us-central1.
        staging_bucket: Bucket for rows, such as `gs://my-bucket`. `None` takes that of `vertexai.init`.
        credentials: Credentials of google-auth. `None` takes those of `vertexai.init`, else those of the environment.
        base_url: Address of the service, for tests and private connections. `None` is Google's in the region.
        storage_url: Address of Cloud Storage. `None` is Google's.
        options: What only Vertex AI understands.
        allow_retired: Whether ways of tuning and models that the catalog has as gone are sent all the same, for
            projects that still have access.
        root: Folder for the journal of submissions. `None` takes the environment variable `TUNEKIT_HOME`, else
            `~/.tunekit`.
        timeout_seconds: How long any one request may take.
        grace_seconds: How long a job whose submission was not answered may take to show in a list.
        api_version: Version of the API for tuning jobs.
        clock: The time in which waits pass. `None` is the real one.
    """

    name = "vertex"
    polling = Polling(first_seconds=5.0, most_seconds=60.0)

    def __init__(
        self,
        project: str | None = None,
        location: str | None = None,
        staging_bucket: str | None = None,
        *,
        credentials: Any = None,
        base_url: str | None = None,
        storage_url: str | None = None,
        options: VertexOptions | None = None,
        allow_retired: bool = False,
        root: str | os.PathLike[str] | None = None,
        timeout_seconds: float = 60.0,
        grace_seconds: float = 180.0,
        api_version: str = "v1beta1",
        clock: Clock | None = None,
    ) -> None:
        self._project, self._location = project_of(project), location_of(location)
        self._staging = staging_of(staging_bucket)
        self._options = options_of(options or VertexOptions())
        self._allow_retired = allow_retired
        self._grace = grace_seconds
        self.clock: Clock = clock or SystemClock()
        self._transport = Transport(
            Connection(
                location=self._location,
                credentials=credentials,
                base_url=base_url or initialised("api_endpoint"),
                storage_url=storage_url,
                timeout_seconds=timeout_seconds,
                api_version=api_version,
            )
        )
        self._jobs = KnownJobs(
            self._transport, self._project, self._location, self._staging, self.clock.now
        )
        home = Path(root or os.environ.get(HOME_VARIABLE) or "~/.tunekit").expanduser().resolve()
        self._home = home / "vertex"
        self._starting = Starting(
            self._jobs,
            self._home / "journal",
            now=time.time if clock is None else clock.now,
            timeout_seconds=timeout_seconds,
            grace_seconds=grace_seconds,
        )
        self._tuned = TunedModels(self._transport, self._jobs, self._project)
        self._in_place: dict[str, tuple[str, str | None]] = {}

    def __repr__(self) -> str:
        place = f"project={self._project!r}, location={self._location!r}"
        return f"VertexBackend({place}, staging_bucket={self._staging.removesuffix('/tunekit')!r})"

    @property
    def grace_seconds(self) -> float:
        """How long after a lost answer a job may show up: the time of the request, and the grace behind it."""
        return self._transport.connection.timeout_seconds + self._grace + 15.0

    # --- the four verbs ----------------------------------------------------------------------------------------------

    def submit(self, request: JobRequest, rows: Rows) -> JobRecord:
        """Start the job, or give the one that its key has; see `submission.py` for how that is once."""
        self._refuse_retired(request.tuner)
        case = self._case(request)
        return self._starting.start(case, rows, in_place=self._lying(request))

    def fetch(self, job_id: str) -> JobRecord:
        """The job as the service tells it; where many are under watch, as one list tells them all."""
        return self._jobs.record(job_name(job_id))

    def cancel(self, job_id: str) -> JobRecord:
        """Ask the service to stop it."""
        name = job_name(job_id)
        if not self._jobs.record(name, fresh=True).state.is_terminal:
            self._jobs.service.cancel(name)
        return self._jobs.record(name, fresh=True)

    def list_jobs(self) -> Sequence[JobRecord]:
        """All jobs that tunekit started in the project and region, the newest first."""
        return self._jobs.all_records()

    def find(self, key: str) -> JobRecord | None:
        """The job of a key."""
        return self._starting.find(key)

    # --- looking beforehand ------------------------------------------------------------------------------------------

    def decided(
        self, tuner: AnyTuner, circumstances: Circumstances
    ) -> tuple[AnyTuner, tuple[Setting, ...]]:
        """The tuner as it is: what is left open Vertex AI decides."""
        self._refuse_retired(tuner)
        written = tuner_to_json(tuner)
        given = [
            Setting(name=name, value=written[name], source="you", why="Given.")
            for name in type(tuner).model_fields
            if name in tuner.model_fields_set and name not in _NOT_SETTINGS
            if getattr(tuner, name) is not None
        ]
        return tuner, tuple(given)

    def learning_rates(self, base_model: str) -> LearningRates:
        """The common defaults; Vertex AI takes multiples of rates of its own."""
        return catalog.default_rates(self.name)

    def inspect(self, request: JobRequest, rows: Rows) -> Inspection:
        """Everything that can be told without a request: the body, the cost, faults of rows and settings."""
        self._refuse_retired(request.tuner)
        return inspected(self._case(request), rows, today(), in_place=self._lying(request))

    def dataset(self, uri: str, row: type[RowT] | None = None) -> Dataset[Any]:
        """Rows that lie in Cloud Storage. Where they are in the right format they are tuned on in place.

        Args:
            uri: Address of a file of JSON lines, such as `gs://bucket/train.jsonl`.
            row: The kind of row. `None` takes the kind that most lines have.

        Raises:
            SourceNotFound: There is no such object.
        """
        path = self._home / "data" / uri.removeprefix("gs://")
        data = self._jobs.storage.read(uri)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.write_bytes(data)
        path.chmod(0o600)
        rows: Dataset[Any] = Dataset.read(path, row) if row is not None else Dataset.read(path)
        if rows.check().ok:
            self._in_place[rows.digest()] = (uri, rows.format)
        return rows

    def score_reward(self, reward: Reward, samples: Sequence[Sample]) -> list[float]:
        """Score samples as Vertex AI would while tuning; see `Reward.try_on`.

        Raises:
            BackendFault: The service cannot score one.
        """
        config = reward_config(reward)
        return [self._scored(config, sample) for sample in samples]

    # --- what a job tells --------------------------------------------------------------------------------------------

    def events(self, job_id: str, after: int = 0) -> Sequence[Event]:
        """States, tasks, figures and checkpoints, as far as the service tells them."""
        name = job_name(job_id)
        wire = self._jobs.wire(name, recent=True)
        return events_of(name, wire, self._figures(wire))[after:]

    def checkpoints(self, job_id: str) -> Sequence[Checkpoint]:
        """The checkpoints that were exported; each answers on an endpoint of its own."""
        name = job_name(job_id)
        return tuple(checkpoints_of(name, self._jobs.wire(name)))

    def data_statistics(self, job_id: str) -> DataStatistics | None:
        """What the service counted in the rows, or `None` where it has not yet."""
        return statistics_of(self._jobs.wire(job_name(job_id)))

    # --- models ------------------------------------------------------------------------------------------------------

    def fetch_model(self, model_id: str) -> ModelRecord:
        """The model of a job, or one of its checkpoints."""
        return self._tuned.record(model_id)

    def list_models(self) -> Iterable[ModelRecord]:
        """The models of all jobs that are still there, the newest first."""
        return self._tuned.all_records()

    def delete_model(self, model_id: str) -> None:
        """Take the next step towards removing the model: off its endpoints, the endpoints, the model."""
        self._tuned.delete(model_id)

    def remains(self, model_id: str) -> Sequence[str]:
        """What is still there of the model, in the order in which it goes."""
        return self._tuned.remains(model_id)

    def deploy(self, model_id: str, machine: Machine | None) -> Deployment:
        """Take the next step towards an endpoint that serves the model."""
        return self._tuned.deploy(model_id, machine)

    def undeploy(self, model_id: str) -> Deployment:
        """Take the next step towards no endpoint that serves it."""
        return self._tuned.undeploy(model_id)

    def predict(
        self, model_id: str, prompts: Sequence[PromptLike], sampling: Sampling, *, tuned: bool
    ) -> Sequence[Prediction]:
        """Ask the model on its endpoint, or its base model."""
        return self._tuned.predict(model_id, prompts, sampling, tuned=tuned)

    def embed(
        self,
        model_id: str,
        texts: Sequence[str],
        *,
        task_type: EmbeddingTask,
        output_dimensionality: int | None,
        tuned: bool,
    ) -> Vectors:
        """Ask an embedding model on its endpoint, or its base model."""
        return self._tuned.embed(
            model_id, texts, task_type, output_dimensionality=output_dimensionality, tuned=tuned
        )

    def corpus(self, model_id: str) -> Iterable[Document]:
        """The documents that the model was tuned on, out of the bucket."""
        return self._tuned.corpus(model_id)

    # --- steps -------------------------------------------------------------------------------------------------------

    def _case(self, request: JobRequest) -> Case:
        base, parent = self._origin(request.tuner.base_model)
        return Case(
            request=request,
            project=self._project,
            location=self._location,
            staging=self._staging,
            options=self._options,
            model=vertex_model(base),
            parent=parent,
            labels=labels_of(request, self._project, self._location),
        )

    def _origin(self, base_model: str) -> tuple[str, Parent | None]:
        """The base model that tuning once began with, and the tuned model that it goes on from."""
        if base_model.startswith("projects/") and "/models/" in base_model:
            return base_model, Parent(base_model)
        if not base_model.startswith("vertex:"):
            return base_model, None
        job_id, part = job_of_model(base_model)
        wire = self._jobs.wire(job_name(job_id))
        model = model_name(wire)
        if model is None:
            raise ModelNotFound(
                f"The job {job_id!r} has given no model to go on from.",
                hint="Wait until it has succeeded.",
                place="base_model",
            )
        checkpoint = part.removeprefix("checkpoint-") if part != "model" else None
        first = self._jobs.stored(job_name(job_id), wire).request.tuner.base_model
        root, _ = self._origin(first)
        return root, Parent(model, checkpoint)

    def _refuse_retired(self, tuner: AnyTuner) -> None:
        if not self._allow_retired:
            refuse_retired(tuner, today())

    def _lying(self, request: JobRequest) -> Mapping[str, str]:
        """Datasets that lie in Cloud Storage as they have to be."""
        known = {ref.name: self._in_place.get(ref.digest) for ref in request.datasets}
        return {name: found[0] for name, found in known.items() if found and found[1] in _AS_SENT}

    def _scored(self, config: Mapping[str, JsonValue], sample: Sample) -> float:
        prompt = Prompt(prompt=sample.prompt, extra=dict(sample.references))
        body: dict[str, JsonValue] = {
            "sampleResponse": {"role": "model", "parts": [{"text": sample.response}]},
            "example": cast("JsonValue", spelt(prompt, "reinforcement")),
            **config,
        }
        answer = self._jobs.service.validate_reward(body)
        if answer.get("error") or "overallReward" not in answer:
            raise BackendFault(
                f"Vertex AI could not score a response: {answer.get('error') or 'no reward'!s:.300}",
                hint="Correct the reward.",
                place="try_on",
            )
        return float(cast("float", answer["overallReward"]))

    def _figures(self, wire: Mapping[str, Any]) -> list[Event]:
        """The figures of a job that is over; before that they are not complete."""
        uri = wire.get("gcsMetricsUri")
        state, _ = state_of(wire)
        at = time_of(wire.get("endTime"))
        if not uri or not state.is_terminal or at is None:
            return []
        try:
            return figures_of(self._jobs.file(str(uri)), at)
        except SourceNotFound:
            return []


_AS_SENT = (
    "gemini",
    "gemini_preference",
    "messages",
    "palm_chat",
    "preference",
    "prompt_completion",
)


def today() -> date:
    """The day, in the time of the catalog."""
    return datetime.now(UTC).date()
