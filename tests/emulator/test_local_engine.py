"""With `engine="local"` a job is really trained, and its endpoint answers with the tuned model."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from emulated import Wire, hold_answers, lines
from tunekit.testing import VertexEmulator


def _rows() -> list[dict[str, Any]]:
    return [
        {
            "contents": [
                {"role": "user", "parts": [{"text": f"Which team answers? Message: {what} {n}"}]},
                {"role": "model", "parts": [{"text": team}]},
            ]
        }
        for n in range(8)
        for what, team in (("parcel", "shipping"), ("invoice", "billing"))
    ]


def test_a_job_is_really_trained_and_its_endpoint_answers(tiny_model: str, home: Path) -> None:
    with VertexEmulator(engine="local", local_models={"gemini-*": tiny_model}, home=home) as vertex:
        wire = Wire(vertex)
        spec = {
            "trainingDatasetUri": vertex.put_object("train.jsonl", lines(_rows())),
            "hyperParameters": {"epochCount": 2, "adapterSize": "ADAPTER_SIZE_FOUR"},
        }
        job = wire.tune(supervisedTuningSpec=spec)
        deadline = time.monotonic() + 120
        while (shown := wire.job(job))["state"] not in ("JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED"):
            assert time.monotonic() < deadline
            vertex.advance(0.2)
        assert shown["state"] == "JOB_STATE_SUCCEEDED", shown
        assert list(home.rglob("adapter_model.safetensors"))
        asked = {
            "contents": [
                {"role": "user", "parts": [{"text": "Which team answers? Message: parcel 3"}]}
            ],
            "generationConfig": {"maxOutputTokens": 4},
        }
        endpoint = f"/v1/{shown['tunedModel']['endpoint']}:generateContent"
        answer = wire.call("POST", endpoint, asked)
        assert answer.status == 200, answer.body
        assert answer.body["usageMetadata"]["candidatesTokenCount"] <= 4
        base = wire.call("POST", "publishers/google/models/gemini-3.5-flash:generateContent", asked)
        assert base.status == 200, base.body
    hold_answers(vertex)


def test_what_it_cannot_train_is_refused() -> None:
    with VertexEmulator(engine="local") as vertex:
        wire = Wire(vertex)
        prompt = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
        uri = vertex.put_object("prompts.jsonl", lines([prompt]))
        spec = {"promptDatasetUri": uri, "baseTeacherModel": "t"}
        answer = wire.tune(
            baseModel="gemini-3.5-flash", supervisedTuningSpec=None, distillationSpec=spec
        )
        assert answer.status == 501
        assert "engine 'local' cannot run distillationSpec" in answer.error


@pytest.mark.parametrize("clock", [None, "real"])
def test_the_clock_of_the_engine_is_the_real_one(clock: Any) -> None:
    with VertexEmulator(engine="local", clock=clock) as vertex:
        before = vertex.clock.now()
        time.sleep(0.01)
        assert vertex.clock.now() > before
