"""A tuned image model beside its base, by the pictures that both draw.

Belongs here: how alike pictures are, which figures are shown, and the value that holds them.
Does not belong here: drawing (`jobs/`, `backends/`), showing the comparison (`display/`).
"""

from __future__ import annotations

import math
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import ConfigDict

from tunekit._plugins import html_view, text_view
from tunekit._value import Value
from tunekit.data.pictures import pillow
from tunekit.evaluation.comparison import Compared
from tunekit.evaluation.grids import grid_of, png_of
from tunekit.evaluation.intervals import Score, mean_amount, mean_difference

if TYPE_CHECKING:
    from PIL.Image import Image

ImageFigure: TypeAlias = Literal["similarity", "prompt_fidelity", "similarity_unasked"]
"""What an evaluation of an image model shows.

- `similarity`: how alike pictures are to the images that the model should take after, when it is asked to.
- `prompt_fidelity`: whether the rest of the prompt is still drawn.
- `similarity_unasked`: how alike they are when it is not asked to: what should stay as low as for the base.
"""

SIMPLE_MEASURE = "shared colours and outlines"
"""How alike pictures are where no embedding model is named."""

_COLOUR_LEVELS = 6
_COLOUR_SIDE = 32
_OUTLINE_SIDE = 16
_COMMON_QUARTILE = 0.25

Vector: TypeAlias = Sequence[float]


class Drawn(Value):
    """What both models drew for one prompt, as PNG files in Base64."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: str
    base: str
    tuned: str
    unasked: str
    """By the tuned model, for the same prompt without the words for what was learnt."""

    @classmethod
    def of(cls, prompt: str, *, base: Image, tuned: Image, unasked: Image) -> Drawn:
        """From pictures."""
        return cls(
            prompt=prompt, base=_encoded(base), tuned=_encoded(tuned), unasked=_encoded(unasked)
        )


class ImageEvaluation(Value):
    """The tuned model beside the base on the same prompts, from the same noise."""

    metrics: Mapping[ImageFigure, Compared]
    """Every figure for both models, with 95 % intervals."""
    drift: Score
    """How far the tuned model's pictures are from the base model's when it is not asked for what it learnt: mean
    difference of a pixel, from 0 to 1."""
    measure: str
    """What similarity rests on: an embedding model, or a simple measure."""
    num_prompts: int
    num_images: int
    """Pictures of each prompt."""
    samples: tuple[Drawn, ...]
    """The first picture of each prompt."""

    metric: Literal["similarity"] = "similarity"
    """The figure that says most."""

    @property
    def tuned(self) -> Score:
        """Similarity of the tuned model's pictures."""
        return self.metrics[self.metric].tuned

    @property
    def base(self) -> Score:
        """Similarity of the base model's pictures."""
        return self.metrics[self.metric].base

    @property
    def difference(self) -> Score:
        """Tuned minus base."""
        return self.metrics[self.metric].difference

    @property
    def better(self) -> bool:
        """Whether the tuned model takes more after the images beyond chance."""
        return self.difference.low > 0

    def __str__(self) -> str:
        return text_view(self)

    def _repr_html_(self) -> str:
        return html_view(self)

    def _repr_png_(self) -> bytes:
        return png_of(before_and_after(self.samples))


@dataclass(frozen=True, slots=True)
class Pictures:
    """What both models drew, prompt by prompt: asked for what was learnt, and not asked for it."""

    prompts: Sequence[str]
    base: Sequence[Sequence[Image]]
    tuned: Sequence[Sequence[Image]]
    base_unasked: Sequence[Sequence[Image]]
    tuned_unasked: Sequence[Sequence[Image]]


@dataclass(frozen=True, slots=True)
class Figures:
    """One figure of every picture, tuned and base."""

    tuned: Sequence[float]
    base: Sequence[float]

    def compared(self) -> Compared:
        """Their means."""
        return Compared(
            tuned=mean_amount(self.tuned),
            base=mean_amount(self.base),
            difference=mean_difference(self.tuned, self.base),
        )


def compare_pictures(
    pictures: Pictures, figures: Mapping[ImageFigure, Figures], *, measure: str
) -> ImageEvaluation:
    """Put pictures and figures together."""
    apart = [
        mean_distance(one, other)
        for ones, others in zip(pictures.tuned_unasked, pictures.base_unasked, strict=True)
        for one, other in zip(ones, others, strict=True)
    ]
    samples = [
        Drawn.of(prompt, base=base[0], tuned=tuned[0], unasked=unasked[0])
        for prompt, base, tuned, unasked in zip(
            pictures.prompts, pictures.base, pictures.tuned, pictures.tuned_unasked, strict=True
        )
    ]
    return ImageEvaluation(
        metrics={name: values.compared() for name, values in figures.items()},
        drift=mean_amount(apart),
        measure=measure,
        num_prompts=len(pictures.prompts),
        num_images=len(pictures.tuned[0]),
        samples=tuple(samples),
    )


