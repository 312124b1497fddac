"""A token, a prompt and a row get into no log, repr, error, journal or record; and a token goes nowhere else."""

from __future__ import annotations

import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tunekit as tk
from tunekit.backends.vertex.faults import without_rows
from tunekit.testing import VertexEmulator, VertexFault
from vertex.emulated import backend_on

TOKEN, ROW, PROMPT, ANSWER = (
    "canary-token-4711",
    "canary-row-4712",
    "canary-prompt-4713",
    "canary-answer-4714",
)
CANARIES = (TOKEN, ROW, PROMPT, ANSWER)
SUPERVISED = tk.SupervisedTuner(base_model="gemini-3.5-flash", epochs=1)


def credentials() -> Any:
    from google.oauth2.credentials import Credentials

    return Credentials(token=TOKEN)


def rows() -> tk.Dataset[Any]:
    return tk.Dataset.read(
        [{"input_text": f"{ROW} number {n}", "output_text": f"yes {n}"} for n in range(12)],
        row=tk.PromptCompletion,
    )


@pytest.fixture
def emulator() -> Iterator[VertexEmulator]:
    with VertexEmulator(predictions=lambda prompt: ANSWER) as vertex:
        yield vertex


class Everything(logging.Handler):
    """Keeps every record with all that was handed to it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(f"{record.getMessage()} {vars(record)}")


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Everything]:
    """Everything that is logged, with Google's own request logging switched on."""
    handler = Everything()
    loggers = [logging.getLogger(), logging.getLogger("google")]
    before = [(logger, logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
    yield handler
    for logger, level, propagate in before:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate


STORY: dict[str, Callable[[tk.Client], Any]] = {
    "plan": lambda client: client.plan(SUPERVISED, rows()),
    "tune": lambda client: client.tune(SUPERVISED, rows(), key="k").wait(),
    "jobs": lambda client: client.jobs(),
    "model": lambda client: client.tune(SUPERVISED, rows(), key="k").result(),
    "predict": lambda client: str(
        client.tune(SUPERVISED, rows(), key="k").result().predict(PROMPT)
    ).replace(ANSWER, "the answer"),
    "events": lambda client: list(client.tune(SUPERVISED, rows(), key="k").events(follow=True)),
    "delete": lambda client: client.tune(SUPERVISED, rows(), key="k").result().delete(),
}
FAULTS = [
    None,
    VertexFault(kind="status", status=400, method="POST", path="*/tuningJobs"),
    VertexFault(kind="garbage", method="GET", path="*/tuningJobs/*"),
    VertexFault(kind="status", status=403, method="GET", path="*/tuningJobs/*"),
    VertexFault(kind="garbage", when="after", method="POST", path="*:generateContent"),
    VertexFault(kind="status", status=400, method="POST", path="*:generateContent"),
]


def shown(value: object) -> list[str]:
    """All the ways in which a value is shown or kept."""
    texts = [repr(value), str(value)]
    if isinstance(value, BaseException):
        texts += traceback.format_exception(value)
    html = getattr(value, "_repr_html_", None)
    if callable(html):
        texts.append(str(html()))
    record = getattr(value, "record", None)
    if record is not None:
        texts += [str(record), str(pickle.dumps(record))]
    return texts


@pytest.mark.filterwarnings("ignore::tunekit.PromptShapeWarning")
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_no_canary_gets_out(
    fault: VertexFault | None, emulator: VertexEmulator, log: Everything, tmp_path: Path
) -> None:
    backend = backend_on(emulator, tmp_path, credentials=credentials())
    client = tk.Client(backend, watch="silent")
    if fault is not None:
        emulator.fail_next(fault)
    told = [
        repr(backend),
        repr(client),
        repr(backend._transport),
        repr(vars(backend._transport.connection.__class__)),
    ]
    for tell in STORY.values():
        try:
            told += shown(tell(client))
        except tk.TunekitError as error:
            told += shown(error)
    if fault is not None:
        emulator.check_faults_fired()
    kept = [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    assert len(kept) > 1
    assert log.told
    for canary in CANARIES:
        for text in (*told, *log.told, *kept):
            assert canary not in text


def test_a_journal_is_for_its_owner_only(emulator: VertexEmulator, tmp_path: Path) -> None:
    tk.Client(backend_on(emulator, tmp_path)).tune(SUPERVISED, rows(), key="k")
    files = [path for path in (tmp_path / "vertex").rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700


def test_rows_that_the_server_shows_are_taken_out(emulator: VertexEmulator, tmp_path: Path) -> None:
    backend = backend_on(emulator, tmp_path)
    job = tk.Client(backend, watch="silent").tune(SUPERVISED, rows(), key="k")
    job.wait()
    assert ROW in str(emulator.tuning_jobs[0])
    statistics = backend.data_statistics(job.id)
    assert statistics is not None
    assert statistics.rows == 12
    assert ROW not in repr(statistics) + repr(backend._jobs._last)


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ('Row 3 is bad. JSON: {"contents": "secret"}', "Row 3 is bad. ..."),
        ('Bad line {"input_text": "secret"} here', "Bad line ..."),
        ("plain", "plain"),
        ("x" * 1_000, "x" * 400 + "..."),
    ],
)
def test_a_message_is_cut_where_it_quotes_a_row(message: str, kept: str) -> None:
    assert without_rows(message) == kept


HOSTILE = [
    "http://evil.example.com",
    "http://10.0.0.1:8080",
    "http://127.0.0.1.evil.example.com",
    "http://localhost.evil.example.com/",
    "ftp://127.0.0.1",
    "//evil.example.com",
    "evil.example.com",
    "http://[2001:db8::1]/",
    "http://127.0.0.1@evil.example.com/",
    "https://user:password@europe-west4-aiplatform.googleapis.com",
    "http://169.254.169.254/",
    "http:///",
    "https://",
]


@pytest.mark.parametrize("name", ["base_url", "storage_url"])
@pytest.mark.parametrize("url", HOSTILE)
def test_a_token_goes_over_no_plain_http_to_another_machine(name: str, url: str) -> None:
    settings: dict[str, Any] = {name: url}
    with pytest.raises(tk.SettingInvalid) as refused:
        tk.VertexBackend(project="p", staging_bucket="b", **settings)
    assert refused.value.place == name
    assert "password" not in str(refused.value).replace("holds a password", "")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://psc.example.com"]
)
def test_an_address_of_ones_own_is_taken(url: str) -> None:
    tk.VertexBackend(project="p", staging_bucket="b", base_url=url, storage_url=url)


def test_no_variable_turns_the_storage_elsewhere(
    emulator: VertexEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://evil.example.com")
    backend = backend_on(emulator, tmp_path, credentials=credentials())
    tk.Client(backend).tune(SUPERVISED, rows(), key="k")
    assert emulator.objects


def test_an_answer_that_points_elsewhere_is_not_followed(tmp_path: Path) -> None:
    import responses

    with responses.RequestsMock() as server:
        server.get(
            "https://us-central1-aiplatform.googleapis.com/v1beta1/projects/p/locations/us-central1/tuningJobs/1",
            status=302,
            headers={"Location": "https://evil.example.com/"},
        )
        backend = tk.VertexBackend(
            project="p", staging_bucket="b", credentials=credentials(), root=tmp_path
        )
        with pytest.raises(tk.TransientFault):
            backend.fetch("vertex:projects/p/locations/us-central1/tuningJobs/1")
        assert len(server.calls) == 1
