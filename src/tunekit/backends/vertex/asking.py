"""Asks tuned models on their endpoints, and base models where they are.

Source: https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/tuning/supervised-tuning.

Belongs here: prompts as the API takes them, and answers out of what it gives.
Does not belong here: which endpoint a model has (`backend.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from pydantic import JsonValue

from tunekit.backends.vertex.case import Json, without_none
from tunekit.backends.vertex.names import location_of
from tunekit.backends.vertex.service import parsed, plain
from tunekit.backends.vertex.transport import Transport
from tunekit.data.formats.gemini import gemini_line
from tunekit.data.rows import Message
from tunekit.errors import SettingInvalid
from tunekit.jobs.backend import Prediction, PromptLike, Sampling

if TYPE_CHECKING:
    from tunekit.jobs.backend import Vectors

_TEXTS_AT_ONCE = 5
_DIMENSIONS = 768
"""Numbers in a vector of the models that Vertex AI tunes."""
_LEAST_THOUGHT: tuple[tuple[str, Json], ...] = (
    ("gemini-3", {"thinkingLevel": "MINIMAL"}),
    ("gemini-2.5-pro", {"thinkingBudget": 128}),
    ("gemini-2.5", {"thinkingBudget": 0}),
)
"""Tuning leaves thinking out, so the page on tuning says to set it to the least when asking."""


class Asking:
    """Asks models."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def generate(
        self,
        resource: str,
        prompt: PromptLike,
        sampling: Sampling,
        *,
        base_model: str,
        thinks: bool,
    ) -> Prediction:
        """Ask a Gemini model.

        Args:
            resource: Name of an endpoint or of a base model.
            prompt: What to ask.
            sampling: How to draw the answer.
            base_model: What the model was tuned from.
            thinks: Whether it may think as much as it likes, rather than the least.
        """
        body = generate_body(prompt, sampling, None if thinks else least_thought(base_model))
        location = location_of(resource, self._transport.connection.location)
        client = self._transport.call("generateContent", lambda: self._client(location))
        message = self._transport.call(
            "generateContent",
            lambda: client.generate_content(
                request=parsed("GenerateContentRequest", {"model": resource, **body}),
                retry=None,
                timeout=self._timeout,
            ),
        )
        return prediction_of(plain(message))

    def predict(
        self,
        endpoint: str,
        instances: Sequence[Mapping[str, Any]],
        parameters: Mapping[str, Any],
    ) -> list[Any]:
        """Ask a model of the older kind.

        Args:
            endpoint: Name of its endpoint.
            instances: What to ask, as that kind of model takes it.
            parameters: How.
        """
        location = location_of(endpoint, self._transport.connection.location)
        client = self._transport.call("predict", lambda: self._client(location))
        body = {
            "endpoint": endpoint,
            "instances": [dict(one) for one in instances],
            "parameters": dict(parameters),
        }
        message = self._transport.call(
            "predict",
            lambda: client.predict(
                request=parsed("PredictRequest", body), retry=None, timeout=self._timeout
            ),
        )
        return cast("list[Any]", plain(message).get("predictions") or [])

    def embed(self, resource: str, instances: Sequence[Mapping[str, Any]]) -> list[Any]:
        """Embed texts, a few at a time: the page on embeddings says at most five."""
        found: list[Any] = []
        for start in range(0, len(instances), _TEXTS_AT_ONCE):
            found.extend(self.predict(resource, instances[start : start + _TEXTS_AT_ONCE], {}))
        return found

    def _client(self, location: str) -> Any:
        return self._transport.client("PredictionService", location)

    @property
    def _timeout(self) -> float:
        return self._transport.connection.timeout_seconds


def generate_body(prompt: PromptLike, sampling: Sampling, thinking: Json | None) -> Json:
    """A request to a Gemini model."""
    turns = (Message(role="user", content=prompt),) if isinstance(prompt, str) else tuple(prompt)
    config = without_none(
        {
            "temperature": sampling.temperature,
            "maxOutputTokens": sampling.max_output_tokens,
            "topP": sampling.top_p,
            "topK": sampling.top_k,
            "seed": sampling.seed,
            "thinkingConfig": thinking,
        }
    )
    return {**gemini_line(turns), "generationConfig": config}


def least_thought(base_model: str) -> Json | None:
    """The setting that lets a model think the least, or `None` where it does not think."""
    return next((config for name, config in _LEAST_THOUGHT if base_model.startswith(name)), None)


def prediction_of(answer: Mapping[str, Any]) -> Prediction:
    """The answer of a Gemini model; thoughts are left out."""
    candidates = answer.get("candidates") or [{}]
    first = cast("Mapping[str, Any]", candidates[0])
    parts = cast("list[Mapping[str, Any]]", (first.get("content") or {}).get("parts") or [])
    usage = answer.get("usageMetadata") or {}
    return Prediction(
        text="".join(str(part.get("text", "")) for part in parts if not part.get("thought")),
        stopped=first.get("finishReason", "STOP") == "STOP",
        num_output_tokens=usage.get("candidatesTokenCount"),
    )


def palm_request(
    prompt: PromptLike, sampling: Sampling, *, chat: bool, code: bool
) -> tuple[Json, Json]:
    """An instance and the parameters for a PaLM model."""
    parameters: dict[str, Any] = {
        "temperature": min(sampling.temperature, 1.0),
        "maxOutputTokens" if code else "maxDecodeSteps": sampling.max_output_tokens,
        "topP": sampling.top_p,
        "topK": sampling.top_k,
        "seed": sampling.seed,
    }
    turns = (Message(role="user", content=prompt),) if isinstance(prompt, str) else tuple(prompt)
    if not chat:
        text = "\n".join(turn.text for turn in turns)
        return {"prefix" if code else "content": text}, without_none(parameters)
    context = "\n".join(turn.text for turn in turns if turn.role == "system")
    # training rows say `assistant`, a conversation with the model says `bot`
    messages: list[JsonValue] = [
        {"author": "user" if turn.role == "user" else "bot", "content": turn.text}
        for turn in turns
        if turn.role != "system"
    ]
    instance: Json = {"messages": messages} | ({"context": context} if context else {})
    return instance, without_none(parameters)


def palm_prediction(answer: object) -> Prediction:
    """The answer of a PaLM model."""
    found = cast("Mapping[str, Any]", answer if isinstance(answer, Mapping) else {})
    candidates = found.get("candidates") or [found]
    return Prediction(text=str(candidates[0].get("content", "")))


def unit_vectors(predictions: Sequence[Any], dimensions: int | None) -> Vectors:
    """Embeddings of the length 1: bare vectors from a tuned endpoint, objects from a base model.

    Raises:
        SettingInvalid: They have fewer dimensions.
    """
    import numpy as np

    values = [
        one["embeddings"]["values"] if isinstance(one, Mapping) else one for one in predictions
    ]
    if not values:
        return np.zeros((0, dimensions or _DIMENSIONS), dtype=np.float32)
    found = np.asarray(values, dtype=np.float32)
    if dimensions is not None and dimensions > found.shape[1]:
        raise SettingInvalid(
            f"The model gives {found.shape[1]} numbers, not {dimensions}.",
            hint=f"Give at most {found.shape[1]}.",
            place="output_dimensionality",
        )
    cut = found[:, :dimensions]
    lengths = np.linalg.norm(cut, axis=1, keepdims=True)
    unit: Vectors = (cut / np.maximum(lengths, 1e-12)).astype(np.float32)
    return unit
