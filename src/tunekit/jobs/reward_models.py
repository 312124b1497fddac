"""Reward models, and the models that were tuned against one.

Belongs here: scoring answers, and the handle that has a reward model beside it.
Does not belong here: running a model (`backends/`), rewards that are code (`tuners/rewards/`).
"""

from __future__ import annotations

from collections.abc import Sequence

from tunekit.errors import MethodUnsupported
from tunekit.jobs.backend import Judges, PromptLike
from tunekit.jobs.models import TextModel, TunedModel
from tunekit.jobs.retries import persistently


class RewardModel(TunedModel):
    """A model that scores answers as people would prefer them: `RLHFModel.reward_model`.

    Scores have no unit and no zero of their own: only the difference of two scores means something, best for answers to
    one prompt.
    """

    def score(self, prompt: PromptLike, response: str) -> float:
        """How good an answer is; the higher the better.

        Args:
            prompt: A text, or the turns so far, ending with the user.
            response: An answer to it.

        Raises:
            MethodUnsupported: The backend cannot ask its reward models.
            ModelNotFound: The weights are gone.
        """
        return self.score_many([prompt], [response])[0]

    def score_many(self, prompts: Sequence[PromptLike], responses: Sequence[str]) -> list[float]:
        """The scores of several answers, each to the prompt at its place."""
        backend = self._backend
        if not isinstance(backend, Judges):
            raise MethodUnsupported(
                f"The backend {backend.name!r} cannot ask its reward models.",
                hint="Tune on another backend.",
            )
        call = lambda: backend.rewards(self.id, prompts, responses)  # noqa: E731
        return list(persistently(call, self._clock))


class RLHFModel(TextModel):
    """A text model with the reward model that it was tuned against."""

    @property
    def reward_model(self) -> RewardModel:
        """What the model was rewarded by.

        Raises:
            MethodUnsupported: The backend does not hand its reward models out.
        """
        if "reward_model" not in self._record.companions:
            raise MethodUnsupported(
                f"The backend {self._backend.name!r} keeps its reward model to itself.",
                hint="Tune on LocalBackend to have it too.",
                place=self.id,
            )
        return RewardModel(self._backend, self._record.companion("reward_model"), self._clock)
