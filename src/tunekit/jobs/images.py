"""Image models: the handle that draws, and is held against its base by what both draw.

Belongs here: what a user does with a tuned image model, whatever the backend.
Does not belong here: running a model (`backends/`), figures (`evaluation/images.py`).
"""

from __future__ import annotations

import os
import warnings
from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tunekit.data.dataset import Dataset
from tunekit.data.pictures import open_picture
from tunekit.data.rows import CaptionedImage, ReferenceImage
from tunekit.errors import MethodUnsupported, SettingInvalid
from tunekit.evaluation.grids import grid_of, png_of
from tunekit.evaluation.images import (
    SIMPLE_MEASURE,
    Figures,
    ImageEvaluation,
    ImageFigure,
    Pictures,
    alike,
    colour_similarity,
    compare_pictures,
    outline_fidelity,
    shared_colours,
)
from tunekit.jobs.backend import Drawing, Generates, SeesImages
from tunekit.jobs.exporting import Exported, Exports
from tunekit.jobs.models import PromptShapeWarning, TunedModel
from tunekit.jobs.retries import persistently
from tunekit.tuners.imagen_subject import SubjectImages
from tunekit.tuners.images import ImageTuner

if TYPE_CHECKING:
    from PIL.Image import Image

    Album: TypeAlias = list[Image]
else:
    Album = list

EvaluationImages: TypeAlias = Dataset[CaptionedImage] | Dataset[ReferenceImage] | SubjectImages
"""What an image model can be held against."""


class DrawnImages(Album):
    """A list of PIL images that a notebook shows as a grid."""

    def grid(self, *, columns: int = 4) -> Image:
        """All of them in one picture, small ones blown up.

        Args:
            columns: Pictures in a row, at least 1.
        """
        return grid_of(self, columns=columns)

    def _repr_png_(self) -> bytes | None:
        return png_of(self.grid()) if self else None

    def _repr_html_(self) -> str | None:
        if not self:
            return None
        data = b64encode(png_of(self.grid())).decode()
        return f'<img alt="{len(self)} drawn images" src="data:image/png;base64,{data}">'


