"""The command `tunekit`: a thin skin over the client.

Results go to standard output, progress and errors to standard error. With `--json` the result is one JSON value.

Exit codes: 0 fine; 1 the data has errors, the job failed, or the export was refused; 2 the call is wrong; 3 this
backend or machine cannot do it; 4 no such job or model; 5 the time to wait is over; 6 the backend does not answer, try
again; 130 interrupted.

Belongs here: arguments, output and exit codes.
Does not belong here: anything that the library does not do without it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel, JsonValue, ValidationError
from rich.console import Console

from tunekit import commands, errors
from tunekit._text import plural
from tunekit.backends.local.backend import LocalBackend
from tunekit.backends.local.examination import examination
from tunekit.client import Client
from tunekit.data.check.findings import Severity
from tunekit.data.dataset import Dataset
from tunekit.display.doctor import examination_picture
from tunekit.display.jobs import jobs_picture
from tunekit.display.views import picture
from tunekit.jobs.exporting import EXPORT_FORMATS
from tunekit.jobs.handle import Job
from tunekit.jobs.watching import WatchStyle
from tunekit.quickstart import Size, quickstart_of
from tunekit.tuners.registry import AnyTuner, tuner_class
from tunekit.tuners.retrieval import LabelsName

_EXIT_CODES: Sequence[tuple[type[Exception], int]] = (
    (errors.DatasetInvalid, 1),
    (errors.JobFailed, 1),
    (errors.ExportDrifted, 1),
    (errors.ExportFailed, 1),
    (errors.MissingExtra, 3),
    (errors.MethodUnsupported, 3),
    (errors.BaseModelNotFound, 3),
    (errors.JobNotFound, 4),
    (errors.ModelNotFound, 4),
    (errors.JobTimeout, 5),
    (errors.BackendFault, 6),
    (errors.DatasetChanged, 6),
    (errors.TunekitError, 2),
    (ValidationError, 2),
)

_PIPED_WIDTH = 120

app = typer.Typer(
    name="tunekit",
    help=__doc__.split("\n\nBelongs here")[0] if __doc__ else None,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Files = Annotated[list[str], typer.Argument(help="JSON Lines files, or globs.", metavar="FILE...")]
Method = Annotated[str, typer.Option(help="Way of tuning.")]
Base = Annotated[str, typer.Option(help="Catalog or hub id, folder, or id of a tuned model.")]
Settings = Annotated[
    list[str], typer.Option("--set", help="A setting of the tuner, as name=value; may be repeated.")
]
Validation = Annotated[
    list[str], typer.Option(help="Files to evaluate on during training; may be repeated.")
]
Root = Annotated[
    Path | None, typer.Option(help="Folder of jobs and models; else TUNEKIT_HOME, else ~/.tunekit.")
]
Further = Annotated[
    list[str],
    typer.Option(
        "--data", help="Further rows as NAME=FILE, such as prompts=prompts.jsonl for rlhf."
    ),
]
Also = Annotated[
    list[str],
    typer.Option(
        help="Look for this as well: personal-data, secrets, near-duplicates, or one rule; may be repeated."
    ),
]
Ignore = Annotated[
    list[str], typer.Option(help="Leave out the findings of a rule; may be repeated.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]
JobId = Annotated[str, typer.Argument(help="Id of a job.", metavar="JOB")]
ModelId = Annotated[str, typer.Argument(help="Id of a model or checkpoint.", metavar="MODEL")]


def main() -> None:
    """Run the command, and turn errors into exit codes."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        code = next((code for kind, code in _EXIT_CODES if isinstance(error, kind)), None)
        if code is None:
            raise
        print(f"error: {error}", file=sys.stderr)
        sys.exit(code)


