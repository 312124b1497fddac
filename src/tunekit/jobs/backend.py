"""The seam: what a backend is, and what it may be able to do besides.

A backend offers four verbs and nothing that waits: it answers at once, never sleeps and never retries. What not every
place can do is a protocol of its own, and a backend has it by having its methods.

Belongs here: the protocols, and the values only they use.
Does not belong here: any implementation (`backends/`), waiting and retrying (`waiting.py`, `retries.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from pydantic import Field, JsonValue

from tunekit._value import Received, Value
from tunekit.catalog import LearningRates
from tunekit.data.check.findings import Finding
from tunekit.data.dataset import Dataset
from tunekit.data.rows import Document, Message, Row
from tunekit.jobs.clock import Clock
from tunekit.jobs.record import Checkpoint, Event, JobRecord, JobRequest, ModelRecord
from tunekit.tuners.base import Circumstances, Setting
from tunekit.tuners.embedding import EmbeddingTask
from tunekit.tuners.registry import AnyTuner

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors: TypeAlias = NDArray[np.float32]
    """One vector per text: `(num_texts, num_dimensions)`."""

if TYPE_CHECKING:
    from PIL.Image import Image

Rows: TypeAlias = Mapping[str, Dataset[Any]]
"""The datasets of a request by name."""

PromptLike: TypeAlias = str | Sequence[Message]
"""What a text model is asked: a text, or the turns so far."""


class Polling(Value):
    """How often a job of this backend is worth looking at."""

    first_seconds: float = Field(gt=0)
    """Pause before the second look."""
    most_seconds: float = Field(gt=0)
    """Longest pause; each is 1.5 times the one before until then."""


@runtime_checkable
class Backend(Protocol):
    """A place where jobs run."""

    @property
    def name(self) -> str:
        """Short name, in front of every id of this backend."""
        ...

    @property
    def polling(self) -> Polling:
        """How often its jobs are worth looking at."""
        ...

    def submit(self, request: JobRequest, rows: Rows) -> JobRecord:
        """Start a job, or give the one that the key of the request has already.

        Raises:
            KeyReused: The key belongs to a job with another fingerprint.
            MethodUnsupported: This backend cannot run that tuner.
            TransientFault: Nothing was started; try again.
            QuotaExceeded: Nothing was started; try again later.
            SubmissionUnknown: The answer was lost; the job may exist.
        """
        ...

    def fetch(self, job_id: str) -> JobRecord:
        """The job as it is now.

        Raises:
            JobNotFound: There is none of that id.
        """
        ...

    def cancel(self, job_id: str) -> JobRecord:
        """Ask the job to stop; without effect on one that is over.

        Raises:
            JobNotFound: There is none of that id.
        """
        ...

    def list_jobs(self) -> Iterable[JobRecord]:
        """All jobs, the newest first."""
        ...


class Sampling(Value):
    """How an answer is drawn."""

    temperature: float = Field(default=0.0, ge=0, le=2)
    """0 always takes the likeliest token; higher is more varied."""
    max_output_tokens: int = Field(default=256, ge=1)
    top_p: float | None = Field(default=None, gt=0, le=1)
    """Draw from the likeliest tokens that together have this probability."""
    top_k: int | None = Field(default=None, ge=1)
    """Draw from this many likeliest tokens."""
    seed: int | None = Field(default=None, ge=0)
    """Makes a draw repeatable."""


class Prediction(Value):
    """An answer of a text model."""

    text: str
    stopped: bool = True
    """Whether the model ended the answer itself, rather than running into `max_output_tokens`."""
    num_output_tokens: int | None = None

    def __str__(self) -> str:
        return self.text


class Drawing(Value):
    """How pictures are drawn."""

    num_images: int = Field(default=1, ge=1, le=1_000)
    """Pictures of each prompt."""
    seed: int | None = Field(default=None, ge=0, lt=2**32)
    """Decides the noise that the first picture begins from; the next ones begin from the seeds after it."""
    num_inference_steps: int | None = Field(default=None, ge=1, le=1_000)
    """Steps from noise to picture. `None` takes as many as the pipeline's own default."""
    guidance_scale: float | None = Field(default=None, ge=0, le=100)
    """How closely to keep to the prompt. `None` takes the pipeline's own default."""
    negative_prompt: str | None = None
    """What not to draw."""


class RowLoss(Value):
    """How surprised a model is by the answers of one row."""

    nats: float
    """Negative log-likelihood, summed over the answer's tokens."""
    tokens: int


