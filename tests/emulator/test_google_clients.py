"""Google's own clients, unchanged, against the emulator: google-genai, the typed clients over REST, vertexai."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from emulated import (
    Wire,
    client_library,
    embedding_run,
    gemini_rows,
    hold_answers,
    lines,
    stored_rows,
)
from tunekit.testing import VertexEmulator, VertexFault

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning",
    "ignore::FutureWarning",
    "ignore::UserWarning",
    "ignore::google.genai._common.ExperimentalWarning",
)


# --- google-genai ----------------------------------------------------------------------------------------------------


@pytest.fixture
def genai(vertex: VertexEmulator) -> Any:
    Credentials = client_library("google.oauth2.credentials").Credentials  # noqa: N806
    return client_library("google.genai").Client(
        vertexai=True,
        project=vertex.project,
        location=vertex.location,
        credentials=Credentials(token="t"),
        http_options={"base_url": vertex.url},
    )


def test_genai_tunes_waits_lists_and_asks(genai: Any, vertex: VertexEmulator) -> None:
    types = client_library("google.genai.types")

    rows = types.TuningDataset(gcs_uri=stored_rows(vertex))
    held = types.TuningValidationDataset(
        gcs_uri=vertex.put_object("held.jsonl", lines(gemini_rows(4)))
    )
    job = genai.tunings.tune(
        base_model="gemini-3.5-flash",
        training_dataset=rows,
        config=types.CreateTuningJobConfig(
            tuned_model_display_name="triage",
            epoch_count=2,
            adapter_size="ADAPTER_SIZE_FOUR",
            learning_rate_multiplier=0.5,
            validation_dataset=held,
            labels={"team": "support"},
            encryption_spec=None,
        ),
    )
    states = [job.state.name]
    while not job.has_ended:
        vertex.advance(20)
        job = genai.tunings.get(name=job.name)
        states.append(job.state.name)
    assert states == ["JOB_STATE_PENDING", "JOB_STATE_RUNNING", "JOB_STATE_SUCCEEDED"]
    assert job.tuning_data_stats.supervised_tuning_data_stats.tuning_dataset_example_count == 20
    assert [checkpoint.epoch for checkpoint in job.tuned_model.checkpoints] == [1, 2]
    endpoint = job.tuned_model.endpoint
    answer = genai.models.generate_content(model=endpoint, contents="Say 3")
    assert (answer.text, answer.candidates[0].finish_reason.name) == ("3", "STOP")
    parts = genai.models.generate_content_stream(model=endpoint, contents="Say 3")
    assert "".join(part.text for part in parts) == "3"
    listed = list(genai.tunings.list(config={"page_size": 1}))
    assert [found.name for found in listed] == [job.name]
    models = list(genai.models.list(config={"query_base": False}))
    assert [model.display_name for model in models] == ["triage"]


def test_genai_cancels_and_reads_refusals(genai: Any, vertex: VertexEmulator) -> None:
    errors, types = client_library("google.genai.errors"), client_library("google.genai.types")

    rows = types.TuningDataset(gcs_uri=stored_rows(vertex))
    job = genai.tunings.tune(base_model="gemini-3.5-flash", training_dataset=rows)
    genai.tunings.cancel(name=job.name)
    vertex.advance(11)
    job = genai.tunings.get(name=job.name)
    assert (job.state.name, job.error.code, job.has_ended) == ("JOB_STATE_CANCELLED", 1, True)
    with pytest.raises(
        errors.ClientError, match=r"Base model gemini-2\.0-flash is not supported"
    ) as refused:
        genai.tunings.tune(base_model="gemini-2.0-flash", training_dataset=rows)
    assert (refused.value.code, refused.value.status) == (400, "INVALID_ARGUMENT")
    vertex.fail_next(VertexFault(kind="reset", when="after", method="POST", path="*/tuningJobs"))
    with pytest.raises(Exception, match=r"(?i)reset|disconnected|read"):
        genai.tunings.tune(base_model="gemini-3.5-flash", training_dataset=rows)
    assert len(vertex.tuning_jobs) == 2


def test_genai_tunes_by_preferences_by_rewards_and_by_a_teacher(
    genai: Any, vertex: VertexEmulator
) -> None:
    types = client_library("google.genai.types")

    turns = {"contents": [{"role": "user", "parts": [{"text": "2 + 2?"}]}]}
    pairs = [
        {"score": score, "completion": {"role": "model", "parts": [{"text": text}]}}
        for score, text in ((1, "4"), (0, "5"))
    ]
    preferences = vertex.put_object("pairs.jsonl", lines([{**turns, "completions": pairs}]))
    prompts = vertex.put_object("prompts.jsonl", lines([{**turns, "references": {"answer": "4"}}]))
    reward = types.SingleReinforcementTuningRewardConfig(
        reward_name="right",
        string_match_reward_scorer=types.ReinforcementTuningStringMatchRewardScorer(
            correct_answer_reward=1.0,
            wrong_answer_reward=-1.0,
            string_match_expression=types.ReinforcementTuningStringMatchRewardScorerStringMatchExpression(
                match_operation="EXACT_MATCH", expression="{{references.answer}}"
            ),
        ),
    )
    tried = genai.tunings.validate_reward(
        parent=f"projects/{vertex.project}/locations/{vertex.location}",
        sample_response=types.Content(role="model", parts=[types.Part(text="5")]),
        example=types.ReinforcementTuningExample(
            contents=[types.Content(role="user", parts=[types.Part(text="2 + 2?")])],
            references={"answer": "4"},
        ),
        single_reward_config=reward,
    )
    assert tried.overall_reward == -1.0
    jobs = [
        genai.tunings.tune(
            base_model=model,
            training_dataset=types.TuningDataset(gcs_uri=uri),
            config=types.CreateTuningJobConfig(method=method, **settings),
        )
        for model, uri, method, settings in (
            ("gemini-3.5-flash", preferences, "PREFERENCE_TUNING", {"beta": 0.1}),
            (
                "gemini-3.5-flash",
                prompts,
                "REINFORCEMENT_TUNING",
                {"reward_config": reward, "batch_size": 4, "samples_per_prompt": 4},
            ),
            (
                "qwen/qwen3@qwen3-4b",
                prompts,
                "DISTILLATION",
                {
                    "base_teacher_model": "deepseek-ai/deepseek-v3.2-maas",
                    "output_uri": "gs://b/out",
                },
            ),
        )
    ]
    kinds = ["preference_optimization_spec", "reinforcement_tuning_spec", "distillation_spec"]
    assert [getattr(job, kind) is not None for job, kind in zip(jobs, kinds, strict=True)] == [
        True
    ] * 3


# --- the typed clients -----------------------------------------------------------------------------------------------


@pytest.fixture
def connection(vertex: VertexEmulator) -> dict[str, Any]:
    return {
        "credentials": client_library("google.auth.credentials").AnonymousCredentials(),
        "transport": "rest",
        "client_options": {"api_endpoint": vertex.url},
    }


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_the_typed_client_of_tuning_jobs(
    vertex: VertexEmulator, connection: dict[str, Any], version: str
) -> None:
    vertexes = client_library(f"google.cloud.aiplatform_{version}")
    client = vertexes.GenAiTuningServiceClient(**connection)
    parent = f"projects/{vertex.project}/locations/{vertex.location}"
    spec = {
        "training_dataset_uri": stored_rows(vertex),
        "hyper_parameters": {"epoch_count": 2, "adapter_size": "ADAPTER_SIZE_TWO"},
    }
    new = {"base_model": "gemini-3.5-flash", "labels": {"k": "v"}, "supervised_tuning_spec": spec}
    job = client.create_tuning_job(parent=parent, tuning_job=new)
    assert job.state.name == "JOB_STATE_PENDING"
    assert job.supervised_tuning_spec.hyper_parameters.adapter_size.name == "ADAPTER_SIZE_TWO"
    vertex.advance(50)
    done = client.get_tuning_job(name=job.name)
    assert done.state.name == "JOB_STATE_SUCCEEDED"
    assert [checkpoint.step for checkpoint in done.tuned_model.checkpoints] == [2, 4]
    assert done.tuning_data_stats.supervised_tuning_data_stats.total_billable_token_count > 0
    wanted = 'labels.k="v" AND state="JOB_STATE_SUCCEEDED"'
    request = vertexes.ListTuningJobsRequest(parent=parent, filter=wanted)
    assert [found.name for found in client.list_tuning_jobs(request)] == [job.name]
    client.cancel_tuning_job(name=job.name)


def test_the_typed_clients_of_pipelines_models_endpoints_and_predictions(
    vertex: VertexEmulator, connection: dict[str, Any]
) -> None:
    from google.api_core.exceptions import BadRequest, Conflict

    aiplatform_v1 = client_library("google.cloud.aiplatform_v1")
    json_format = client_library("google.protobuf.json_format")
    struct_pb2 = client_library("google.protobuf.struct_pb2")

    parent = f"projects/{vertex.project}/locations/{vertex.location}"
    pipelines = aiplatform_v1.PipelineServiceClient(**connection)
    run = json_format.ParseDict(embedding_run(vertex), aiplatform_v1.PipelineJob.pb()())
    new = {"parent": parent, "pipeline_job": aiplatform_v1.PipelineJob.wrap(run)}
    job = pipelines.create_pipeline_job(pipeline_job_id="tk-1", **new)
    with pytest.raises(Conflict):
        pipelines.create_pipeline_job(pipeline_job_id="tk-1", **new)
    vertex.advance(50)
    job = pipelines.get_pipeline_job(name=job.name)
    assert job.state.name == "PIPELINE_STATE_SUCCEEDED"
    uploaded = {task.task_name: task for task in job.job_detail.task_details}
    model = uploaded["text-embedding-model-uploader"].execution.metadata[
        "output:model_resource_name"
    ]

    models = aiplatform_v1.ModelServiceClient(**connection)
    endpoints = aiplatform_v1.EndpointServiceClient(**connection)
    assert models.get_model(name=model).labels["google-vertex-llm-tuning-base-model-id"]
    made = endpoints.create_endpoint(
        parent=parent, endpoint={"display_name": "search"}, endpoint_id="search"
    ).result()
    machine = {"machine_spec": {"machine_type": "n1-standard-4"}, "min_replica_count": 1}
    deployed = endpoints.deploy_model(
        endpoint=made.name,
        deployed_model={"model": model, "dedicated_resources": machine, "id": "7"},
        traffic_split={"0": 100},
    ).result()
    assert deployed.deployed_model.id == "7"
    assert dict(endpoints.get_endpoint(name=made.name).traffic_split) == {"7": 100}
    instance = json_format.ParseDict(
        {"content": "hi", "task_type": "DEFAULT", "title": ""}, struct_pb2.Value()
    )
    predictions = aiplatform_v1.PredictionServiceClient(**connection)
    answer = predictions.predict(endpoint=made.name, instances=[instance])
    assert (len(answer.predictions[0]), answer.deployed_model_id) == (768, "7")
    with pytest.raises(BadRequest, match="undeploy it first"):
        models.delete_model(name=model)
    endpoints.undeploy_model(endpoint=made.name, deployed_model_id="7").result()
    endpoints.delete_endpoint(name=made.name).result()
    models.delete_model(name=model).result()
    pipelines.delete_pipeline_job(name=job.name).result()
    assert (
        list(models.list_models(parent=parent))
        == list(endpoints.list_endpoints(parent=parent))
        == []
    )
    assert list(pipelines.list_pipeline_jobs(parent=parent)) == []


def test_a_typed_client_waits_for_an_operation(connection: dict[str, Any]) -> None:
    aiplatform_v1 = client_library("google.cloud.aiplatform_v1")

    with VertexEmulator(operation_seconds=2, seconds_per_request=1) as slow:
        connection["client_options"] = {"api_endpoint": slow.url}
        client = aiplatform_v1.ModelServiceClient(**connection)
        parent = f"projects/{slow.project}/locations/{slow.location}"
        model = {"display_name": "own", "artifact_uri": "gs://b/m"}
        request = aiplatform_v1.UploadModelRequest(parent=parent, model=model, model_id="own")
        operation = client.upload_model(request)
        assert not operation.done()
        assert operation.result().model.endswith("/models/own")
        assert [found.display_name for found in client.list_models(parent=parent)] == ["own"]
    hold_answers(slow)


def test_every_answer_parses_into_the_message_of_the_typed_client(
    vertex: VertexEmulator, wire: Wire
) -> None:
    aiplatform_v1 = client_library("google.cloud.aiplatform_v1")
    json_format = client_library("google.protobuf.json_format")

    def parsed(kind: str, body: Any) -> Any:
        message = getattr(aiplatform_v1, kind)
        return message.wrap(json_format.ParseDict(body, message.pb()()))

    old = Wire(vertex, "v1")
    job = old.tune()
    run = old.call("POST", "pipelineJobs", embedding_run(vertex))
    vertex.advance(50)
    shown = parsed("TuningJob", old.job(job))
    parsed("PipelineJob", old.job(run))
    parsed("Model", old.get(f"/v1/{shown.tuned_model.model}").body)
    parsed("Endpoint", old.get(f"/v1/{shown.tuned_model.endpoint}").body)
    asked = {"contents": [{"role": "user", "parts": [{"text": "Say 3"}]}]}
    answer = old.call("POST", f"/v1/{shown.tuned_model.endpoint}:generateContent", asked).body
    assert parsed("GenerateContentResponse", answer).candidates[0].content.parts[0].text == "3"


# --- vertexai --------------------------------------------------------------------------------------------------------


def test_vertexai_trains_and_follows(
    vertex: VertexEmulator, connection: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        vertexai = client_library("vertexai")
        initializer = client_library("google.cloud.aiplatform.initializer")
        sft = client_library("vertexai.tuning.sft")

    config = vars(initializer.global_config)
    for key, value in config.items():
        monkeypatch.setitem(config, key, value)
    vertexai.init(
        project=vertex.project,
        location=vertex.location,
        credentials=connection["credentials"],
        api_endpoint=vertex.url,
        api_transport="rest",
    )
    job = sft.train(
        source_model="gemini-3.5-flash",
        train_dataset=stored_rows(vertex),
        epochs=1,
        adapter_size=4,
        tuned_model_display_name="sdk",
    )
    assert not job.has_ended
    vertex.advance(50)
    job.refresh()
    assert job.has_succeeded
    assert "/endpoints/" in job.tuned_model_endpoint_name
    assert [found.resource_name for found in sft.SupervisedTuningJob.list()] == [job.resource_name]
