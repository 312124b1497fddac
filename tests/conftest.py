"""What every test gets: no network, a home of its own, and a tiny model made on the spot."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sample_rows import RETRIEVAL_WORDS
from tiny_models import write_tiny_embedder, write_tiny_model
from tunekit.testing import forbid_network

# set before any test imports a training library; children inherit it
os.environ.update(
    {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": "1"}
)


@pytest.fixture(autouse=True)
def _no_network() -> Iterator[None]:
    with forbid_network():
        yield


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The root folder that local backends use unless told otherwise."""
    monkeypatch.setenv("TUNEKIT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with a chat model of a hundred thousand random weights."""
    return write_tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tiny_embedder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with an embedding model of some thousand random weights."""
    return write_tiny_embedder(tmp_path_factory.mktemp("tiny_embedder"), RETRIEVAL_WORDS)
