"""Names of a package that are loaded when they are first used (PEP 562).

Belongs here: the one function that makes a package so.
Does not belong here: any list of names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a package whose names live in modules below it.

    Args:
        package: Name of the package.
        homes: For each name the module that it lives in, without the package.
    """

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = import_module(package)
        value = getattr(import_module(f"{package}.{homes[name]}"), name)
        setattr(module, name, value)
        return value

    def listed() -> list[str]:
        return sorted({*vars(import_module(package)), *homes})

    return load, listed
