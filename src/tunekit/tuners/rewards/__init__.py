"""Rewards: values that say how good a response is, for reinforcement tuning and for evaluation.

One file per kind of reward; `base.py` is what they share, `tryout.py` what is found out before anything is tuned.
"""

from __future__ import annotations

from tunekit.tuners.rewards.base import Judge, Reward, Sample, ScoresRewards
from tunekit.tuners.rewards.combined import AnyReward, Weighted, WeightedSum
from tunekit.tuners.rewards.length import LengthReward
from tunekit.tuners.rewards.matches import (
    ExactMatch,
    JsonMatch,
    MatchOperation,
    RegexMatch,
    StringMatch,
    TextMatch,
)
from tunekit.tuners.rewards.models import RewardModelReward
from tunekit.tuners.rewards.python import PythonReward, RewardFunction
from tunekit.tuners.rewards.served import AutoraterReward, CloudRunReward
from tunekit.tuners.rewards.tryout import Doubt, Tryout

__all__ = [
    "AnyReward",
    "AutoraterReward",
    "CloudRunReward",
    "Doubt",
    "ExactMatch",
    "JsonMatch",
    "Judge",
    "LengthReward",
    "MatchOperation",
    "PythonReward",
    "RegexMatch",
    "Reward",
    "RewardFunction",
    "RewardModelReward",
    "Sample",
    "ScoresRewards",
    "StringMatch",
    "TextMatch",
    "Tryout",
    "Weighted",
    "WeightedSum",
]
