"""`VertexOptions`: what only Vertex AI understands, beside the tuners that every place shares.

Belongs here: the settings, their ranges and what `None` does.
Does not belong here: putting them into a request (one file per way of tuning).
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from tunekit._value import Value

GcsUri = Annotated[str, StringConstraints(pattern=r"^gs://[a-z0-9][a-z0-9._-]{1,221}(/.*)?$")]
"""An address in Cloud Storage, such as `gs://bucket/folder`."""
KmsKey = Annotated[
    str,
    StringConstraints(pattern=r"^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$"),
]
"""The full name of a key in Cloud KMS."""
Tensorboard = Annotated[
    str, StringConstraints(pattern=r"^projects/[^/]+/locations/[^/]+/tensorboards/[^/]+$")
]
"""The full name of a TensorBoard of Vertex AI."""


class VertexMetric(Value):
    """A metric that the server computes on the validation rows after tuning."""

    name: Literal["bleu", "exact_match", "pointwise", "rouge"]
    prompt_template: str | None = None
    """What a judging model is asked; needed for `pointwise`, and for nothing else."""
    rouge_type: Literal["rouge1", "rouge2", "rougeL", "rougeLsum"] = "rougeL"
    """Only with `rouge`."""

    @model_validator(mode="after")
    def _a_judge_needs_a_question(self) -> Self:
        if (self.name == "pointwise") != (self.prompt_template is not None):
            raise ValueError("prompt_template goes with name='pointwise', and only with that.")
        return self


class VertexEvaluation(Value):
    """An evaluation of every checkpoint by the server. It is billed as batch prediction, also after a cancel."""

    metrics: tuple[VertexMetric, ...] = Field(min_length=1)
    output_uri: GcsUri
    """Folder for the results."""
    autorater_model: str | None = None
    """Judging model for `pointwise`. `None` lets the server choose."""
    sampling_count: int | None = Field(default=None, ge=1, le=32)
    """How often the judge is asked per row. `None` is the server's 4."""


class PalmOptions(Value):
    """Settings of the pipelines of the PaLM models, which are retired; only with `allow_retired=True`."""

    accelerator_type: Literal["GPU", "TPU"] | None = None
    """`None` lets the pipeline choose by location: GPU in us-central1, TPU in europe-west4."""
    tuned_model_location: str | None = None
    """Region of the tuned model. `None` is that of the job."""
    max_context_length: Literal["32k", "8k"] | None = None
    default_context: str | None = None
    """Context of chat rows that have none."""
    tensorboard: Tensorboard | None = None
    """It must lie in the region of the job."""
    evaluation_data_uri: GcsUri | None = None
    """Rows to evaluate on. `None` takes the validation rows of the call, where there are some."""
    enable_checkpoint_selection: Literal["default", "false", "true"] | None = None
    deploy_model: bool | None = None
    """Whether RLHF deploys its model. `None` is the pipeline's true."""
    tpu_training_skip_cmek: bool | None = None
    temperature: float | None = Field(default=None, ge=0, le=1)
    """How the teacher of a distillation answers. `None` is the pipeline's 0."""


class EmbeddingOptions(Value):
    """Machines of the pipeline that tunes text embeddings; they decide the time, not the quality."""

    machine_type: str | None = None
    """`None` is n1-standard-16."""
    accelerator_type: (
        Literal[
            "NVIDIA_L4",
            "NVIDIA_TESLA_A100",
            "NVIDIA_TESLA_P100",
            "NVIDIA_TESLA_T4",
            "NVIDIA_TESLA_V100",
        ]
        | None
    ) = None
    """`None` is NVIDIA_TESLA_V100."""
    accelerator_count: int | None = Field(default=None, ge=1)
    """`None` is 4."""


class VertexOptions(Value):
    """What only Vertex AI understands; the same tuner runs elsewhere without them."""

    description: str | None = None
    service_account: str | None = None
    """Account that the job runs as. `None` is the service agent of the project."""
    encryption_key: KmsKey | None = None
    """Key of your own in the region of the job. `None` is Google's."""
    network: str | None = None
    """Network that pipelines are peered with."""
    output_uri: GcsUri | None = None
    """Folder for the weights of open models. `None` makes one in the staging bucket."""
    custom_base_model: GcsUri | None = None
    """Folder with weights of your own of the architecture `base_model`; open models only."""
    exported_checkpoints: Literal["all", "last"] = "all"
    """Whether checkpoints on the way are exported, and deployed where the model is."""
    evaluation: VertexEvaluation | None = None
    """Evaluation by the server. `None` has none."""
    evaluate_interval: int | None = Field(default=None, ge=1)
    """Steps between evaluations in reinforcement tuning. `None` is once per epoch."""
    thinking_level: Literal["HIGH", "LOW", "MEDIUM", "MINIMAL"] | None = None
    """How much a model thinks in reinforcement tuning. `None` is HIGH."""
    thinking_budget: int | None = Field(default=None, ge=-1)
    """Tokens of thought in reinforcement tuning; -1 leaves it to the model, 0 is none. Gemini 2.5 only; later models
    take `thinking_level`."""
    distillation_shape: Literal["current", "older"] = "current"
    """How a distillation is spelt. `older` is for models that the current spelling is refused for."""
    unlisted: Literal["refuse", "send"] = "refuse"
    """What to do with a region, an adapter size or a tuning mode that no public page lists for a model that tunekit
    knows. Google may have added it since the catalog was written."""
    embedding: EmbeddingOptions = EmbeddingOptions()
    palm: PalmOptions = PalmOptions()
    template_uri: str | None = Field(default=None, pattern=r"^https://[\w-]+-kfp\.pkg\.dev/.+")
    """Template of a pipeline. `None` takes the one that is known for the model."""
    price_per_million_tokens: float | None = Field(default=None, gt=0)
    """What a million training tokens cost you, in US dollars. `None` takes the catalog's price, where it has one."""

    @model_validator(mode="after")
    def _one_way_to_say_how_much_it_thinks(self) -> Self:
        if self.thinking_budget is not None and self.thinking_level is not None:
            raise ValueError("Give thinking_budget or thinking_level, not both.")
        return self
