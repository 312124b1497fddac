"""tunekit: one typed client for every way of tuning a model.

Names are loaded when they are first used, so that `import tunekit` is quick and brings no training library along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tunekit._lazy import lazy_names

if TYPE_CHECKING:
    from tunekit._version import __version__
    from tunekit.backends.local.backend import LocalBackend
    from tunekit.backends.memory.backend import MemoryBackend
    from tunekit.client import Client
    from tunekit.data.check.findings import Finding, Rule, Severity
    from tunekit.data.check.report import Report
    from tunekit.data.check.row_checks import RowRule, rule
    from tunekit.data.check.rules import rules
    from tunekit.data.dataset import Dataset, Split
    from tunekit.data.fixing import Correction, Repair
    from tunekit.data.rows import (
        Conversation,
        FilePart,
        Message,
        Preference,
        Prompt,
        PromptCompletion,
        Row,
        TextPart,
    )
    from tunekit.data.template import PromptTemplate
    from tunekit.errors import (
        BackendFault,
        BaseModelNotFound,
        DatasetChanged,
        DatasetInvalid,
        ExportDrifted,
        ExportFailed,
        FileKept,
        FormatLoss,
        FormatUnknown,
        JobCancelled,
        JobFailed,
        JobNotFound,
        JobTimeout,
        KeyReused,
        MethodUnsupported,
        MissingExtra,
        ModelNotFound,
        QuotaExceeded,
        SettingInvalid,
        SourceNotFound,
        SubmissionUnknown,
        TransientFault,
        TunekitError,
    )
    from tunekit.evaluation.comparison import Evaluation
    from tunekit.evaluation.distillation import DistillationComparison
    from tunekit.jobs.backend import Backend, Prediction
    from tunekit.jobs.distilled import DistilledModel
    from tunekit.jobs.exporting import Exported
    from tunekit.jobs.handle import Job
    from tunekit.jobs.models import PromptShapeWarning, TextModel, TunedModel
    from tunekit.jobs.plan import Plan
    from tunekit.jobs.record import Checkpoint, Event, JobRecord, Metrics, ModelRecord
    from tunekit.jobs.reward_models import RewardModel, RLHFModel
    from tunekit.jobs.states import JobState
    from tunekit.tuners.base import Tuner
    from tunekit.tuners.distillation import Distiller
    from tunekit.tuners.learning_rate import LearningRate, LearningRateMultiplier
    from tunekit.tuners.preference import PreferenceTuner
    from tunekit.tuners.reinforcement import ReinforcementTuner
    from tunekit.tuners.rewards import (
        AnyReward,
        ExactMatch,
        JsonMatch,
        LengthReward,
        PythonReward,
        RegexMatch,
        Reward,
        RewardModelReward,
        Sample,
        StringMatch,
        Tryout,
        Weighted,
        WeightedSum,
    )
    from tunekit.tuners.rlhf import PreferenceData, RLHFTuner
    from tunekit.tuners.supervised import SupervisedTuner

_HOME = {
    "AnyReward": "tuners.rewards",
    "Backend": "jobs.backend",
    "BackendFault": "errors",
    "BaseModelNotFound": "errors",
    "Checkpoint": "jobs.record",
    "Client": "client",
    "Conversation": "data.rows",
    "Correction": "data.fixing",
    "Dataset": "data.dataset",
    "DatasetChanged": "errors",
    "DatasetInvalid": "errors",
    "DistillationComparison": "evaluation.distillation",
    "DistilledModel": "jobs.distilled",
    "Distiller": "tuners.distillation",
    "Evaluation": "evaluation.comparison",
    "Event": "jobs.record",
    "ExactMatch": "tuners.rewards",
    "ExportDrifted": "errors",
    "ExportFailed": "errors",
    "Exported": "jobs.exporting",
    "FileKept": "errors",
    "FilePart": "data.rows",
    "Finding": "data.check.findings",
    "FormatLoss": "errors",
    "FormatUnknown": "errors",
    "Job": "jobs.handle",
    "JobCancelled": "errors",
    "JobFailed": "errors",
    "JobNotFound": "errors",
    "JobRecord": "jobs.record",
    "JobState": "jobs.states",
    "JobTimeout": "errors",
    "JsonMatch": "tuners.rewards",
    "KeyReused": "errors",
    "LearningRate": "tuners.learning_rate",
    "LearningRateMultiplier": "tuners.learning_rate",
    "LengthReward": "tuners.rewards",
    "LocalBackend": "backends.local.backend",
    "MemoryBackend": "backends.memory.backend",
    "Message": "data.rows",
    "MethodUnsupported": "errors",
    "Metrics": "jobs.record",
    "MissingExtra": "errors",
    "ModelNotFound": "errors",
    "ModelRecord": "jobs.record",
    "Plan": "jobs.plan",
    "Prediction": "jobs.backend",
    "Preference": "data.rows",
    "PreferenceData": "tuners.rlhf",
    "PreferenceTuner": "tuners.preference",
    "Prompt": "data.rows",
    "PromptCompletion": "data.rows",
    "PromptShapeWarning": "jobs.models",
    "PromptTemplate": "data.template",
    "PythonReward": "tuners.rewards",
    "QuotaExceeded": "errors",
    "RLHFModel": "jobs.reward_models",
    "RLHFTuner": "tuners.rlhf",
    "RegexMatch": "tuners.rewards",
    "ReinforcementTuner": "tuners.reinforcement",
    "Repair": "data.fixing",
    "Report": "data.check.report",
    "Reward": "tuners.rewards",
    "RewardModel": "jobs.reward_models",
    "RewardModelReward": "tuners.rewards",
    "Row": "data.rows",
    "RowRule": "data.check.row_checks",
    "Rule": "data.check.findings",
    "Sample": "tuners.rewards",
    "SettingInvalid": "errors",
    "Severity": "data.check.findings",
    "SourceNotFound": "errors",
    "Split": "data.dataset",
    "StringMatch": "tuners.rewards",
    "SubmissionUnknown": "errors",
    "SupervisedTuner": "tuners.supervised",
    "TextModel": "jobs.models",
    "TextPart": "data.rows",
    "TransientFault": "errors",
    "Tryout": "tuners.rewards",
    "TunedModel": "jobs.models",
    "TunekitError": "errors",
    "Tuner": "tuners.base",
    "Weighted": "tuners.rewards",
    "WeightedSum": "tuners.rewards",
    "__version__": "_version",
    "rule": "data.check.row_checks",
    "rules": "data.check.rules",
}
"""Where each name lives. A test holds it against the imports above and against `__all__`."""

__all__ = [
    "AnyReward",
    "Backend",
    "BackendFault",
    "BaseModelNotFound",
    "Checkpoint",
    "Client",
    "Conversation",
    "Correction",
    "Dataset",
    "DatasetChanged",
    "DatasetInvalid",
    "DistillationComparison",
    "DistilledModel",
    "Distiller",
    "Evaluation",
    "Event",
    "ExactMatch",
    "ExportDrifted",
    "ExportFailed",
    "Exported",
    "FileKept",
    "FilePart",
    "Finding",
    "FormatLoss",
    "FormatUnknown",
    "Job",
    "JobCancelled",
    "JobFailed",
    "JobNotFound",
    "JobRecord",
    "JobState",
    "JobTimeout",
    "JsonMatch",
    "KeyReused",
    "LearningRate",
    "LearningRateMultiplier",
    "LengthReward",
    "LocalBackend",
    "MemoryBackend",
    "Message",
    "MethodUnsupported",
    "Metrics",
    "MissingExtra",
    "ModelNotFound",
    "ModelRecord",
    "Plan",
    "Prediction",
    "Preference",
    "PreferenceData",
    "PreferenceTuner",
    "Prompt",
    "PromptCompletion",
    "PromptShapeWarning",
    "PromptTemplate",
    "PythonReward",
    "QuotaExceeded",
    "RLHFModel",
    "RLHFTuner",
    "RegexMatch",
    "ReinforcementTuner",
    "Repair",
    "Report",
    "Reward",
    "RewardModel",
    "RewardModelReward",
    "Row",
    "RowRule",
    "Rule",
    "Sample",
    "SettingInvalid",
    "Severity",
    "SourceNotFound",
    "Split",
    "StringMatch",
    "SubmissionUnknown",
    "SupervisedTuner",
    "TextModel",
    "TextPart",
    "TransientFault",
    "Tryout",
    "TunedModel",
    "TunekitError",
    "Tuner",
    "Weighted",
    "WeightedSum",
    "__version__",
    "rule",
    "rules",
]


if not TYPE_CHECKING:  # else every misspelt name would pass the type checker as `Any`
    __getattr__, __dir__ = lazy_names(__name__, _HOME)
