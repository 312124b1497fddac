"""How this machine runs distillation: labels first, then the student learns answers, or answers and logits.

Belongs here: what can be told before the start, and the loss against a teacher's logits.
Does not belong here: asking the teacher (`labels.py`), limits (`fitting.py`), learning answers (`supervised.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunekit._text import first_few, plural
from tunekit.backends.local.base_models import find_base_model, load_encoder, load_weights
from tunekit.backends.local.encoding import Encoder
from tunekit.backends.local.fitting import Fitter
from tunekit.backends.local.inspection import inspect_text_rows
from tunekit.backends.local.labels import (
    figures_of,
    find_teacher,
    labelled_rows,
    store_of,
    wording_of,
)
from tunekit.backends.local.run import Result, Run, RunFailed
from tunekit.backends.local.supervised import learn_answers
from tunekit.data.check.findings import Finding, Severity
from tunekit.data.dataset import Located
from tunekit.data.rows import Prompt, asked_of
from tunekit.errors import BaseModelNotFound, SettingInvalid
from tunekit.jobs.backend import Inspection, Rows, TokenCount
from tunekit.jobs.record import JobProblem, JobRequest
from tunekit.tuners.distillation import Distiller
from tunekit.tuners.labelling import (
    Completed,
    answered_row,
    dataset_of,
    missing_of,
    reason_prompt,
)
from tunekit.tuners.labels import Provenance

if TYPE_CHECKING:
    import torch
    from trl.trainer.sft_trainer import SFTTrainer

_TOLD_ROWS = 20
"""Cut rows that the log of a job names."""


class DistillationRecipe:
    """Distillation on this machine."""

    def inspect(self, request: JobRequest, rows: Rows, home: Path) -> Inspection:
        """Find the teacher, hold the rows against the student's limits, and count the calls of the teacher."""
        tuner: Distiller = request.tuner
        _look_at_teacher(tuner, home)
        parts: Completed = {name: list(part.located()) for name, part in rows.items()}
        findings: list[Finding] = []
        encoder = _encoder_here(tuner.base_model, home)
        if encoder is not None:
            parts, findings = _fitted(tuner, encoder, parts)
        data = {name: dataset_of(part) for name, part in parts.items()}
        seen = inspect_text_rows(request, data, home)
        return _with_calls(seen, tuner, parts, home).model_copy(
            update={"findings": (*findings, *seen.findings)}
        )

    def train(self, run: Run, into: Path) -> Result:
        """Label what is not labelled, then train, and leave an adapter in `into`."""
        tuner: Distiller = run.request.tuner
        parts = labelled_rows(run)
        stage = run.enter()
        encoder = load_encoder(find_base_model(tuner.base_model, run.home))
        examples, findings = _fitted(tuner, encoder, parts, job_key=run.request.key)
        _tell(run, findings)
        against = _against_logits(tuner, encoder, run.home) if _learns_logits(tuner) else None
        result = learn_answers(stage, examples, into, trainer=against)
        return Result({**result.metrics, **figures_of(parts, run.request.key)})


RECIPE = DistillationRecipe()
"""What the registry of this backend finds."""


# --- before the start ------------------------------------------------------------------------------------------------


def _look_at_teacher(tuner: Distiller, home: Path) -> None:
    if tuner.asks_here:
        return
    find_teacher(str(tuner.teacher), home)
    if _learns_logits(tuner):
        student = _encoder_here(tuner.base_model, home)
        teacher = _encoder_here(str(tuner.teacher), home)
        if student is not None and teacher is not None:
            _refuse_other_vocabulary(tuner, student, teacher)


def _encoder_here(name: str, home: Path) -> Encoder | None:
    """What makes tokens for a model; `None` where the model still has to be fetched."""
    base = find_base_model(name, home)
    try:
        return load_encoder(base, offline=True)
    except BaseModelNotFound:
        if base.is_here:
            raise
        return None


def _with_calls(seen: Inspection, tuner: Distiller, parts: Completed, home: Path) -> Inspection:
    """What was seen, and what the teacher has to do before."""
    items = [item for part in parts.values() for item in part]
    unlabelled = [item for item in items if isinstance(item.row, Prompt)]
    wording = wording_of(tuner)
    store = store_of(wording, home)
    asked = [wording.question(item.row, item.place) for item in unlabelled]
    if not asked and not wording.reasons:
        return seen
    missing = missing_of(asked, store)
    known = len({question.key for question in asked}) - len(missing)
    told = f"{plural(len(missing), 'answer')} of the teacher {wording.teacher!r} to ask for"
    told += f", {known:,} known already" if known else ""
    told += f", and {plural(len(items), 'reason')} why" if wording.reasons else ""
    return seen.model_copy(
        update={
            "writes": (*seen.writes, f"{store.path}: {told}"),
            "tokens": _without_answers(seen.tokens) if asked else seen.tokens,
        }
    )


def _without_answers(tokens: TokenCount | None) -> TokenCount | None:
    """Tokens of rows of which some have yet to be answered: nobody can say how long the answers are."""
    return tokens and tokens.model_copy(update={"exact": False, "high": None})


# --- rows ------------------------------------------------------------------------------------------------------------


