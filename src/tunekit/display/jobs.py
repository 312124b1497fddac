"""The pictures of a job, of a model and of an exported model.

Belongs here: drawing records.
Does not belong here: following a job while it runs (`watchers.py`).
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tunekit._text import size
from tunekit.display.parts import facts, percent, title
from tunekit.jobs.exporting import Exported
from tunekit.jobs.record import JobRecord, ModelRecord
from tunekit.jobs.states import JobState

STATE_COLOURS = {
    JobState.SUCCEEDED: "green",
    JobState.PARTIALLY_SUCCEEDED: "green",
    JobState.FAILED: "red",
    JobState.EXPIRED: "red",
    JobState.CANCELLED: "yellow",
    JobState.UNKNOWN: "magenta",
}


def job_picture(record: JobRecord) -> RenderableType:
    """One job."""
    problem = record.problem
    return Group(
        title(f"{record.request.display_name}  {record.id}"),
        facts(
            [
                ("state", _state(record)),
                ("attempt", record.attempt if record.attempt > 1 else None),
                ("step", _step(record)),
                ("problem", f"{problem.message} {problem.hint}" if problem else None),
                ("model", record.model.id if record.model else None),
                ("at", record.location),
            ]
        ),
    )


def jobs_picture(records: Sequence[JobRecord]) -> RenderableType:
    """Several jobs, one line each."""
    if not records:
        return Text("No jobs yet.")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("job", "state", "step", "created", "name"):
        table.add_column(name, overflow="fold", no_wrap=name != "name")
    for record in records:
        state = Text(record.state, style=STATE_COLOURS.get(record.state, "cyan"))
        created = f"{record.created_at.astimezone():%Y-%m-%d %H:%M}"
        table.add_row(record.id, state, _step(record) or "", created, record.request.display_name)
    return table


def model_picture(record: ModelRecord) -> RenderableType:
    """One model."""
    figures = ", ".join(f"{name} {value:.4g}" for name, value in record.metrics.items())
    return Group(
        title(f"{record.display_name}  {record.id}"),
        facts(
            [
                ("kind", record.kind),
                ("base model", record.base_model),
                ("method", record.method),
                ("job", record.job_id),
                ("figures", figures or None),
                ("prompt shape", record.template.pattern if record.template else None),
                ("at", record.location),
            ]
        ),
    )


def exported_picture(exported: Exported) -> RenderableType:
    """A model that was written to a folder."""
    counted = f"{exported.num_same_answers} of {exported.num_prompts}"
    same = f"{counted} {exported.compared} are the same"
    return Group(
        title(str(exported.folder)),
        facts(
            [
                ("format", exported.format),
                ("weights", size(exported.num_bytes)),
                ("drift", f"{percent(exported.drift, places=3)}; {same}"),
            ]
        ),
    )


def _state(record: JobRecord) -> str:
    if record.state is JobState.UNKNOWN:
        return f"{record.state} ({record.provider_state!r}, says the backend)"
    return record.state


def _step(record: JobRecord) -> str | None:
    progress = record.progress
    return f"{progress.step:,} of {progress.total_steps:,}" if progress else None
