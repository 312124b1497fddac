"""Whether the optional dependencies of the local backend are there.

Belongs here: one check, and the error that names the extra.
Does not belong here: importing them; that happens inside the calls that need them.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

from tunekit._text import either
from tunekit.errors import MissingExtra

_PACKAGES = (
    "accelerate",
    "datasets",
    "filelock",
    "peft",
    "safetensors",
    "torch",
    "transformers",
    "trl",
)


def require_local_extra() -> None:
    """Raise unless everything that local training needs is installed.

    Raises:
        MissingExtra: Something is missing.
    """
    missing = missing_packages()
    if missing:
        raise MissingExtra(
            f"Training on this machine needs {either(missing, last='and')}, not installed here.",
            hint="Install the extra: pip install 'tunekit[local]'",
            extra="local",
        )


@cache
def missing_packages() -> tuple[str, ...]:
    """The packages of the extra that are not installed."""
    return tuple(name for name in _PACKAGES if find_spec(name) is None)
