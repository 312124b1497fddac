"""Tuned models: finding, asking, deploying and removing them.

Belongs here: what a user does with a model, as calls in the right order.
Does not belong here: the calls (`asking.py`, `serving.py`), waiting (`jobs/deploying.py`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from tunekit.backends.vertex.asking import Asking, palm_prediction, palm_request, unit_vectors
from tunekit.backends.vertex.faults import Missing
from tunekit.backends.vertex.jobs import KnownJobs
from tunekit.backends.vertex.names import job_name, job_of_model, location_of
from tunekit.backends.vertex.pipelines import palm_name
from tunekit.backends.vertex.serving import Serving, deployed_id, without_version
from tunekit.backends.vertex.states import StoredRequest, endpoint_name, model_name
from tunekit.backends.vertex.transport import Transport
from tunekit.catalog.vertex import short_name, vertex_model
from tunekit.data.rows import Document
from tunekit.errors import JobNotFound, MethodUnsupported, ModelNotFound, SourceNotFound
from tunekit.jobs.backend import Deployment, Machine, Prediction, PromptLike, Sampling
from tunekit.jobs.record import ModelRecord
from tunekit.tuners.embedding import EmbeddingTask

if TYPE_CHECKING:
    from tunekit.jobs.backend import Vectors

_THINKING = ("reinforcement",)
"""Ways of tuning that teach a model to think; the others leave thinking out."""


class TunedModels:
    """The models of a project's jobs."""

    def __init__(self, transport: Transport, jobs: KnownJobs, project: str) -> None:
        self._jobs = jobs
        self._project = project
        self._asking = Asking(transport)
        self._serving = Serving(transport, project)
        self._asked_to_deploy: set[str] = set()

    def record(self, model_id: str) -> ModelRecord:
        """The model of that id.

        Raises:
            ModelNotFound: There is none, or it was deleted.
        """
        job_id, _ = job_of_model(model_id)
        try:
            model = self._jobs.record(job_name(job_id)).model
        except JobNotFound as error:
            raise _no_model(model_id) from error
        if model is None or (self._is_registered(model) and not self._model(model.location or "")):
            raise _no_model(model_id)
        return model.model_copy(update={"id": model_id})

    def all_records(self) -> list[ModelRecord]:
        """The models that are still there, the newest first."""
        models = [record.model for record in self._jobs.all_records() if record.model is not None]
        if not any(self._is_registered(model) for model in models):
            return models
        there = {_bare(name) for name in self._serving.model_names(self._jobs.location)}
        return [
            model
            for model in models
            if not self._is_registered(model) or _bare(model.location or "") in there
        ]

    def predict(
        self, model_id: str, prompts: Sequence[PromptLike], sampling: Sampling, *, tuned: bool
    ) -> list[Prediction]:
        """Ask the model on its endpoint, or its base model where it is."""
        if not prompts:
            return []
        wire, stored, part = self._job(model_id)
        base = self._base(stored)
        endpoint = self._endpoint(model_id, wire, part)
        if tuned:
            resource = endpoint
        else:
            location = location_of(endpoint, self._jobs.location)
            resource = (
                f"projects/{self._project}/locations/{location}/publishers/google/models/{base}"
            )
        try:
            return [self._answer(resource, base, stored, prompt, sampling) for prompt in prompts]
        except Missing as error:
            raise ModelNotFound(
                f"The model {model_id!r} answers no longer at {resource!r}.",
                hint="Deploy it again, or tune anew.",
            ) from error.__cause__

    def embed(
        self,
        model_id: str,
        texts: Sequence[str],
        task_type: EmbeddingTask,
        *,
        output_dimensionality: int | None,
        tuned: bool,
    ) -> Vectors:
        """Ask the model on its endpoint, or its base model; each vector is given the length 1."""
        wire, stored, part = self._job(model_id)
        asked = output_dimensionality or stored.request.tuner.output_dimensionality
        base = self._base(stored)
        own = f"projects/{self._project}/locations/{self._jobs.location}/publishers/google/models/{base}"
        try:
            resource = self._endpoint(model_id, wire, part) if tuned else own
            instances = [{"content": text, "task_type": task_type, "title": ""} for text in texts]
            found = self._asking.embed(resource, instances)
        except Missing as error:
            raise _no_model(model_id) from error.__cause__
        return unit_vectors(found, asked)

    def corpus(self, model_id: str) -> Iterator[Document]:
        """The documents that the model was tuned on."""
        wire, _, _ = self._job(model_id)
        config = cast("Mapping[str, Any]", wire.get("runtimeConfig") or {})
        uri = (config.get("parameterValues") or {}).get("corpus_path")
        try:
            lines = self._jobs.file(str(uri)).decode().splitlines() if uri else []
        except SourceNotFound as error:
            raise ModelNotFound(
                f"The documents of {model_id!r} are gone.", hint="Pass a corpus of your own."
            ) from error
        for line in lines:
            found = json.loads(line)
            yield Document(id=found["_id"], title=found.get("title", ""), text=found["text"])

    def deploy(self, model_id: str, machine: Machine | None) -> Deployment:
        """Take the next step towards an endpoint."""
        wire, stored, part = self._job(model_id)
        name = self._registered(model_id, wire)
        there = endpoint_name(wire, _checkpoint(part))
        if there is not None and self._is_on(there, name):
            return Deployment(model_id=model_id, endpoint=there, ready=True)
        endpoint = self._serving.own_endpoint(name)
        found = self._serving.endpoint(endpoint)
        if found is None:
            self._serving.create_endpoint(endpoint, stored.request.display_name, {})
            return Deployment(
                model_id=model_id, endpoint=None, ready=False, doing="the endpoint is being made"
            )
        if _has(found, name):
            self._asked_to_deploy.discard(endpoint)
            return Deployment(model_id=model_id, endpoint=endpoint, ready=True)
        if endpoint not in self._asked_to_deploy:
            self._serving.deploy(endpoint, name, stored.request.display_name, machine)
            self._asked_to_deploy.add(endpoint)
        return Deployment(
            model_id=model_id, endpoint=endpoint, ready=False, doing="the model is being deployed"
        )

    def undeploy(self, model_id: str) -> Deployment:
        """Take the next step towards no endpoint that serves it."""
        wire, _, _ = self._job(model_id)
        name = self._registered(model_id, wire)
        for endpoint, deployed in _placed(self._endpoints(name, wire), name):
            self._serving.undeploy(endpoint, deployed)
        left = _placed(self._endpoints(name, wire), name)
        doing = "the model is being taken off" if left else ""
        return Deployment(model_id=model_id, endpoint=None, ready=not left, doing=doing)

    def remains(self, model_id: str) -> tuple[str, ...]:
        """What is there of the model, in the order in which it goes."""
        wire, _, _ = self._job(model_id)
        name = self._registered(model_id, wire)
        endpoints = self._endpoints(name, wire)
        placed = [f"{deployed} on {endpoint}" for endpoint, deployed in _placed(endpoints, name)]
        model = [without_version(name)] if self._model(name) else []
        return (*placed, *endpoints, *model)

    def delete(self, model_id: str) -> None:
        """Take the next step: off its endpoints, then the endpoints, then the model."""
        wire, _, _ = self._job(model_id)
        name = self._registered(model_id, wire)
        endpoints = self._endpoints(name, wire)
        placed = _placed(endpoints, name)
        if placed:
            for endpoint, deployed in placed:
                self._serving.undeploy(endpoint, deployed)
            return
        if endpoints:
            for endpoint in endpoints:
                self._serving.delete_endpoint(endpoint)
            return
        self._serving.delete_model(name)

    # --- steps -------------------------------------------------------------------------------------------------------

    def _job(self, model_id: str) -> tuple[Mapping[str, Any], StoredRequest, str]:
        job_id, part = job_of_model(model_id)
        name = job_name(job_id)
        try:
            wire = self._jobs.wire(name)
            return wire, self._jobs.stored(name, wire), part
        except JobNotFound as error:
            raise _no_model(model_id) from error

    def _answer(
        self,
        resource: str,
        base: str,
        stored: StoredRequest,
        prompt: PromptLike,
        sampling: Sampling,
    ) -> Prediction:
        known = vertex_model(base)
        if known is not None and known.family == "palm":
            name = palm_name(base)
            instance, parameters = palm_request(
                prompt, sampling, chat="chat-" in name, code=name.startswith("code-")
            )
            return palm_prediction(self._asking.predict(resource, [instance], parameters)[0])
        thinks = stored.request.tuner.kind in _THINKING
        return self._asking.generate(resource, prompt, sampling, base_model=base, thinks=thinks)

    def _endpoint(self, model_id: str, wire: Mapping[str, Any], part: str) -> str:
        """Where the model answers."""
        named = endpoint_name(wire, _checkpoint(part))
        if named is not None:
            return named
        name = self._registered(model_id, wire)
        own = self._serving.own_endpoint(name)
        found = self._serving.endpoint(own)
        if found is not None and _has(found, name):
            return own
        raise ModelNotFound(
            f"The model {model_id!r} is deployed nowhere.",
            hint="Deploy it first: client.model(id).deploy().",
        )

    def _registered(self, model_id: str, wire: Mapping[str, Any]) -> str:
        """The name of the model in the registry."""
        name = model_name(wire)
        if name is not None:
            return name
        where = wire.get("outputUri")
        if where:
            raise MethodUnsupported(
                f"The weights of {model_id!r} lie in {where!r}; Vertex AI keeps no model of them.",
                hint="Use, serve or delete them there.",
            )
        raise _no_model(model_id)

    def _base(self, stored: StoredRequest) -> str:
        """The base model that tuning once began with."""
        base = str(stored.request.tuner.base_model)
        while base.startswith("vertex:"):
            base = self._jobs.record(job_name(job_of_model(base)[0])).request.tuner.base_model
        return short_name(base)

    def _model(self, name: str) -> Mapping[str, Any] | None:
        return self._serving.model(name)

    def _is_registered(self, model: ModelRecord) -> bool:
        return (model.location or "").startswith("projects/")

    def _is_on(self, endpoint: str, model: str) -> bool:
        found = self._serving.endpoint(endpoint)
        return found is not None and _has(found, model)

    def _endpoints(self, model: str, wire: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        """Endpoints that were made for the model and are still there, by name."""
        tuned = wire.get("tunedModel") or {}
        named = [endpoint_name(wire), self._serving.own_endpoint(model)]
        named += [str(one.get("endpoint", "")) for one in tuned.get("checkpoints") or ()]
        looked = {name: self._serving.endpoint(name) for name in dict.fromkeys(named) if name}
        return {name: endpoint for name, endpoint in looked.items() if endpoint is not None}


def _placed(endpoints: Mapping[str, Mapping[str, Any]], model: str) -> list[tuple[str, str]]:
    """Endpoints that serve the model, and its id on each."""
    return [
        (name, str(one.get("id", "")))
        for name, endpoint in endpoints.items()
        for one in endpoint.get("deployedModels") or ()
        if _is_same(str(one.get("model", "")), model)
    ]


def _checkpoint(part: str) -> str | None:
    return None if part == "model" else part.removeprefix("checkpoint-")


def _has(endpoint: Mapping[str, Any], model: str) -> bool:
    deployed = endpoint.get("deployedModels") or ()
    own = deployed_id(model)
    return any(
        _is_same(str(one.get("model", "")), model) or one.get("id") == own for one in deployed
    )


def _is_same(one: str, other: str) -> bool:
    """Whether two names are of one model; one may have the number of the project and one its id."""
    return _bare(one) == _bare(other)


def _bare(model: str) -> str:
    """The id of a model alone."""
    return without_version(model).rpartition("/")[2]


def _no_model(model_id: str) -> ModelNotFound:
    return ModelNotFound(f"There is no model {model_id!r}.", hint="`client.models()` lists them.")