@app.command()
def check(
    files: Files,
    method: Annotated[str | None, typer.Option(help="Also check for this way of tuning.")] = None,
    base_model: Base = "tunekit/nano",
    settings: Settings = [],  # noqa: B006  # typer reads it
    further: Further = [],  # noqa: B006
    also: Also = [],  # noqa: B006
    ignore: Ignore = [],  # noqa: B006
    fail_on: Annotated[
        Severity, typer.Option(help="Least grave finding to exit with 1 for.")
    ] = Severity.ERROR,
    html: Annotated[Path | None, typer.Option(help="Also write the report as a page.")] = None,
    sarif: Annotated[Path | None, typer.Option(help="Also write the findings as SARIF.")] = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Find every fault of the rows. Exits with 1 when there are errors."""
    rows = Dataset.read(files)
    if method is None:
        report = rows.check(name=_named(files), also=also, ignore=ignore)
    else:
        tuner = _tuner(method, base_model, settings)
        report = _client(root).check(tuner, _data(tuner, files, further)).without(*ignore)
    _show(report, as_json)
    if html is not None:
        html.write_text(report.to_html(), encoding="utf-8")
    if sarif is not None:
        sarif.write_text(report.to_sarif(), encoding="utf-8")
    sys.exit(report.exit_code(fail_on=fail_on.value))


@app.command()
def fix(
    files: Files,
    to: Annotated[str, typer.Option(help="The corrected copy; the originals are not touched.")],
    overwrite: Annotated[bool, typer.Option(help="Replace a file that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a corrected copy for the faults that have one safe correction."""
    repair = Dataset.read(files).fix(to, overwrite=overwrite)
    if as_json:
        _print_json(repair.model_dump(mode="json"))
    else:
        print(repair)


@app.command()
def plan(
    files: Files,
    method: Method = "supervised",
    base_model: Base = "tunekit/nano",
    settings: Settings = [],  # noqa: B006
    validation: Validation = [],  # noqa: B006
    further: Further = [],  # noqa: B006
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Show what `tune` would do. Changes nothing and costs nothing."""
    tuner = _tuner(method, base_model, settings)
    made = _client(root).plan(
        tuner,
        _data(tuner, files, further),
        validation=_data(tuner, validation, further) if validation else None,
    )
    _show(made, as_json)
    if not made.ok:
        sys.exit(1)


@app.command()
def tune(
    files: Files,
    method: Method = "supervised",
    base_model: Base = "tunekit/nano",
    settings: Settings = [],  # noqa: B006
    validation: Validation = [],  # noqa: B006
    further: Further = [],  # noqa: B006
    name: Annotated[str | None, typer.Option(help="Name for people.")] = None,
    key: Annotated[str | None, typer.Option(help="Equal keys start one job.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait until it is over.")] = True,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Check the rows and start a job."""
    tuner = _tuner(method, base_model, settings)
    job = _client(root, watch="lines" if wait else "silent").tune(
        tuner,
        _data(tuner, files, further),
        validation=_data(tuner, validation, further) if validation else None,
        display_name=name,
        key=key,
    )
    if wait:
        _finish(job, None)
    _show(job.record, as_json)


@app.command()
def jobs(root: Root = None, as_json: AsJson = False) -> None:
    """List the jobs, the newest first."""
    records = [job.record for job in _client(root).jobs()]
    if as_json:
        _print_json([record.model_dump(mode="json") for record in records])
    else:
        _console().print(jobs_picture(records))


@app.command()
def wait(
    job: JobId,
    timeout: Annotated[float | None, typer.Option(help="Seconds to wait at most.")] = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Follow a job to its end. Exits with 1 when it fails, with 5 when the time is over."""
    found = _client(root, watch="lines").job(job)
    _finish(found, timeout)
    _show(found.record, as_json)


@app.command()
def cancel(job: JobId, root: Root = None, as_json: AsJson = False) -> None:
    """Ask a job to stop."""
    _show(_client(root).job(job).cancel(), as_json)


@app.command()
def resume(job: JobId, root: Root = None, as_json: AsJson = False) -> None:
    """Go on with a job that broke off, from its last checkpoint."""
    _show(_client(root).job(job).resume(), as_json)


@app.command()
def predict(
    model: ModelId,
    prompt: Annotated[
        str, typer.Argument(help="What to ask or look for; - reads it from standard input.")
    ],
    temperature: Annotated[
        float | None, typer.Option(help="Text: 0, as without it, takes the likeliest answer.")
    ] = None,
    max_output_tokens: Annotated[
        int | None, typer.Option(help="Text: where to cut an answer; else 256 tokens.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Text: makes a draw repeatable.")] = None,
    top_k: Annotated[
        int | None, typer.Option(help="Embedding: how many documents to find; else 5.")
    ] = None,
    vector: Annotated[
        bool, typer.Option("--vector", help="Embedding: print the vector of the text instead.")
    ] = False,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Ask a tuned model. A text model answers; an embedding model finds documents that it was tuned on."""
    reply = commands.ask(
        _client(root).model(model),
        sys.stdin.read() if prompt == "-" else prompt.replace("\\n", "\n"),
        {
            "temperature": temperature,
            "max_output_tokens": max_output_tokens,
            "seed": seed,
            "top_k": top_k,
            "vector": vector or None,
        },
    )
    if as_json:
        _print_json(reply.json)
    else:
        print(reply.text)


@app.command()
def evaluate(
    model: ModelId,
    files: Annotated[
        list[str],
        typer.Argument(
            help="JSON Lines files, or globs; for an embedding model a folder as BEIR lays it out.",
            metavar="FILE...",
        ),
    ],
    max_rows: Annotated[
        int | None, typer.Option(help="Take only the first so many rows, or queries.")
    ] = None,
    labels: Annotated[
        LabelsName | None,
        typer.Option(help="Embedding: which labels; else those for the test, else validation."),
    ] = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Hold a tuned model and its base against rows."""
    found = _client(root).model(model)
    options = {"max_rows": max_rows, "labels": labels}
    _show(commands.hold(found, files, options), as_json)


@app.command()
def export(
    model: ModelId,
    folder: Annotated[Path, typer.Argument(help="Where to; it must not be there yet.")],
    format: Annotated[str, typer.Option(help=f"{', '.join(EXPORT_FORMATS)}.")] = "safetensors",
    max_drift: Annotated[
        float | None,
        typer.Option(help="Drift of the next tokens, or of pictures, that is borne, from 0 to 1."),
    ] = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Write a tuned model to a folder of its own. Exits with 1 when it would answer differently."""
    options = {"format": format, "max_drift": max_drift}
    _show(commands.write(_client(root).model(model), folder, options), as_json)


@app.command()
def doctor(root: Root = None, as_json: AsJson = False) -> None:
    """Tell what this installation can do. Exits with 3 when it cannot train."""
    found = examination(LocalBackend(root).root)
    if as_json:
        _print_json(found.model_dump(mode="json"))
    else:
        _console().print(examination_picture(found))
    if not found.can_train:
        sys.exit(3)


@app.command()
def quickstart(
    method: Annotated[str, typer.Argument(help="Way of tuning.")] = "supervised",
    max_rows: Annotated[
        int | None, typer.Option(help="Sample rows to take, to be quicker.")
    ] = None,
    train_steps: Annotated[int | None, typer.Option(help="Steps of each training.")] = None,
    root: Root = None,
    as_json: AsJson = False,
) -> None:
    """Run one way of tuning from rows to a measured before and after, without a network."""
    console = Console(stderr=True) if as_json else _console()

    def say(line: str, value: object) -> None:
        console.print(f"\n>>> {line}", style="bold", markup=False, highlight=False)
        console.print(picture(value) if isinstance(value, BaseModel) else str(value), markup=False)

    size = Size(max_rows=max_rows, train_steps=train_steps)
    outcome = quickstart_of(method)(_client(root, watch="lines"), say, size)
    if as_json:
        _print_json(outcome.model_dump(mode="json"))
    else:
        told = f"{outcome.metric} {outcome.before:.3f} → {outcome.after:.3f}"
        console.print(
            f"\n{told} on held-out rows, {plural(outcome.rows, 'row')} learnt in {outcome.seconds:.0f} s"
        )


def _client(root: Path | None, watch: WatchStyle = "silent") -> Client:
    return Client(LocalBackend(root), watch=watch)


def _tuner(method: str, base_model: str, settings: Sequence[str]) -> AnyTuner:
    kind = tuner_class(method.replace("-", "_"))
    return kind.model_validate({"base_model": base_model} | dict(map(_setting, settings)))


def _data(tuner: AnyTuner, files: Sequence[str], further: Sequence[str]) -> Any:
    """What the tuner takes, from the files to train on and further ones by name."""
    parts = {"train": Dataset.read(files)}
    for text in further:
        name, equals, file = text.partition("=")
        if not equals:
            raise errors.SettingInvalid(
                f"{text!r} names no rows.", hint="Write --data NAME=FILE, such as prompts=a.jsonl."
            )
        parts[name] = Dataset.read(file)
    return tuner.data_of(parts)


def _setting(text: str) -> tuple[str, JsonValue]:
    """`name=value`, the value as JSON where it is JSON, else as a text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise errors.SettingInvalid(f"{text!r} is no setting.", hint="Write --set name=value.")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _finish(job: Job[Any], timeout: float | None) -> None:
    """Wait, and raise where there is no model."""
    job.wait(timeout)
    if not job.state.has_model:
        job.result()


def _named(files: Sequence[str]) -> str:
    return files[0] if len(files) == 1 else plural(len(files), "file")


def _console() -> Console:
    """The terminal; a file or pipe gets lines that are long enough for paths."""
    console = Console()
    return console if console.is_terminal else Console(width=_PIPED_WIDTH)


def _show(value: BaseModel, as_json: bool) -> None:
    if as_json:
        _print_json(value.model_dump(mode="json"))
    else:
        _console().print(picture(value))


def _print_json(value: JsonValue) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


if __name__ == "__main__":
    main()
