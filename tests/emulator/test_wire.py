"""The emulator is as strict as the servers: names, types, versions, and what belongs together."""

from __future__ import annotations

from typing import Any

import pytest

from emulated import Wire, embedding_run, gemini_rows, lines, stored_rows
from tunekit.testing import VertexEmulator

SUPERVISED = "tuning_job.supervised_tuning_spec"


def test_a_job_is_answered_as_it_was_sent(wire: Wire) -> None:
    answer = wire.tune(
        labels={"team": "support"},
        tunedModelDisplayName="triage",
        description="Which team answers.",
    )
    assert answer.status == 200
    job = answer.body
    assert job["name"].startswith(
        f"projects/{wire.vertex.project_number}/locations/us-central1/tuningJobs/"
    )
    assert (job["state"], job["tunedModelDisplayName"]) == ("JOB_STATE_PENDING", "triage")
    assert job["labels"] == {"team": "support"}
    assert "startTime" not in job


def test_both_spellings_of_names_enums_and_numbers_are_read(wire: Wire) -> None:
    uri = stored_rows(wire.vertex)
    camel = {"trainingDatasetUri": uri, "hyperParameters": {"epochCount": "2", "adapterSize": 2}}
    snake = {
        "training_dataset_uri": uri,
        "hyper_parameters": {"epoch_count": 2, "adapter_size": "ADAPTER_SIZE_FOUR"},
    }
    answers = [wire.tune(supervisedTuningSpec=spec).body for spec in (camel, snake)]
    assert answers[0]["supervisedTuningSpec"] == answers[1]["supervisedTuningSpec"]
    assert answers[0]["supervisedTuningSpec"]["hyperParameters"] == {
        "epochCount": "2",
        "adapterSize": "ADAPTER_SIZE_FOUR",
    }


def test_enums_come_as_numbers_where_that_is_asked(wire: Wire) -> None:
    named = wire.tune()
    path = f"/v1beta1/{named.body['name']}"
    assert wire.get(path, **{"$alt": "json;enum-encoding=int"}).body["state"] == 2
    assert wire.get(path).body["state"] == "JOB_STATE_PENDING"


