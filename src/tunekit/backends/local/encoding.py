"""From rows to tokens: what the model reads, and which of it is learnt.

One place decides this, for the check before a job, for training, for the loss and for asking the model, so that a tuned
model is asked exactly as it was trained. No row is ever cut.

Belongs here: prompts and rows as token ids, and faults that only tokens show.
Does not belong here: batches (`trainers.py`, `inference.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunekit.data.check import rules
from tunekit.data.check.findings import Problem
from tunekit.data.rows import Conversation, Message, Preference, Prompt, PromptCompletion, Row
from tunekit.errors import SettingInvalid
from tunekit.jobs.backend import PromptLike

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

NOT_LEARNT = -100
"""Label of a token that does not count in the loss, as PyTorch has it."""

_REWRITES = "it writes earlier turns anew when another turn is added"
_CHAT_ROLES = {"system": "system", "user": "user", "model": "assistant"}


@dataclass(frozen=True, slots=True)
class Encoded:
    """A row as tokens."""

    input_ids: list[int]
    labels: list[int]
    """The token where it is learnt, else `NOT_LEARNT`."""

    @property
    def num_learnt(self) -> int:
        """Tokens that are learnt."""
        return sum(label != NOT_LEARNT for label in self.labels)


class Encoder:
    """Turns rows and prompts into tokens for one model.

    Args:
        tokenizer: The tokenizer of the model.
        stop_ids: Tokens at which the model ends an answer; those of its generation config.
        context_tokens: Tokens that the model takes; `None` where nobody knows.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        *,
        stop_ids: Sequence[int] = (),
        context_tokens: int | None = None,
    ) -> None:
        self.tokenizer = tokenizer
        self._is_chat = bool(tokenizer.chat_template)
        eos = tokenizer.eos_token_id
        ends = [eos] if isinstance(eos, int) else []
        self.stop_ids: frozenset[int] = frozenset([*stop_ids, *ends])
        self.context_tokens = context_tokens

    def turns(self, prompt: PromptLike) -> list[dict[str, str]] | None:
        """A prompt as the turns that the chat template takes; `None` where a text is read as it is."""
        if not isinstance(prompt, str):
            return _turns(tuple(prompt))
        return _turns((Message(role="user", content=prompt),)) if self._is_chat else None

    def prompt_ids(self, prompt: PromptLike) -> list[int]:
        """What the model is given to answer a prompt."""
        if not isinstance(prompt, str):
            self._refuse_turns_without_template()
            return self._text_ids(self._rendered(tuple(prompt), answering=True))
        if self._is_chat:
            return self.prompt_ids([Message(role="user", content=prompt)])
        return self._plain_ids(prompt)

    def encodings(self, row: Row) -> tuple[Encoded, ...]:
        """All that a row gives the model to read: one text, or one per candidate with the preferred one first.

        Raises:
            SettingInvalid: The model cannot take rows of that kind.
            ChatTemplateRefuses: The model's chat template does not take these turns.
        """
        _refuse_tools(row)
        match row:
            case Preference(prompt=prompt):
                chosen = self.encode_answer(prompt, row.chosen)
                return chosen, self.encode_answer(prompt, row.rejected)
            case Prompt(prompt=prompt):
                ids = self.prompt_ids(prompt)
                return (Encoded(ids, [NOT_LEARNT] * len(ids)),)
            case _:
                return (self.encode(row),)

    def encode_answer(self, prompt: PromptLike, answer: str) -> Encoded:
        """A prompt exactly as the model is asked it, and one answer to it up to the stop token.

        Raises:
            ChatTemplateRefuses: The model's chat template does not take these turns.
        """
        asked_ids = self.prompt_ids(prompt)
        ids = self._answer_ids(prompt, answer)
        return Encoded(asked_ids + ids, [NOT_LEARNT] * len(asked_ids) + ids)

    def encode(self, row: Row) -> Encoded:
        """A row with the answers to learn.

        Raises:
            SettingInvalid: The model cannot take rows of that kind.
            ChatTemplateRefuses: The model's chat template does not take these turns.
        """
        _refuse_tools(row)
        match row:
            case PromptCompletion(prompt=prompt, completion=completion) if self._is_chat:
                question = Message(role="user", content=prompt)
                answer = Message(role="model", content=completion)
                return self._chat((question, answer))
            case PromptCompletion(prompt=prompt, completion=completion):
                return self.encode_answer(prompt, completion)
            case Conversation(messages=messages) if self._is_chat:
                return self._chat(messages)
            case Conversation():
                self._refuse_turns_without_template()
            case _:
                pass
        raise SettingInvalid(
            f"A {type(row).__name__} has no answer to learn.", hint="Pass rows with answers."
        )

    def problems(self, encoded: Encoded, *, whose: str) -> Iterator[Problem]:
        """Faults of a row that only its tokens show.

        Args:
            encoded: The row.
            whose: Whose limit the context is, for the text.
        """
        length = len(encoded.input_ids)
        if self.context_tokens is not None and length > self.context_tokens:
            fact = f"The row has {length:,} tokens; {whose} takes {self.context_tokens:,}."
            yield Problem(rules.ROW_TOO_LONG, fact)
        if encoded.num_learnt == 0:
            fact = "No token of the row would be learnt."
            yield Problem(rules.UNTRAINABLE_ROW, fact)
        elif self.stop_ids.isdisjoint(encoded.labels):
            fact = "The stop token of the model is not among the tokens that would be learnt: it would never stop."
            yield Problem(rules.UNTRAINABLE_ROW, fact)

    def _answer_ids(self, prompt: PromptLike, answer: str) -> list[int]:
        """An answer as the model would have to generate it, the stop token included."""
        if isinstance(prompt, str) and not self._is_chat:
            eos = self.tokenizer.eos_token_id
            return [*self._text_ids(answer), *([eos] if isinstance(eos, int) else [])]
        turns = (Message(role="user", content=prompt),) if isinstance(prompt, str) else (*prompt,)
        asked = self._rendered(turns, answering=True)
        turns = (*turns, Message(role="model", content=answer))
        answered = self._rendered(turns, answering=False)
        if not answered.startswith(asked):
            raise ChatTemplateRefuses(_REWRITES)
        ids = self._text_ids(answered.removeprefix(asked))
        return ids[: self._end_of_answer(ids)]

    def _chat(self, messages: tuple[Message, ...]) -> Encoded:
        """Render turn by turn; what a model's turn adds to what was there before is learnt."""
        encoded = Encoded([], [])
        written = ""
        for index, message in enumerate(messages):
            if message.role != "model":
                continue
            asked = self._rendered(messages[:index], answering=True)
            answered = self._rendered(messages[: index + 1], answering=False)
            if not asked.startswith(written) or not answered.startswith(asked):
                raise ChatTemplateRefuses(_REWRITES)
            self._add(encoded, asked.removeprefix(written), learnt=False)
            self._add(encoded, answered.removeprefix(asked), learnt=True)
            written = answered
        return encoded

    def _add(self, encoded: Encoded, text: str, *, learnt: bool) -> None:
        ids = self._text_ids(text)
        encoded.input_ids.extend(ids)
        end = self._end_of_answer(ids) if learnt else 0
        encoded.labels.extend(ids[:end] + [NOT_LEARNT] * (len(ids) - end))

    def _end_of_answer(self, ids: list[int]) -> int:
        """Up to the last stop token: what a template writes behind it is never generated."""
        stops = [index for index, token in enumerate(ids) if token in self.stop_ids]
        return stops[-1] + 1 if stops else len(ids)

    def _refuse_turns_without_template(self) -> None:
        if not self._is_chat:
            raise SettingInvalid(
                "The base model has no chat template, so it cannot read conversations.",
                hint="Use rows with a prompt in one text, or the instruction-tuned variant of the model.",
                place="base_model",
            )

    def _rendered(self, messages: tuple[Message, ...], *, answering: bool) -> str:
        from jinja2 import TemplateError

        try:
            return str(
                self.tokenizer.apply_chat_template(
                    _turns(messages), tokenize=False, add_generation_prompt=answering
                )
            )
        except TemplateError as error:
            raise ChatTemplateRefuses(str(error)) from error

    def _text_ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _plain_ids(self, prompt: str) -> list[int]:
        """The prompt with the tokens that the tokenizer puts in front, and without one that ends it."""
        ids = list(self.tokenizer(prompt)["input_ids"])
        return ids[:-1] if ids and ids[-1] == self.tokenizer.eos_token_id else ids


class ChatTemplateRefuses(Exception):  # becomes a finding
    """A chat template does not take the turns of a row."""

    def problem(self) -> Problem:
        """What to tell the user."""
        fact = f"The chat template of the base model does not take these turns: {self}."
        return Problem(rules.UNTRAINABLE_ROW, fact, fix="Change the turns, or take another model.")


def _turns(messages: Sequence[Message]) -> list[dict[str, str]]:
    """Turns as chat templates take them."""
    return [{"role": _CHAT_ROLES[turn.role], "content": _text(turn)} for turn in messages]


def _refuse_tools(row: Row) -> None:
    if isinstance(row, Conversation | Prompt) and row.tools:
        raise ChatTemplateRefuses("the row has tools to call, and local tuning reads text only")


def _text(message: Message) -> str:
    if message.files:
        raise ChatTemplateRefuses("a turn points to a file, and local tuning reads text only")
    if not message.is_text:
        raise ChatTemplateRefuses("a turn calls a function, and local tuning reads text only")
    return message.text
