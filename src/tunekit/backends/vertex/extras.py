"""Whether Google's libraries are there.

Belongs here: the check, and the error that names the extra.
Does not belong here: importing them; that happens inside the calls that need them.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from tunekit._text import either
from tunekit.errors import MissingExtra

_PACKAGES = ("google-auth", "google-cloud-aiplatform", "google-cloud-storage", "requests")


def missing_packages() -> tuple[str, ...]:
    """The packages of the extra `vertex` that are not installed."""
    return tuple(name for name in _PACKAGES if not _is_installed(name))


def require_vertex_extra() -> None:
    """Raise unless everything that speaking to Google needs is installed.

    Raises:
        MissingExtra: Something is missing.
    """
    missing = missing_packages()
    if missing:
        raise MissingExtra(
            f"Tuning on Vertex AI needs {either(missing, last='and')}, not installed here.",
            hint="Install the extra: pip install 'tunekit[vertex]'",
            extra="vertex",
        )


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True
