"""The referee catches mistakes: one that lets everything pass would be no referee."""

from __future__ import annotations

from typing import Any

import pytest

from vertex.discovery import Referee, referee

PARENT = "projects/p/locations/us-central1"
BODY: dict[str, Any] = {
    "baseModel": "gemini-3.5-flash",
    "labels": {"team": "a"},
    "supervisedTuningSpec": {
        "trainingDatasetUri": "gs://b/train.jsonl",
        "hyperParameters": {"epochCount": "3", "adapterSize": "ADAPTER_SIZE_FOUR"},
    },
}


def test_a_right_request_has_no_fault() -> None:
    for version in ("v1", "v1beta1"):
        url = f"/{version}/{PARENT}/tuningJobs"
        assert referee(version).request_faults("POST", url, BODY) == []


def test_a_right_answer_has_no_fault() -> None:
    answer = BODY | {"name": f"{PARENT}/tuningJobs/1", "createTime": "2026-11-01T10:00:00.5Z"}
    url = f"/v1/{PARENT}/tuningJobs/1"
    assert referee("v1").answer_faults("GET", url, answer | {"state": "JOB_STATE_RUNNING"}) == []


def _with(**changes: Any) -> dict[str, Any]:
    return BODY | changes


def _spec(**changes: Any) -> dict[str, Any]:
    return _with(supervisedTuningSpec=BODY["supervisedTuningSpec"] | changes)


MISTAKES: dict[str, tuple[str, str, str, Any]] = {
    "a misspelt field": ("v1", "POST", "", _with(baseModle="gemini-3.5-flash")),
    "a field of the server": ("v1", "POST", "", _with(name="projects/p")),
    "a spec that this version has not": ("v1", "POST", "", _with(distillationSpec={})),
    "a word that the enum has not": (
        "v1",
        "POST",
        "",
        _spec(hyperParameters={"adapterSize": "ADAPTER_SIZE_SEVEN"}),
    ),
    "a number for a text": ("v1", "POST", "", _with(description=7)),
    "a query that does not exist": ("v1", "POST", "?requestId=1", BODY),
    "names in snake_case": (
        "v1",
        "POST",
        "",
        {"base_model": "gemini-3.5-flash", "supervised_tuning_spec": {}},
    ),
    "a method that does not exist": ("v1", "DELETE", "/1", None),
    "an enum as its number": ("v1", "POST", "", _spec(hyperParameters={"adapterSize": 2})),
    "a text for a true": ("v1", "POST", "", _spec(exportLastCheckpointOnly="true")),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_seeded_mistake_is_caught(mistake: str) -> None:
    version, http, rest, body = MISTAKES[mistake]
    judge: Referee = referee("v1" if version == "v1" else "v1beta1")
    assert judge.request_faults(http, f"/{version}/{PARENT}/tuningJobs{rest}", body)


def test_the_clients_of_google_are_read_as_they_write() -> None:
    judge = referee("v1")
    url = f"/v1/{PARENT}/tuningJobs?$alt=json;enum-encoding=int"
    gapic = _spec(hyperParameters={"epochCount": "3", "adapterSize": 2})
    assert judge.request_faults("POST", url, gapic, spelling="gapic") == []
    mixed = _with(encryptionSpec={"kms_key_name": "k"})
    assert judge.request_faults("POST", url.partition("?")[0], mixed, spelling="genai") == []