class TokenCount(Value):
    """How many tokens the training rows have."""

    total: int
    """Of all rows once."""
    low: int
    """The fewest that `total` may be; the same where it is exact."""
    high: int | None
    """The most that `total` may be; the same where it is exact, `None` where nothing bounds it."""
    trained: int
    """Of those, tokens of answers, which are learnt."""
    longest_row: int
    exact: bool
    """Whether the model's own tokenizer counted; otherwise it is an estimate."""

    @classmethod
    def counted(cls, *, total: int, trained: int, longest_row: int) -> TokenCount:
        """What the model's own tokenizer counted."""
        return cls(
            total=total, low=total, high=total, trained=trained, longest_row=longest_row, exact=True
        )


class Estimate(Value):
    """A guess with its two ends, in seconds."""

    low: float
    high: float
    basis: str
    """What the guess rests on."""


class Cost(Value):
    """What a run would cost."""

    low: float | None
    """`None` where no price is public."""
    high: float | None
    """`None` where no price is public, or nothing bounds how much is used."""
    currency: str
    basis: str
    """Price table and formula, with date and public source."""


class Limit(Value):
    """A limit that the rows or settings were held against."""

    name: str
    value: int
    whose: str
    """Whose limit it is, such as `tunekit/nano`."""


class Inspection(Value):
    """What a backend finds out about a request without starting anything."""

    findings: tuple[Finding, ...] = ()
    """Faults that need the base model to see, such as rows that are too long for it."""
    tokens: TokenCount | None = None
    limits: tuple[Limit, ...] = ()
    duration: Estimate | None = None
    cost: Cost | None = None
    writes: tuple[str, ...] = ()
    """What would be written, or uploaded, and where."""
    request: Mapping[str, JsonValue] | None = None
    """The body that would be sent over the wire."""
    warnings: tuple[str, ...] = ()


@runtime_checkable
class Inspects(Protocol):
    """A backend that can look at a request beforehand."""

    def learning_rates(self, base_model: str) -> LearningRates:
        """Rates to start from.

        Raises:
            BaseModelNotFound: There is no such model.
        """
        ...

    def inspect(self, request: JobRequest, rows: Rows) -> Inspection:
        """What there is to know before starting; changes nothing.

        Raises:
            BaseModelNotFound: There is no such model to start from.
            MethodUnsupported: This backend cannot run that tuner.
        """
        ...


@runtime_checkable
class HasClock(Protocol):
    """A backend with a time of its own."""

    @property
    def clock(self) -> Clock:
        """The time in which its jobs run."""
        ...


@runtime_checkable
class TellsEvents(Protocol):
    """A backend that keeps a log of each job."""

    def events(self, job_id: str, after: int = 0) -> Sequence[Event]:
        """The events with numbers above `after`, in order."""
        ...

    def checkpoints(self, job_id: str) -> Sequence[Checkpoint]:
        """The checkpoints that can be used, in order of their steps."""
        ...


@runtime_checkable
class Resumes(Protocol):
    """A backend that can go on with a job that broke off."""

    def resume(self, job_id: str) -> JobRecord:
        """Go on from the last checkpoint, as a new attempt; without effect on a job that is at work.

        Raises:
            SettingInvalid: The job has succeeded.
        """
        ...


@runtime_checkable
class KeepsModels(Protocol):
    """A backend that keeps the models of its jobs."""

    def fetch_model(self, model_id: str) -> ModelRecord:
        """The model of that id.

        Raises:
            ModelNotFound: There is none.
        """
        ...

    def list_models(self) -> Iterable[ModelRecord]:
        """All models, the newest first."""
        ...

    def delete_model(self, model_id: str) -> None:
        """Remove the weights. The record of the job stays."""
        ...


@runtime_checkable
class Predicts(Protocol):
    """A backend that can ask its text models."""

    def predict(
        self, model_id: str, prompts: Sequence[PromptLike], sampling: Sampling, *, tuned: bool
    ) -> Sequence[Prediction]:
        """One answer per prompt, in order.

        Args:
            model_id: Id of a model.
            prompts: What to ask.
            sampling: How to draw the answers.
            tuned: `False` asks the base model that the model was tuned from.
        """
        ...


@runtime_checkable
class Decides(Protocol):
    """A backend that leaves settings open which others need decided, since its provider decides them."""

    def decided(
        self, tuner: AnyTuner, circumstances: Circumstances
    ) -> tuple[AnyTuner, tuple[Setting, ...]]:
        """The tuner as it will be sent, and where each setting comes from; see `Tuner.decided`."""
        ...