def before_and_after(samples: Sequence[Drawn], *, most: int = 8) -> Image:
    """The base model's pictures above those of the tuned one, and below both what it draws unasked."""
    shown = samples[:most]
    rows = [
        [_decoded(getattr(sample, whose)) for sample in shown]
        for whose in ("base", "tuned", "unasked")
    ]
    return grid_of([picture for row in rows for picture in row], columns=len(shown))


# --- the simple measures ----------------------------------------------------------------------------------------------


def shared_colours(references: Sequence[Image]) -> Vector:
    """The colours that images have in common: of each colour the share that three in four of them have at least."""
    seen = [colours_of(picture) for picture in references]
    place = int(_COMMON_QUARTILE * (len(seen) - 1))
    return [sorted(shares)[place] for shares in zip(*seen, strict=True)]


def colour_similarity(picture: Image, shared: Vector) -> float:
    """How much of the shared colours a picture has, from 0 to 1, wherever in it they are."""
    total = sum(shared)
    own = colours_of(picture)
    return sum(map(min, own, shared)) / total if total else 0.0


def colours_of(picture: Image) -> Vector:
    """The share of each of 216 colours in a picture, a colour between two counting for both."""
    small = picture.convert("RGB").resize((_COLOUR_SIDE, _COLOUR_SIDE), pillow().Resampling.BOX)
    shares = [0.0] * _COLOUR_LEVELS**3
    values = small.tobytes()
    step = 255 / (_COLOUR_LEVELS - 1)
    for at in range(0, len(values), 3):
        for place, weight in _neighbours([value / step for value in values[at : at + 3]]):
            shares[place] += weight
    return [share / (_COLOUR_SIDE * _COLOUR_SIDE) for share in shares]


def _neighbours(at: Sequence[float]) -> list[tuple[int, float]]:
    """The colours around one, each with its weight."""
    found = [(0, 1.0)]
    for level in at:
        low = min(int(level), _COLOUR_LEVELS - 2)
        high = level - low
        found = [
            (place * _COLOUR_LEVELS + low + more, weight * share)
            for place, weight in found
            for more, share in ((0, 1 - high), (1, high))
            if share
        ]
    return found


def outline_of(picture: Image) -> Vector:
    """Where a picture changes and where it does not, whatever its colours: a vector of length 1."""
    side = _OUTLINE_SIDE
    small = picture.convert("RGB").resize((side + 1, side + 1), pillow().Resampling.BOX)
    bands = [band.tobytes() for band in small.split()]
    edges = [
        math.sqrt(sum(_slope(band, x, y, side + 1) for band in bands))
        for y in range(side)
        for x in range(side)
    ]
    mean = sum(edges) / len(edges)
    centred = [edge - mean for edge in edges]
    length = math.sqrt(sum(value * value for value in centred)) or 1.0
    return [value / length for value in centred]


def _slope(band: bytes, x: int, y: int, width: int) -> float:
    here, right, below = band[y * width + x], band[y * width + x + 1], band[(y + 1) * width + x]
    return float((right - here) ** 2 + (below - here) ** 2)


def outline_fidelity(
    drawn: Sequence[Sequence[Image]], plain: Sequence[Sequence[Image]]
) -> list[float]:
    """For each picture 1 where, by outlines, it is nearest to the base model's plain picture of its own prompt, else 0.

    Args:
        drawn: Pictures by prompt.
        plain: The base model's pictures of the same prompts without what was learnt, from the same noise.
    """
    outlines = [[outline_of(picture) for picture in pictures] for pictures in plain]
    right: list[float] = []
    for number, pictures in enumerate(drawn):
        for place, picture in enumerate(pictures):
            own = outline_of(picture)
            likeness = [alike(own, other[place]) for other in outlines]
            right.append(float(likeness[number] == max(likeness)))
    return right


def alike(one: Vector, other: Vector) -> float:
    """The cosine of two vectors of length 1."""
    return sum(a * b for a, b in zip(one, other, strict=True))


def mean_distance(one: Image, other: Image) -> float:
    """The mean difference of a pixel of two pictures of one size, from 0 to 1."""
    first, second = one.convert("RGB").tobytes(), other.convert("RGB").tobytes()
    return sum(abs(a - b) for a, b in zip(first, second, strict=True)) / (255 * len(first))


def _encoded(picture: Image) -> str:
    return b64encode(png_of(picture)).decode()


def _decoded(data: str) -> Image:
    opened: Image = pillow().open(BytesIO(b64decode(data)))
    return opened.convert("RGB")
