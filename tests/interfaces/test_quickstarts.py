"""Every quickstart runs from rows to a measured before and after, on a few of its rows and with a few steps."""

from __future__ import annotations

from pathlib import Path

import pytest

import tunekit as tk
from tunekit.quickstart import Size, methods, quickstart_of


@pytest.mark.parametrize("method", methods())
def test_a_quickstart_runs_to_its_figures(method: str, home: Path) -> None:
    told: list[str] = []
    client = tk.Client(tk.LocalBackend(home), watch="silent")
    enough_for_the_gate = Size(max_rows=60, train_steps=12)
    size = (
        enough_for_the_gate if method == "rlhf" else Size(max_rows=30, train_steps=3, num_images=1)
    )
    outcome = quickstart_of(method)(client, lambda line, _: told.append(line), size)
    assert outcome.method == method
    assert 0 <= outcome.before <= 1
    assert 0 <= outcome.after <= 1
    assert outcome.rows > 0
    assert client.model(outcome.model_id).record.method == method.replace("-", "_")
    assert any(line.startswith("client.plan") for line in told)
