"""Shares a check among processes.

The processes are started as commands of their own rather than through `multiprocessing`, which would run the user's
script once more in each of them.

Belongs here: cutting files into ranges, and who judges which.
Does not belong here: judging (`scan.py`), merging (`partial.py`).
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from queue import SimpleQueue
from typing import IO, Self, cast

from tunekit.data.check.partial import CheckOptions, Partial
from tunekit.data.check.progress import Told, nobody
from tunekit.data.check.scan import Range, scan, scan_into
from tunekit.data.opening import can_be_cut
from tunekit.data.reader import FileSource, Source

RANGE_BYTES = 64 << 20
"""Bytes of one range: enough to make the way to a process and back cheap."""


def checked(
    sources: Sequence[Source],
    options: CheckOptions,
    processes: int | None,
    told: Told = nobody,
) -> Partial:
    """Everything gathered from the sources.

    Args:
        sources: Where the rows are.
        options: How to judge them.
        processes: How many processes judge; `None` takes one for each core where there is work for them.
        told: Is told how far it is.
    """
    parts = list(ranges(sources))
    count = min(_wanted(sources) if processes is None else processes, len(parts))
    if options.asked.own:
        count = 1  # a function of the caller's may be of no use in another process
    if count < 2:
        partial = Partial(options)
        for index, source in enumerate(sources):
            scan_into(partial, Range(index, source), told)
        return partial
    total = Partial(options)
    for part, partial in zip(parts, _judged(parts, options, count), strict=True):
        total.merge(partial)
        told(_num_bytes(part))
    return total


def _wanted(sources: Sequence[Source]) -> int:
    """One process for each core where there is work for them that they can all see."""
    if not sys.executable or any(
        name.startswith("memory:") for one in sources for name in one.names
    ):
        return 1
    return _cores() if sum(one.num_bytes or 0 for one in sources) >= 2 * RANGE_BYTES else 1


def ranges(sources: Sequence[Source], size: int | None = None) -> Iterator[Range]:
    """The sources in ranges of so many bytes, at least 1; `None` takes `RANGE_BYTES`."""
    size = RANGE_BYTES if size is None else size
    for index, source in enumerate(sources):
        if not isinstance(source, FileSource) or not can_be_cut(source.path):
            yield Range(index, source)
            continue
        starts = range(0, source.num_bytes, size) or (0,)
        for start in starts:
            end = start + size
            yield Range(index, source, start, end if end < source.num_bytes else None)


def _num_bytes(part: Range) -> int:
    size = part.source.num_bytes or 0
    return (size if part.end is None else part.end) - part.start


def _judged(parts: Sequence[Range], options: CheckOptions, count: int) -> Iterator[Partial]:
    """What each range gives, in order, from so many processes; no more ranges ahead than there are processes."""
    with ExitStack() as stack:
        workers: SimpleQueue[_Worker] = SimpleQueue()
        for _ in range(count):
            workers.put(stack.enter_context(_Worker(options)))
        pool = stack.enter_context(ThreadPoolExecutor(count))
        waiting: list[Future[Partial]] = []
        for part in parts:
            if len(waiting) == 2 * count:
                yield waiting.pop(0).result()
            waiting.append(pool.submit(_ask, workers, part))
        while waiting:
            yield waiting.pop(0).result()


def _ask(workers: SimpleQueue[_Worker], part: Range) -> Partial:
    worker = workers.get()
    try:
        return worker.judge(part)
    finally:
        workers.put(worker)


class _Worker:
    """A process that judges ranges."""

    def __init__(self, options: CheckOptions) -> None:
        self._options = options

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", __name__]
        self._process = subprocess.Popen(  # noqa: S603  # our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment()
        )
        self._questions = cast("IO[bytes]", self._process.stdin)
        self._answers = cast("IO[bytes]", self._process.stdout)
        self._send(self._options)
        return self

    def __exit__(self, *raised: object) -> None:
        if raised[0] is not None:
            self._process.kill()
        self._process.communicate()

    def judge(self, part: Range) -> Partial:
        """Have a range judged.

        Raises:
            OSError: Its file cannot be read.
        """
        self._send(part)
        answer = pickle.load(self._answers)  # noqa: S301  # from our own process
        if isinstance(answer, Partial):
            return answer
        raise answer

    def _send(self, value: object) -> None:
        pickle.dump(value, self._questions)
        self._questions.flush()


def _environment() -> dict[str, str]:
    """This process's environment, with the same places to import from."""
    return os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def _serve(stdin: IO[bytes], stdout: IO[bytes]) -> None:
    """Judge what is asked until nothing is asked any more."""
    options = pickle.load(stdin)  # noqa: S301  # from our own process
    while True:
        try:
            part = pickle.load(stdin)  # noqa: S301
        except EOFError:
            return
        try:
            answer: object = scan(part, options)
        except Exception as error:  # raised again where it was asked
            answer = error
        pickle.dump(answer, stdout)
        stdout.flush()


if __name__ == "__main__":
    _serve(sys.stdin.buffer, sys.stdout.buffer)