def _spec(**changes: Any) -> dict[str, Any]:
    return {
        "supervisedTuningSpec": {
            "trainingDatasetUri": "gs://tunekit-emulated/train.jsonl",
            **changes,
        }
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tunedModelDisplayNam": "x"}, 'Unknown name "tunedModelDisplayNam"'),
        (_spec(epochs=3), "Unknown name \"epochs\" at 'supervised_tuning_spec'"),
        (
            _spec(hyperParameters={"adapterSize": "ADAPTER_SIZE_SEVEN"}),
            "Invalid value at 'supervised_tuning_spec.hyper_parameters.adapter_size' (TYPE_ENUM)",
        ),
        (_spec(hyperParameters={"adapterSize": 7}), "(TYPE_ENUM), 7"),
        (_spec(hyperParameters={"epochCount": "many"}), "(TYPE_INT64)"),
        (_spec(hyperParameters={"epochCount": 1.5}), "(TYPE_INT64)"),
        (_spec(hyperParameters={"learningRateMultiplier": True}), "(TYPE_DOUBLE)"),
        (_spec(exportLastCheckpointOnly="yes"), "(TYPE_BOOL)"),
        ({"labels": ["a"]}, "Expected an object for 'labels'"),
        ({"baseModel": 3}, "(TYPE_STRING)"),
        (_spec(trainingDatasetUri=None), "supervised_tuning_spec.training_dataset_uri"),
        ({"labels": {"Team": "x"}}, "Label 'Team' is invalid"),
        ({"labels": {"team": "x" * 65}}, "Label 'team' is invalid"),
        ({"tunedModelDisplayName": "x" * 129}, "more than 128 characters"),
        ({"supervisedTuningSpec": None}, "Exactly one tuning spec must be set; got none."),
        ({"baseModel": None}, "base_model must be set."),
        ({"baseModel": "gemini-2.0-flash"}, "Base model gemini-2.0-flash is not supported"),
        (
            _spec(hyperParameters={"adapterSize": "ADAPTER_SIZE_THIRTY_TWO"}),
            "The adapter size is not supported for this base model.",
        ),
        (
            _spec(hyperParameters={"learningRate": 1e-4, "learningRateMultiplier": 1}),
            "Only one of learning_rate and learning_rate_multiplier",
        ),
        (_spec(hyperParameters={"learningRate": 1e-4}), "only supported for open models"),
        (
            {"baseModel": "meta/llama3_1@llama-3.1-8b"},
            "output_uri must be set to a Cloud Storage directory for open models",
        ),
        (
            {
                "preTunedModel": {
                    "tunedModelName": "projects/tunekit-project/locations/us-central1/models/7"
                }
            },
            "does not exist",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_the_servers_refuse_is_refused(wire: Wire, changes: dict[str, Any], said: str) -> None:
    stored_rows(wire.vertex)
    if "baseModel" not in changes and "preTunedModel" in changes:
        changes = {**changes, "baseModel": None}
    answer = wire.tune(**changes)
    assert said in answer.error
    assert answer.status in (400, 404)
    assert answer.body["error"]["code"] == answer.status
    assert wire.vertex.tuning_jobs == ()


def test_all_bad_addresses_are_named_at_once(wire: Wire) -> None:
    answer = wire.tune(
        supervisedTuningSpec={
            "trainingDatasetUri": "gs://bucket/rows.csv",
            "validationDatasetUri": "rows.jsonl",
        }
    )
    assert answer.error.startswith(
        f"List of found errors:\t1.Field: {SUPERVISED}.training_dataset_uri; "
        "Message: training_dataset_uri should be a GCS object of type JSONL.\t2.Field: "
    )
    (details,) = answer.body["error"]["details"]
    assert [fault["field"] for fault in details["fieldViolations"]] == [
        f"{SUPERVISED}.training_dataset_uri",
        f"{SUPERVISED}.validation_dataset_uri",
    ]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([{"input_text": "a", "output_text": "b"}], "Row: 0. Missing required `contents` field."),
        ([*gemini_rows(3), {"contents": []}], "Row: 3. Missing required `contents` field."),
        (
            [*gemini_rows(1), {"contents": [{"role": "user"}]}],
            "Row: 1. Missing required `parts` field.",
        ),
        (
            [{"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}],
            "Row: 0. Invalid role 'assistant'",
        ),
        (["text"], "Row: 0. Expected a JSON object."),
        ([], "has no rows"),
    ],
)
def test_a_bad_row_is_named_by_its_number(wire: Wire, rows: list[Any], said: str) -> None:
    uri = wire.vertex.put_object("bad.jsonl", lines(rows))
    assert said in wire.tune(supervisedTuningSpec={"trainingDatasetUri": uri}).error


def test_a_line_that_is_no_json_and_a_file_that_is_not_there_are_named(wire: Wire) -> None:
    uri = wire.vertex.put_object("bad.jsonl", lines(gemini_rows(2)) + b"{")
    assert (
        "Row: 2. Invalid JSON." in wire.tune(supervisedTuningSpec={"trainingDatasetUri": uri}).error
    )
    gone = "gs://tunekit-emulated/gone.jsonl"
    answer = wire.tune(supervisedTuningSpec={"trainingDatasetUri": gone})
    assert f"{gone!r} was not found" in answer.error


PREFERENCE: dict[str, Any] = {
    "contents": [{"role": "user", "parts": [{"text": "Say hello."}]}],
    "completions": [
        {"score": 1, "completion": {"role": "model", "parts": [{"text": "Hello!"}]}},
        {"score": 0, "completion": {"role": "model", "parts": [{"text": "No."}]}},
    ],
}


def test_preference_rows_have_one_better_and_one_worse_completion(wire: Wire) -> None:
    good = wire.vertex.put_object("good.jsonl", lines([PREFERENCE] * 3))
    spec = {"trainingDatasetUri": good, "hyperParameters": {"beta": 0.1}}
    job = wire.tune(supervisedTuningSpec=None, preferenceOptimizationSpec=spec)
    wire.vertex.advance(15)
    shown = wire.job(job)
    assert (
        shown["tuningDataStats"]["preferenceOptimizationDataStats"]["tuningDatasetExampleCount"]
        == "3"
    )
    equal = {**PREFERENCE, "completions": [{**c, "score": 1} for c in PREFERENCE["completions"]]}
    bad = wire.vertex.put_object("bad.jsonl", lines([PREFERENCE, equal]))
    answer = wire.tune(
        supervisedTuningSpec=None, preferenceOptimizationSpec={"trainingDatasetUri": bad}
    )
    assert "Row: 1. Expected one completion with score 1" in answer.error


def test_fields_of_the_other_version_are_unknown(vertex: VertexEmulator) -> None:
    old = Wire(vertex, "v1")
    assert 'Unknown name "outputUri"' in old.tune(outputUri="gs://b/out").error
    assert old.tune().status == 200
    new = Wire(vertex)
    vertex.script_next("RUNNING")
    job = new.tune()
    assert "tuningJobState" in new.job(job)
    assert "tuningJobState" not in old.job(job)


def test_tuning_jobs_cannot_be_deleted(wire: Wire) -> None:
    job = wire.tune().body
    assert wire.call("DELETE", f"/v1beta1/{job['name']}").status == 404
    assert wire.get(f"/v1beta1/{job['name']}").status == 200


def test_another_project_and_an_unknown_query_are_refused(wire: Wire) -> None:
    assert wire.get("/v1/projects/other/locations/us-central1/tuningJobs").status == 403
    answer = wire.call("POST", "tuningJobs", {}, query={"requestId": "7"})
    assert "Cannot bind query parameter" in answer.error


def test_a_pipeline_job_is_made_once_per_id(wire: Wire) -> None:
    run = embedding_run(wire.vertex)
    first = wire.call("POST", "pipelineJobs", run, query={"pipelineJobId": "tk-1"})
    assert first.status == 200
    again = wire.call("POST", "pipelineJobs", run, query={"pipelineJobId": "tk-1"})
    assert (again.status, again.body["error"]["status"]) == (409, "ALREADY_EXISTS")
    assert len(wire.vertex.pipeline_jobs) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"iterations": 3}, "'iterations' is not defined by the template"),
        ({"train_steps": "many"}, "must be of type NUMBER_INTEGER"),
        ({"corpus_path": ""}, "'corpus_path' is required"),
    ],
)
def test_parameters_are_held_against_the_template(
    wire: Wire, changes: dict[str, Any], said: str
) -> None:
    run = embedding_run(wire.vertex)
    run["runtimeConfig"]["parameterValues"] |= changes
    assert said in wire.call("POST", "pipelineJobs", run).error


def test_a_retired_pipeline_is_refused_unless_allowed(wire: Wire) -> None:
    run = {
        "templateUri": "https://us-kfp.pkg.dev/ml-pipeline/large-language-model-pipelines/tune-large-model/v2.0.0",
        "runtimeConfig": {
            "gcsOutputDirectory": "gs://tunekit-emulated/out",
            "parameterValues": {
                "project": "p",
                "location": "us-central1",
                "model_display_name": "old",
                "large_model_reference": "text-bison@002",
                "dataset_uri": stored_rows(wire.vertex),
            },
        },
    }
    assert wire.call("POST", "pipelineJobs", run).status == 404
    with VertexEmulator(allow_retired=True) as other:
        stored_rows(other)
        old = Wire(other)
        job = old.call("POST", "pipelineJobs", run)
        other.advance(60)
        tasks = {t["taskName"]: t for t in old.job(job)["jobDetail"]["taskDetails"]}
    made = tasks["upload-llm-model"]["execution"]["metadata"]
    assert "/models/" in made["output:model_resource_name"]
    assert "/endpoints/" in made["output:endpoint_resource_name"]
