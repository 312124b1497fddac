"""`Distiller`: a small model learns to answer as a larger one does.

Belongs here: the settings of distillation, who the teacher is, and labels from teachers that only this process can ask.
Does not belong here: keeping labels (`labelling.py`), training and teachers that a backend loads (`backends/`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Literal,
    Protocol,
    Self,
    TypeAlias,
    cast,
    runtime_checkable,
)

from pydantic import Field, JsonValue, PlainSerializer, PlainValidator, model_validator

from tunekit import catalog
from tunekit._text import first_few, plural
from tunekit.catalog import Recommendation
from tunekit.data.check import rules
from tunekit.data.check.findings import Finding, Problem
from tunekit.data.check.report import Report
from tunekit.data.check.requirements import Requirements
from tunekit.data.dataset import Dataset
from tunekit.data.rows import Asked, Prompt, PromptCompletion, Row, with_text_before
from tunekit.errors import DatasetInvalid, SettingInvalid
from tunekit.tuners.base import Circumstances, Setting
from tunekit.tuners.labelling import (
    Ask,
    Labeller,
    Question,
    Reply,
    Wording,
    dataset_of,
    one_by_one,
)
from tunekit.tuners.labels import LabelStore
from tunekit.tuners.text import StepwiseTuner, recommended_rows

if TYPE_CHECKING:
    from tunekit.jobs.distilled import DistilledModel  # noqa: F401  # the model that this tuner gives

DistillationTask = Literal["classification", "extractive_qa", "summarization"]
"""Kinds of task for which public recommendations for distillation are known."""

DistillationData: TypeAlias = Dataset[PromptCompletion] | Dataset[Prompt]
"""Rows with answers, or prompts that the teacher answers first."""

_FUNCTION = "function:"
"""In front of the name of a teacher that is a function."""
_AT_ONCE = 16
"""Prompts that a model handle is asked at once; more than one only where nothing is drawn."""


class Answer(Protocol):
    """What a model handle answers; a `Prediction` is one."""

    @property
    def text(self) -> str:
        """The answer."""
        ...

    @property
    def stopped(self) -> bool:
        """Whether the model ended it itself."""
        ...

    @property
    def num_output_tokens(self) -> int | None:
        """Its length, where that is known."""
        ...


@runtime_checkable
class AnswersPrompts(Protocol):
    """A model that can be asked from this process; a `TextModel` of any backend is one."""

    @property
    def id(self) -> str:
        """What it is called."""
        ...

    def predict_many(
        self,
        prompts: Iterable[Asked],
        *,
        temperature: float = ...,
        max_output_tokens: int = ...,
        seed: int | None = ...,
    ) -> Sequence[Answer]:
        """One answer per prompt, in order."""
        ...


Teacher: TypeAlias = str | Callable[[str], str] | AnswersPrompts
"""Who answers: a model that the backend loads, by name; a function from prompt to answer; or the handle of a model."""


def _teacher(value: object) -> Teacher:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, AnswersPrompts) or (callable(value) and not isinstance(value, type)):
        return cast("Teacher", value)
    raise ValueError(
        f"A {type(value).__name__} cannot teach; give the id of a model, a function from prompt to answer, or a model."
    )


def name_of_teacher(teacher: Teacher) -> str:
    """A teacher by its name: a function or handle cannot be written down, and is not one any more when read back."""
    if isinstance(teacher, str):
        return teacher
    if isinstance(teacher, AnswersPrompts):
        return teacher.id
    name = getattr(teacher, "__qualname__", None) or type(teacher).__qualname__
    return f"{_FUNCTION}{getattr(teacher, '__module__', None)}.{name}"


class Distiller(StepwiseTuner["DistillationData", "DistilledModel"]):
    """Teaches a small model to answer as a larger one does.

    Rows:
        `PromptCompletion`: the student learns these answers. `Prompt`: the teacher answers them first, and no answer is
        ever asked for twice; what it wrote lies in the job's folder with the source of every label. A prompt that is a
        conversation becomes one with an answer, of which the student learns every turn of the model; it needs a model
        as teacher, since a function reads one text.

    When to use:
        A large model does the task well, and you need it cheaper, faster or on a small device. You have many prompts
        and few answers.

    When not:
        The teacher is no better than the student. Measure it first: a student seldom passes its teacher.

    Cost:
        One call of the teacher per prompt, two with `rationale="learn"`; then a supervised run. `objective="logits"`
        also sends every batch through the teacher.

    See instead:
        `SupervisedTuner` where people have written the answers, `PreferenceTuner` to choose between answers.

    Example:
        >>> import tunekit as tk
        >>> tuner = tk.Distiller(base_model="tunekit/nano", teacher="some-org/large-model", task="classification")
        >>> tuner.teacher_id
        'some-org/large-model'
    """

    kind: ClassVar[str] = "distillation"
    model_kind: ClassVar[str] = "distilled"
    takes: ClassVar[Mapping[str, tuple[type[Row], ...]]] = MappingProxyType(
        {"train": (PromptCompletion, Prompt)}
    )

    teacher: Annotated[
        Teacher, PlainValidator(_teacher), PlainSerializer(name_of_teacher, return_type=str)
    ]
    """Who is learnt from. A string names a model as `base_model` does, and the backend loads it. A function from prompt
    to answer, or a model such as `client.model(...)`, is asked in this process while `tune` starts the job; it is
    written down by its name only and cannot be asked any more after reading back."""
    teacher_name: str | None = Field(default=None, min_length=1)
    """What its labels are kept under. `None` takes the id of a model, and of a function its module and name; a lambda
    needs one. Give a new name when the teacher answers differently from before, else its old labels are used."""
    task: DistillationTask | None = None
    """What the rows are about. `None` leaves the recommendations out; with a task the plan holds rows and steps
    against them."""
    tuning_mode: Literal["adapter", "full"] = "adapter"
    """`adapter` trains a low-rank adapter beside the frozen weights, `full` trains all weights, which a student of few
    weights often needs; a full run takes no `adapter_size`."""
    objective: Literal["answers", "logits"] = "answers"
    """`answers` learns the text of the answers. `logits` learns half from them and half from how likely the teacher
    finds every other token; the teacher must be a model by name that has the same vocabulary as the base model."""
    logit_temperature: float | None = Field(default=None, gt=0, le=20)
    """How far the likelihoods of teacher and student are flattened before they are compared; only with
    `objective="logits"`. `None` takes 2."""
    teacher_temperature: float = Field(default=0.0, ge=0, le=2)
    """How the teacher answers: 0 takes its likeliest words, higher values are more varied. A function draws as it
    likes."""
    teacher_max_output_tokens: int = Field(default=256, ge=1)
    """Where an answer of the teacher is cut off, in its own tokens."""
    teacher_instruction: str | None = Field(default=None, min_length=1)
    """Stands in front of every prompt that the teacher reads, and is not part of what the student learns. `None` adds
    nothing."""
    rationale: Literal["none", "learn"] = "none"
    """`learn` also asks the teacher why, and teaches the student the reason as a second task: the prompt with a request
    for the reason. Plain prompts are answered as before (https://arxiv.org/abs/2305.02301)."""
    overlong: Literal["refuse", "truncate"] = "refuse"
    """What becomes of rows that are too long for the student. `refuse` names each with file and line and starts
    nothing; `truncate` cuts the start of the prompt and the end of the answer, and names each as well. The teacher
    always reads the whole prompt."""
    max_input_tokens: int | None = Field(default=None, ge=1)
    """Tokens of a prompt that the student may see. `None` takes what the base model has room for."""
    max_output_tokens: int | None = Field(default=None, ge=1)
    """Tokens of an answer that the student may learn. `None` takes what the base model has room for."""

    @model_validator(mode="after")
    def _settings_fit_together(self) -> Self:
        if self.teacher_name is None and "<lambda>" in self.teacher_id:
            raise ValueError("A lambda has no name to keep labels under; give a teacher_name.")
        if self.tuning_mode == "full" and self.adapter_size is not None:
            raise ValueError("adapter_size needs tuning_mode='adapter'; a full run has no adapter.")
        logits = self.objective == "logits"
        if self.logit_temperature is not None and not logits:
            raise ValueError("logit_temperature needs objective='logits'.")
        if logits and self.asks_here:
            raise ValueError(
                "objective='logits' needs the weights of the teacher; name it, for example teacher=model.id."
            )
        if logits and self.teacher_instruction is not None:
            raise ValueError(
                "teacher_instruction needs objective='answers': logits are compared on the student's own prompts."
            )
        return self

    @property
    def trains_adapter(self) -> bool:
        return self.tuning_mode == "adapter"

    @property
    def teacher_id(self) -> str:
        """Name under which the labels of the teacher are kept."""
        return self.teacher_name or name_of_teacher(self.teacher)

    @property
    def asks_here(self) -> bool:
        """Whether the teacher can only be asked in the process that has it, rather than by the backend."""
        return not isinstance(self.teacher, str) or self.teacher.startswith(_FUNCTION)

    def datasets(self, data: DistillationData) -> Mapping[str, Dataset[Any]]:
        return {"train": data}

    def recommendation(self) -> Recommendation | None:
        return catalog.recommendation(self.kind, self.task)

    def requirements(self) -> Requirements:
        return recommended_rows(self.recommendation())

    def findings(self, report: Report) -> Iterator[Finding]:
        yield from super().findings(report)
        stats = report.datasets["train"]
        advice = catalog.recommendation(self.kind, "unlabelled") if self.task else None
        if advice and stats.row_kind == Prompt.__name__ and stats.rows < advice.rows:
            fact = f"{plural(stats.rows, 'prompt')} without answers: {advice.rows:,} or more are recommended."
            fix = f"Collect {advice.rows - stats.rows:,} more prompts ({advice.source})."
            yield Finding.of(Problem(rules.TOO_FEW_ROWS, fact, fix=fix), None)

    def decided(self, circumstances: Circumstances) -> tuple[Self, tuple[Setting, ...]]:
        per_row = 2 if self.rationale == "learn" else 1
        rows = circumstances.num_rows * per_row
        tuner, settings = super().decided(circumstances.model_copy(update={"num_rows": rows}))
        decided: dict[str, Any] = {}
        if isinstance(self.teacher, str) and Path(self.teacher).is_dir():
            decided["teacher"] = str(Path(self.teacher).resolve())
        if self.objective == "logits":
            asked, value = self.logit_temperature, self.logit_temperature or 2.0
            why = "Given." if asked else "A common value: it shows which wrong answers are close."
            source: Literal["you", "default"] = "you" if asked else "default"
            decided["logit_temperature"] = value
            settings = (
                *settings,
                Setting(name="logit_temperature", value=value, source=source, why=why),
            )
        return tuner.model_copy(update=decided), settings

    # --- labels ------------------------------------------------------------------------------------------------------

    def asked(self, prompt: Asked) -> Asked:
        """What the teacher reads for a prompt."""
        instruction = self.teacher_instruction
        return with_text_before(prompt, instruction) if instruction else prompt

    def wording(self, teacher: str | None = None) -> Wording:
        """How the teacher is asked.

        Args:
            teacher: What to keep its labels under. `None` takes `teacher_id`.
        """
        drawing: dict[str, JsonValue] = {
            "temperature": self.teacher_temperature,
            "max_output_tokens": self.teacher_max_output_tokens,
        }
        if self.teacher_temperature > 0:
            drawing["seed"] = self.seed
        return Wording(
            teacher=teacher or self.teacher_id,
            drawing=drawing,
            asked=self.asked,
            reasons=self.rationale == "learn",
            cut_answers="refuse" if self.overlong == "refuse" else "keep",
        )

    def is_incomplete(self, parts: Mapping[str, Dataset[Any]]) -> bool:
        unlabelled = any(part.row_type is Prompt for part in parts.values())
        return self.asks_here and (unlabelled or self.rationale == "learn")

    def completed(
        self, parts: Mapping[str, Dataset[Any]], *, key: str, home: Path
    ) -> Mapping[str, Dataset[Any]]:
        teacher = self.teacher
        if isinstance(teacher, str):
            raise SettingInvalid(
                f"The teacher {teacher!r} was read back from its name and cannot be asked.",
                hint="Pass the function itself as teacher, or rows that have answers.",
                place="teacher",
            )
        labeller = Labeller(
            self.wording(),
            LabelStore(home / "labels", self.teacher_id),
            self._ask(teacher),
            asked_by=key,
            at_once=self._at_once(teacher),
            asks="texts and turns" if isinstance(teacher, AnswersPrompts) else "texts",
        )
        done = labeller.completed({name: part.located() for name, part in parts.items()})
        if labeller.findings:
            raise _unlabelled(labeller) from labeller.cause
        return {name: dataset_of(rows, parts[name].names) for name, rows in done.items()}

    def _at_once(self, teacher: Callable[[str], str] | AnswersPrompts) -> int:
        several = isinstance(teacher, AnswersPrompts) and self.teacher_temperature == 0
        return _AT_ONCE if several else 1

    def _ask(self, teacher: Callable[[str], str] | AnswersPrompts) -> Ask:
        if isinstance(teacher, AnswersPrompts):
            return one_by_one(lambda batch: self._predicted(teacher, batch))
        return one_by_one(lambda batch: [_called(teacher, question) for question in batch])

    def _predicted(self, teacher: AnswersPrompts, batch: Sequence[Question]) -> list[Reply]:
        answers = teacher.predict_many(
            [question.asked for question in batch],
            temperature=self.teacher_temperature,
            max_output_tokens=self.teacher_max_output_tokens,
            seed=seed_of(batch[0]) if self.teacher_temperature > 0 else None,
        )
        return [
            Reply(answer.text, stopped=answer.stopped, num_output_tokens=answer.num_output_tokens)
            for answer in answers
        ]


def seed_of(question: Question) -> int:
    """A seed of its own for each question, so that an answer is drawn alike whenever it is asked for."""
    return int(question.key[:8], 16)


def _called(function: Callable[[str], object], question: Question) -> Reply:
    answer = function(str(question.asked))
    if isinstance(answer, str):
        return Reply(answer)
    return Reply(problem=f"it answered with a {type(answer).__name__}, not a text")


def _unlabelled(labeller: Labeller) -> DatasetInvalid:
    """The error for prompts that have no label, with all of them."""
    findings = labeller.findings
    report = Report(findings=(), counts={}).with_findings(findings)
    left = f" {labeller.num_left:,} more were not asked." if labeller.num_left else ""
    return DatasetInvalid(
        f"{plural(len(findings), 'row')} got no label, so nothing was started: "
        f"{first_few([finding.place for finding in findings])}. {findings[0].message}{left}",
        hint=f"{findings[0].fix} The report of this error has all of them.",
        report=report,
    )
