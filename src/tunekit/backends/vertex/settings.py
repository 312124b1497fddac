"""Where a backend is: project, region and bucket, given or taken over from `vertexai.init`.

Belongs here: finding them.
Does not belong here: credentials (`transport.py`).
"""

from __future__ import annotations

import os
from typing import Any

from tunekit.backends.vertex.options import VertexOptions
from tunekit.backends.vertex.transport import initialised
from tunekit.errors import SettingInvalid

_PROJECT_VARIABLE = "GOOGLE_CLOUD_PROJECT"
_DEFAULT_LOCATION = "us-central1"


def project_of(given: str | None) -> str:
    """The project.

    Raises:
        SettingInvalid: Nobody says which.
    """
    found = given or initialised("project") or os.environ.get(_PROJECT_VARIABLE)
    if not found:
        raise SettingInvalid(
            "There is no project.",
            hint=f"Write VertexBackend(project=...), or set {_PROJECT_VARIABLE}.",
            place="VertexBackend",
        )
    return str(found)


def location_of(given: str | None) -> str:
    """The region."""
    return str(given or initialised("location") or _DEFAULT_LOCATION)


def staging_of(given: str | None) -> str:
    """The folder in Cloud Storage that tunekit writes to.

    Raises:
        SettingInvalid: Nobody says which.
    """
    found = given or initialised("staging_bucket")
    if not found:
        raise SettingInvalid(
            "There is no bucket to put rows into.",
            hint="Write VertexBackend(staging_bucket='gs://...').",
            place="VertexBackend",
        )
    bucket = str(found).removeprefix("gs://").strip("/")
    return f"gs://{bucket}/tunekit"


def options_of(given: VertexOptions) -> VertexOptions:
    """The options, with what `vertexai.init` was told where they are silent."""
    told: dict[str, Any] = {
        "service_account": initialised("service_account"),
        "encryption_key": initialised("encryption_spec_key_name"),
        "network": initialised("network"),
    }
    missing = {
        name: value for name, value in told.items() if value and getattr(given, name) is None
    }
    return given.model_copy(update=missing) if missing else given
