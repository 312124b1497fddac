"""Lists: filters, pages, and what is missing from them for a while."""

from __future__ import annotations

import pytest

from emulated import Wire
from tunekit.testing import VertexEmulator


def _made(wire: Wire, count: int) -> list[str]:
    """Names of new jobs, the newest first; each has its number in the label `n`."""
    return [wire.tune(labels={"n": str(n), "all": "yes"}).body["name"] for n in range(count)][::-1]


def test_pages_give_every_job_once_also_when_new_ones_come(wire: Wire) -> None:
    names = _made(wire, 5)
    first = wire.get("tuningJobs", pageSize="2").body
    _made(wire, 1)
    second = wire.get("tuningJobs", pageSize="2", pageToken=first["nextPageToken"]).body
    third = wire.get("tuningJobs", pageSize="2", pageToken=second["nextPageToken"]).body
    found = [job["name"] for page in (first, second, third) for job in page["tuningJobs"]]
    assert found == names
    assert "nextPageToken" not in third


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('labels.n="1"', [1]),
        ("labels.n=1", [1]),
        ("labels.all:*", [2, 1, 0]),
        ('labels.other="1"', []),
        ('labels.n="1" AND labels.all="yes"', [1]),
        ('labels.n="1" OR labels.n="2"', [2, 1]),
        ('NOT labels.n="1"', [2, 0]),
        ('state="JOB_STATE_PENDING"', [2, 1, 0]),
        ("state!=JOB_STATE_PENDING", []),
        ('create_time>"2029-01-01T00:00:00Z" AND base_model="gemini-3.5-flash"', [2, 1, 0]),
    ],
)
def test_filters_find_what_they_say(wire: Wire, text: str, found: list[int]) -> None:
    _made(wire, 3)
    jobs = wire.get("tuningJobs", filter=text).body.get("tuningJobs", [])
    assert [int(job["labels"]["n"]) for job in jobs] == found


@pytest.mark.parametrize(
    "query",
    [
        {"filter": "labels.n"},
        {"filter": 'error="x"'},
        {"pageSize": "-1"},
        {"pageSize": "x"},
        {"pageToken": "?"},
    ],
    ids=str,
)
def test_what_cannot_be_read_is_refused(wire: Wire, query: dict[str, str]) -> None:
    _made(wire, 1)
    assert wire.get("tuningJobs", **query).status == 400


def test_a_new_job_may_be_missing_from_lists_for_a_while() -> None:
    with VertexEmulator(list_lag_seconds=30, seconds_per_request=0) as vertex:
        wire = Wire(vertex)
        job = wire.tune().body
        assert wire.get(f"/v1beta1/{job['name']}").status == 200
        assert wire.get("tuningJobs").body["tuningJobs"] == []
        vertex.advance(31)
        assert len(wire.get("tuningJobs").body["tuningJobs"]) == 1


def test_order_and_mask_are_followed(wire: Wire) -> None:
    for name in ("b", "a"):
        wire.call("POST", "endpoints", {"displayName": name})
    found = Wire(wire.vertex, "v1").get("endpoints", orderBy="display_name", readMask="displayName")
    assert [sorted(endpoint) for endpoint in found.body["endpoints"]] == [
        ["displayName", "name"]
    ] * 2
    assert [endpoint["displayName"] for endpoint in found.body["endpoints"]] == ["a", "b"]
