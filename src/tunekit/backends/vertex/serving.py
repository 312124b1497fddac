"""Endpoints: makes one for a model, takes it away again, and removes the model, in the order that the service asks for.

Each call takes one step and answers at once. Ids are made of the model's own, so that a step whose answer was lost is
found when it is taken again.

Belongs here: the steps.
Does not belong here: waiting between them (`jobs/deploying.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from tunekit.backends.vertex.case import Json, without_none
from tunekit.backends.vertex.faults import Exists, Missing
from tunekit.backends.vertex.names import location_of
from tunekit.backends.vertex.service import PAGE_SIZE, parsed, plain
from tunekit.backends.vertex.transport import Transport
from tunekit.jobs.backend import Machine


class Serving:
    """Endpoints and models of a project."""

    def __init__(self, transport: Transport, project: str) -> None:
        self._transport = transport
        self._project = project

    def model(self, name: str) -> Json | None:
        """A model, or `None`."""
        return self._get("models.get", "ModelService", "get_model", name)

    def model_names(self, location: str) -> set[str]:
        """The names of all models of a location, without their versions."""
        parent, token, found = f"projects/{self._project}/locations/{location}", "", set[str]()
        while True:
            request = {"parent": parent, "page_size": PAGE_SIZE, "page_token": token}
            page = self._made("models.list", "ModelService", "list_models", f"{parent}/", request)
            found |= {without_version(model.name) for model in page.models}
            token = page.next_page_token
            if not token:
                return found

    def endpoint(self, name: str) -> Json | None:
        """An endpoint, or `None`."""
        return self._get("endpoints.get", "EndpointService", "get_endpoint", name)

    def endpoints_of(self, model: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Where a model is deployed: pairs of the endpoint and the id that it has there."""
        return [
            (str(one["endpoint"]), str(one.get("deployedModelId", "")))
            for one in model.get("deployedModels") or ()
        ]

    def own_endpoint(self, model: str) -> str:
        """The endpoint that tunekit makes for a model."""
        digest = hashlib.sha256(without_version(model).encode()).hexdigest()
        location = location_of(model, self._transport.connection.location)
        return f"projects/{self._project}/locations/{location}/endpoints/tunekit-{digest[:20]}"

    def create_endpoint(self, name: str, display_name: str, labels: Mapping[str, str]) -> None:
        """Ask for an endpoint; one that is there, or under way, is left as it is."""
        parent, _, own_id = name.partition("/endpoints/")
        body = {"displayName": display_name, "labels": dict(labels)}
        request = {"parent": parent, "endpoint": parsed("Endpoint", body), "endpoint_id": own_id}
        try:
            self._made("endpoints.create", "EndpointService", "create_endpoint", name, request)
        except Exists:
            return

    def deploy(self, endpoint: str, model: str, display_name: str, machine: Machine | None) -> None:
        """Ask to deploy a model on an endpoint on which it is not."""
        body = without_none(
            {
                "id": deployed_id(model),
                "model": model,
                "displayName": display_name,
                "dedicatedResources": None if machine is None else _resources(machine),
            }
        )
        request = {"endpoint": endpoint, "deployed_model": parsed("DeployedModel", body)}
        try:
            self._made(
                "endpoints.deployModel", "EndpointService", "deploy_model", endpoint, request
            )
        except Exists:
            return

    def undeploy(self, endpoint: str, deployed_model_id: str) -> None:
        """Ask to take a model off an endpoint."""
        request = {"endpoint": endpoint, "deployed_model_id": deployed_model_id}
        try:
            self._made(
                "endpoints.undeployModel", "EndpointService", "undeploy_model", endpoint, request
            )
        except (Exists, Missing):
            return

    def delete_endpoint(self, name: str) -> None:
        """Ask to remove an endpoint on which nothing is deployed."""
        self._delete("endpoints.delete", "EndpointService", "delete_endpoint", name)

    def delete_model(self, name: str) -> None:
        """Ask to remove a model that is deployed nowhere."""
        self._delete("models.delete", "ModelService", "delete_model", without_version(name))

    # --- steps -------------------------------------------------------------------------------------------------------

    def _get(self, call: str, service: str, method: str, name: str) -> Json | None:
        try:
            return plain(self._made(call, service, method, name, {"name": name}))
        except Missing:
            return None

    def _delete(self, call: str, service: str, method: str, name: str) -> None:
        try:
            self._made(call, service, method, name, {"name": name})
        except Missing:
            return

    def _made(
        self, call: str, service: str, method: str, name: str, request: Mapping[str, Any]
    ) -> Any:
        """Make a call where its object lies; what it starts goes on by itself."""
        location = location_of(name, self._transport.connection.location)
        client = self._transport.call(call, lambda: self._transport.client(service, location))
        return self._transport.call(
            call,
            lambda: getattr(client, method)(
                request=dict(request),
                retry=None,
                timeout=self._transport.connection.timeout_seconds,
            ),
        )


def without_version(model: str) -> str:
    """The name of a model without its version."""
    return model.partition("@")[0]


def deployed_id(model: str) -> str:
    """The id, of 10 digits, that a model gets on an endpoint of ours."""
    number = int(hashlib.sha256(model.encode()).hexdigest()[:12], 16)
    return str(number % 9_000_000_000 + 1_000_000_000)


def _resources(machine: Machine) -> Json:
    spec = without_none(
        {
            "machineType": machine.machine_type,
            "acceleratorType": machine.accelerator_type,
            "acceleratorCount": machine.accelerator_count if machine.accelerator_type else None,
        }
    )
    return {
        "machineSpec": spec,
        "minReplicaCount": machine.min_replicas,
        "maxReplicaCount": machine.max_replicas,
    }
