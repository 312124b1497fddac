"""The command: output, and exit codes that scripts can rely on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sample_rows import PROMPT, preference_lines, routing_lines, write_lines
from tunekit import cli


def run(
    *arguments: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[int, str, str]:
    """Run the command in this process: exit code, standard output, standard error."""
    monkeypatch.setattr(sys, "argv", ["tunekit", *arguments])
    code = 0
    try:
        cli.main()
    except SystemExit as exit_:
        code = exit_.code if isinstance(exit_.code, int) else 1
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def tunekit(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command, as a function."""
    return lambda *arguments: run(*arguments, capsys=capsys, monkeypatch=monkeypatch)


@pytest.fixture
def rows_file(tmp_path: Path) -> str:
    """A file of good rows."""
    return write_lines(tmp_path / "rows.jsonl", routing_lines(24))


def test_good_rows_exit_with_0(tunekit: Any, rows_file: str) -> None:
    code, out, _ = tunekit("check", rows_file)
    assert code == 0
    assert "24 rows" in out


def test_bad_rows_exit_with_1(tunekit: Any, tmp_path: Path) -> None:
    code, out, _ = tunekit("check", write_lines(tmp_path / "r.jsonl", [*routing_lines(3), "{"]))
    assert code == 1
    assert "r.jsonl:4" in out


def test_what_fails_a_check_can_be_chosen(tunekit: Any, tmp_path: Path) -> None:
    told = {"input_text": "Write to ada@example.org", "output_text": "billing"}
    path = write_lines(tmp_path / "r.jsonl", [*routing_lines(3), routing_lines(1)[0], told])
    assert tunekit("check", path)[0] == 0
    assert tunekit("check", path, "--fail-on", "warning")[0] == 1
    quiet = ("check", path, "--fail-on", "warning", "--ignore", "duplicate-row")
    assert tunekit(*quiet)[0] == 0
    code, out, _ = tunekit(*quiet, "--also", "personal-data")
    assert code == 1
    assert "email-address" in out
    assert "ada@" not in out
    assert tunekit("check", path, "--ignore", "no-such-rule")[0] == 2


def test_a_check_writes_a_page_and_sarif(tunekit: Any, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "r.jsonl", [*routing_lines(3), "{"])
    page, log = tmp_path / "r.html", tmp_path / "r.sarif"
    assert tunekit("check", path, "--html", str(page), "--sarif", str(log))[0] == 1
    assert "not-json" in page.read_text()
    assert json.loads(log.read_text())["runs"][0]["results"][0]["ruleId"] == "not-json"


def test_a_corrected_copy_is_written(tunekit: Any, tmp_path: Path) -> None:
    path = write_lines(tmp_path / "r.jsonl", [*routing_lines(3), ""])
    code, out, _ = tunekit("fix", path, "--to", str(tmp_path / "f.jsonl"))
    assert code == 0
    assert "blank-line" in out
    assert len((tmp_path / "f.jsonl").read_text().splitlines()) == 3
    assert tunekit("fix", path, "--to", path, "--overwrite")[0] == 2


def test_a_report_is_json_when_asked(tunekit: Any, tmp_path: Path) -> None:
    code, out, _ = tunekit(
        "check", "--json", write_lines(tmp_path / "r.jsonl", [*routing_lines(3), "{"])
    )
    assert code == 1
    assert [finding["line"] for finding in json.loads(out)["findings"]] == [4]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["check", "nowhere.jsonl"], 2, "nowhere.jsonl"),
        (["check"], 2, "Missing argument"),
        (["plan", "{rows}", "--method", "supervize"], 2, "Did you mean 'supervised'"),
        (["plan", "{rows}", "--set", "epochs"], 2, "name=value"),
        (["plan", "{rows}", "--set", "epochs=0"], 2, "epochs"),
        (["plan", "{rows}", "--set", "epoks=1"], 2, "epoks"),
        (["plan", "{rows}", "--base-model", "tunekit/nanno"], 3, "Did you mean 'tunekit/nano'"),
        (["wait", "local:nothing"], 4, "no job"),
        (["wait", "vertex:1"], 4, "no job of the backend 'local'"),
        (["predict", "local:nothing/model", "hi"], 4, "no weights"),
        (["export", "local:nothing/model", "out"], 4, "no weights"),
        (["quickstart", "alchemy"], 2, "no quickstart"),
    ],
)
def test_what_goes_wrong_has_a_code_and_a_sentence(
    tunekit: Any, rows_file: str, arguments: list[str], code: int, told: str
) -> None:
    found, _, err = tunekit(*(argument.replace("{rows}", rows_file) for argument in arguments))
    assert (found, told in err) == (code, True), err


