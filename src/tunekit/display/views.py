"""From values to text and HTML: one picture per kind of value, drawn by rich for both.

Belongs here: which picture belongs to which value, and the two ways out.
Does not belong here: the pictures (the other files of this folder).
"""

from __future__ import annotations

from html import escape
from io import StringIO

from rich.console import Console, RenderableType

from tunekit.data.check.report import Report
from tunekit.display.distillations import distillation_picture
from tunekit.display.evaluations import evaluation_picture
from tunekit.display.images import drawn_html, image_evaluation_picture
from tunekit.display.jobs import exported_picture, job_picture, model_picture
from tunekit.display.plans import plan_picture
from tunekit.display.report_html import report_block
from tunekit.display.reports import report_picture
from tunekit.display.retrievals import retrieval_picture
from tunekit.display.watchers import watcher_of
from tunekit.evaluation.comparison import Evaluation
from tunekit.evaluation.distillation import DistillationComparison
from tunekit.evaluation.images import ImageEvaluation
from tunekit.evaluation.retrieval import RetrievalEvaluation
from tunekit.jobs.exporting import Exported
from tunekit.jobs.plan import Plan
from tunekit.jobs.record import JobRecord, ModelRecord
from tunekit.jobs.watching import Watcher

_WIDTH = 110


def picture(value: object) -> RenderableType:
    """What rich draws for a value."""
    match value:
        case Report():
            return report_picture(value)
        case Plan():
            return plan_picture(value)
        case JobRecord():
            return job_picture(value)
        case ModelRecord():
            return model_picture(value)
        case Exported():
            return exported_picture(value)
        case DistillationComparison():
            return distillation_picture(value)
        case RetrievalEvaluation():
            return retrieval_picture(value)
        case Evaluation():
            return evaluation_picture(value)
        case ImageEvaluation():
            return image_evaluation_picture(value)
        case _:
            return repr(value)


class RichViews:
    """Shows values by way of rich."""

    def text(self, value: object) -> str:
        """The value as plain text, without colours."""
        console = Console(file=StringIO(), width=_WIDTH, color_system=None, legacy_windows=False)
        with console.capture() as capture:
            console.print(picture(value))
        return "\n".join(line.rstrip() for line in capture.get().rstrip().splitlines())

    def html(self, value: object) -> str:
        """The value as a block of HTML that needs no style sheet."""
        if isinstance(value, Report):
            return report_block(value)
        console = Console(file=StringIO(), width=_WIDTH, record=True, force_jupyter=False)
        console.print(picture(value))
        body = console.export_html(inline_styles=True, code_format="{code}")
        label = escape(type(value).__name__)
        block = f'<pre aria-label="{label}" style="line-height:1.3;white-space:pre">{body}</pre>'
        return block + drawn_html(value) if isinstance(value, ImageEvaluation) else block

    def watcher(self, style: str) -> Watcher:
        """A watcher of that style."""
        return watcher_of(style)