def _fitted(
    tuner: Distiller, encoder: Encoder, parts: Completed, *, job_key: str | None = None
) -> tuple[Completed, list[Finding]]:
    """The examples to learn within the student's limits: the rows, and their reasons where they have one."""
    plain = Fitter(encoder, tuner.overlong, tuner.max_input_tokens, tuner.max_output_tokens)
    reasons = Fitter(encoder, tuner.overlong, None, tuner.max_output_tokens)

    def examples(rows: Iterable[Located[Any]]) -> Iterator[Located[Any]]:
        for item in rows:
            fitted = plain.fitted(item)
            yield fitted
            known = Provenance.of(item.row, job_key) if job_key else None
            if known is not None and known.reason is not None:
                row = answered_row(reason_prompt(asked_of(fitted.row)), known.reason, {})
                yield reasons.fitted(Located(row, item.place))

    done = {name: list(examples(rows)) for name, rows in parts.items()}
    return done, [*plain.findings, *reasons.findings]


def _tell(run: Run, findings: list[Finding]) -> None:
    """Name the rows that were cut; rows that are refused end the run."""
    refused = [finding for finding in findings if finding.severity is Severity.ERROR]
    if refused:
        places = first_few([finding.place for finding in refused])
        raise RunFailed(
            JobProblem(
                code="rows-unusable",
                message=f"{plural(len(refused), 'row')} cannot be learnt from: {places}. {refused[0].message}",
                hint=refused[0].fix,
            )
        )
    for finding in findings[:_TOLD_ROWS]:
        run.recorder.message(str(finding))
    if len(findings) > _TOLD_ROWS:
        run.recorder.message(f"{plural(len(findings) - _TOLD_ROWS, 'more row')} cut")


# --- logits ----------------------------------------------------------------------------------------------------------


def _learns_logits(tuner: Distiller) -> bool:
    return tuner.objective == "logits"


def _refuse_other_vocabulary(tuner: Distiller, student: Encoder, teacher: Encoder) -> None:
    ours, theirs = student.tokenizer.get_vocab(), teacher.tokenizer.get_vocab()
    if ours != theirs:
        raise SettingInvalid(
            f"{tuner.teacher!r} has another vocabulary than {tuner.base_model!r}: {len(theirs):,} tokens against "
            f"{len(ours):,}, and {len(ours.items() & theirs.items()):,} are the same; logits cannot be compared.",
            hint="Use objective='answers', or a teacher of the same family as the base model.",
            place="teacher",
        )


def _against_logits(tuner: Distiller, student: Encoder, home: Path) -> Callable[..., SFTTrainer]:
    """A trainer whose loss is half the answers, half how far the student is from a frozen teacher.

    The method is https://arxiv.org/abs/1503.02531; the second half is multiplied by the square of the temperature,
    which keeps the two in proportion.
    """
    import torch
    from trl.trainer.sft_trainer import SFTTrainer

    base = find_teacher(str(tuner.teacher), home)
    _refuse_other_vocabulary(tuner, student, load_encoder(base))
    teacher: Any = load_weights(base).eval().requires_grad_(requires_grad=False)
    if torch.cuda.is_available():
        teacher = teacher.to("cuda")
    temperature = tuner.logit_temperature or 1.0

    class AgainstLogits(SFTTrainer):
        """Asks for full logits, which the fused head of its base class does not build."""

        def compute_loss(
            self,
            model: Any,
            inputs: Mapping[str, torch.Tensor],
            return_outputs: bool = False,  # noqa: FBT001, FBT002  # the signature of the base class
            num_items_in_batch: torch.Tensor | int | None = None,
        ) -> Any:
            read = {name: inputs[name] for name in ("input_ids", "attention_mask")}
            outputs = model(**read, use_cache=False)
            with torch.no_grad():
                wanted = teacher(**read, use_cache=False).logits
            loss = _distance(outputs.logits, wanted, inputs["labels"], temperature)
            loss = loss / _items(inputs["labels"], num_items_in_batch)
            return (loss, outputs) if return_outputs else loss

    return AgainstLogits


def _distance(
    given: torch.Tensor, wanted: torch.Tensor, labels: torch.Tensor, temperature: float
) -> torch.Tensor:
    """Half the cross-entropy, half the divergence from the teacher, summed over the tokens that are learnt."""
    import torch.nn.functional as nn

    size = min(given.shape[-1], wanted.shape[-1])  # some models pad their tables of tokens
    learnt = labels[:, 1:] >= 0
    ours = given[:, :-1][learnt].float()
    theirs = wanted[:, :-1][learnt][:, :size].float()
    answers = nn.cross_entropy(ours, labels[:, 1:][learnt], reduction="sum")
    divergence = nn.kl_div(
        nn.log_softmax(ours[:, :size] / temperature, dim=-1),
        nn.log_softmax(theirs / temperature, dim=-1),
        log_target=True,
        reduction="sum",
    )
    return (answers + temperature**2 * divergence) / 2


def _items(
    labels: torch.Tensor, num_items_in_batch: torch.Tensor | int | None
) -> torch.Tensor | int:
    """Tokens that are learnt in the whole batch, of which this may be a part."""
    if num_items_in_batch is not None:
        return num_items_in_batch
    return (labels[:, 1:] >= 0).sum().clamp(min=1)
