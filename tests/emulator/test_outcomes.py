"""What becomes of jobs: states, models, endpoints, checkpoints and errors."""

from __future__ import annotations

import pytest

from emulated import INVENTED, Wire, embedding_run, hold_answers, stored_rows
from tunekit.testing import VertexEmulator, VertexProblem, VertexScript, VertexStep


def test_a_job_goes_through_its_states_and_leaves_a_served_model(wire: Wire) -> None:
    vertex = wire.vertex
    job = wire.tune(tunedModelDisplayName="triage", labels={"team": "support"})
    vertex.advance(15)
    running = wire.job(job)
    assert (running["state"], running["tuningJobState"]) == (
        "JOB_STATE_RUNNING",
        "TUNING_JOB_STATE_TUNING",
    )
    assert "tunedModel" not in running
    vertex.advance(30)
    done = wire.job(job)
    assert done["state"] == "JOB_STATE_SUCCEEDED"
    assert done["createTime"] < done["startTime"] < done["endTime"]
    assert done["tuningJobMetadata"] == {"completedEpochCount": "3", "completedStepCount": "6"}
    tuned = done["tunedModel"]
    assert [c["checkpointId"] for c in tuned["checkpoints"]] == ["1", "2", "3"]
    assert tuned["endpoint"] == tuned["checkpoints"][-1]["endpoint"]
    model = wire.get(f"/v1/{tuned['model']}").body
    endpoint = wire.get(f"/v1/{tuned['endpoint']}").body
    assert model["displayName"] == endpoint["displayName"] == "triage"
    assert model["labels"]["team"] == endpoint["labels"]["team"] == "support"
    assert model["defaultCheckpointId"] == "3"
    assert len(model["deployedModels"]) == 3


def test_the_data_is_really_read(wire: Wire) -> None:
    job = wire.tune()
    wire.vertex.advance(45)
    found = wire.job(job)["tuningDataStats"]["supervisedTuningDataStats"]
    assert found["tuningDatasetExampleCount"] == "20"
    assert int(found["totalBillableTokenCount"]) > 20
    assert found["userDatasetExamples"][0]["parts"] == [{"text": "Say 0"}]
    assert found["userInputTokenDistribution"]["max"] == 2.0
    assert sum(bucket["count"] for bucket in found["userInputTokenDistribution"]["buckets"]) == 20


def test_every_request_lets_time_pass_on_a_virtual_clock() -> None:
    with VertexEmulator(seconds_per_request=20) as vertex:
        wire = Wire(vertex)
        job = wire.tune()
        states = [wire.job(job)["state"].removeprefix("JOB_STATE_") for _ in range(3)]
    assert states == ["RUNNING", "SUCCEEDED", "SUCCEEDED"]


def test_cancelling_takes_a_while_and_leaves_an_error(wire: Wire) -> None:
    job = wire.tune()
    path = f"/v1beta1/{job.body['name']}:cancel"
    assert wire.call("POST", path).body == {}
    assert wire.call("POST", path, {}).status == 200
    assert wire.job(job)["state"] == "JOB_STATE_CANCELLING"
    wire.vertex.advance(11)
    done = wire.job(job)
    assert (done["state"], done["error"]) == (
        "JOB_STATE_CANCELLED",
        {"code": 1, "message": "CANCELED"},
    )
    finished = wire.tune()
    wire.vertex.advance(100)
    wire.call("POST", f"/v1beta1/{finished.body['name']}:cancel")
    assert wire.job(finished)["state"] == "JOB_STATE_SUCCEEDED"


