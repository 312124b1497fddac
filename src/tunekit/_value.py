"""The base of every typed value: frozen, keyword-only, JSON there and back.

Belongs here: what all values share.
Does not belong here: any value of its own.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """A frozen value that tunekit makes or sends: an unknown or mistyped field is an error."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, use_attribute_docstrings=True
    )


class Received(BaseModel):
    """A frozen value that tunekit reads back: fields that a newer version added are passed over."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", validate_default=True, use_attribute_docstrings=True
    )
