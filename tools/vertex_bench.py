"""What takes too long for the tests: more schedules of the protocol, more kills, a thousand jobs under watch.

python -m tools.vertex_bench schedules   every order of 4 events, for tuning jobs
python -m tools.vertex_bench kills       kill -9 at every step, here and on another machine
python -m tools.vertex_bench watch       1,000 jobs for ten minutes: requests per second, memory
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

ROOT = Path(__file__).parents[1]


def schedules() -> None:
    """Every order of events, held against the one-job rule."""
    from vertex.protocol_world import faults_of, identified, labelled, schedules

    for name, submit, most in (("tuning jobs", labelled, 4), ("pipeline jobs", identified, 5)):
        began, number, wrong = time.perf_counter(), 0, 0
        for world, found in schedules(submit, most):
            number += 1
            wrong += faults_of(world, found) is not None
        took = time.perf_counter() - began
        print(f"{name}: {number:,} schedules of up to {most} events, {wrong} wrong, {took:.0f} s")


def kills() -> None:
    """Kill -9 at every step, with and without an answer that is lost on the way."""
    from tunekit.testing import VertexEmulator, VertexFault
    from vertex.test_kills import CASES, killed_everywhere

    lost = VertexFault(kind="reset", when="after", method="POST", path="*Jobs")
    total = 0
    for name in CASES:
        for elsewhere in (False, True):
            for fault in (None, lost):
                with VertexEmulator(allow_retired=True) as emulator, TemporaryDirectory() as home:
                    number = killed_everywhere(
                        name, emulator, Path(home), elsewhere=elsewhere, every=1, fault=fault
                    )
                total += number
                where = "another machine" if elsewhere else "the same machine"
                print(
                    f"{name}, picked up on {where}, {fault or 'no fault'}: {number} kills, one job each"
                )
    print(f"{total} kills")


def watch() -> None:
    """A thousand jobs in one process; the emulator is in another, so that its memory does not count."""
    import tunekit as tk
    from tunekit.backends.memory.script import VirtualClock

    here, there = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(there,))
    server.start()
    place, names = here.recv()
    clock = VirtualClock()
    with TemporaryDirectory() as folder:
        client = tk.Client(
            tk.VertexBackend(root=Path(folder), clock=clock, **place), watch="silent", clock=clock
        )
        for name in names[
            :_WARM_JOBS
        ]:  # what is loaded once is no part of what a thousand jobs take
            client.job(name)
        before, began = _memory_here(), clock.now()
        here.send(0.0)
        asked = here.recv()
        left = [client.job(name) for name in names]
        while left:
            left = [job for job in left if not job.refresh().state.is_terminal]
            clock.sleep(_PAUSE)
            here.send(_PAUSE)
            answered = here.recv()
        grown = _memory_here() - before
    here.send(None)
    server.join()
    rate = (answered - asked) / (clock.now() - began)
    print(f"{len(names):,} jobs to their end, each looked at every {_PAUSE:.0f} s of ten minutes:")
    print(f"{rate:.2f} requests per second; the process grew by {grown:.0f} MB")


_PAUSE = 15.0
_WARM_JOBS = 10


def _serve(pipe: Connection) -> None:
    """The emulator with a thousand jobs; takes seconds to let pass, gives the requests so far."""
    import tunekit as tk
    from sample_rows import routing
    from tunekit.testing import VertexEmulator
    from tunekit.testing.vertex.scripts import VertexScript, VertexStep
    from vertex.emulated import backend_on

    script = VertexScript(
        steps=(VertexStep(state="RUNNING", seconds=600), VertexStep(state="SUCCEEDED"))
    )
    with (
        TemporaryDirectory() as folder,
        VertexEmulator(script=script, seconds_per_request=0.0) as emulator,
    ):
        backend = backend_on(emulator, Path(folder))
        tuner = tk.SupervisedTuner(base_model="gemini-3.5-flash")
        tk.Client(backend, watch="silent").tune(tuner, routing(12), key="k")
        written = ("baseModel", "labels", "supervisedTuningSpec", "tunedModelDisplayName")
        body = {k: v for k, v in emulator.tuning_jobs[0].items() if k in written}
        made = [backend._jobs.service.create_tuning(body) for _ in range(1_000)]
        place = {
            "project": emulator.project,
            "location": emulator.location,
            "staging_bucket": f"gs://{emulator.bucket}",
            "base_url": emulator.url,
            "storage_url": emulator.storage_url,
        }
        pipe.send((place, [f"vertex:{job['name']}" for job in made]))
        while (seconds := pipe.recv()) is not None:
            emulator.advance(seconds)
            pipe.send(len(emulator.requests))


def _memory_here() -> float:
    """Megabytes that this process holds."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 2**20


sys.path[:0] = [str(ROOT / "tests")]
if __name__ == "__main__":
    {"kills": kills, "schedules": schedules, "watch": watch}[sys.argv[1]]()
