"""What takes too long for the tests: more schedules of the protocol, more kills, a thousand jobs under watch.

python -m tools.vertex_bench schedules   every order of 4 events, for tuning jobs
python -m tools.vertex_bench kills       kill -9 at every step, here and on another machine
python -m tools.vertex_bench watch       1,000 jobs for ten minutes: requests per second, memory
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

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
    """A thousand jobs in one process."""
    from vertex.test_watching import watched

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with TemporaryDirectory() as folder:
        rate = watched(Path(folder), jobs=1_000, seconds=600, pause=15)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1_024
    print(f"1,000 jobs for ten minutes, each looked at every 15 s: {rate:.2f} requests per second")
    print(f"memory grew by {grown:.0f} MB, the libraries and the emulator's jobs included")


if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / "tests")]
    {"kills": kills, "schedules": schedules, "watch": watch}[sys.argv[1]]()
