"""`PreferenceTuner`: the model learns which of two answers people prefer, without a reward model.

Belongs here: the settings of preference tuning, their ranges and defaults.
Does not belong here: running it (`backends/*/preference.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from pydantic import Field

from tunekit.data.dataset import Dataset
from tunekit.data.rows import Preference, Row
from tunekit.tuners.base import Circumstances, Setting
from tunekit.tuners.text import TextTuner


class PreferenceTuner(TextTuner["Dataset[Preference]"]):
    """Makes the answers that people preferred likelier than the ones they did not: direct preference optimisation.

    Rows:
        `Preference`: a prompt, two candidates, and which one was preferred.

    When to use:
        People can say which of two answers is better, and a tone or a manner is what should change.

    When not:
        You can write the right answer down (supervised tuning is simpler and stronger), or the model cannot do the
        task at all yet: tune it on the preferred answers first, then on the preferences.

    Cost:
        Two answers per row go through the model and through its frozen base: about three times a supervised step.

    See instead:
        `RLHFTuner` where the answers should be scored while the model writes them, `ReinforcementTuner` where code can
        score an answer.

    Example:
        >>> import tunekit as tk
        >>> tuner = tk.PreferenceTuner(base_model="tunekit/nano", beta=0.2)
        >>> tuner.kind
        'preference'
    """

    kind: ClassVar[str] = "preference"
    rate_share: ClassVar[float] = 0.1
    takes: ClassVar[Mapping[str, tuple[type[Row], ...]]] = MappingProxyType(
        {"train": (Preference,)}
    )

    beta: float = Field(default=0.1, gt=0, le=10)
    """How closely the model stays to its base: 0.01 lets it go far, 0.5 holds it close. The range from 0.01 to 0.5 is
    what Vertex AI recommends (https://cloud.google.com/vertex-ai/generative-ai/docs/models/tuning/preference-tuning);
    the method is https://arxiv.org/abs/2305.18290."""

    def datasets(self, data: Dataset[Preference]) -> Mapping[str, Dataset[Any]]:
        return {"train": data}

    def decided(self, circumstances: Circumstances) -> tuple[PreferenceTuner, tuple[Setting, ...]]:
        tuner, settings = super().decided(circumstances)
        given = "beta" in self.model_fields_set
        beta = Setting(
            name="beta",
            value=self.beta,
            source="you" if given else "default",
            why="Given." if given else "In the middle of the range that is recommended.",
        )
        return tuner, (*settings, beta)
