"""Every call that tunekit makes to Google, and whether it may be made again when its answer was lost.

Belongs here: the table.
Does not belong here: making calls (`transport.py`), repeating them (`jobs/retries.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Literal


class Repeat(StrEnum):
    """Whether a call may be made again after its answer was lost."""

    NATURAL = "natural"
    """Making it twice is the same as once: reading, cancelling, deleting."""
    BY_ID = "by-id"
    """tunekit chooses the id of what is made, so the second call finds the first."""
    BY_PRECONDITION = "by-precondition"
    """It takes effect only on the state that was seen, or writes under the digest of what it writes."""
    AFTER_LOOKING = "after-looking"
    """What it does shows: it is looked for first, and the call is made only where it does not."""
    RECONCILED = "reconciled"
    """Nothing tells the first from the second. After a lost answer the job is looked for by its label, and only a
    complete list without it, after a grace, allows another."""
    NEVER = "never"
    """It is paid for each time and changes nothing: only a call that was refused before it ran is made again."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call, and its nature."""

    http: Literal["DELETE", "GET", "PATCH", "POST", "PUT"]
    what: str
    """What it does, for messages."""
    repeat: Repeat


CALLS: Mapping[str, Call] = MappingProxyType(
    {
        "tuningJobs.create": Call("POST", "start a tuning job", Repeat.RECONCILED),
        "tuningJobs.get": Call("GET", "look at a tuning job", Repeat.NATURAL),
        "tuningJobs.list": Call("GET", "list the tuning jobs", Repeat.NATURAL),
        "tuningJobs.cancel": Call("POST", "cancel a tuning job", Repeat.NATURAL),
        "tuningJobs.validateReward": Call("POST", "try a reward", Repeat.NEVER),
        "pipelineJobs.create": Call("POST", "start a pipeline job", Repeat.BY_ID),
        "pipelineJobs.get": Call("GET", "look at a pipeline job", Repeat.NATURAL),
        "pipelineJobs.list": Call("GET", "list the pipeline jobs", Repeat.NATURAL),
        "pipelineJobs.cancel": Call("POST", "cancel a pipeline job", Repeat.NATURAL),
        "models.get": Call("GET", "look at a model", Repeat.NATURAL),
        "models.list": Call("GET", "list the models", Repeat.NATURAL),
        "models.delete": Call("DELETE", "delete a model", Repeat.NATURAL),
        "endpoints.create": Call("POST", "create an endpoint", Repeat.BY_ID),
        "endpoints.get": Call("GET", "look at an endpoint", Repeat.NATURAL),
        "endpoints.delete": Call("DELETE", "delete an endpoint", Repeat.NATURAL),
        "endpoints.deployModel": Call("POST", "deploy a model", Repeat.AFTER_LOOKING),
        "endpoints.undeployModel": Call("POST", "undeploy a model", Repeat.AFTER_LOOKING),
        "generateContent": Call("POST", "ask a model", Repeat.NEVER),
        "predict": Call("POST", "ask a model", Repeat.NEVER),
        "objects.get": Call("GET", "look at an object in Cloud Storage", Repeat.NATURAL),
        "objects.download": Call("GET", "read an object in Cloud Storage", Repeat.NATURAL),
        "objects.insert": Call("POST", "write an object to Cloud Storage", Repeat.BY_PRECONDITION),
    }
)
"""Every call by its name."""
