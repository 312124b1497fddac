"""What a job of Vertex AI tells, in tunekit's words: states, problems, models, events."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import tunekit as tk
from sample_rows import routing, routing_lines, write_lines
from tunekit.backends.vertex.figures import figures_of
from tunekit.backends.vertex.names import host_of, job_name, location_of
from tunekit.backends.vertex.rows import Stretch, Written
from tunekit.backends.vertex.states import (
    StoredRequest,
    events_of,
    model_name,
    record_of,
    state_of,
    statistics_of,
)
from tunekit.testing import VertexEmulator
from tunekit.testing.vertex.scripts import VertexProblem, VertexScript, VertexStep
from tuner_cases import preference_data
from vertex.emulated import backend_on, client_on
from vertex.vertex_cases import ASKED

SUPERVISED = tk.SupervisedTuner(base_model="gemini-3.5-flash", epochs=1)
NAME = job_name("vertex:projects/1/locations/us-central1/tuningJobs/7")
STORED = StoredRequest(request=ASKED["supervised_gemini"].case().request)


@pytest.fixture
def emulator() -> Iterator[VertexEmulator]:
    with VertexEmulator(predictions=lambda prompt: "billing") as vertex:
        yield vertex


STATES = {
    "JOB_STATE_UNSPECIFIED": "QUEUED",
    "JOB_STATE_QUEUED": "QUEUED",
    "JOB_STATE_PENDING": "QUEUED",
    "JOB_STATE_RUNNING": "RUNNING",
    "JOB_STATE_SUCCEEDED": "SUCCEEDED",
    "JOB_STATE_FAILED": "FAILED",
    "JOB_STATE_CANCELLING": "CANCELLING",
    "JOB_STATE_CANCELLED": "CANCELLED",
    "JOB_STATE_PAUSED": "PAUSED",
    "JOB_STATE_EXPIRED": "EXPIRED",
    "JOB_STATE_UPDATING": "RUNNING",
    "JOB_STATE_PARTIALLY_SUCCEEDED": "PARTIALLY_SUCCEEDED",
    "PIPELINE_STATE_UNSPECIFIED": "QUEUED",
    "PIPELINE_STATE_QUEUED": "QUEUED",
    "PIPELINE_STATE_PENDING": "QUEUED",
    "PIPELINE_STATE_RUNNING": "RUNNING",
    "PIPELINE_STATE_SUCCEEDED": "SUCCEEDED",
    "PIPELINE_STATE_FAILED": "FAILED",
    "PIPELINE_STATE_CANCELLING": "CANCELLING",
    "PIPELINE_STATE_CANCELLED": "CANCELLED",
    "PIPELINE_STATE_PAUSED": "PAUSED",
    "JOB_STATE_MELTING": "UNKNOWN",
}


@pytest.mark.parametrize("word", STATES)
def test_every_word_has_a_meaning(word: str) -> None:
    state, told = state_of({"state": word})
    assert state.value == STATES[word]
    assert told == word


def test_every_word_of_the_api_is_known() -> None:
    from vertex.discovery import referee

    for schema in ("TuningJob", "PipelineJob"):
        known = referee().schemas[f"GoogleCloudAiplatformV1beta1{schema}"]["properties"]["state"]
        assert set(known["enum"]) <= set(STATES)


def test_a_failed_job_with_a_model_is_tuned_and_not_deployed(
    emulator: VertexEmulator, tmp_path: Path
) -> None:
    emulator.script_next(
        VertexScript(
            steps=(VertexStep(state="RUNNING"), VertexStep(state="FAILED")),
            problem=VertexProblem(message="Failed to create endpoint."),
            has_model=True,
            has_endpoint=False,
        )
    )
    client = client_on(emulator, tmp_path)
    job = client.tune(SUPERVISED, routing(12), key="k")
    with pytest.raises(tk.TunedButNotDeployed, match=r"deploy\(\).*no need to tune again") as told:
        job.result()
    model = told.value.record.model
    assert model is not None
    handle = client.model(model.id, tk.TextModel)
    with pytest.raises(tk.ModelNotFound, match="deployed nowhere"):
        handle.predict(_prompt())
    handle.deploy()
    assert handle.predict(_prompt()).text == "billing"
    assert len(emulator.tuning_jobs) == 1


@pytest.mark.parametrize(
    ("states", "error"),
    [
        (["RUNNING", "FAILED"], tk.JobFailed),
        (["RUNNING", "EXPIRED"], tk.JobFailed),
        (["RUNNING", "CANCELLED"], tk.JobCancelled),
    ],
)
def test_a_job_that_ends_badly_says_how(
    states: list[str], error: type[tk.JobFailed], emulator: VertexEmulator, tmp_path: Path
) -> None:
    emulator.script_next(*states)
    job = client_on(emulator, tmp_path).tune(SUPERVISED, routing(12), key="k")
    with pytest.raises(error) as told:
        job.result()
    assert type(told.value) is error
    assert told.value.record.problem is not None


@pytest.mark.parametrize(
    "states",
    [
        ["PENDING", "QUEUED", "PENDING", "RUNNING", "PENDING", "RUNNING", "SUCCEEDED"],
        ["RUNNING", "UPDATING", "PAUSED", "RUNNING", "CANCELLING", "SUCCEEDED"],
        ["RUNNING", "PARTIALLY_SUCCEEDED"],
        ["MELTING", "RUNNING", "SUCCEEDED"],
    ],
)
def test_a_job_that_goes_to_and_fro_ends_with_its_model(
    states: list[str], emulator: VertexEmulator, tmp_path: Path
) -> None:
    emulator.script_next(*states)
    assert client_on(emulator, tmp_path).tune(SUPERVISED, routing(12), key="k").result().id


def test_a_state_that_nobody_knows_is_borne_for_an_hour(
    emulator: VertexEmulator, tmp_path: Path
) -> None:
    emulator.script_next("MELTING")
    job = client_on(emulator, tmp_path).tune(SUPERVISED, routing(12), key="k")
    with pytest.raises(tk.JobTimeout, match="JOB_STATE_MELTING"):
        job.wait()
    assert "console.cloud.google.com" in str(job.record.location)


def test_what_goes_on_while_running_is_told(emulator: VertexEmulator, tmp_path: Path) -> None:
    detail = "TUNING_JOB_STATE_WAITING_FOR_QUOTA"
    emulator.script_next(VertexStep(state="RUNNING", seconds=1e6, detail=detail))
    job = client_on(emulator, tmp_path).tune(SUPERVISED, routing(12), key="k")
    assert job.refresh().provider_state == detail
    assert job.record.progress is not None


def test_a_message_about_a_row_names_the_users_own_line(
    emulator: VertexEmulator, tmp_path: Path
) -> None:
    lines: list[Any] = routing_lines(12)
    path = write_lines(tmp_path / "tickets.jsonl", [*lines[:4], "", *lines[4:]])
    message = (
        'Dataset example 6 of 12 contains an unsupported modality. JSON: {"contents": "secret"}'
    )
    emulator.script_next(
        VertexScript(
            steps=(VertexStep(state="RUNNING"), VertexStep(state="FAILED")),
            problem=VertexProblem(code=3, message=message),
        )
    )
    rows = tk.Dataset.read(path, row=tk.PromptCompletion)
    client = client_on(emulator, tmp_path / "home")
    job = client.tune(SUPERVISED, rows, key="k")
    with pytest.raises(tk.JobFailed, match=r"tickets\.jsonl:7: Dataset example 6") as told:
        job.result()
    assert "secret" not in str(told.value)
    elsewhere = client_on(emulator, tmp_path / "another")
    assert "tickets.jsonl:7" in str(elsewhere.job(job.id).record.problem)


@pytest.mark.parametrize(("row", "line"), [(0, 3), (3, 6), (4, 1), (5, 2), (6, None)])
def test_rows_are_found_again_across_files(row: int, line: int | None) -> None:
    written = Written(
        name="train",
        sha256="",
        size=0,
        num_rows=6,
        digest="",
        stretches=(
            Stretch(path="a", first_line=3, num_rows=4),
            Stretch(path="b", first_line=1, num_rows=2),
        ),
    )
    place = written.place(row)
    assert (place.line if place else None) == line


REAL_SHAPE: dict[str, Any] = {
    "name": NAME.full,
    "state": "JOB_STATE_FAILED",
    "createTime": "2026-11-01T10:00:00.123456789Z",
    "startTime": "2026-11-01T10:01:00Z",
    "endTime": "2026-11-01T11:00:00Z",
    "error": {"code": 13, "message": "Failed to create endpoint. Tuned model is uploaded."},
    "tunedModel": {"model": "projects/1/locations/us-central1/models/5@1"},
    "aFieldOfTomorrow": {"any": ["thing"]},
    "tuningDataStats": {
        "supervisedTuningDataStats": {
            "tuningDatasetExampleCount": "500",
            "tuningStepCount": 24,
            "totalBillableTokenCount": "8000",
            "userInputTokenDistribution": {"sum": "7", "mean": 1, "buckets": [{"count": 2}]},
            "droppedExampleReasons": ['too long {"text": "secret"}'],
            "userDatasetExamples": [{"role": "user", "parts": [{"text": "secret"}]}],
        }
    },
}


def test_a_job_as_the_service_writes_it_is_read() -> None:
    record = record_of(NAME, REAL_SHAPE, STORED)
    assert record.problem is not None
    assert record.problem.code == "tuned-but-not-deployed"
    assert record.model is not None
    assert record.model.location == "projects/1/locations/us-central1/models/5@1"
    statistics = statistics_of(REAL_SHAPE)
    assert statistics is not None
    assert (statistics.rows, statistics.steps, statistics.billable_tokens) == (500, 24, 8000)
    assert statistics.figures["userInputTokenDistribution.mean"] == 1.0
    assert "secret" not in repr(statistics)


def test_events_keep_their_numbers_while_a_job_goes_on() -> None:
    stages: list[dict[str, Any]] = [
        {"createTime": "2026-11-01T10:00:00Z"},
        {"startTime": "2026-11-01T10:01:00Z", "state": "JOB_STATE_RUNNING"},
        {"tunedModel": {"checkpoints": [{"checkpointId": "1", "step": "8"}]}},
        {"endTime": "2026-11-01T10:09:00Z", "state": "JOB_STATE_SUCCEEDED"},
    ]
    wire: dict[str, Any] = {"state": "JOB_STATE_PENDING"}
    before: list[Any] = []
    for stage in stages:
        wire |= stage
        events = events_of(NAME, wire, [])
        assert events[: len(before)] == before
        assert [event.number for event in events] == list(range(1, len(events) + 1))
        before = events
    assert before[-1].state is tk.JobState.SUCCEEDED


def _task(name: str, schema: str = "system.ContainerExecution", **metadata: str) -> dict[str, Any]:
    told = {f"output:{key}": value for key, value in metadata.items()}
    return {"taskName": name, "execution": {"schemaTitle": schema, "metadata": told}}


@pytest.mark.parametrize(
    ("tasks", "model"),
    [
        ([_task("upload-llm-model", model_resource_name=" m/1 ")], "m/1"),
        ([_task("upload-model", model_resource_name="m/2")], "m/2"),
        ([_task("text-embedding-model-uploader", model_resource_name="m/3")], "m/3"),
        ([_task("run", "system.Run", model_resource_name="m/4"), _task("other")], "m/4"),
        (
            [
                _task("upload-model", model_resource_name="m/5"),
                _task("run", "system.Run", model_resource_name="m/6"),
            ],
            "m/5",
        ),
        ([_task("train")], None),
    ],
)
def test_the_model_of_a_pipeline_is_where_its_tasks_say(
    tasks: list[dict[str, Any]], model: str | None
) -> None:
    assert model_name({"jobDetail": {"taskDetails": tasks}}) == model


def test_the_figures_of_the_embedding_pipeline_are_the_models() -> None:
    artifacts = [{"metadata": {"ndcg_at_10_tuned": 0.7, "note": "x"}}]
    task = {
        "taskName": "text-embedding-evaluator",
        "outputs": {"metrics": {"artifacts": artifacts}},
    }
    wire = {
        "state": "PIPELINE_STATE_SUCCEEDED",
        "jobDetail": {"taskDetails": [_task("upload-model", model_resource_name="m"), task]},
    }
    model = record_of(NAME, wire, STORED).model
    assert model is not None
    assert model.metrics == {"ndcg_at_10_tuned": 0.7}


@pytest.mark.parametrize(
    "raw",
    [
        b'{"step": 1, "loss": 0.5}\n{"step": 2, "loss": 0.25, "x": "y"}\n',
        b'[{"step": "1", "loss": 0.5}, {"step": "2", "loss": 0.25}]',
        b'{"step": 1, "metricName": "/loss", "value": 0.5}\n{"step": 2, "name": "loss", "value": 0.25}',
    ],
)
def test_figures_are_read_however_they_are_spelt(raw: bytes) -> None:
    events = figures_of(raw, datetime.now(UTC))
    assert [(event.step, event.metrics) for event in events] == [
        (1, {"loss": 0.5}),
        (2, {"loss": 0.25}),
    ]


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"no json", b"[" * 100_000, b"[1, 2]", b""])
def test_a_file_that_nobody_can_read_has_no_figures(raw: bytes) -> None:
    assert figures_of(raw, datetime.now(UTC)) == []


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("us-central1", "us-central1-aiplatform.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
    ],
)
def test_a_host_comes_from_the_name_of_the_place(location: str, host: str) -> None:
    assert host_of(location) == host
    assert location_of(f"projects/1/locations/{location}/endpoints/2", "x") == location


def test_a_model_that_is_served_elsewhere_is_asked_there(tmp_path: Path) -> None:
    with VertexEmulator(serving_location="us", predictions=lambda prompt: "yes") as emulator:
        job = client_on(emulator, tmp_path).tune(SUPERVISED, routing(12), key="k")
        assert job.result().predict(_prompt()).text == "yes"
        asked = [c.path for c in emulator.requests if c.path.endswith(":generateContent")]
        assert "/locations/us/endpoints/" in asked[0]


def test_a_job_that_tunekit_did_not_start_says_so(emulator: VertexEmulator, tmp_path: Path) -> None:
    backend = backend_on(emulator, tmp_path)
    client = tk.Client(backend, watch="silent")
    uri = emulator.put_object(
        "t.jsonl",
        b'{"contents": [{"role": "user", "parts": [{"text": "a"}]}, {"role": "model", "parts": [{"text": "b"}]}]}\n',
    )
    body: Any = {
        "baseModel": "gemini-3.5-flash",
        "supervisedTuningSpec": {"trainingDatasetUri": uri},
    }
    made = backend._jobs.service.create_tuning(body)
    with pytest.raises(tk.JobNotFound, match="did not start it"):
        client.job(f"vertex:{made['name']}")
    assert client.jobs() == []


def test_jobs_are_picked_by_state_and_label(emulator: VertexEmulator, tmp_path: Path) -> None:
    client = client_on(emulator, tmp_path)
    first = client.tune(SUPERVISED, routing(12), key="a", labels={"team": "a"})
    client.tune(SUPERVISED, routing(12), key="b", labels={"team": "b"})
    first.wait()
    assert [job.id for job in client.jobs(labels={"team": "a"})] == [first.id]
    assert len(client.jobs(state=tk.JobState.SUCCEEDED)) == 2
    assert client.jobs(state=tk.JobState.FAILED) == []


def test_tuning_goes_on_from_a_tuned_model_and_from_its_checkpoint(
    emulator: VertexEmulator, tmp_path: Path
) -> None:
    client = client_on(emulator, tmp_path)
    first = client.tune(SUPERVISED, routing(12), key="a")
    model = first.result()
    plan = client.plan(tk.SupervisedTuner(base_model=model.id, epochs=1), routing(12))
    body: Any = plan.request
    assert body["preTunedModel"] == {"tunedModelName": model.record.location}
    assert "baseModel" not in body
    checkpoint = first.checkpoints()[0]
    further = client.tune(
        tk.SupervisedTuner(base_model=checkpoint.id, epochs=1), routing(12), key="b"
    )
    assert further.result().id
    assert emulator.tuning_jobs[1]["preTunedModel"]["checkpointId"] == "1"


def test_rows_that_lie_in_the_cloud_are_tuned_on_in_place(
    emulator: VertexEmulator, tmp_path: Path
) -> None:
    line = '{"contents": [{"role": "user", "parts": [{"text": "q%d"}]}, {"role": "model", "parts": [{"text": "a"}]}]}'
    uri = emulator.put_object("mine.jsonl", "\n".join(line % n for n in range(12)).encode())
    backend = backend_on(emulator, tmp_path)
    rows = backend.dataset(uri, tk.Conversation)
    tk.Client(backend).tune(SUPERVISED, rows, key="k")
    spec: Any = emulator.tuning_jobs[0]["supervisedTuningSpec"]
    assert spec["trainingDatasetUri"] == uri
    assert not [name for name in emulator.objects if "/data/" in name]
    with pytest.raises(tk.SourceNotFound):
        backend.dataset("gs://tunekit-emulated/nothing.jsonl")


def test_the_same_rows_are_uploaded_once(emulator: VertexEmulator, tmp_path: Path) -> None:
    client = client_on(emulator, tmp_path)
    client.tune(SUPERVISED, routing(12), key="a")
    client.tune(SUPERVISED, routing(12), key="b")
    assert len([name for name in emulator.objects if "/data/" in name]) == 1
    sent = [call for call in emulator.requests if call.path.startswith("/upload/")]
    assert len(sent) == 1 + 2 * 2


def test_an_object_that_is_not_what_was_sent_stops_everything(
    emulator: VertexEmulator, tmp_path: Path
) -> None:
    client = client_on(emulator, tmp_path)
    body: Any = client.plan(SUPERVISED, routing(12), key="k").request
    emulator.put_object(body["supervisedTuningSpec"]["trainingDatasetUri"], b"half")
    with pytest.raises(tk.BackendFault, match="not what was sent"):
        client.tune(SUPERVISED, routing(12), key="k")
    assert emulator.tuning_jobs == ()


def test_a_reward_is_tried_where_it_will_be_given(emulator: VertexEmulator, tmp_path: Path) -> None:
    backend = backend_on(emulator, tmp_path)
    reward = tk.ExactMatch(expected="{{references.answer}}")
    tried = reward.try_on("2 + 2?", ["4", "5"], {"answer": "4"}, on=backend)
    assert tried.scores == (1.0, 0.0)


def test_a_reward_model_that_stays_with_the_provider_says_so(tmp_path: Path) -> None:
    with VertexEmulator(allow_retired=True) as emulator:
        client = client_on(emulator, tmp_path, allow_retired=True)
        model = client.tune(tk.RLHFTuner(base_model="text-bison@002"), preference_data()).result()
        with pytest.raises(tk.MethodUnsupported, match="keeps its reward model to itself"):
            _ = model.reward_model


def _prompt() -> str:
    return str(routing(1).head(1)[0].prompt)