def test_the_doctor_sees_what_is_installed(tunekit: Any) -> None:
    code, out, _ = tunekit("doctor", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["missing"] == []
    assert found["unfit"] == {}
    assert set(found["packages"]) >= {"torch", "transformers", "trl", "peft"}


def test_the_doctor_says_what_is_missing(tunekit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunekit.backends.local.examination.missing_packages", lambda: ("trl",))
    code, out, _ = tunekit("doctor")
    assert code == 3
    assert "pip install 'tunekit[local]'" in out


def test_no_jobs_are_no_jobs(tunekit: Any) -> None:
    assert tunekit("jobs")[:2] == (0, "No jobs yet.\n")
    assert json.loads(tunekit("jobs", "--json")[1]) == []


def test_a_job_from_the_command_line_to_the_end(
    tunekit: Any, rows_file: str, tiny_model: str, home: Path
) -> None:
    settings = [
        "--set",
        "train_steps=12",
        "--set",
        'learning_rate={"absolute": 0.01}',
        "--set",
        "batch_size=8",
    ]
    code, out, _ = tunekit("plan", rows_file, "--base-model", tiny_model, *settings)
    assert code == 0
    assert "train_steps" in out
    arguments = ["tune", rows_file, "--base-model", tiny_model, *settings, "--key", "cli"]
    code, out, _ = tunekit(*arguments, "--no-wait", "--json")
    assert code == 0
    job = json.loads(out)["id"]
    code, _, err = tunekit("wait", job)
    assert code == 0
    assert "loss" in err
    assert tunekit(*arguments, "--json")[1].count(job) >= 1
    assert [record["id"] for record in json.loads(tunekit("jobs", "--json")[1])] == [job]
    model = f"{job}/model"
    prompt = PROMPT.format(message="where is it").replace("\n", "\\n")
    code, out, _ = tunekit("predict", model, prompt, "--max-output-tokens", "3", "--json")
    assert code == 0
    assert set(json.loads(out)) == {"text", "stopped", "num_output_tokens"}
    code, out, _ = tunekit("evaluate", model, rows_file, "--max-rows", "6", "--json")
    assert code == 0
    assert json.loads(out)["rows"] == 6
    folder = home.parent / "out"
    code, out, _ = tunekit("export", model, str(folder), "--json")
    assert code == 0
    assert json.loads(out)["num_same_answers"] == 8
    assert tunekit("export", model, str(folder))[0] == 2
    assert tunekit("export", model, str(home.parent / "again"), "--max-drift", "0")[0] == 1
    assert tunekit("resume", job)[0] == 2
    assert tunekit("cancel", job)[0] == 0


def test_the_command_is_installed(rows_file: str) -> None:
    command = Path(sys.executable).with_name("tunekit")
    done = subprocess.run(
        [str(command), "check", rows_file],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ,
    )
    assert done.returncode == 0
    assert "24 rows" in done.stdout


def test_rows_of_several_kinds_are_given_by_name(
    tunekit: Any, tmp_path: Path, tiny_model: str
) -> None:
    pairs = write_lines(tmp_path / "pairs.jsonl", preference_lines(30))
    asked = [{"input_text": line["input_text"]} for line in preference_lines(12, seed=4)]
    prompts = write_lines(tmp_path / "prompts.jsonl", asked)
    wanted = ("plan", pairs, "--method", "rlhf", "--base-model", tiny_model, "--json")
    code, out, _ = tunekit(*wanted, "--data", f"prompts={prompts}")
    assert code == 0
    datasets = {part["name"]: part["num_rows"] for part in json.loads(out)["job"]["datasets"]}
    assert datasets == {"train": 30, "prompts": 12}
    for further, told in (
        ((), "no 'prompts' rows"),
        (("--data", f"prompts={prompts}", "--data", f"x={prompts}"), "no 'x' rows"),
        (("--data", "x"), "names no rows"),
    ):
        code, _, err = tunekit(*wanted, *further)
        assert code == 2
        assert told in err
