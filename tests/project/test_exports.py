"""What is public, and what importing costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import tunekit
import tunekit.testing

PACKAGES = [tunekit, tunekit.testing]


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_the_three_lists_of_names_agree(package: object) -> None:
    module = import_module(package.__name__)  # type: ignore[attr-defined]
    tree = ast.parse(Path(module.__file__ or "").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    for_checkers = {
        alias.name: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    at_run_time = {name: f"{module.__name__}.{home}" for name, home in module._HOME.items()}
    assert for_checkers == at_run_time
    assert module.__all__ == sorted(module.__all__)
    assert set(module.__all__) == set(at_run_time)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_every_name_is_there_and_documented(package: object) -> None:
    module = import_module(package.__name__)  # type: ignore[attr-defined]
    for name in module.__all__:
        value = getattr(module, name)
        assert name.startswith("__") or isinstance(value, tuple) or value.__doc__, name
    assert set(module.__all__) <= set(dir(module))


def test_a_name_that_is_not_there_says_so() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Tunr'"):
        _ = tunekit.Tunr  # type: ignore[attr-defined]


# what is there before tunekit is imported does not count: a file of google-cloud-aiplatform in site-packages makes the
# empty namespaces `google` and `google.cloud` whenever Python starts


def test_importing_is_quick_and_brings_no_training_library() -> None:
    code = (
        "import sys, time; before = {*sys.modules}; began = time.perf_counter(); import tunekit; "
        "took = time.perf_counter() - began; print(took); print(*{*sys.modules} - before)"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        for _ in range(5)
    ]
    assert min(float(run.split()[0]) for run in runs) < 0.1
    loaded = {name.split(".")[0] for name in runs[0].split()[1:]}
    assert not loaded & {
        "torch",
        "google",
        "transformers",
        "trl",
        "peft",
        "datasets",
        "numpy",
        "pydantic",
    }


def test_using_the_core_brings_no_training_library() -> None:
    code = (
        "import sys; before = {*sys.modules}; import tunekit as tk\n"
        "rows = tk.Dataset.read([{'input_text': 'a', 'output_text': 'b'}], row=tk.PromptCompletion)\n"
        "tk.Client(tk.MemoryBackend()).tune(tk.SupervisedTuner(base_model='m'), rows).result()\n"
        "print(*{*sys.modules} - before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & {"torch", "google", "transformers", "trl", "peft", "datasets", "numpy"}
