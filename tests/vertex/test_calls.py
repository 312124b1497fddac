"""Each call by itself: where it goes, what it carries, how long it waits, and whether it is made again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import responses
from google.api_core import exceptions as api
from google.auth import exceptions as auth

import tunekit as tk
from tunekit.backends.vertex import asking, calls, service, serving, storage, transport
from tunekit.backends.vertex.calls import CALLS, Repeat
from tunekit.backends.vertex.faults import (
    HttpFault,
    Missing,
    Verdict,
    row_in,
    translated,
    verdict_on,
)
from tunekit.backends.vertex.names import JobName
from tunekit.jobs.backend import Machine, Sampling
from tunekit.jobs.retries import persistently
from vertex.discovery import referee
from vertex.test_kills import Clock

HOST = "https://us-central1-aiplatform.googleapis.com"
PARENT = "projects/acme/locations/us-central1"
JOB, PIPE = f"{PARENT}/tuningJobs/7", f"{PARENT}/pipelineJobs/tunekit-k"
MODEL, ENDPOINT = f"{PARENT}/models/9", f"{PARENT}/endpoints/5"
TUNING, PIPED = (
    JobName("acme", "us-central1", "tuningJobs", "7"),
    JobName("acme", "us-central1", "pipelineJobs", "tunekit-k"),
)
TUNED = {"name": JOB, "state": "JOB_STATE_PENDING"}
RUN = {"name": PIPE, "state": "PIPELINE_STATE_PENDING"}
OPERATION = {"name": f"{PARENT}/operations/1"}
REWARD: dict[str, Any] = {
    "sampleResponse": {"role": "model", "parts": [{"text": "a"}]},
    "example": {"contents": [{"role": "user", "parts": [{"text": "q"}]}]},
    "singleRewardConfig": {"rewardName": "r", "cloudRunRewardScorer": {"cloudRunUri": "https://a"}},
}
CONTENT = {"candidates": [{"content": {"parts": [{"text": "hi"}]}, "finishReason": "STOP"}]}

Parts = tuple[Any, Any, Any, Any]
Made = Callable[[service.Jobs, serving.Serving, Any, storage.Storage], Any]
WIRE: dict[str, tuple[str, str, Any, Made]] = {
    "tuningJobs.create": (
        "POST",
        f"/v1beta1/{PARENT}/tuningJobs",
        TUNED,
        lambda jobs, *_: jobs.create_tuning({"baseModel": "gemini-3.5-flash"}),
    ),
    "tuningJobs.get": ("GET", f"/v1beta1/{JOB}", TUNED, lambda jobs, *_: jobs.get(TUNING)),
    "tuningJobs.list": (
        "GET",
        f"/v1beta1/{PARENT}/tuningJobs",
        {"tuningJobs": [TUNED]},
        lambda jobs, *_: list(jobs.list("tuningJobs", 'labels.a="b"')),
    ),
    "tuningJobs.cancel": (
        "POST",
        f"/v1beta1/{JOB}:cancel",
        {},
        lambda jobs, *_: jobs.cancel(TUNING),
    ),
    "tuningJobs.validateReward": (
        "POST",
        f"/v1beta1/{PARENT}/tuningJobs:validateReinforcementTuningReward",
        {"overallReward": 1.0},
        lambda jobs, *_: jobs.validate_reward(REWARD),
    ),
    "pipelineJobs.create": (
        "POST",
        f"/v1/{PARENT}/pipelineJobs",
        RUN,
        lambda jobs, *_: jobs.create_pipeline(
            "tunekit-k",
            {"displayName": "d", "runtimeConfig": {"parameterValues": {"train_steps": 30}}},
        ),
    ),
    "pipelineJobs.get": ("GET", f"/v1/{PIPE}", RUN, lambda jobs, *_: jobs.get(PIPED)),
    "pipelineJobs.list": (
        "GET",
        f"/v1/{PARENT}/pipelineJobs",
        {"pipelineJobs": [RUN]},
        lambda jobs, *_: list(jobs.list("pipelineJobs")),
    ),
    "pipelineJobs.cancel": ("POST", f"/v1/{PIPE}:cancel", {}, lambda jobs, *_: jobs.cancel(PIPED)),
    "models.get": (
        "GET",
        f"/v1/{MODEL}",
        {"name": MODEL},
        lambda _, models, *__: models.model(MODEL),
    ),
    "models.list": (
        "GET",
        f"/v1/{PARENT}/models",
        {"models": [{"name": MODEL}]},
        lambda _, models, *__: models.model_names("us-central1"),
    ),
    "models.delete": (
        "DELETE",
        f"/v1/{MODEL}",
        OPERATION,
        lambda _, models, *__: models.delete_model(f"{MODEL}@1"),
    ),
    "endpoints.create": (
        "POST",
        f"/v1/{PARENT}/endpoints",
        OPERATION,
        lambda _, models, *__: models.create_endpoint(ENDPOINT, "d", {"a": "b"}),
    ),
    "endpoints.get": (
        "GET",
        f"/v1/{ENDPOINT}",
        {"name": ENDPOINT},
        lambda _, models, *__: models.endpoint(ENDPOINT),
    ),
    "endpoints.delete": (
        "DELETE",
        f"/v1/{ENDPOINT}",
        OPERATION,
        lambda _, models, *__: models.delete_endpoint(ENDPOINT),
    ),
    "endpoints.deployModel": (
        "POST",
        f"/v1/{ENDPOINT}:deployModel",
        OPERATION,
        lambda _, models, *__: models.deploy(
            ENDPOINT,
            MODEL,
            "d",
            Machine(machine_type="g2-standard-12", accelerator_type="NVIDIA_L4"),
        ),
    ),
    "endpoints.undeployModel": (
        "POST",
        f"/v1/{ENDPOINT}:undeployModel",
        OPERATION,
        lambda _, models, *__: models.undeploy(ENDPOINT, "12"),
    ),
    "generateContent": (
        "POST",
        f"/v1/{ENDPOINT}:generateContent",
        CONTENT,
        lambda _, __, models, *___: models.generate(
            ENDPOINT,
            "q",
            Sampling(top_k=3, top_p=0.5, seed=1),
            base_model="gemini-3.5-flash",
            thinks=False,
        ),
    ),
    "predict": (
        "POST",
        f"/v1/{ENDPOINT}:predict",
        {"predictions": [[0.5, 1]]},
        lambda _, __, models, *___: models.predict(ENDPOINT, [{"content": "q"}], {"topK": 3}),
    ),
}
STORED = ("objects.get", "objects.download", "objects.insert")


@pytest.fixture
def parts() -> Parts:
    from google.oauth2.credentials import Credentials

    made = transport.Transport(
        transport.Connection(
            location="us-central1",
            credentials=Credentials(token="t"),
            timeout_seconds=7.0,
        )
    )
    jobs = service.Jobs(made, "acme", "us-central1")
    return (
        jobs,
        serving.Serving(made, "acme"),
        asking.Asking(made),
        storage.Storage(made),
    )


@pytest.fixture
def server() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def test_every_call_of_the_table_is_made_here() -> None:
    assert {*WIRE, *STORED} == set(CALLS)


@pytest.mark.parametrize("name", WIRE)
def test_a_call_goes_where_the_api_has_it(
    name: str, parts: Parts, server: responses.RequestsMock
) -> None:
    http, path, answer, make = WIRE[name]
    server.add(http, re.compile(re.escape(f"{HOST}{path}") + r"(\?.*)?$"), json=answer)
    make(*parts)
    (call,) = server.calls
    assert call.request.headers["Authorization"] == "Bearer t"
    assert call.request.req_kwargs["timeout"] == 7.0  # type: ignore[attr-defined]
    body = json.loads(call.request.body) if call.request.body else None
    version = "v1" if path.startswith("/v1/") else "v1beta1"
    judge = referee(version)
    url = str(call.request.url)
    assert (
        judge.request_faults(http, url, body, spelling="gapic" if version == "v1" else "json") == []
    )
    assert judge.answer_faults(http, url, answer) == []
    assert CALLS[name].http == http


def test_numbers_of_a_pipeline_arrive_as_numbers(
    parts: Parts, server: responses.RequestsMock
) -> None:
    server.post(re.compile(r".*/pipelineJobs\?.*pipelineJobId=tunekit-k.*"), json=RUN)
    WIRE["pipelineJobs.create"][3](*parts)
    body = json.loads(server.calls[0].request.body or "")
    assert body["runtimeConfig"]["parameterValues"] == {"train_steps": 30}


def test_a_list_is_read_to_its_last_page(parts: Parts, server: responses.RequestsMock) -> None:
    url = f"{HOST}/v1beta1/{PARENT}/tuningJobs"
    server.get(url, json={"tuningJobs": [TUNED], "nextPageToken": "next"})
    server.get(url, json={"tuningJobs": [TUNED]})
    assert len(list(parts[0].list("tuningJobs"))) == 2
    assert "pageToken=next" in str(server.calls[1].request.url)


def test_a_fault_on_a_later_page_is_a_fault_of_the_list(
    parts: Parts, server: responses.RequestsMock
) -> None:
    url = f"{HOST}/v1beta1/{PARENT}/tuningJobs"
    server.get(url, json={"tuningJobs": [TUNED], "nextPageToken": "next"})
    server.get(url, status=503)
    with pytest.raises(tk.TransientFault):
        list(parts[0].list("tuningJobs"))


def test_a_state_without_a_word_in_the_typed_client_is_read_as_it_is_written(
    parts: Parts, server: responses.RequestsMock
) -> None:
    melting = RUN | {"state": "PIPELINE_STATE_MELTING"}
    server.get(re.compile(re.escape(f"{HOST}/v1/{PIPE}") + ".*"), json=melting)
    server.get(f"{HOST}/v1beta1/{PIPE}", json=melting)
    assert parts[0].get(PIPED)["state"] == "PIPELINE_STATE_MELTING"


def test_a_filter_that_the_server_refuses_is_done_without(
    parts: Parts, server: responses.RequestsMock
) -> None:
    url = f"{HOST}/v1beta1/{PARENT}/tuningJobs"
    labelled = TUNED | {"labels": {"tunekit-key": "k", "tunekit-fp": "f"}}
    server.get(
        re.compile(re.escape(url) + r".*filter=.*"), status=400, json={"error": {"message": "no"}}
    )
    server.get(
        re.compile(re.escape(url) + r"\?pageSize=100$"), json={"tuningJobs": [labelled, TUNED]}
    )
    found = service.TuningSubmission(parts[0], parts[3], {}, "k", "").find(complete=False)
    assert [one.name for one in found] == [JOB]


def test_an_endpoint_is_asked_where_its_name_says(
    parts: Parts, server: responses.RequestsMock
) -> None:
    elsewhere = "projects/1/locations/eu/endpoints/5"
    server.post(
        re.compile(
            rf"https://aiplatform\.eu\.rep\.googleapis\.com/v1/{elsewhere}:generateContent.*"
        ),
        json=CONTENT,
    )
    parts[2].generate(elsewhere, "q", Sampling(), base_model="gemini-3.5-flash", thinks=True)
    assert (
        "thinkingConfig" not in json.loads(server.calls[0].request.body or "")["generationConfig"]
    )


# --- again, or not ----------------------------------------------------------------------------------------------------


class Refused(requests.ConnectionError):
    """A connection that never came about, as requests tells it."""

    def __init__(self) -> None:
        class NewConnectionError(Exception):
            pass

        super().__init__(NewConnectionError("refused"))


ERRORS: dict[str, tuple[BaseException, Verdict]] = {
    "refused": (Refused(), Verdict.REFUSED),
    "connect timeout": (requests.ConnectTimeout(), Verdict.REFUSED),
    "reset": (requests.ConnectionError("reset"), Verdict.LOST),
    "read timeout": (requests.ReadTimeout(), Verdict.LOST),
    "truncated": (requests.exceptions.ChunkedEncodingError(), Verdict.LOST),
    "garbage": (json.JSONDecodeError("bad", "secret row", 0), Verdict.LOST),
    "undecodable": (UnicodeDecodeError("utf-8", b"secret row", 0, 1, "bad"), Verdict.LOST),
    "400": (HttpFault(400, "no"), Verdict.PERMANENT),
    "401": (HttpFault(401, "no"), Verdict.DENIED),
    "403": (api.Forbidden("no"), Verdict.DENIED),
    "404": (api.NotFound("no"), Verdict.MISSING),
    "409": (api.Conflict("no"), Verdict.EXISTS),
    "412": (api.PreconditionFailed("no"), Verdict.EXISTS),
    "429": (api.TooManyRequests("no"), Verdict.QUOTA),
    "499": (HttpFault(499, "no"), Verdict.LOST),
    "500": (api.InternalServerError("no"), Verdict.LOST),
    "503": (api.ServiceUnavailable("no"), Verdict.LOST),
    "302": (HttpFault(302, "no"), Verdict.LOST),
    "the address of tokens is not found": (auth.TransportError("dns"), Verdict.REFUSED),
    "a refresh that may pass": (auth.RefreshError("503", retryable=True), Verdict.REFUSED),
    "a grant that was revoked": (auth.RefreshError("invalid_grant"), Verdict.DENIED),
    "anything else": (RuntimeError("?"), Verdict.LOST),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_says_what_became_of_the_call(name: str) -> None:
    error, verdict = ERRORS[name]
    assert verdict_on(error) is verdict
    assert "secret row" not in str(translated(error, "tuningJobs.get"))


@pytest.mark.parametrize("name", CALLS)
def test_a_lost_answer_is_repeated_only_where_that_does_no_harm(name: str) -> None:
    made = 0

    def call() -> None:
        nonlocal made
        made += 1
        if made == 1:
            raise translated(requests.ReadTimeout(), name)

    again = CALLS[name].repeat not in (Repeat.NEVER, Repeat.RECONCILED)
    if again:
        persistently(call, Clock(0.0))
    else:
        with pytest.raises(tk.BackendFault) as lost:
            persistently(call, Clock(0.0))
        assert isinstance(lost.value, tk.SubmissionUnknown) == (
            CALLS[name].repeat is Repeat.RECONCILED
        )
    assert made == (2 if again else 1)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("error", ["429", "refused"])
def test_a_call_that_never_ran_is_always_made_again(name: str, error: str) -> None:
    made = 0

    def call() -> None:
        nonlocal made
        made += 1
        if made == 1:
            raise translated(ERRORS[error][0], name)

    persistently(call, Clock(0.0))
    assert made == 2


@pytest.mark.parametrize("name", CALLS)
def test_what_is_refused_for_good_is_not_made_again(name: str) -> None:
    for error in ("400", "403", "404", "a grant that was revoked"):
        assert not translated(ERRORS[error][0], name).retryable


def test_what_can_be_paid_for_twice_is_known() -> None:
    harmful = {
        name for name, call in CALLS.items() if call.repeat in (Repeat.NEVER, Repeat.RECONCILED)
    }
    assert harmful == {
        "tuningJobs.create",
        "tuningJobs.validateReward",
        "generateContent",
        "predict",
    }
    assert calls.CALLS is CALLS


@pytest.mark.parametrize(
    ("message", "row"),
    [
        ("Row: 0. Missing required `contents` field.", 0),
        ("Dataset example 3 of 14 contains an unsupported modality", 2),
        ("nothing of the kind", None),
    ],
)
def test_a_row_is_found_in_a_message(message: str, row: int | None) -> None:
    assert row_in(message) == row


def test_a_token_that_ran_out_is_renewed(server: responses.RequestsMock) -> None:
    from google.oauth2.credentials import Credentials

    credentials = Credentials(
        "old",
        refresh_token="r",
        token_uri="https://oauth2.googleapis.com/token",
        client_id="c",
        client_secret="s",
    )
    made = transport.Transport(
        transport.Connection(location="us-central1", credentials=credentials)
    )
    url = f"{HOST}/v1beta1/{JOB}"
    old = responses.matchers.header_matcher({"authorization": "Bearer old"})
    new = responses.matchers.header_matcher({"authorization": "Bearer new"})
    server.get(url, status=401, match=[old])
    server.post(
        "https://oauth2.googleapis.com/token", json={"access_token": "new", "expires_in": 9}
    )
    server.get(url, json=TUNED, match=[new])
    assert service.Jobs(made, "acme", "us-central1").get(TUNING) == TUNED


def test_a_login_that_was_revoked_says_to_log_in(server: responses.RequestsMock) -> None:
    from google.oauth2.credentials import Credentials

    credentials = Credentials(
        None,
        refresh_token="r",
        token_uri="https://oauth2.googleapis.com/token",
        client_id="c",
        client_secret="s",
    )
    made = transport.Transport(
        transport.Connection(location="us-central1", credentials=credentials)
    )
    server.post("https://oauth2.googleapis.com/token", status=400, json={"error": "invalid_grant"})
    with pytest.raises(tk.AccessDenied, match="gcloud auth application-default login"):
        service.Jobs(made, "acme", "us-central1").get(TUNING)


def test_without_credentials_the_way_to_some_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
    backend = tk.VertexBackend(project="acme", staging_bucket="gs://b")
    with pytest.raises(tk.AccessDenied, match="gcloud auth"):
        backend.fetch(f"vertex:{JOB}")


def test_a_missing_thing_has_a_name() -> None:
    assert isinstance(translated(api.NotFound("x"), "models.get"), Missing)
