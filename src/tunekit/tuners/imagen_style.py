"""`ImagenStyleTuner`: the model learns to draw anything in a style.

Belongs here: the settings of style tuning, and the words that ask for the style.
Does not belong here: running it (`backends/*/imagen_style.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from pydantic import Field

from tunekit.data.check.requirements import RecommendedRows, Requirements
from tunekit.data.dataset import Dataset
from tunekit.data.rows import CaptionedImage, Row
from tunekit.tuners.images import WORD, ImageTuner, Prior

_RECOMMENDED = RecommendedRows(
    rows=10,
    purpose="a style",
    source="12 were enough in our own trial, tools/sketch/README.md",
)


class ImagenStyleTuner(ImageTuner["Dataset[CaptionedImage]"]):
    """Teaches a text-to-image model a style, which prompts then ask for with "in ... style".

    Rows:
        `CaptionedImage`: an image in the style, and what is to be seen in it. Ten to fifty different motifs teach the
        style rather than a motif.

    When to use:
        Pictures of anything should look as if one hand had made them.

    When not:
        One certain thing should appear in pictures: that is a subject. Or the base model knows the style by name.

    Cost:
        One pass through the denoiser per image and step; an adapter of a few megabytes.

    See instead:
        `ImagenSubjectTuner` for a thing, a person or an animal.

    Example:
        >>> import tunekit as tk
        >>> tuner = tk.ImagenStyleTuner(base_model="tunekit/sketch", style="blueprint")
        >>> tuner.prompted("a red boat")
        'a red boat in blueprint style'
    """

    kind: ClassVar[str] = "imagen_style"
    steps_per_image: ClassVar[int] = 40
    takes: ClassVar[Mapping[str, tuple[type[Row], ...]]] = MappingProxyType(
        {"train": (CaptionedImage,)}
    )

    style: str = Field(default="tuned", pattern=WORD, max_length=40)
    """The word for the style in prompts: "in {style} style". Best one that the base model does not know."""
    prior: Prior = "preserve"
    """`preserve` also learns from pictures that the base model draws itself for the same captions without the style, so
    that the style comes only where it is asked for; `none` is quicker, and everything is drawn in the style."""

    @property
    def phrase(self) -> str:
        return f"in {self.style} style"

    def prompted(self, caption: str | None) -> str:
        if caption is None or self.phrase in caption:
            return caption or self.phrase
        return f"{caption.rstrip(' .,')} {self.phrase}"

    def unprompted(self, caption: str | None) -> str:
        return " ".join((caption or "").replace(self.phrase, " ").split())

    def datasets(self, data: Dataset[CaptionedImage]) -> Mapping[str, Dataset[Any]]:
        return {"train": data}

    def requirements(self) -> Requirements:
        return Requirements(recommended_rows=_RECOMMENDED)
