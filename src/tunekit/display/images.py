"""The picture of an evaluation of an image model: figures, and what both models drew.

Belongs here: drawing an `ImageEvaluation`.
Does not belong here: computing one (`evaluation/`).
"""

from __future__ import annotations

from base64 import b64encode
from html import escape

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tunekit._text import plural
from tunekit.evaluation.grids import png_of
from tunekit.evaluation.images import ImageEvaluation, before_and_after

_NAMES = {
    "similarity": "similarity",
    "prompt_fidelity": "prompt fidelity",
    "similarity_unasked": "similarity, unasked",
}


def image_evaluation_picture(evaluation: ImageEvaluation) -> RenderableType:
    """Figures with their intervals, and what they rest on."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    pictures = f"{plural(evaluation.num_prompts, 'prompt')}, {plural(evaluation.num_images, 'picture')} of each"
    for name in (pictures, "base", "tuned", "tuned − base, 95 %"):
        table.add_column(name)
    for name, compared in evaluation.metrics.items():
        told = (str(compared.base), str(compared.tuned), str(compared.difference))
        table.add_row(_NAMES[name], *told)
    table.add_row("drift, unasked", "", str(evaluation.drift), "")
    return Group(
        table,
        Text(_verdict(evaluation), style="bold"),
        Text(f"Similarity is by {evaluation.measure}.", style="dim"),
    )


def drawn_html(evaluation: ImageEvaluation) -> str:
    """What the base drew above what the tuned model drew, and below what it draws unasked."""
    data = b64encode(png_of(before_and_after(evaluation.samples))).decode()
    prompts = escape("; ".join(sample.prompt for sample in evaluation.samples))
    words = "From above: base, tuned, tuned but not asked for what it learnt."
    image = f'<img alt="{words} {prompts}" src="data:image/png;base64,{data}">'
    return f"<figure>{image}<figcaption>{words}</figcaption></figure>"


def _verdict(evaluation: ImageEvaluation) -> str:
    change = f"similarity {evaluation.base.value:.3f} → {evaluation.tuned.value:.3f}"
    if evaluation.better:
        return f"{change}: closer."
    if evaluation.difference.high < 0:
        return f"{change}: further away."
    return f"{change}: no difference that these pictures could show."
