"""What every tuner is: a frozen value that says what to tune and how, and knows what it asks of its rows.

Belongs here: the shape that all tuners share, and how a tuner's open settings are decided.
Does not belong here: the settings of one way of tuning (one file each), running it (`backends/`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, Self, TypeVar

from pydantic import Field, JsonValue

from tunekit._text import either
from tunekit._value import Value
from tunekit.catalog import LearningRates
from tunekit.data.check import rules
from tunekit.data.check.findings import Finding, Problem
from tunekit.data.check.report import Report
from tunekit.data.check.requirements import NO_REQUIREMENTS, Requirements
from tunekit.data.dataset import Dataset
from tunekit.data.leakage import leaked_rows
from tunekit.data.rows import Row
from tunekit.errors import SettingInvalid

DataT_contra = TypeVar("DataT_contra", contravariant=True)
ModelT_co = TypeVar("ModelT_co", covariant=True)

KnownBaseModel = Literal["tunekit/minilm", "tunekit/nano", "tunekit/pico"]
"""Base models by name; any other id or folder is taken too."""


class Setting(Value):
    """One setting of a run, and where its value comes from."""

    name: str
    value: JsonValue
    source: Literal["you", "task", "rows", "catalog", "default"]
    """Who decided: you, the task's public recommendation, the rows, the catalog, or tunekit."""
    why: str
    """The reason, with its public source where it has one."""


class Circumstances(Value):
    """What a tuner is told so that it can decide its open settings."""

    num_rows: int = Field(ge=0)
    """Rows to train on."""
    others: Mapping[str, int] = Field(default_factory=dict)
    """Rows of every further dataset, by its name."""
    has_validation: bool
    """Whether there are rows to evaluate on during training."""
    rates: LearningRates
    """Learning rates that the catalog has for the base model."""


class Tuner(Value, Generic[DataT_contra, ModelT_co]):
    """A way of tuning: the rows it takes and the model it gives are its type parameters."""

    kind: ClassVar[str]
    """Name of the way of tuning, such as `supervised`; also the name of its file in each backend."""
    model_kind: ClassVar[str] = "text"
    """Kind of model that it gives."""
    companions: ClassVar[tuple[str, ...]] = ()
    """Further models that it gives beside the main one, by name, such as `reward_model`."""
    takes: ClassVar[Mapping[str, tuple[type[Row], ...]]]
    """The kinds of row that it takes, by the name of the dataset. They are in the type of the data as well; this is for
    data that the type checker has not seen."""

    base_model: KnownBaseModel | str = Field(min_length=1)
    """What to start from: a catalog or hub id, a folder, or the id of a model that tunekit tuned."""
    seed: int = Field(default=0, ge=0, lt=2**32)
    """Decides every random choice; the same seed on the same machine gives the same weights."""

    @abstractmethod
    def datasets(self, data: DataT_contra) -> Mapping[str, Dataset[Any]]:
        """The datasets inside the data by name; the one to train on is called `train`."""

    def data_of(self, parts: Mapping[str, Dataset[Any]]) -> Any:
        """The data from its datasets by name: the other way round than `datasets`.

        Raises:
            SettingInvalid: A dataset is missing, or is one that this way of tuning does not take.
        """
        refuse_other_names(self, parts, needed=("train",))
        return parts["train"]

    @abstractmethod
    def decided(self, circumstances: Circumstances) -> tuple[Self, tuple[Setting, ...]]:
        """The same tuner with every open setting decided, and where each value comes from."""

    def requirements(self) -> Requirements:
        """What is asked of the training rows beyond being readable."""
        return NO_REQUIREMENTS

    def findings(self, report: Report) -> Iterable[Finding]:
        """What this way of tuning finds in a report that rows alone cannot tell, such as rows of another kind."""
        for name, stats in report.datasets.items():
            kinds = [kind.__name__ for kind in self.takes.get(name, self.takes["train"])]
            if stats.row_kind is not None and stats.row_kind not in kinds:
                taker = type(self).__name__
                fact = f"{taker} takes {either(kinds)} rows; the {name} data are {stats.row_kind} rows."
                yield Finding.of(
                    Problem(rules.WRONG_KIND, fact, fix="Pass rows of that kind."), None
                )

    def data_findings(self, parts: Mapping[str, Dataset[Any]], report: Report) -> Iterable[Finding]:
        """What this way of tuning finds between its datasets, such as validation rows that are trained on.

        Args:
            parts: The datasets by name.
            report: What was found in each of them.
        """
        if "validation" in parts and report.ok:
            yield from leaked_rows(parts["train"], parts["validation"])

    def is_incomplete(self, parts: Mapping[str, Dataset[Any]]) -> bool:
        """Whether rows lack something that only the process of the caller can add, such as labels of a function."""
        return False

    def completed(
        self, parts: Mapping[str, Dataset[Any]], *, key: str, home: Path
    ) -> Mapping[str, Dataset[Any]]:
        """The datasets with what `is_incomplete` says they lack. It may cost: only `Client.tune` calls it, once.

        Args:
            parts: The datasets by name; they are free of errors.
            key: Key of the job that they are for.
            home: Folder for what is worth keeping between jobs.
        """
        return parts


def refuse_other_names(
    tuner: Tuner[Any, Any], parts: Mapping[str, Dataset[Any]], *, needed: tuple[str, ...]
) -> None:
    """Raise unless the needed datasets are there, and no other than the tuner takes.

    Raises:
        SettingInvalid: Otherwise.
    """
    taken = tuple(tuner.takes)
    missing = [name for name in needed if name not in parts]
    strange = [name for name in parts if name not in taken]
    if missing or strange:
        fact = (
            f"It has no {either(missing)} rows."
            if missing
            else f"It takes no {either(strange)} rows."
        )
        raise SettingInvalid(
            fact, hint=f"Give rows named {either(taken, last='and')}.", place=type(tuner).__name__
        )
