"""Every kind of fault, seen through a socket; and the plan that tells whether they happened."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from http.client import HTTPConnection, IncompleteRead, RemoteDisconnected
from typing import Any, get_args
from urllib.parse import urlsplit

import pytest

from emulated import Wire, stored_rows
from tunekit.testing import VertexEmulator, VertexFault
from tunekit.testing.vertex.faults import FaultKind

CREATE: dict[str, Any] = {"method": "POST", "path": "*/tuningJobs"}


@pytest.fixture
def wire(vertex: VertexEmulator) -> Iterator[Wire]:
    yield Wire(vertex)
    vertex.check_faults_fired()


def _create(wire: Wire) -> Any:
    """Make a job over a plain connection: its answer, or what broke."""
    body = json.dumps(_body(wire))
    connection = HTTPConnection(urlsplit(wire.vertex.url).netloc, timeout=5)
    try:
        connection.request("POST", f"{wire.parent}/tuningJobs", body)
        response = connection.getresponse()
        return response.status, response.read(), dict(response.getheaders())
    finally:
        connection.close()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("kind", "breaks"),
    [
        ("close", RemoteDisconnected),
        ("reset", ConnectionResetError),
        ("truncate", IncompleteRead),
        ("stall", RemoteDisconnected),
    ],
)
def test_a_broken_connection(
    wire: Wire, kind: FaultKind, breaks: type[Exception], when: Any
) -> None:
    wire.vertex.fail_next(VertexFault(kind=kind, when=when, seconds=0.05, **CREATE))
    with pytest.raises(breaks):
        _create(wire)
    assert len(wire.vertex.tuning_jobs) == (when == "after")
    assert _create(wire)[0] == 200


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_answer_that_is_an_error(wire: Wire, when: Any) -> None:
    wire.vertex.fail_next(
        VertexFault(kind="status", when=when, status=429, retry_after_seconds=7, **CREATE)
    )
    status, body, headers = _create(wire)
    assert (status, headers["Retry-After"]) == (429, "7")
    assert b'"status":"RESOURCE_EXHAUSTED"' in body
    assert len(wire.vertex.tuning_jobs) == (when == "after")


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_answer_that_cannot_be_read(wire: Wire, when: Any) -> None:
    wire.vertex.fail_next(VertexFault(kind="garbage", when=when, **CREATE))
    wire.vertex.fail_next(VertexFault(kind="html", when=when, status=502, nth=1, **CREATE))
    status, body, _ = _create(wire)
    assert status == 200
    with pytest.raises(UnicodeDecodeError):
        body.decode()
    status, body, headers = _create(wire)
    assert (status, headers["Content-Type"]) == (502, "text/html; charset=UTF-8")
    assert body.startswith(b"<!DOCTYPE html>")
    assert len(wire.vertex.tuning_jobs) == 2 * (when == "after")


def test_a_stall_outlasts_the_patience_of_the_client(wire: Wire) -> None:
    wire.vertex.fail_next(VertexFault(kind="stall", seconds=30, when="after", **CREATE))
    with pytest.raises(TimeoutError):
        wire.call("POST", "tuningJobs", _body(wire), timeout=0.1)
    assert len(wire.vertex.tuning_jobs) == 1


def _body(wire: Wire) -> dict[str, Any]:
    uri = stored_rows(wire.vertex)
    return {"baseModel": "gemini-3.5-flash", "supervisedTuningSpec": {"trainingDatasetUri": uri}}


def test_a_slow_answer_comes_whole(wire: Wire) -> None:
    wire.vertex.fail_next(VertexFault(kind="slow", seconds=0.2, **CREATE))
    began = time.monotonic()
    status, body, _ = _create(wire)
    assert (status, body[-1:]) == (200, b"}")
    assert time.monotonic() - began >= 0.15


def test_a_late_call_takes_effect_when_its_time_has_come(wire: Wire) -> None:
    wire.vertex.fail_next(VertexFault(kind="late", seconds=90, **CREATE))
    with pytest.raises(RemoteDisconnected):
        _create(wire)
    wire.vertex.advance(80)
    assert wire.get("tuningJobs").body["tuningJobs"] == []
    wire.vertex.advance(11)
    assert len(wire.get("tuningJobs").body["tuningJobs"]) == 1


def test_a_call_delivered_twice_makes_two_jobs(wire: Wire) -> None:
    wire.vertex.fail_next(VertexFault(kind="duplicate", **CREATE))
    assert _create(wire)[0] == 200
    assert len(wire.vertex.tuning_jobs) == 2


def test_every_kind_is_tested() -> None:
    tested = {"close", "reset", "truncate", "stall", "status", "garbage", "html"}
    assert set(get_args(FaultKind)) == tested | {"slow", "late", "duplicate"}


def test_a_fault_hits_the_calls_it_is_meant_for(vertex: VertexEmulator) -> None:
    wire = Wire(vertex)
    vertex.fail_next(
        VertexFault(kind="status", method="GET", path="*/tuningJobs/*", nth=2, times=2)
    )
    job = wire.tune()
    path = f"/v1beta1/{job.body['name']}"
    seen = [wire.get(path).status for _ in range(5)]
    assert seen == [200, 503, 503, 200, 200]
    assert [fired.call for fired in vertex.faults_fired] == [2, 3]
    assert vertex.requests[2].method == "GET"
    assert vertex.faults_left == ()
    assert wire.get("tuningJobs").status == 200


def test_a_fault_that_did_not_happen_is_named(vertex: VertexEmulator) -> None:
    vertex.fail_next(VertexFault(kind="reset", path="*:cancel"))
    with pytest.raises(
        AssertionError,
        match=r"1 planned fault did not happen.*\n- reset \(before\) at \* \*:cancel",
    ):
        vertex.check_faults_fired()


def test_tokens_and_rows_are_in_no_repr(vertex: VertexEmulator) -> None:
    Wire(vertex).call("GET", "tuningJobs", headers={"Authorization": "Bearer canary"})
    (call,) = vertex.requests
    assert call.headers["authorization"] == "Bearer canary"
    assert "canary" not in repr(call) + repr(vertex)


def test_a_connection_is_kept_and_closed_at_the_end() -> None:
    with VertexEmulator() as vertex:
        parts = urlsplit(vertex.url)
        connection = socket.create_connection((parts.hostname, parts.port or 0), timeout=5)
        for _ in range(2):
            connection.sendall(b"GET /v1/nothing HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(4096).startswith(b"HTTP/1.1 404")
    with connection:
        assert connection.recv(1) == b""
