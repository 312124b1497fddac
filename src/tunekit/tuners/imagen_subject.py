"""`ImagenSubjectTuner`: the model learns to draw one certain thing, person or animal.

Belongs here: the settings of subject tuning, its data, and the words that call the subject.
Does not belong here: running it (`backends/*/imagen_subject.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Self

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from tunekit._text import plural
from tunekit.data.check import rules
from tunekit.data.check.findings import Finding, Problem
from tunekit.data.check.report import Report
from tunekit.data.dataset import Dataset
from tunekit.data.rows import ReferenceImage, Row
from tunekit.errors import SettingInvalid
from tunekit.tuners.base import refuse_other_names
from tunekit.tuners.images import WORD, ImageTuner, Prior

LEAST_IMAGES, MOST_IMAGES = 4, 20
"""Images of a subject: fewer do not show it from enough sides, more add little."""


@dataclass(frozen=True, kw_only=True, config=ConfigDict(arbitrary_types_allowed=True))
class SubjectImages:
    """Images of one subject, and what to call it."""

    images: Dataset[ReferenceImage]
    """4 to 20 images that show the subject and little else, in different surroundings."""
    subject: str = Field(pattern=WORD, max_length=40)
    """The word for this one subject: best one that the base model does not know, such as `sks`."""
    subject_class: str = Field(min_length=1, max_length=60)
    """The word for what it is, which the base model knows, such as `pitcher`."""


class ImagenSubjectTuner(ImageTuner["SubjectImages"]):
    """Teaches a text-to-image model one subject, which prompts then call by its word and its class.

    Rows:
        `SubjectImages`: 4 to 20 `ReferenceImage` rows, the word for the subject, and the word for its class. Captions
        are optional; one that names the surroundings keeps them from being taken for a part of the subject.

    When to use:
        One certain thing, person or animal should appear in pictures with other surroundings.

    When not:
        It is the look of whole pictures that should change: that is a style.

    Cost:
        Two passes through the denoiser per image and step, and the pictures for prior preservation, once.

    See instead:
        `ImagenStyleTuner` for a style.

    Example:
        >>> import tunekit as tk
        >>> tuner = tk.ImagenSubjectTuner(
        ...     base_model="tunekit/sketch", subject="sks", subject_class="mug"
        ... )
        >>> tuner.prompted(None)
        'a sks mug'
    """

    kind: ClassVar[str] = "imagen_subject"
    steps_per_image: ClassVar[int] = 100
    takes: ClassVar[Mapping[str, tuple[type[Row], ...]]] = MappingProxyType(
        {"train": (ReferenceImage,)}
    )

    subject: str | None = Field(default=None, pattern=WORD, max_length=40)
    """The word for the subject. `None` takes it from the data."""
    subject_class: str | None = Field(default=None, min_length=1, max_length=60)
    """The word for what it is. `None` takes it from the data."""
    prior: Prior = "preserve"
    """`preserve` also learns from pictures of the class that the base model draws itself, so that the class stays what
    it was (https://arxiv.org/abs/2208.12242); `none` is quicker, and all of the class turns into the subject."""

    @property
    def phrase(self) -> str:
        return f"{self.subject} {self.subject_class}"

    def prompted(self, caption: str | None) -> str:
        if caption is None:
            return f"a {self.phrase}"
        if self.phrase in caption:
            return caption
        return caption.replace(self.subject_class or "", self.phrase, 1)

    def unprompted(self, caption: str | None) -> str:
        return self.prompted(caption).replace(self.phrase, self.subject_class or "")

    def datasets(self, data: SubjectImages) -> Mapping[str, Dataset[Any]]:
        images: Any = data.images if _is_subject(data) else data
        return {"train": images}

    def data_of(self, parts: Mapping[str, Dataset[Any]]) -> SubjectImages:
        refuse_other_names(self, parts, needed=("train",))
        if self.subject is None or self.subject_class is None:
            raise SettingInvalid(
                "A subject needs a word for itself and one for its class.",
                hint="Give subject='sks' and subject_class='pitcher', with words of your own.",
                place=type(self).__name__,
            )
        return SubjectImages(
            images=parts["train"], subject=self.subject, subject_class=self.subject_class
        )

    def told(self, data: SubjectImages) -> Self:
        if not _is_subject(data):
            raise SettingInvalid(
                f"ImagenSubjectTuner takes SubjectImages, not a {type(data).__name__}.",
                hint="Write tk.SubjectImages(images=..., subject='sks', subject_class='pitcher').",
                place=type(self).__name__,
            )
        given = {"subject": data.subject, "subject_class": data.subject_class}
        for name, word in given.items():
            if getattr(self, name) not in (None, word):
                raise SettingInvalid(
                    f"The tuner says {name}={getattr(self, name)!r}, and the data say {word!r}.",
                    hint="Leave it out of the tuner.",
                    place=type(self).__name__,
                )
        return self.model_copy(update=given)

    def findings(self, report: Report) -> Iterable[Finding]:
        yield from super().findings(report)
        rows = report.stats.rows
        asked = f"{LEAST_IMAGES} to {MOST_IMAGES} are taken."
        if 0 < rows < LEAST_IMAGES:
            fact = f"{plural(rows, 'image')} of the subject are too few: {asked}"
            yield Finding.of(Problem(rules.TOO_FEW_IMAGES, fact), None)
        if rows > MOST_IMAGES:
            fact = f"{plural(rows, 'image')} of the subject are too many: {asked}"
            yield Finding.of(Problem(rules.TOO_MANY_IMAGES, fact), None)


def _is_subject(value: object) -> bool:
    return isinstance(value, SubjectImages)
