"""What all pipeline jobs share, and where the templates of Google's tuning pipelines lie.

Sources: https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/tuning/embeddings, and the constants of
https://github.com/googleapis/python-aiplatform (`vertexai/_model_garden/_model_garden_models.py`).

Belongs here: the frame of a request.
Does not belong here: the parameters of one pipeline (one file each).
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from tunekit.backends.vertex.case import Body, Case, kms, without_none

_REGISTRY = "https://us-kfp.pkg.dev/ml-pipeline"
_LARGE = f"{_REGISTRY}/large-language-model-pipelines"
RLHF_TEMPLATE = f"{_REGISTRY}/google-cloud-registry/rlhf-train-template/default"
DISTILLATION_TEMPLATE = f"{_REGISTRY}/distillation/distillation/v1.0.0"
_EMBEDDING = f"{_REGISTRY}/llm-text-embedding/tune-text-embedding-model"
_SUPERVISED: Mapping[str, str] = {
    "text-bison": f"{_LARGE}/tune-large-model/v2.0.0",
    "code-bison": f"{_LARGE}/tune-large-model/v3.0.0",
    "chat-bison": f"{_LARGE}/tune-large-chat-model/v3.0.0",
    "codechat-bison": f"{_LARGE}/tune-large-chat-model/v3.0.0",
}


def supervised_template(base_model: str) -> str:
    """The template that tunes a PaLM model."""
    return _SUPERVISED[palm_name(base_model)]


def embedding_template(base_model: str) -> str:
    """The template that tunes a text embedding model."""
    return f"{_EMBEDDING}/{'v1.1.4' if base_model == 'text-embedding-005' else 'v1.1.3'}"


def palm_name(base_model: str) -> str:
    """The name of a PaLM model without its version and context length."""
    return base_model.partition("@")[0].removesuffix("-32k")


def pipeline_body(case: Case, template: str, parameters: Mapping[str, JsonValue]) -> Body:
    """A request to run a template. Parameters without a value are left to the template.

    The template is named and not sent along: the server knows those of its own registry.
    """
    options = case.options
    return Body(
        "pipelineJobs",
        without_none(
            {
                "displayName": case.request.display_name,
                "templateUri": options.template_uri or template,
                "runtimeConfig": {
                    "gcsOutputDirectory": case.output_uri,
                    "parameterValues": without_none(parameters),
                },
                "labels": {**case.request.labels, **case.labels},
                "encryptionSpec": kms(options.encryption_key),
                "serviceAccount": options.service_account,
                "network": options.network,
            }
        ),
    )
