"""Subject tuning of Imagen, which Vertex AI no longer offers.

Source: https://docs.cloud.google.com/vertex-ai/generative-ai/docs/deprecations. Its documentation was never public as
a whole, so there is no request to send either, with or without `allow_retired`.

Belongs here: the answer.
Does not belong here: the dates (`catalog/vertex.toml`).
"""

from __future__ import annotations

from collections.abc import Mapping

from tunekit.backends.vertex.case import SPELLINGS, Body, Case
from tunekit.errors import MethodUnsupported


def spellings(case: Case) -> Mapping[str, SPELLINGS]:
    """Nothing can be sent.

    Raises:
        MethodUnsupported: Always.
    """
    raise MethodUnsupported(
        "Vertex AI documents no request for subject tuning of Imagen, and the service is gone since 2025-12-31.",
        hint="Run the tuner on LocalBackend. The customization of Imagen 3 with reference images is a request when "
        "predicting, not tuning.",
        place=type(case.tuner).__name__,
    )


def body(case: Case) -> Body:
    """Nothing can be sent; raises as `spellings` does."""
    spellings(case)
    raise AssertionError("spellings() raises")
