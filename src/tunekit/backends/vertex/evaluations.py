"""The evaluation that the server makes of every checkpoint, as the API spells it.

Source: https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/tuning/supervised-tuning.

Belongs here: the field `evaluationConfig`.
Does not belong here: what may be asked for (`options.py`).
"""

from __future__ import annotations

from pydantic import JsonValue

from tunekit.backends.vertex.case import Json, without_none
from tunekit.backends.vertex.options import VertexEvaluation, VertexMetric

_SUMMARIES: list[JsonValue] = ["AVERAGE", "STANDARD_DEVIATION"]


def evaluation_config(evaluation: VertexEvaluation | None) -> JsonValue:
    """The field, or `None` where no evaluation was asked for."""
    if evaluation is None:
        return None
    rater = without_none(
        {"autoraterModel": evaluation.autorater_model, "samplingCount": evaluation.sampling_count}
    )
    return without_none(
        {
            "metrics": [_metric(metric) for metric in evaluation.metrics],
            "outputConfig": {"gcsDestination": {"outputUriPrefix": evaluation.output_uri}},
            "autoraterConfig": rater or None,
        }
    )


def _metric(metric: VertexMetric) -> Json:
    shapes: dict[str, Json] = {
        "bleu": {"bleuSpec": {}},
        "exact_match": {"exactMatchSpec": {}},
        "pointwise": {"pointwiseMetricSpec": {"metricPromptTemplate": metric.prompt_template}},
        "rouge": {"rougeSpec": {"rougeType": metric.rouge_type}},
    }
    return shapes[metric.name] | {"aggregationMetrics": _SUMMARIES}
