"""What this installation can do: versions, what is missing, and whether jobs can be written.

Belongs here: looking.
Does not belong here: mending anything, drawing what was found (`display/doctor.py`).
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from tunekit._value import Value
from tunekit.backends.local.extras import missing_packages


class Examination(Value):
    """What was found."""

    python: str
    platform: str
    tunekit: str
    packages: Mapping[str, str]
    """Version of each package that training rests on, `not installed` where it is missing."""
    unfit: Mapping[str, str]
    """Packages whose version is not one that tunekit asks for, with what it asks for."""
    missing: tuple[str, ...]
    """Packages of the extra `local` that are not installed."""
    root: str
    """Folder of jobs and models."""
    root_is_writable: bool

    @property
    def can_train(self) -> bool:
        """Whether jobs can run on this machine."""
        return not self.missing and not self.unfit and self.root_is_writable


def examination(root: Path) -> Examination:
    """Look at this installation."""
    wanted = _wanted()
    return Examination(
        python=sys.version.split()[0],
        platform=platform.platform(),
        tunekit=version("tunekit"),
        packages={name: _version(name) for name in wanted},
        unfit={name: asked for name, asked in wanted.items() if not _fits(name, asked)},
        missing=missing_packages(),
        root=str(root),
        root_is_writable=_is_writable(root),
    )


def _wanted() -> dict[str, str]:
    """What the extra `local` asks for: package to range of versions."""
    asked: dict[str, str] = {}
    for line in requires("tunekit") or ():
        requirement, _, marker = line.partition(";")
        if "local" in marker:
            name = requirement.split("<")[0].split(">")[0].strip()
            asked[name] = requirement.removeprefix(name).strip()
    return asked


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _fits(name: str, asked: str) -> bool:
    """Whether an installed package is in its range; a missing one is told as missing."""
    found = _version(name)
    if found == "not installed":
        return True
    try:
        from packaging.specifiers import SpecifierSet  # comes with the extra
    except ImportError:
        return True
    return SpecifierSet(asked).contains(found, prereleases=True)


def _is_writable(root: Path) -> bool:
    """Whether jobs can be written there, also where the folder is still to be made."""
    nearest = next(path for path in (root, *root.parents) if path.exists())
    return os.access(nearest, os.W_OK)
