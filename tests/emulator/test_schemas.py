"""The slice of Google's descriptions that is in the package is the one that its tool makes."""

from __future__ import annotations

from tools import vertex_schemas

from tunekit.testing.vertex.routes import _HANDLERS
from tunekit.testing.vertex.schemas import schemas


def test_the_file_is_what_the_tool_makes() -> None:
    """After an upgrade of google-api-python-client: python -m tools.vertex_schemas."""
    assert vertex_schemas.PLACE.read_text() == vertex_schemas.text(vertex_schemas.made())


def test_every_method_has_a_handler() -> None:
    methods = {method.name for known in schemas().values() for method in known.methods}
    assert methods == set(_HANDLERS)