@pytest.mark.parametrize(
    ("script", "state", "has_error", "has_model", "has_endpoint"),
    [
        (VertexScript(), "SUCCEEDED", False, True, True),
        (("RUNNING", "FAILED"), "FAILED", True, False, False),
        (("RUNNING", "PARTIALLY_SUCCEEDED"), "PARTIALLY_SUCCEEDED", False, True, True),
        (("RUNNING", "EXPIRED"), "EXPIRED", False, False, False),
        (("PENDING", "QUEUED", "PENDING", "RUNNING", "PAUSED"), "PAUSED", False, False, False),
        (("RUNNING", INVENTED), INVENTED, False, False, False),
        (
            VertexScript(steps=(VertexStep(state="FAILED"),), has_model=True, has_endpoint=False),
            "FAILED",
            True,
            True,
            False,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_any_outcome_can_be_scripted(
    wire: Wire,
    *,
    script: VertexScript | tuple[str, ...],
    state: str,
    has_error: bool,
    has_model: bool,
    has_endpoint: bool,
) -> None:
    if isinstance(script, VertexScript):
        wire.vertex.script_next(script)
    else:
        wire.vertex.script_next(*script)
    job = wire.tune()
    wire.vertex.advance(1_000)
    done = wire.job(job)
    assert done["state"] == f"JOB_STATE_{state}"
    assert ("error" in done) is has_error
    assert ("model" in done.get("tunedModel", {})) is has_model
    assert ("endpoint" in done.get("tunedModel", {})) is has_endpoint


def test_states_go_backwards_as_scripted(wire: Wire) -> None:
    wire.vertex.script_next("PENDING", "QUEUED", "PENDING", "RUNNING", "SUCCEEDED")
    job = wire.tune()
    seen = []
    for _ in range(5):
        seen.append(wire.job(job)["state"].removeprefix("JOB_STATE_"))
        wire.vertex.advance(10)
    assert seen == ["PENDING", "QUEUED", "PENDING", "RUNNING", "SUCCEEDED"]


def test_a_problem_and_a_detail_are_told_as_scripted(wire: Wire) -> None:
    detail = "TUNING_JOB_STATE_WAITING_FOR_QUOTA"
    wire.vertex.script_next(
        VertexScript(
            steps=(VertexStep(state="RUNNING", detail=detail), VertexStep(state="FAILED")),
            problem=VertexProblem(code=8, message="Out of quota."),
        )
    )
    job = wire.tune()
    assert wire.job(job)["tuningJobState"] == detail
    wire.vertex.advance(10)
    assert wire.job(job)["error"] == {"code": 8, "message": "Out of quota."}


def test_a_tuned_model_can_be_tuned_further(wire: Wire) -> None:
    first = wire.tune(tunedModelDisplayName="triage")
    wire.vertex.advance(50)
    model = wire.job(first)["tunedModel"]["model"]
    further = {"tunedModelName": model, "checkpointId": "2"}
    second = wire.tune(baseModel=None, preTunedModel=further)
    assert second.body["preTunedModel"]["baseModel"] == "gemini-3.5-flash"
    wire.vertex.advance(50)
    assert wire.job(second)["tunedModel"]["model"] == model.replace("@1", "@2")
    versions = wire.get(f"/v1/{model.partition('@')[0]}:listVersions").body["models"]
    assert {version["versionId"] for version in versions} == {"1", "2"}
    missing = wire.tune(
        baseModel=None, preTunedModel={"tunedModelName": model, "checkpointId": "9"}
    )
    assert "checkpoint '9'" in missing.error


def test_tuned_models_may_be_served_elsewhere() -> None:
    with VertexEmulator(serving_location="us", predictions={"Say 3": "3"}) as vertex:
        wire = Wire(vertex)
        job = wire.tune()
        vertex.advance(50)
        endpoint = wire.job(job)["tunedModel"]["endpoint"]
        assert "/locations/us/endpoints/" in endpoint
        asked = {"contents": [{"role": "user", "parts": [{"text": "Say 3"}]}]}
        answer = wire.call("POST", f"/v1/{endpoint}:generateContent", asked).body
    assert answer["candidates"][0]["content"]["parts"] == [{"text": "3"}]
    hold_answers(vertex)


def test_an_open_model_is_not_deployed(wire: Wire) -> None:
    job = wire.tune(baseModel="meta/llama3_1@llama-3.1-8b", outputUri="gs://tunekit-emulated/out")
    wire.vertex.advance(50)
    done = wire.job(job)
    assert done["state"] == "JOB_STATE_SUCCEEDED"
    assert "tunedModel" not in done


def test_a_pipeline_tells_of_its_model_in_two_tasks(wire: Wire) -> None:
    job = wire.call(
        "POST", "pipelineJobs", embedding_run(wire.vertex), query={"pipelineJobId": "tk-1"}
    )
    assert (job.body["state"], job.body["name"][-4:]) == ("PIPELINE_STATE_PENDING", "tk-1")
    assert job.body["runtimeConfig"]["parameterValues"]["batch_size"] == "128"
    wire.vertex.advance(50)
    tasks = {t["taskName"]: t["execution"] for t in wire.job(job)["jobDetail"]["taskDetails"]}
    assert tasks["tk-1"]["schemaTitle"] == "system.Run"
    uploaded = tasks["text-embedding-model-uploader"]["metadata"]["output:model_resource_name"]
    assert tasks["tk-1"]["metadata"]["output:model_resource_name"] == uploaded
    assert wire.get(f"/v1/{uploaded}").body["labels"]["google-vertex-llm-tuning-base-model-id"] == (
        "text-embedding-005"
    )


def test_a_pipeline_fails_on_bad_data_while_it_runs(wire: Wire) -> None:
    run = embedding_run(wire.vertex)
    wire.vertex.put_object("labels.tsv", b"query-id\tcorpus-id\tscore\nq0\td77\t1\n")
    job = wire.call("POST", "pipelineJobs", run)
    assert (
        wire.call("DELETE", f"/v1/{job.body['name']}").body["error"]["status"]
        == "FAILED_PRECONDITION"
    )
    wire.vertex.advance(50)
    done = wire.job(job)
    assert done["state"] == "PIPELINE_STATE_FAILED"
    assert "line 2: the corpus-id 'd77' is unknown" in done["error"]["message"]
    assert wire.call("DELETE", f"/v1/{job.body['name']}").body["done"] is True
    assert wire.get(f"/v1/{job.body['name']}").status == 404


def test_models_and_endpoints_are_taken_down_in_order(wire: Wire) -> None:
    spec = {"trainingDatasetUri": stored_rows(wire.vertex), "exportLastCheckpointOnly": True}
    job = wire.tune(supervisedTuningSpec=spec)
    wire.vertex.advance(50)
    tuned = wire.job(job)["tunedModel"]
    model, endpoint = f"/v1/{tuned['model'].partition('@')[0]}", f"/v1/{tuned['endpoint']}"
    assert "undeploy it first" in wire.call("DELETE", model).error
    assert "has deployed models" in wire.call("DELETE", endpoint).error
    (deployed,) = wire.get(endpoint).body["deployedModels"]
    assert wire.call("POST", f"{endpoint}:undeployModel", {"deployedModelId": "7"}).status == 404
    undeployed = wire.call("POST", f"{endpoint}:undeployModel", {"deployedModelId": deployed["id"]})
    assert undeployed.body["done"] is True
    asked = {"contents": [{"role": "user", "parts": [{"text": "Say 3"}]}]}
    assert "no deployed models" in wire.call("POST", f"{endpoint}:generateContent", asked).error
    assert wire.call("DELETE", endpoint).status == 200
    assert wire.call("DELETE", model).status == 200
    assert wire.get(model).status == wire.get(endpoint).status == 404


def test_an_operation_may_take_its_time() -> None:
    with VertexEmulator(operation_seconds=30, seconds_per_request=0) as vertex:
        wire = Wire(vertex)
        begun = wire.call(
            "POST", "endpoints", {"displayName": "e"}, query={"endpointId": "mine"}
        ).body
        assert "done" not in begun
        vertex.advance(31)
        done = wire.get(f"/v1/{begun['name']}").body
        assert done["response"]["name"].endswith("/endpoints/mine")
        assert (
            wire.call(
                "POST", "endpoints", {"displayName": "e"}, query={"endpointId": "mine"}
            ).status
            == 409
        )
    hold_answers(vertex)


def test_a_base_model_and_legacy_instances_are_answered(wire: Wire) -> None:
    asked = {"contents": [{"role": "user", "parts": [{"text": "Say 3"}]}]}
    base = wire.call(
        "POST", "publishers/google/models/gemini-3.5-flash:generateContent", asked
    ).body
    assert base["candidates"][0]["content"]["parts"] == [{"text": "three"}]
    text = {"instances": [{"content": "Say 3"}], "parameters": {"temperature": 0.2}}
    legacy = wire.call("POST", "publishers/google/models/text-bison@002:predict", text).body
    assert legacy["predictions"][0]["content"] == "three"
    chat = {"instances": [{"messages": [{"author": "user", "content": "Say 3"}]}]}
    talk = wire.call("POST", "publishers/google/models/chat-bison:predict", chat).body
    assert talk["predictions"][0]["candidates"] == [{"author": "1", "content": "three"}]
    counted = wire.call("POST", "publishers/google/models/gemini-3.5-flash:countTokens", asked).body
    assert counted == {"totalTokens": 2, "totalBillableCharacters": 4}


def test_a_tuned_embedding_model_gives_bare_vectors(wire: Wire) -> None:
    job = wire.call("POST", "pipelineJobs", embedding_run(wire.vertex))
    wire.vertex.advance(50)
    task = wire.job(job)["jobDetail"]["taskDetails"][0]
    model = task["execution"]["metadata"]["output:model_resource_name"]
    wire.call("POST", "endpoints", {"displayName": "e"}, query={"endpointId": "e1"})
    deployed = {"deployedModel": {"model": model, "id": "77"}}
    assert wire.call("POST", "endpoints/e1:deployModel", deployed).status == 200
    assert wire.call("POST", "endpoints/e1:deployModel", deployed).status == 409
    whole = {"content": "a", "task_type": "DEFAULT", "title": ""}
    found = wire.call("POST", "endpoints/e1:predict", {"instances": [whole, whole]}).body
    assert [len(vector) for vector in found["predictions"]] == [768, 768]
    assert found["predictions"][0] == found["predictions"][1]
    assert (
        "title is required"
        in wire.call(
            "POST",
            "endpoints/e1:predict",
            {"instances": [{"content": "a", "task_type": "DEFAULT"}]},
        ).error
    )


@pytest.mark.parametrize(
    ("operation", "expression", "response", "reward"),
    [
        ("EXACT_MATCH", "{{references.answer}}", "4", 1.0),
        ("EXACT_MATCH", "{{references.answer}}", "44", -0.5),
        ("PARTIAL_MATCH", "{{references.answer}}", "It is 4.", 1.0),
        ("REGEX_CONTAINS", r"^\d$", "4", 1.0),
    ],
)
def test_a_reward_can_be_tried(
    wire: Wire, operation: str, expression: str, response: str, reward: float
) -> None:
    scorer = {
        "correctAnswerReward": 1.0,
        "wrongAnswerReward": -0.5,
        "stringMatchExpression": {"matchOperation": operation, "expression": expression},
    }
    body = {
        "sampleResponse": {"role": "model", "parts": [{"text": response}]},
        "example": {
            "contents": [{"role": "user", "parts": [{"text": "2 + 2?"}]}],
            "references": {"answer": "4"},
        },
        "singleRewardConfig": {"rewardName": "right", "stringMatchRewardScorer": scorer},
    }
    answer = wire.call("POST", "tuningJobs:validateReinforcementTuningReward", body).body
    assert answer == {"overallReward": reward, "rewardInfoDetails": {"right": {"reward": reward}}}
    del body["example"]["references"]  # type: ignore[attr-defined]
    if "references" in expression:
        answer = wire.call("POST", "tuningJobs:validateReinforcementTuningReward", body).body
        assert "no reference 'answer'" in answer["error"]
