"""What the package ships for other people's tests."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

import tunekit as tk
from sample_rows import routing
from tunekit.testing import Fault, NetworkForbidden, Step, forbid_network

pytest_plugins = ["pytester"]
TUNER = tk.SupervisedTuner(base_model="any")


def test_nothing_gets_out_of_the_machine() -> None:
    with forbid_network():
        with pytest.raises(NetworkForbidden):
            socket.create_connection(("192.0.2.1", 80), timeout=1)
        with pytest.raises(NetworkForbidden):
            socket.getaddrinfo("example.com", 80)


def test_this_machine_itself_can_be_reached() -> None:
    with forbid_network(), socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()


def test_the_guard_is_gone_afterwards() -> None:
    before = socket.socket.connect
    with forbid_network():
        assert socket.socket.connect is not before
    assert socket.socket.connect is before


def test_the_fixtures_are_there_for_other_projects(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import socket
        import pytest
        import tunekit as tk
        from tunekit.testing import NetworkForbidden

        def release(client):
            rows = tk.Dataset.read([{"input_text": "a", "output_text": "b"}], row=tk.PromptCompletion)
            return client.tune(tk.SupervisedTuner(base_model="m"), rows).result()

        def test_release(tunekit_memory):
            tunekit_memory.script_next("QUEUED", "RUNNING", "FAILED")
            with pytest.raises(tk.JobFailed):
                release(tk.Client(tunekit_memory))
            assert release(tk.Client(tunekit_memory)).id == "memory:2/model"
            assert len(tunekit_memory.requests) == 2

        def test_offline(tunekit_no_network):
            with pytest.raises(NetworkForbidden):
                socket.create_connection(("192.0.2.1", 80))
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)


def test_the_plugin_loads_nothing_before_it_is_asked() -> None:
    code = "import sys, tunekit.testing.pytest_plugin; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"pydantic", "rich", "torch"} & {name.split(".")[0] for name in done.stdout.split()}


def test_scripts_are_followed_on_the_virtual_clock() -> None:
    backend = tk.MemoryBackend(
        [Step(state="QUEUED", seconds=5), Step(state="RUNNING", seconds=7), "SUCCEEDED"]
    )
    job = tk.Client(backend).tune(TUNER, routing())
    seen = []
    for _ in range(14):
        seen.append(job.refresh().state.value)
        backend.clock.sleep(1)
    assert seen == ["QUEUED"] * 5 + ["RUNNING"] * 7 + ["SUCCEEDED"] * 2


def test_an_ended_job_tells_when_it_ended_not_when_it_was_asked() -> None:
    backend = tk.MemoryBackend([Step(state="RUNNING", seconds=7), "SUCCEEDED"])
    job = tk.Client(backend).tune(TUNER, routing())
    first = job.wait().ended_at
    backend.clock.sleep(1_000)
    assert job.refresh().ended_at == first
    assert first is not None
    assert (first - job.record.created_at).total_seconds() == 7


def test_faults_fire_where_they_are_planned() -> None:
    backend = tk.MemoryBackend(faults=[Fault(verb="fetch", kind="quota", after=2, times=1)])
    job = tk.Client(backend).tune(TUNER, routing())
    backend.fetch(job.id)
    backend.fetch(job.id)
    with pytest.raises(tk.QuotaExceeded):
        backend.fetch(job.id)
    backend.fetch(job.id)
    assert backend.faults_left == ()


def test_a_fault_that_never_fired_is_left() -> None:
    backend = tk.MemoryBackend(faults=[Fault(verb="cancel", kind="transient")])
    tk.Client(backend).tune(TUNER, routing()).wait()
    assert len(backend.faults_left) == 1


def test_a_resumed_fake_keeps_its_events() -> None:
    backend = tk.MemoryBackend(["RUNNING", "FAILED"])
    job = tk.Client(backend).tune(TUNER, routing())
    job.wait()
    job.resume()
    job.wait()
    assert [event.message for event in job.events()] == [
        "RUNNING",
        "FAILED",
        "RUNNING",
        "SUCCEEDED",
    ]
    assert [event.attempt for event in job.events()] == [1, 1, 2, 2]