class ImageModel(TunedModel):
    """A tuned model that draws."""

    @property
    def phrase(self) -> str:
        """The words that call up what it learnt, such as `in blueprint style` or `sks mug`."""
        return self._tuner.phrase

    def generate(
        self,
        prompt: str,
        num_images: int = 1,
        seed: int | None = None,
        *,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        negative_prompt: str | None = None,
    ) -> DrawnImages:
        """Draw pictures of a prompt.

        Warns with `PromptShapeWarning` when the prompt lacks `phrase`, since it then does not ask for what was learnt.

        Args:
            prompt: What to draw.
            num_images: How many, at least 1.
            seed: Decides the noise that the first picture begins from, and the seeds after it that of the next ones;
                the same call gives the same pictures. `None` draws anew each time.
            num_inference_steps: Steps from noise to picture, at least 1. `None` takes the pipeline's own default.
            guidance_scale: How closely to keep to the prompt, from 0. `None` takes the pipeline's own default.
            negative_prompt: What not to draw.

        Raises:
            MethodUnsupported: The backend cannot let its models draw.
            ModelNotFound: The weights are gone.
        """
        drawing = Drawing(
            num_images=num_images,
            seed=seed,
            num_inference_steps=num_inference_steps,
            guidance_scale=guidance_scale,
            negative_prompt=negative_prompt,
        )
        if self.phrase not in prompt:
            warnings.warn(
                f"The prompt does not ask for what {self.id!r} has learnt. Write {self.phrase!r} in it.",
                PromptShapeWarning,
                stacklevel=2,
            )
        return DrawnImages(self._drawn([prompt], drawing)[0])

    def evaluate(
        self,
        images: EvaluationImages,
        *,
        prompts: Sequence[str] | None = None,
        num_images: int = 2,
        seed: int = 0,
        num_inference_steps: int | None = None,
        embedder: str | None = None,
        max_rows: int | None = None,
    ) -> ImageEvaluation:
        """Hold what the tuned and the base model draw against images that they should take after.

        Both draw every prompt with the words for what was learnt and without them, from the same noise. Without an
        embedding model, pictures are alike where they have the colours that the images share, and the rest of the
        prompt counts as drawn where the outlines are nearest to the base model's plain picture of the same prompt. That
        tells a style or a subject of colours of its own, and little more; name an embedding model where there is one.

        Args:
            images: Images of the style or the subject, best such as were not trained on.
            prompts: What to draw; the words for what was learnt are put in. `None` takes the captions of the images.
            num_images: Pictures of each prompt, at least 1.
            seed: The noise to begin from.
            num_inference_steps: Steps from noise to picture. `None` takes the pipeline's own default.
            embedder: A folder, or an id on the hub, of a model that sees pictures and reads texts, such as CLIP. `None`
                takes simple measures.
            max_rows: Take only the first so many images. `None` takes all.

        Raises:
            DatasetInvalid: A line is not a row.
            SettingInvalid: There is no image, or no prompt.
            BaseModelNotFound: There is no such embedding model.
            MethodUnsupported: The backend cannot let its models draw, or has no embedding models.
        """
        dataset: Dataset[Any] = images.images if isinstance(images, SubjectImages) else images
        rows: list[CaptionedImage | ReferenceImage] = list(islice(dataset, max_rows))
        captions = [row.caption for row in rows] if prompts is None else list(prompts)
        asked = list(dict.fromkeys(self._tuner.prompted(caption) for caption in captions))
        if not rows or not asked:
            raise SettingInvalid(
                "There is no image to evaluate on, or nothing to draw.",
                hint="Pass at least one image and one prompt.",
            )
        drawing = Drawing(num_images=num_images, seed=seed, num_inference_steps=num_inference_steps)
        pictures = self._both(asked, drawing)
        references = [open_picture(row.image) for row in rows]
        if embedder is None:
            figures = _simple_figures(pictures, references)
            return compare_pictures(pictures, figures, measure=SIMPLE_MEASURE)
        plain = [self._tuner.unprompted(prompt) for prompt in asked]
        figures = _embedded_figures(self._seer(), embedder, pictures, references, plain)
        return compare_pictures(pictures, figures, measure=embedder)

    def export(self, folder: str | os.PathLike[str], *, max_drift: float | None = None) -> Exported:
        """Write a whole pipeline to a folder that needs neither tunekit nor its base model: every adapter merged.

        What was written draws the same prompts, and is kept only where it draws the same pictures. The adapter alone
        lies in `record.location`, as diffusers' `load_lora_weights` reads it.

        Args:
            folder: Where to; it must not be there yet.
            max_drift: Largest mean difference of a pixel that is borne, from 0 to 1. `None` takes 0.005, and 0.05 where
                a GPU computes in 16 bits.

        Raises:
            FileKept: The folder is there already.
            ExportDrifted: What was written draws something else; nothing is left behind.
            MethodUnsupported: The backend cannot export.
        """
        backend = self._backend
        if not isinstance(backend, Exports):
            raise MethodUnsupported(
                f"The backend {backend.name!r} cannot export its models.",
                hint="Tune on another backend.",
            )
        return backend.export_model(
            self.id, Path(folder).absolute(), "safetensors", max_drift=max_drift
        )

    @cached_property
    def _tuner(self) -> ImageTuner[Any]:
        job = persistently(lambda: self._backend.fetch(self._record.job_id), self._clock)
        tuner: ImageTuner[Any] = job.request.tuner
        return tuner

    def _both(self, asked: Sequence[str], drawing: Drawing) -> Pictures:
        plain = [self._tuner.unprompted(prompt) for prompt in asked]
        return Pictures(
            prompts=asked,
            tuned=self._drawn(asked, drawing),
            tuned_unasked=self._drawn(plain, drawing),
            base=self._drawn(asked, drawing, tuned=False),
            base_unasked=self._drawn(plain, drawing, tuned=False),
        )

    def _drawn(
        self, prompts: Sequence[str], drawing: Drawing, *, tuned: bool = True
    ) -> Sequence[Sequence[Image]]:
        backend = self._backend
        if not isinstance(backend, Generates):
            raise MethodUnsupported(
                f"The backend {backend.name!r} cannot let its models draw.",
                hint="Use the model where it was deployed, or tune on another backend.",
            )
        call = lambda: backend.generate(self.id, prompts, drawing, tuned=tuned)  # noqa: E731
        return persistently(call, self._clock)

    def _seer(self) -> SeesImages:
        backend = self._backend
        if isinstance(backend, SeesImages):
            return backend
        raise MethodUnsupported(
            f"The backend {backend.name!r} has no embedding models.",
            hint="Leave embedder out, which takes simple measures.",
        )


AllFigures: TypeAlias = dict[ImageFigure, Figures]
_Measure: TypeAlias = "Callable[[Sequence[Sequence[Image]]], list[float]]"
"""Gives one figure of every picture."""


def _flat(pictures: Sequence[Sequence[Image]]) -> list[Image]:
    return [picture for some in pictures for picture in some]


def _simple_figures(pictures: Pictures, references: Sequence[Image]) -> AllFigures:
    shared = shared_colours(references)

    def similar(some: Sequence[Sequence[Image]]) -> list[float]:
        return [colour_similarity(picture, shared) for picture in _flat(some)]

    return _figures(
        pictures,
        similar,
        lambda some: outline_fidelity(some, pictures.base_unasked),
    )


def _embedded_figures(
    seer: SeesImages,
    embedder: str,
    pictures: Pictures,
    references: Sequence[Image],
    plain: Sequence[str],
) -> AllFigures:
    known = seer.image_features(references, embedder)
    texts = seer.text_features(plain, embedder)

    def similar(some: Sequence[Sequence[Image]]) -> list[float]:
        seen = seer.image_features(_flat(some), embedder)
        return [sum(alike(one, other) for other in known) / len(known) for one in seen]

    def faithful(some: Sequence[Sequence[Image]]) -> list[float]:
        seen = seer.image_features(_flat(some), embedder)
        each = len(some[0])
        return [alike(one, texts[place // each]) for place, one in enumerate(seen)]

    return _figures(pictures, similar, faithful)


def _figures(pictures: Pictures, similar: _Measure, faithful: _Measure) -> AllFigures:
    return {
        "similarity": Figures(similar(pictures.tuned), similar(pictures.base)),
        "prompt_fidelity": Figures(faithful(pictures.tuned), faithful(pictures.base)),
        "similarity_unasked": Figures(
            similar(pictures.tuned_unasked), similar(pictures.base_unasked)
        ),
    }
