"""The picture of an installation.

Belongs here: drawing an `Examination`.
Does not belong here: looking (`backends/local/examination.py`).
"""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from tunekit.backends.local.examination import Examination
from tunekit.display.parts import facts


def examination_picture(found: Examination) -> RenderableType:
    """The findings, and the verdict."""
    return Group(
        facts(
            [
                ("tunekit", found.tunekit),
                ("python", f"{found.python} on {found.platform}"),
                *found.packages.items(),
                ("jobs and models", found.root),
            ]
        ),
        Text(_verdict(found), style="green" if found.can_train else "red"),
    )


def _verdict(found: Examination) -> str:
    if found.missing:
        return "Training on this machine is not installed: pip install 'tunekit[local]'"
    if found.unfit:
        pairs = ", ".join(f"{name} should be {asked}" for name, asked in found.unfit.items())
        return f"Some versions do not fit: {pairs}."
    if not found.root_is_writable:
        return f"The folder {found.root!r} cannot be written: set TUNEKIT_HOME."
    return "Jobs can run on this machine."
