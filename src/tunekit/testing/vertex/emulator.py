"""`VertexEmulator`: Vertex AI's tuning and Cloud Storage, over HTTP on this machine.

Belongs here: the door to it, and how a call goes through it.
Does not belong here: what is answered (`routes.py`, `storage/`), sockets (`server.py`).
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from os import PathLike
from types import TracebackType
from typing import Literal, Self

from tunekit.jobs.clock import Clock
from tunekit.testing.vertex.engines import Answers, Engine, ScriptEngine
from tunekit.testing.vertex.faults import FaultPlan, FiredFault, VertexFault
from tunekit.testing.vertex.local_engine import LocalEngine
from tunekit.testing.vertex.place import Place, Rules
from tunekit.testing.vertex.routes import answer_vertex
from tunekit.testing.vertex.scripts import ScriptLike, VertexScript, VertexStep, script_of
from tunekit.testing.vertex.server import Answered, Server
from tunekit.testing.vertex.storage.routes import StorageRoutes
from tunekit.testing.vertex.storage.store import ObjectStore
from tunekit.testing.vertex.timing import EmulatedTime, clock_named
from tunekit.testing.vertex.wire import Call, Json, Refusal, Reply

BUCKET = "tunekit-emulated"
"""The bucket that is there from the start."""
RETIRED = (
    "gemini-1.*",
    "gemini-2.0-*",
    "text-bison*",
    "chat-bison*",
    "code-bison*",
    "codechat-bison*",
)
_PAGE = "<!DOCTYPE html>\n<html><title>Error {status}</title><p>The server encountered a temporary error.</html>\n"


class VertexEmulator:
    """Vertex AI's tuning and Cloud Storage, over HTTP on this machine, for tests.

    It speaks the wire as Google's own clients do, which work against it unchanged, and it is as strict as the servers:
    unknown fields, wrong enums, missing files and bad rows are refused in their words. Nothing leaves the machine.

    Args:
        engine: `script`: jobs follow a script, and tuned models answer what they are told to. `local`: jobs of tuning
            are really trained by `LocalBackend`, and their endpoints answer with the tuned model.
        script: What happens to jobs, with `script`: states by their words, or a `VertexScript`. The default succeeds
            after 40 seconds of the emulator's clock.
        faults: What goes wrong on the wire.
        project: Id of the project.
        location: Where things are unless a call says otherwise.
        clock: `virtual`: time passes by `seconds_per_request` with every request, and by `advance`. `real`: as it
            does. Or a clock of your own. `None` takes `real` with the engine `local`, else `virtual`.
        seconds_per_request: What passes with every request on a virtual clock.
        predictions: What tuned models answer, with `script`: by what the user said last, or a function of it.
        base_predictions: What base models answer, likewise.
        serving_location: Where tuned models are served. `None`: where they are tuned; the servers serve some in `us`.
        local_models: Which model of this machine stands for a base model, by patterns such as `gemini-*`, with
            `local`. `None` takes `tunekit/nano` for all.
        home: Folder for jobs and models, with `local`. `None` takes one that is removed at the end.
        allow_retired: Whether retired base models and pipelines work.
        list_lag_seconds: How long a new job is missing from lists.
        operation_seconds: How long an operation takes to be done.

    Example:
        >>> from tunekit.testing import VertexEmulator
        >>> with VertexEmulator(script=["QUEUED", "RUNNING", "SUCCEEDED"]) as vertex:
        ...     uri = vertex.put_object("train.jsonl", b'{"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}')
        >>> uri
        'gs://tunekit-emulated/train.jsonl'
    """

    def __init__(
        self,
        *,
        engine: Literal["script", "local"] = "script",
        script: ScriptLike = VertexScript(),  # noqa: B008  # frozen
        faults: Iterable[VertexFault] = (),
        project: str = "tunekit-project",
        location: str = "us-central1",
        clock: Literal["virtual", "real"] | Clock | None = None,
        seconds_per_request: float = 1.0,
        predictions: Answers | None = None,
        base_predictions: Answers | None = None,
        serving_location: str | None = None,
        local_models: Mapping[str, str] | None = None,
        home: str | PathLike[str] | None = None,
        allow_retired: bool = False,
        list_lag_seconds: float = 0.0,
        operation_seconds: float = 0.0,
    ) -> None:
        chosen = clock or ("real" if engine == "local" else "virtual")
        time = EmulatedTime(clock_named(chosen), seconds_per_request)
        self._runs: Engine = (
            LocalEngine(time, local_models, home)
            if engine == "local"
            else ScriptEngine(predictions or {}, base_predictions or {})
        )
        number = "123456789012"
        store = ObjectStore(number, stamp=lambda: time.stamp(time.now()))
        store.add_bucket(BUCKET, location)
        self._place = Place(
            project=project,
            project_number=number,
            location=location,
            serving_location=serving_location,
            time=time,
            engine=self._runs,
            rules=Rules(RETIRED, allow_retired, list_lag_seconds, operation_seconds),
            script=script_of(script),
            storage=store,
        )
        self._storage = StorageRoutes(store, location)
        self._plan = FaultPlan(faults)
        self._calls: list[Call] = []
        self._replies: list[Reply | None] = []
        self._lock = threading.RLock()
        self._server = Server(self._answered)

    def __enter__(self) -> Self:
        """Begin to serve."""
        self._place.storage.base_url = self.url
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop serving; jobs that are being trained are cancelled."""
        self._server.stop()
        self._runs.close()

    def __repr__(self) -> str:
        return f"<VertexEmulator at {self.url}>"

    # --- where it is -------------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Where Vertex AI is, such as `http://127.0.0.1:8080`."""
        return self._server.url

    @property
    def storage_url(self) -> str:
        """Where Cloud Storage is; for Google's client also in the variable `STORAGE_EMULATOR_HOST`."""
        return self._server.url

    @property
    def project(self) -> str:
        """Id of the project."""
        return self._place.project

    @property
    def project_number(self) -> str:
        """Number of the project, which names in answers have."""
        return self._place.project_number

    @property
    def location(self) -> str:
        """Where things are unless a call says otherwise."""
        return self._place.location

    @property
    def bucket(self) -> str:
        """Name of the bucket that is there from the start."""
        return BUCKET

    # --- what happens ------------------------------------------------------------------------------------------------

    @property
    def clock(self) -> Clock:
        """Its clock; `tk.Client(backend, clock=vertex.clock)` waits on it, and so without waiting."""
        return self._place.time.clock

    def advance(self, seconds: float) -> None:
        """Let time pass: at once on a virtual clock, by waiting on a real one."""
        self._place.time.advance(seconds)

    def script_next(self, *script: str | VertexStep | VertexScript) -> None:
        """Give the next new job a script of its own; later jobs follow the common one again."""
        whole = [part for part in script if isinstance(part, VertexScript)]
        steps = [part for part in script if not isinstance(part, VertexScript)]
        with self._lock:
            self._place.next_scripts.append(whole[0] if whole else script_of(steps))

    def fail_next(self, fault: VertexFault) -> None:
        """Let something go wrong from now on."""
        with self._lock:
            self._plan.add(fault)

    # --- what happened -----------------------------------------------------------------------------------------------

    @property
    def requests(self) -> tuple[Call, ...]:
        """Every call that came, in order, also those that something went wrong with."""
        return tuple(self._calls)

    @property
    def replies(self) -> tuple[Reply | None, ...]:
        """What was made of each of `requests`; `None` where a fault kept it from having an answer."""
        return tuple(self._replies)

    @property
    def faults_fired(self) -> tuple[FiredFault, ...]:
        """The faults that happened, in order."""
        return tuple(self._plan.fired)

    @property
    def faults_left(self) -> tuple[VertexFault, ...]:
        """Faults that have not hit as often as planned: a test that plans them should see none left."""
        return self._plan.left

    def check_faults_fired(self) -> None:
        """Hold that every planned fault has happened.

        Raises:
            AssertionError: One has not; it names them, and the way on.
        """
        self._plan.check()

    # --- what is there -----------------------------------------------------------------------------------------------

    @property
    def tuning_jobs(self) -> tuple[Json, ...]:
        """Every tuning job as the wire shows it, the oldest first."""
        return self._shown("tuning_jobs")

    @property
    def pipeline_jobs(self) -> tuple[Json, ...]:
        """Every pipeline job as the wire shows it, the oldest first."""
        return self._shown("pipeline_jobs")

    @property
    def objects(self) -> Mapping[str, bytes]:
        """Every stored object by its `gs://` address."""
        with self._lock:
            return {
                f"gs://{bucket}/{name}": stored.data
                for bucket, kept in self._place.storage.buckets.items()
                for name, stored in kept.objects.items()
            }

    def put_object(self, name: str, data: bytes) -> str:
        """Store an object, without a request; gives its address.

        Args:
            name: A name in the bucket that is there from the start, or a `gs://` address in any bucket.
            data: What to store.
        """
        uri = name if name.startswith("gs://") else f"gs://{BUCKET}/{name}"
        bucket, _, inner = uri.removeprefix("gs://").partition("/")
        with self._lock:
            if bucket not in self._place.storage.buckets:
                self._place.storage.add_bucket(bucket, self.location)
            self._place.storage.put(bucket, inner, data)
        return uri

    # --- how a call goes through -------------------------------------------------------------------------------------

    def _shown(self, kind: Literal["tuning_jobs", "pipeline_jobs"]) -> tuple[Json, ...]:
        with self._lock:
            self._place.settle()
            return tuple(job.view(self._place) for job in getattr(self._place, kind).values())

    def _answered(self, call: Call) -> Answered:
        """Count a call, let time pass, and answer it or let it go wrong."""
        with self._lock:
            fault = self._plan.next_for(call, len(self._calls))
            self._calls.append(call)
            self._place.time.request_came()
            self._place.time.do_what_is_due()
            answered = (
                Answered(self._reply(call), None)
                if fault is None
                else self._gone_wrong(call, fault)
            )
            self._replies.append(answered.reply)
            return answered

    def _gone_wrong(self, call: Call, fault: VertexFault) -> Answered:
        if fault.kind in ("slow", "duplicate"):
            reply = self._reply(call)
            if fault.kind == "duplicate":
                self._reply(call)
            return Answered(reply, fault)
        if fault.kind == "late":
            self._place.time.later(fault.seconds, lambda: self._reply(call))
            return Answered(None, fault)
        true = self._reply(call) if fault.when == "after" else None
        if fault.kind == "truncate":
            return Answered(true, fault)
        return Answered(_broken(fault), fault)

    def _reply(self, call: Call) -> Reply:
        self._place.settle()
        try:
            if self._storage.takes(call):
                return self._storage.answer(call)
            return answer_vertex(self._place, call)
        except Refusal as refusal:
            return refusal.reply()


def _broken(fault: VertexFault) -> Reply | None:
    """What a client gets instead of the answer, where it gets something."""
    headers = (
        {} if fault.retry_after_seconds is None else {"Retry-After": str(fault.retry_after_seconds)}
    )
    if fault.kind == "html":
        page = _PAGE.format(status=fault.status).encode()
        return Reply(fault.status, page, "text/html; charset=UTF-8", headers)
    if fault.kind == "status":
        reply = Refusal(fault.status, "Refused, as planned.").reply()
        return Reply(reply.status, reply.body, reply.content_type, headers)
    if fault.kind == "garbage":
        return Reply(200, b"\xff\xfe{garbage", "application/json; charset=UTF-8")
    return None
