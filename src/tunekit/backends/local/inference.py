"""Asks tuned models on this machine, and the base models they come from.

Belongs here: loading a model, generating, and the loss on given answers; in the process of the caller.
Does not belong here: tokens (`encoding.py`), finding weights (`base_models.py`).
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from tunekit.backends.local.base_models import (
    BaseModel,
    beside,
    find_base_model,
    is_adapter,
    load_encoder,
    load_weights,
    model_folder,
)
from tunekit.backends.local.encoding import NOT_LEARNT, Encoded, Encoder
from tunekit.data.rows import Row
from tunekit.errors import SettingInvalid
from tunekit.jobs.backend import Prediction, PromptLike, RowLoss, Sampling

if TYPE_CHECKING:
    import torch

_BATCH = 16
"""Prompts that are answered at once."""
_KEPT = 2
"""Models that stay loaded."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model in memory, ready to be asked."""

    model: Any
    encoder: Encoder
    is_adapted: bool
    """Whether the base model can be had by switching the adapter off."""


class Models:
    """The models that this process has loaded, the least recently used one dropped first.

    Args:
        home: Root folder of the backend.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._loaded: OrderedDict[str, Loaded] = OrderedDict()

    def loaded(self, model_id: str) -> Loaded:
        """A model in memory, loaded now where it is not yet."""
        return self._get(model_id)

    def forget(self, model_id: str) -> None:
        """Drop a model from memory."""
        self._loaded.pop(model_id, None)

    def answers(
        self,
        model_id: str,
        base_model: str,
        prompts: Sequence[PromptLike],
        sampling: Sampling,
        *,
        tuned: bool,
    ) -> list[Prediction]:
        """One answer per prompt, in order."""
        with self._asking(model_id, base_model, tuned=tuned) as loaded:
            return answers_of(loaded, prompts, sampling, whose=model_id)

    def losses(
        self, model_id: str, base_model: str, rows: Sequence[Row], *, tuned: bool
    ) -> list[RowLoss]:
        """One loss per row, in order."""
        with self._asking(model_id, base_model, tuned=tuned) as loaded:
            return losses_of(loaded, rows)

    @contextmanager
    def _asking(self, model_id: str, base_model: str, *, tuned: bool) -> Generator[Loaded]:
        loaded = self._get(model_id) if tuned else self._base(model_id, base_model)
        with asking(loaded, tuned=tuned):
            yield loaded

    def _base(self, model_id: str, base_model: str) -> Loaded:
        """What answers for the base model: the tuned one where its adapter can be switched off."""
        loaded = self._get(model_id)
        return loaded if loaded.is_adapted else self._get(base_model)

    def _get(self, name: str) -> Loaded:
        if name not in self._loaded:
            self._loaded[name] = _load(name, self._home)
        self._loaded.move_to_end(name)
        while len(self._loaded) > _KEPT:
            self._loaded.popitem(last=False)
        return self._loaded[name]


def _load(name: str, home: Path) -> Loaded:
    folder = model_folder(name, home) if name.startswith("local:") else None
    base = find_base_model(name, home)
    if folder is not None and is_adapter(folder):
        return load_model(BaseModel(base.source, base.adapters[:-1]), adapter=folder)
    return load_model(base)


def load_model(base: BaseModel, *, adapter: Path | None = None) -> Loaded:
    """A model in memory, on the GPU where there is one.

    Args:
        base: The base model.
        adapter: Folder of an adapter that is put beside it, so that it can be switched off.
    """
    import torch

    model: Any = load_weights(base)
    if adapter is not None:
        model = beside(model, adapter)
    if torch.cuda.is_available():
        model = model.to("cuda")
    return Loaded(model.eval(), load_encoder(base), adapter is not None)


@contextmanager
def asking(loaded: Loaded, *, tuned: bool = True) -> Generator[None]:
    """Inside, nothing is learnt, and the adapter is off unless `tuned`."""
    import torch

    off = loaded.model.disable_adapter() if loaded.is_adapted and not tuned else nullcontext()
    with torch.inference_mode(), off:
        yield


def answers_of(
    loaded: Loaded, prompts: Sequence[PromptLike], sampling: Sampling, *, whose: str
) -> list[Prediction]:
    """One answer per prompt, in order.

    Raises:
        SettingInvalid: A prompt is too long for the model.
    """
    asked = [loaded.encoder.prompt_ids(prompt) for prompt in prompts]
    _refuse_overlong(asked, loaded.encoder.context_tokens, whose)
    predictions: list[Prediction] = []
    with _drawn(sampling):
        for batch in _batches(asked, loaded.encoder, sampling.max_output_tokens):
            answers = generated_ids(loaded, batch, sampling)
            predictions.extend(_prediction(loaded.encoder, answer) for answer in answers)
    return predictions


def _batches(
    asked: list[list[int]], encoder: Encoder, max_output_tokens: int
) -> Iterator[list[list[int]]]:
    """Prompts that are answered at once; alone where the context would cut them all to the length of the shortest."""
    for start in range(0, len(asked), _BATCH):
        batch = asked[start : start + _BATCH]
        if _room(encoder, max(map(len, batch))) >= max_output_tokens:
            yield batch
        else:
            yield from ([prompt] for prompt in batch)


def next_token_logits(loaded: Loaded, prompt: list[int], answer: list[int]) -> torch.Tensor:
    """What the model makes of every place of an answer: one row of logits per token, on the processor."""
    import torch

    ids = torch.tensor([prompt + answer], device=loaded.model.device)
    logits = loaded.model(input_ids=ids).logits[0, len(prompt) - 1 : -1]
    return cast("torch.Tensor", logits.float().cpu())


def losses_of(loaded: Loaded, rows: Sequence[Row]) -> list[RowLoss]:
    """One loss per row, in order."""
    encoded = [loaded.encoder.encode(row) for row in rows]
    losses: list[RowLoss] = []
    for start in range(0, len(encoded), _BATCH):
        losses.extend(_losses(loaded, encoded[start : start + _BATCH]))
    return losses


@contextmanager
def _drawn(sampling: Sampling) -> Generator[None]:
    """Draw with the seed that was asked for, and leave the caller's random numbers alone."""
    import torch

    if sampling.seed is None:
        yield
        return
    with torch.random.fork_rng():
        torch.manual_seed(sampling.seed)
        yield