@runtime_checkable
class FindsByKey(Protocol):
    """A backend that finds the job of a key without listing all jobs."""

    @property
    def grace_seconds(self) -> float:
        """How long a job whose submission was not answered may take to be found before it counts as not started."""
        ...

    def find(self, key: str) -> JobRecord | None:
        """The job of that key, or `None`."""
        ...


class Machine(Value):
    """What a deployed model runs on."""

    machine_type: str
    """Such as `g2-standard-12`."""
    accelerator_type: str | None = None
    """Such as `NVIDIA_L4`. `None` has none."""
    accelerator_count: int = Field(default=1, ge=1)
    """Only with an accelerator."""
    min_replicas: int = Field(default=1, ge=0)
    max_replicas: int = Field(default=1, ge=1)


class Deployment(Received):
    """Where a model answers."""

    model_id: str
    endpoint: str | None
    """Name of the endpoint; `None` where there is none yet, or none any more."""
    ready: bool
    """Whether what was asked for is the case: the model answers, or does so no longer."""
    doing: str = ""
    """What is going on meanwhile."""


@runtime_checkable
class Deploys(Protocol):
    """A backend whose models answer on endpoints. Each call takes the next step and answers at once."""

    def deploy(self, model_id: str, machine: Machine | None) -> Deployment:
        """Take the next step towards an endpoint that serves the model.

        Args:
            model_id: Id of a model.
            machine: What it runs on. `None` leaves it to the provider, where that decides.
        """
        ...

    def undeploy(self, model_id: str) -> Deployment:
        """Take the next step towards no endpoint that serves the model."""
        ...

    def remains(self, model_id: str) -> Sequence[str]:
        """What is still there of the model, in the order in which deleting takes it away."""
        ...


@runtime_checkable
class Scores(Protocol):
    """A backend that can tell how likely its text models find given answers."""

    def losses(self, model_id: str, rows: Sequence[Row], *, tuned: bool) -> Sequence[RowLoss]:
        """One loss per row, in order; see `Predicts.predict` for the arguments."""
        ...


@runtime_checkable
class Generates(Protocol):
    """A backend that can let its image models draw."""

    def generate(
        self, model_id: str, prompts: Sequence[str], drawing: Drawing, *, tuned: bool
    ) -> Sequence[Sequence[Image]]:
        """Pictures for each prompt, in order.

        Args:
            model_id: Id of an image model.
            prompts: What to draw.
            drawing: How to draw it.
            tuned: `False` lets the base model draw that the model was tuned from.

        Raises:
            ModelNotFound: There is no such image model.
        """
        ...


@runtime_checkable
class SeesImages(Protocol):
    """A backend that can tell with a named embedding model how alike pictures, and pictures and texts, are."""

    def image_features(self, pictures: Sequence[Image], embedder: str) -> Sequence[Sequence[float]]:
        """A vector of length 1 for each picture.

        Args:
            pictures: What to look at.
            embedder: A folder, or an id on the hub, of a model of the kind of CLIP or SigLIP.

        Raises:
            BaseModelNotFound: There is no such model.
        """
        ...

    def text_features(self, texts: Sequence[str], embedder: str) -> Sequence[Sequence[float]]:
        """A vector of length 1 for each text, beside those of pictures; see `image_features`."""
        ...


@runtime_checkable
class Judges(Protocol):
    """A backend that can ask its reward models."""

    def rewards(
        self, model_id: str, prompts: Sequence[PromptLike], responses: Sequence[str]
    ) -> Sequence[float]:
        """One score per answer, in order; the higher the better.

        Args:
            model_id: Id of a reward model.
            prompts: What was asked.
            responses: The answer to each prompt.

        Raises:
            ModelNotFound: There is no such reward model.
        """
        ...


@runtime_checkable
class Embeds(Protocol):
    """A backend that can ask its embedding models."""

    def embed(
        self,
        model_id: str,
        texts: Sequence[str],
        *,
        task_type: EmbeddingTask,
        output_dimensionality: int | None,
        tuned: bool,
    ) -> Vectors:
        """One vector per text, in order, in 32 bits; the dot product of two is their similarity.

        Args:
            model_id: Id of an embedding model.
            texts: What to embed.
            task_type: What the texts are embedded for.
            output_dimensionality: Numbers in a vector; `None` takes what the model was tuned for.
            tuned: `False` asks the base model that the model was tuned from.

        Raises:
            ModelNotFound: There is no such model.
            SettingInvalid: The model has fewer dimensions.
        """
        ...

    def corpus(self, model_id: str) -> Iterable[Document]:
        """The documents that the model was tuned on.

        Raises:
            ModelNotFound: There is no such model, or its documents are gone.
        """
        ...
