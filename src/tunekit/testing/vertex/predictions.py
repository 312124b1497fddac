"""Asking a model: behind an endpoint, or a base model of the publisher.

Belongs here: `generateContent`, `predict` and `countTokens`, as the wire has them.
Does not belong here: what a model answers (`engines.py`, `local_engine.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tunekit.testing.vertex.asking import Ask
from tunekit.testing.vertex.engines import Answer, Question, num_tokens
from tunekit.testing.vertex.place import ModelKind, Place
from tunekit.testing.vertex.wire import Json, Refusal, not_found

_DIMENSIONS = 768


@dataclass(frozen=True, slots=True)
class _Asked:
    """The model that is asked."""

    job_id: str | None
    base_model: str
    kind: ModelKind | None
    """`None` for a base model, which is what its instances look like."""
    head: Json
    """What a prediction says of it."""


def generate_content(place: Place, ask: Ask) -> Json:
    """`generateContent`: one candidate."""
    model = _model(place, ask)
    turns = _turns(ask.body)
    config: Json = ask.body.get("generationConfig", {})
    limit = config.get("maxOutputTokens")
    question = Question(
        job_id=model.job_id,
        base_model=model.base_model,
        turns=turns,
        temperature=float(config.get("temperature", 0.0)),
        max_output_tokens=None if limit is None else int(limit),
        top_p=float(config["topP"]) if "topP" in config else None,
        top_k=int(config["topK"]) if "topK" in config else None,
        seed=int(config["seed"]) if "seed" in config else None,
    )
    answer = place.engine.answer(question)
    asked = sum(num_tokens(text) for _, text in turns)
    return {
        "candidates": [
            {
                "index": 0,
                "content": {"role": "model", "parts": [{"text": answer.text}]},
                "finishReason": "STOP" if answer.stopped else "MAX_TOKENS",
            }
        ],
        "usageMetadata": {
            "promptTokenCount": asked,
            "candidatesTokenCount": answer.num_tokens,
            "totalTokenCount": asked + answer.num_tokens,
        },
        "modelVersion": model.base_model,
        "createTime": place.time.stamp(place.time.now()),
        "responseId": place.id_of(place.number()),
    }


def count_tokens(_: Place, ask: Ask) -> Json:
    """`countTokens`: a guess from the number of characters."""
    texts = [text for _role, text in _turns({"contents": [], **ask.body})]
    texts += [
        str(item.get("content", item.get("prompt", ""))) for item in ask.body.get("instances", [])
    ]
    return {
        "totalTokens": sum(num_tokens(text) for text in texts),
        "totalBillableCharacters": sum(len("".join(text.split())) for text in texts),
    }


def predict(place: Place, ask: Ask) -> Json:
    """`predict`: instances of a text, chat or embedding model."""
    model = _model(place, ask)
    instances: Sequence[Any] = ask.body["instances"]
    if not all(isinstance(instance, dict) for instance in instances):
        raise Refusal(400, "Invalid instances: expected objects.")
    parameters: Json = ask.body.get("parameters") or {}
    if _is_embedding(model):
        return {**model.head, "predictions": _vectors(place, model, instances, parameters)}
    return {
        **model.head,
        "predictions": [_text(place, model, item, parameters) for item in instances],
    }


def _model(place: Place, ask: Ask) -> _Asked:
    if "endpoints" not in ask.ids:
        name = ask.ids["models"]
        return _Asked(None, name, None, {})
    endpoint = place.endpoints.get((ask.location, ask.ids["endpoints"]))
    if endpoint is None:
        raise not_found("Endpoint")
    if not endpoint.body.get("deployedModels"):
        raise Refusal(
            400,
            f"The Endpoint {endpoint.body['name']!r} has no deployed models.",
            word="FAILED_PRECONDITION",
        )
    deployed = endpoint.body["deployedModels"][-1]
    _, version = place.find_model(f"{deployed['model']}@{deployed['modelVersionId']}")
    head = {
        "deployedModelId": deployed["id"],
        "model": deployed["model"],
        "modelDisplayName": version.body["displayName"],
        "modelVersionId": version.body["versionId"],
    }
    return _Asked(version.job_id, version.base_model, version.kind, head)


def _turns(body: Json) -> list[tuple[str, str]]:
    system = _text_of(body.get("systemInstruction", {}))
    turns = [("system", system)] if system else []
    for content in body["contents"]:
        role = "model" if content.get("role") in ("model", "assistant") else "user"
        turns.append((role, _text_of(content)))
    return turns


def _text_of(content: Json) -> str:
    return "".join(part.get("text", "") for part in content.get("parts", []))


def _is_embedding(model: _Asked) -> bool:
    return model.kind == "embedding" or (model.kind is None and "embedding" in model.base_model)


def _vectors(place: Place, model: _Asked, instances: Sequence[Json], parameters: Json) -> list[Any]:
    """Bare vectors from a tuned model, objects from a base model, as the servers differ."""
    if model.kind is not None:
        for number, instance in enumerate(instances):
            missing = [name for name in ("content", "task_type", "title") if name not in instance]
            if missing:
                raise Refusal(400, f"Invalid instance {number}: {missing[0]} is required.")
    texts = [str(instance.get("content", "")) for instance in instances]
    dimensions = int(parameters.get("outputDimensionality", _DIMENSIONS))
    vectors = place.engine.vectors(model.job_id, model.base_model, texts, dimensions)
    if model.kind is not None:
        return vectors
    return [
        {
            "embeddings": {
                "values": vector,
                "statistics": {"token_count": num_tokens(text), "truncated": False},
            }
        }
        for text, vector in zip(texts, vectors, strict=True)
    ]


def _text(place: Place, model: _Asked, instance: Json, parameters: Json) -> Json:
    limit = parameters.get("maxOutputTokens", parameters.get("maxDecodeSteps"))
    question = Question(
        job_id=model.job_id,
        base_model=model.base_model,
        turns=_legacy_turns(instance),
        temperature=float(parameters.get("temperature", 0.0)),
        max_output_tokens=None if limit is None else int(limit),
        top_p=float(parameters["topP"]) if "topP" in parameters else None,
        top_k=int(parameters["topK"]) if "topK" in parameters else None,
    )
    answer: Answer = place.engine.answer(question)
    safety = {"blocked": False, "categories": [], "scores": []}
    if "messages" in instance:
        candidates = [{"author": "1", "content": answer.text}]
        return {"candidates": candidates, "safetyAttributes": [safety]}
    return {
        "content": answer.text,
        "safetyAttributes": safety,
        "citationMetadata": {"citations": []},
    }


def _legacy_turns(instance: Json) -> list[tuple[str, str]]:
    context = str(instance.get("context", ""))
    turns = [("system", context)] if context else []
    if "messages" not in instance:
        text = instance.get("content", instance.get("prompt", instance.get("prefix")))
        if text is None:
            raise Refusal(400, "Invalid instance: content is required.")
        return [*turns, ("user", str(text))]
    for message in instance["messages"]:
        role = "user" if message.get("author") == "user" else "model"
        turns.append((role, str(message.get("content", ""))))
    return turns