def generated_ids(
    loaded: Loaded, prompts: list[list[int]], sampling: Sampling
) -> Iterator[list[int]]:
    """The tokens of one answer per prompt, all asked at once, each up to the token that ends it."""
    pad, device = pad_id(loaded.encoder), loaded.model.device
    ids, mask = padded(prompts, pad, device, side="left")
    drawing: dict[str, Any] = {"do_sample": False}
    if sampling.temperature > 0:
        drawing = {
            "do_sample": True,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p if sampling.top_p is not None else 1.0,
            "top_k": sampling.top_k if sampling.top_k is not None else 0,
        }
    generated = loaded.model.generate(
        input_ids=ids,
        attention_mask=mask,
        max_new_tokens=min(sampling.max_output_tokens, _room(loaded.encoder, ids.shape[1])),
        eos_token_id=sorted(loaded.encoder.stop_ids),
        pad_token_id=pad,
        **drawing,
    )
    for answer in generated[:, ids.shape[1] :].tolist():
        stops = (place for place, token in enumerate(answer) if token in loaded.encoder.stop_ids)
        yield answer[: next(stops, len(answer)) + 1]


def _refuse_overlong(prompts: list[list[int]], context_tokens: int | None, model_id: str) -> None:
    for number, prompt in enumerate(prompts, start=1):
        if context_tokens is not None and len(prompt) >= context_tokens:
            raise SettingInvalid(
                f"The prompt has {len(prompt):,} tokens; {model_id!r} takes {context_tokens:,} with the answer.",
                hint="Shorten it.",
                place=f"prompt {number}",
            )


def _room(encoder: Encoder, prompt_tokens: int) -> int:
    """Tokens that an answer can have behind the longest prompt of a batch."""
    limit = encoder.context_tokens
    return sys.maxsize if limit is None else limit - prompt_tokens


def _prediction(encoder: Encoder, answer: list[int]) -> Prediction:
    stopped = answer[-1] in encoder.stop_ids
    said = answer[:-1] if stopped else answer
    text = str(encoder.tokenizer.decode(said, skip_special_tokens=True))
    return Prediction(text=text.strip(), stopped=stopped, num_output_tokens=len(answer))


def _losses(loaded: Loaded, rows: list[Encoded]) -> Iterator[RowLoss]:
    import torch

    pad, device = pad_id(loaded.encoder), loaded.model.device
    ids, mask = padded([row.input_ids for row in rows], pad, device, side="right")
    labels, _ = padded([row.labels for row in rows], NOT_LEARNT, device, side="right")
    logits = loaded.model(input_ids=ids, attention_mask=mask).logits[:, :-1].float()
    nats = torch.nn.functional.cross_entropy(
        logits.transpose(1, 2), labels[:, 1:], ignore_index=NOT_LEARNT, reduction="none"
    )
    for row, row_nats in zip(rows, nats.sum(dim=1).tolist(), strict=True):
        yield RowLoss(nats=row_nats, tokens=row.num_learnt)


def padded(
    rows: list[list[int]], padding: int, device: Any, *, side: Literal["left", "right"]
) -> tuple[torch.Tensor, torch.Tensor]:
    """The rows as one table, filled up on one side, and which of it is no filling."""
    import torch

    width = max(len(row) for row in rows)
    table = torch.full((len(rows), width), padding, dtype=torch.long)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for index, row in enumerate(rows):
        start = width - len(row) if side == "left" else 0
        table[index, start : start + len(row)] = torch.tensor(row, dtype=torch.long)
        mask[index, start : start + len(row)] = 1
    return table.to(device), mask.to(device)


def pad_id(encoder: Encoder) -> int:
    """Any token will do: the mask keeps it out."""
    pad = encoder.tokenizer.pad_token_id
    return pad if isinstance(pad, int) else next(iter(sorted(encoder.stop_ids)), 0)
