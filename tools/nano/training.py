"""The loss and the batches of the pretraining run; what is trained on what is in `pretrain.py`."""

from collections.abc import Iterator

import torch
from torch import Tensor
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from .corpus import conversations
from .tokenizer import START


def rows(
    tokenizer: PreTrainedTokenizerFast, *, seed: int, width: int, long_share: float
) -> Iterator[list[int]]:
    """Rows of exactly `width` tokens; each starts with a new conversation and is filled with more."""
    stream = conversations(seed, long_share=long_share)
    while True:
        row: list[int] = []
        while len(row) < width:
            text = tokenizer.apply_chat_template(next(stream), tokenize=False)
            row += tokenizer.encode(text)
        yield row[:width]


def spoken(ids: Tensor, tokenizer: PreTrainedTokenizerFast) -> Tensor:
    """Marks the tokens that the assistant says, its stop token included."""
    opening = tokenizer.encode(f"{START}assistant\n")
    marks = torch.zeros_like(ids, dtype=torch.bool)
    for row, line in enumerate(ids.tolist()):
        speaking = False
        for column, token in enumerate(line):
            marks[row, column] = speaking
            if token == tokenizer.eos_token_id:
                speaking = False
            elif line[max(0, column - len(opening) + 1) : column + 1] == opening:
                speaking = True
    return marks


class _ChunkedLoss(torch.autograd.Function):
    """Cross-entropy over the vocabulary in chunks that stay in the cache, gradients included.

    Plain cross-entropy walks several times over one large matrix of logits, which is a fifth of a CPU step.
    """

    @staticmethod
    def forward(ctx, hidden, head, targets, weights):  # type: ignore[no-untyped-def]
        grad_hidden = torch.empty_like(hidden)
        grad_head = torch.zeros_like(head)
        total = hidden.new_zeros(())
        for start in range(0, len(hidden), 256):
            part = slice(start, start + 256)
            logits = hidden[part] @ head.T
            lines = torch.arange(len(logits))
            logits -= logits.max(dim=1, keepdim=True).values
            right = logits[lines, targets[part]]
            scores = logits.exp_()
            sums = scores.sum(dim=1, keepdim=True)
            total += (weights[part] * (sums.squeeze(1).log() - right)).sum()
            scores *= weights[part, None] / sums
            scores[lines, targets[part]] -= weights[part]
            grad_hidden[part] = scores @ head
            grad_head.addmm_(scores.T, hidden[part])
        ctx.save_for_backward(grad_hidden, grad_head)
        return total

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        grad_hidden, grad_head = ctx.saved_tensors
        return grad * grad_hidden, grad * grad_head, None, None


def loss_of(model: LlamaForCausalLM, ids: Tensor, weights: Tensor) -> Tensor:
    """The sum over all positions of weight times the surprise at the next token."""
    hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state[:, :-1]
    flat = hidden.reshape(-1, hidden.shape[-1])
    targets, scales = ids[:, 1:].reshape(-1), weights[:, 1:].reshape(-1)
    head = model.lm_head.weight
    total: Tensor = _ChunkedLoss.apply(flat, head, targets, scales)  # type: ignore[no-untyped-call]
    return total
