"""`PythonReward`: a function of yours scores the response, as source text that any process can run.

Belongs here: calling the function for every sample.
Does not belong here: what its source may hold (`sources.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

from tunekit._text import excerpt
from tunekit.errors import SettingInvalid
from tunekit.tuners.rewards.base import Judge, Reward, Sample
from tunekit.tuners.rewards.sources import (
    SIGNATURE,
    checked_source,
    compiled,
    refused,
    source_of,
)

RewardFunction: TypeAlias = Callable[[str, str, Any], float]
"""`def reward(prompt, response, references) -> float`: two texts, and what the row knows as a dict."""


class PythonReward(Reward, frozen=True):
    """Rewards what a function of yours finds good.

    The value holds the source of the function, not the function: it goes into other processes as JSON, works from
    notebooks, and the recipe outlives the module. So the function has to stand on its own: imports inside it, no
    closure, no lambda, no method, and no global name but Python's own. It runs with your rights, on your machine or
    where the tuning runs; a recipe that somebody else wrote is a program that somebody else wrote.

    Example:
        >>> from tunekit.tuners.rewards import PythonReward, Sample
        >>> source = '''
        ... def polite(prompt, response, references):
        ...     return float("please" in response.lower())
        ... '''
        >>> PythonReward(source=source, name="polite").score([Sample(prompt="?", response="Please wait.")])
        [1.0]
    """

    kind: Literal["python"] = "python"
    source: str
    """Source text of the function, and of nothing else."""
    name: str
    """The name of the function."""

    def __init__(
        self,
        function: RewardFunction | None = None,
        *,
        source: str | None = None,
        name: str | None = None,
        extract: str | None = None,
        kind: Literal["python"] = "python",
    ) -> None:
        """Take a function, or its source and name.

        Args:
            function: `def reward(prompt, response, references) -> float`. The prompt and the response are texts, the
                references a dict; the score is a finite number. `None` where source and name are given.
            source: Source text of the function, and of nothing else.
            name: The name of the function. `None` with a source takes the one that it defines.
            extract: See `Reward.extract`.
            kind: Always `python`.

        Raises:
            SettingInvalid: The function would not run on its own in another process.
        """
        if (function is None) == (source is None):
            raise refused(
                "PythonReward takes a function, or its source, one of the two.", SIGNATURE
            )
        text = source_of(function) if source is None else source
        defined = checked_source(text, name)
        settings: dict[str, Any] = {
            "source": text,
            "name": defined,
            "extract": extract,
            "kind": kind,
        }
        super().__init__(**settings)

    @property
    def label(self) -> str:
        return f"{type(self).__name__} {self.name!r}"

    def _scores(self, samples: Sequence[Sample], judge: Judge | None) -> Sequence[object]:
        function = compiled(self.source, self.name)
        return [self._call(function, sample, n) for n, sample in enumerate(samples, start=1)]

    def _call(self, function: Callable[..., object], sample: Sample, number: int) -> object:
        try:
            return function(
                prompt=sample.prompt_text,
                response=sample.response,
                references=dict(sample.references),
            )
        except Exception as error:
            raise SettingInvalid(
                f"It raised {type(error).__name__} ({excerpt(str(error))}) for sample {number:,}.",
                hint="Let it give a number for every response, also for an empty or odd one.",
                place=self.label,
            ) from error
