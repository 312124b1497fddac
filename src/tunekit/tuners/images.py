"""`ImageTuner`: what the tuners share that teach a text-to-image model by an adapter.

Belongs here: the settings of pace, adapter, prior preservation and sample images, and how open ones are decided.
Does not belong here: what a prompt says (`imagen_style.py`, `imagen_subject.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Generic, Literal, Self

from pydantic import Field

from tunekit import catalog
from tunekit.catalog import LearningRates, ModelEntry
from tunekit.errors import SettingInvalid
from tunekit.tuners.base import Circumstances, DataT_contra, Setting, Tuner
from tunekit.tuners.learning_rate import AnyLearningRate, decided_rate
from tunekit.tuners.schedule import decided_interval, decided_plainly

if TYPE_CHECKING:
    from tunekit.jobs.images import ImageModel  # noqa: F401  # the model that these tuners give

Prior = Literal["none", "preserve"]
"""Whether pictures that the base model draws itself are learnt along, so that it keeps what it knew."""

WORD = r"^[A-Za-z][A-Za-z0-9_-]*$"
"""A word that may stand for a style or a subject."""


class ImageTuner(Tuner[DataT_contra, "ImageModel"], Generic[DataT_contra]):
    """A way of tuning that teaches a text-to-image model something to draw."""

    model_kind: ClassVar[str] = "image"
    steps_per_image: ClassVar[int] = 50
    """Optimiser steps per image where nobody says how many."""

    train_steps: int | None = Field(default=None, ge=1)
    """Optimiser steps. `None` takes some per image, within 200 to 1,000."""
    batch_size: int | None = Field(default=None, ge=1, le=256)
    """Images per optimiser step, not counting those for prior preservation. `None` takes 4."""
    learning_rate: AnyLearningRate | None = None
    """`LearningRate(1e-4)` or `LearningRateMultiplier(0.5)`. `None` takes the rate in the catalog; it stays the same to
    the end."""
    adapter_size: int | None = Field(default=None, ge=1, le=1_024)
    """Rank of the low-rank adapter beside the attention of the denoiser. `None` takes 16."""
    text_encoder: Literal["adapter", "frozen"] = "adapter"
    """`adapter` lets text encoders of the kind of CLIP learn along, with an adapter of the same rank, since they have
    to tell a new word from others; `frozen` leaves them as they are, as other kinds are in any case."""
    resolution: int | None = Field(default=None, ge=16, le=4_096)
    """Width and height in pixels to which images are scaled, their middle square. `None` takes the base model's own."""
    prior: Prior
    """`preserve` also learns from pictures that the base model draws itself, so that everything else stays as it was;
    `none` is quicker."""
    num_prior_images: int | None = Field(default=None, ge=1, le=10_000)
    """Pictures that the base model draws for it, once for all jobs with the same prompts. `None` takes 100."""
    prior_weight: float = Field(default=1.0, gt=0, le=10)
    """How much these count beside the images, where 1 is as much."""
    sample_prompts: tuple[str, ...] = Field(default=(), max_length=16)
    """What to draw now and then while it trains, as events of the job. Empty takes prompts of the images."""
    sample_interval: int | None = Field(default=None, ge=1)
    """Steps between such samples. `None` draws about four times."""
    checkpoint_interval: int | None = Field(default=None, ge=1)
    """Steps between checkpoints, from which a run that broke off goes on. `None` makes about five."""

    @property
    def phrase(self) -> str:
        """The words that call up what is learnt; `prompted` puts them into a prompt."""
        raise NotImplementedError

    def prompted(self, caption: str | None) -> str:
        """The prompt that an image with that caption is learnt under."""
        raise NotImplementedError

    def unprompted(self, caption: str | None) -> str:
        """The prompt for the same without what is learnt."""
        raise NotImplementedError

    def decided(self, circumstances: Circumstances) -> tuple[Self, tuple[Setting, ...]]:
        if circumstances.has_validation:
            raise SettingInvalid(
                "Image models are judged by what they draw, not by a loss on validation images.",
                hint="Leave validation= out, and call model.evaluate(images) with images held back.",
                place=type(self).__name__,
            )
        plain, settings = decided_plainly(
            [
                ("batch_size", self.batch_size, 4, "Small, as such datasets are."),
                ("adapter_size", self.adapter_size, 16, "Enough for a style or a subject."),
                *self._prior_size(),
            ]
        )
        steps, steps_setting = self._steps(circumstances.num_rows)
        rate, rate_setting = decided_rate(
            self.learning_rate, _rates(circumstances.rates), adapter=True
        )
        saving, saving_setting = decided_interval(
            "checkpoint_interval", self.checkpoint_interval, steps, parts=5
        )
        drawing, drawing_setting = decided_interval(
            "sample_interval", self.sample_interval, steps, parts=4
        )
        decided = {
            "train_steps": steps,
            "learning_rate": rate,
            "checkpoint_interval": saving,
            "sample_interval": drawing,
        }
        return (
            self.model_copy(update=decided | plain),
            (steps_setting, rate_setting, *settings, saving_setting, drawing_setting),
        )

    def _prior_size(self) -> list[tuple[str, int | None, int, str]]:
        if self.prior == "none":
            return []
        why = "Enough that none is learnt by heart."
        return [("num_prior_images", self.num_prior_images, 100, why)]

    def _steps(self, num_images: int) -> tuple[int, Setting]:
        if self.train_steps is not None:
            return self.train_steps, Setting(
                name="train_steps", value=self.train_steps, source="you", why="Given."
            )
        steps = min(max(self.steps_per_image * num_images, 200), 1_000)
        why = f"{self.steps_per_image} for each of {num_images:,} images, within 200 to 1,000."
        return steps, Setting(name="train_steps", value=steps, source="rows", why=why)


def _rates(known: LearningRates) -> LearningRates:
    """The rates of a base model in the catalog, else those that are common for images rather than for text."""
    return known if isinstance(known, ModelEntry) else catalog.default_rates("images")
