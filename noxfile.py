"""What is run before a change lands: `nox` runs all of it, `nox -s tests` one part.

The sessions use the environment that nox itself runs in; the README's test command makes it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "types", "tests", "package"]

BIN = Path(sys.executable).parent
PYTHON = sys.executable


@nox.session
def lint(session: nox.Session) -> None:
    """Style, and the floors of the house."""
    _run(session, PYTHON, "-m", "ruff", "format", "--check", ".")
    _run(session, PYTHON, "-m", "ruff", "check", ".")
    _run(session, str(BIN / "lint-imports"), "--no-logo")


@nox.session
def types(session: nox.Session) -> None:
    """Both type checkers, strict, also on what must not type-check."""
    _run(session, PYTHON, "-m", "mypy")
    _run(session, PYTHON, "-m", "pyright", "--pythonpath", PYTHON)


@nox.session
def tests(session: nox.Session) -> None:
    """Every test; arguments after `--` go to pytest."""
    arguments = session.posargs or ["-n", "auto", "--dist", "loadfile", "--durations", "10"]
    _run(session, PYTHON, "-m", "pytest", *arguments)


@nox.session
def package(session: nox.Session) -> None:
    """Build the wheel, install it without extras in an empty environment, and use it there."""
    with tempfile.TemporaryDirectory() as folder:
        _run(session, PYTHON, "-m", "build", "--outdir", f"{folder}/dist", ".")
        _run(session, PYTHON, "-m", "venv", f"{folder}/venv")
        python = str(Path(folder, "venv", "Scripts" if os.name == "nt" else "bin", "python"))
        (wheel,) = Path(folder, "dist").glob("*.whl")
        _run(
            session, python, "-m", "pip", "install", "--quiet", "-c", "constraints.txt", str(wheel)
        )
        _run(session, python, "tests/project/without_extras.py")


@nox.session(venv_backend="venv")
def lowest(session: nox.Session) -> None:
    """The tests of data, jobs and training on the lowest versions that the ranges allow."""
    session.install("-c", "tests/lowest.txt", ".[local]")
    session.install("hypothesis", "pytest", "pytest-asyncio", "rouge-score")
    old = [
        "-W",
        "default",
        "tests/data",
        "tests/jobs",
        "tests/tuners",
        "tests/local",
        "tests/contract",
    ]
    session.run("python", "-m", "pytest", *old)


@nox.session(venv_backend="venv")
def beam(session: nox.Session) -> None:
    """Checks on Apache Beam, which wants older packages than `constraints.txt` has."""
    session.install("-e", ".[beam,files]")
    session.install("hypothesis", "pytest", "pytest-asyncio", "sybil")
    session.run("python", "-m", "pytest", "tests/data/test_beam.py", *session.posargs)
    session.run("python", "-m", "pytest", "tests/docs/test_pages.py", "-k", "check-on-beam")


@nox.session
def bench_data(session: nox.Session) -> None:
    """Measure the check of rows beside its peers; arguments after `--` go to `tools.bench.data`."""
    _run(session, PYTHON, "-m", "tools.bench.data", *session.posargs)


@nox.session
def bench_fuzz(session: nox.Session) -> None:
    """Check a million mutated lines; arguments after `--` go to `tools.bench.fuzz` instead."""
    _run(session, PYTHON, "-m", "tools.bench.fuzz", *(session.posargs or ("--lines", "1000000")))


@nox.session
def docs(session: nox.Session) -> None:
    """Write the generated pages of the documentation anew."""
    _run(session, PYTHON, "-m", "tools.docs")


@nox.session
def golden(session: nox.Session) -> None:
    """Write the golden files anew; read the difference before committing it."""
    _run(session, PYTHON, "-m", "pytest", "tests/golden", env={"UPDATE_GOLDEN": "1"})


def _run(session: nox.Session, *command: str, env: dict[str, str] | None = None) -> None:
    session.run(*command, external=True, env=env)
