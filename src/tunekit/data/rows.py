"""The kinds of row that tuners take, apart from how a file spells them.

Belongs here: one value per kind of row, and what it has to say about itself.
Does not belong here: field names of file formats (`formats/`), faults in rows (`check/`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import ClassVar, Literal, Self, TypeAlias, TypeVar

from pydantic import Field, JsonValue, field_validator

from tunekit._value import Value

Role = Literal["system", "user", "model"]
"""Who speaks. `model` is what other libraries call `assistant`."""


class TextPart(Value):
    """A stretch of text inside a message."""

    text: str


class FilePart(Value):
    """A file that a message points to, such as an image."""

    uri: str
    """Where it lies: `gs://...` or a public `https://...` address."""
    mime_type: str
    """Its media type, such as `image/jpeg`."""
    settings: Mapping[str, JsonValue] = Field(default_factory=dict)
    """How the model is to look at it, as Gemini spells it: `mediaResolution`, `videoMetadata`."""


class FunctionCallPart(Value):
    """What a model says in order to have a function called."""

    name: str
    args: Mapping[str, JsonValue] = Field(default_factory=dict)
    """The arguments by their names."""
    id: str | None = None
    """Tells calls of the same function apart; `None` where the source has none."""


class FunctionResponsePart(Value):
    """What a function that was called gave back."""

    name: str
    response: Mapping[str, JsonValue]
    """What it gave, as an object."""
    id: str | None = None
    """The id of the call; `None` where the source has none."""


Part: TypeAlias = TextPart | FilePart | FunctionCallPart | FunctionResponsePart
"""A part of a message."""


class Message(Value):
    """One turn of a conversation."""

    role: Role
    content: str | tuple[Part, ...]
    """The text, or several parts where the turn is more than one text."""

    @field_validator("content")
    @classmethod
    def _one_text_is_a_string(cls, content: str | tuple[Part, ...]) -> str | tuple[Part, ...]:
        match content:
            case (TextPart(text=text),):
                return text
            case _:
                return content

    @property
    def text(self) -> str:
        """The text of the turn, its text parts joined; files and calls of functions have none."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content if isinstance(part, TextPart))

    @property
    def files(self) -> tuple[FilePart, ...]:
        """The files that the turn points to."""
        if isinstance(self.content, str):
            return ()
        return tuple(part for part in self.content if isinstance(part, FilePart))

    @property
    def is_text(self) -> bool:
        """Whether the turn is text and nothing else."""
        return isinstance(self.content, str) or all(
            isinstance(part, TextPart) for part in self.content
        )


Asked: TypeAlias = str | tuple[Message, ...]
"""What a model is asked: a text, or a conversation that ends with the user."""


class Row(Value):
    """One example of a dataset."""

    is_asked: ClassVar[bool] = True
    """Whether its text is something that a model is asked, so that such texts should share one shape."""
    extra: Mapping[str, JsonValue] = Field(default_factory=dict)
    """Fields of the source that this kind of row does not know. They are carried along and written back, and never
    trained on."""

    def prompt_text(self) -> str:
        """What the model is given, as one text: the part in which a shared instruction is looked for."""
        raise NotImplementedError

    def completion_text(self) -> str | None:
        """What the model shall answer, or `None` where the row has no single answer."""
        raise NotImplementedError


class PromptCompletion(Row):
    """A prompt and the answer that the model shall give to it."""

    prompt: str
    completion: str

    def prompt_text(self) -> str:
        return self.prompt

    def completion_text(self) -> str:
        return self.completion


class Conversation(Row):
    """A conversation in which the model learns every turn of its own."""

    messages: tuple[Message, ...]
    """An optional system turn, then user and model in turn, ending with the model."""
    tools: tuple[Mapping[str, JsonValue], ...] = ()
    """What the model may call, as Gemini spells it: `{"functionDeclarations": [...]}`."""

    def prompt_text(self) -> str:
        return opening_text(self.messages)

    def completion_text(self) -> str | None:
        return (self.messages[-1].text or None) if self.messages else None


class Prompt(Row):
    """A prompt without an answer: for distillation, and for reinforcement learning."""

    prompt: Asked
    """A text, or a conversation that ends with the user."""
    tools: tuple[Mapping[str, JsonValue], ...] = ()
    """What the model may call, as Gemini spells it: `{"functionDeclarations": [...]}`."""

    def prompt_text(self) -> str:
        return self.prompt if isinstance(self.prompt, str) else opening_text(self.prompt)

    def completion_text(self) -> None:
        return None


class Preference(Row):
    """A prompt, two answers to it, and which of them people preferred."""

    prompt: Asked
    """A text, or a conversation that ends with the user."""
    candidates: tuple[str, str]
    """The two answers, in the order of the source."""
    choice: Literal[0, 1]
    """The index of the preferred answer in `candidates`."""

    def prompt_text(self) -> str:
        return self.prompt if isinstance(self.prompt, str) else opening_text(self.prompt)

    def completion_text(self) -> None:
        return None

    @property
    def chosen(self) -> str:
        """The preferred answer."""
        return self.candidates[self.choice]

    @property
    def rejected(self) -> str:
        """The other answer."""
        return self.candidates[1 - self.choice]


class Document(Row):
    """A document that can be found."""

    is_asked: ClassVar[bool] = False

    id: str
    title: str = ""
    text: str

    @property
    def content(self) -> str:
        """Title and text as one text, which is what is embedded."""
        return f"{self.title} {self.text}".strip()

    def prompt_text(self) -> str:
        return self.content

    def completion_text(self) -> None:
        return None


class Query(Row):
    """A text for which documents are looked for."""

    is_asked: ClassVar[bool] = False

    id: str
    text: str

    def prompt_text(self) -> str:
        return self.text

    def completion_text(self) -> None:
        return None


class RelevanceLabel(Row):
    """How relevant a document is to a query."""

    is_asked: ClassVar[bool] = False

    query_id: str
    document_id: str
    score: int = Field(default=1, ge=0)
    """0 is irrelevant; the higher the more relevant."""

    def prompt_text(self) -> str:
        return self.query_id

    def completion_text(self) -> None:
        return None


class ImageRow(Row):
    """A row whose lesson is a picture in a file."""

    image: str = Field(min_length=1)
    """The image file. In a file of rows its path counts from the folder of that file."""

    @property
    def name(self) -> str:
        """The name of the image file, for messages."""
        return PurePath(self.image).name

    def within(self, folder: Path) -> Self:
        """The same row with its path counted from a folder, where it is not absolute."""
        return self.model_copy(update={"image": str(folder / self.image)})

    def seen_from(self, folder: Path) -> Self:
        """The same row with its path as a file of rows in that folder writes it."""
        path = os.path.relpath(self.image, folder)
        return self.model_copy(update={"image": PurePath(path).as_posix()})

    def completion_text(self) -> None:
        return None


class CaptionedImage(ImageRow):
    """A picture, and the words for what is to be seen in it, without those for its style."""

    caption: str

    def prompt_text(self) -> str:
        return self.caption


class ReferenceImage(ImageRow):
    """A picture of the subject that is to be learnt."""

    caption: str | None = None
    """What is to be seen, with the words for the subject in it; `None` is the words for the subject alone."""

    def prompt_text(self) -> str:
        return self.image


RowT = TypeVar("RowT", bound=Row)
RowT_co = TypeVar("RowT_co", bound=Row, covariant=True)


def asked_of(row: Row) -> Asked:
    """What a row asks a model: a text, or the turns up to the last one of the user."""
    match row:
        case PromptCompletion() | Prompt() | Preference():
            return row.prompt
        case Conversation():
            return row.messages[:-1]
        case _:
            return row.prompt_text()


def with_text_before(prompt: Asked, text: str) -> Asked:
    """A prompt with a text in front: before the text, or before that of its first turn."""
    if isinstance(prompt, str):
        return f"{text}\n\n{prompt}"
    return (_turn_with(prompt[0], before=f"{text}\n\n"), *prompt[1:])


def with_text_behind(prompt: Asked, text: str) -> Asked:
    """A prompt with a text at its end: behind the text, or behind that of its last turn."""
    if isinstance(prompt, str):
        return f"{prompt}\n\n{text}"
    return (*prompt[:-1], _turn_with(prompt[-1], behind=f"\n\n{text}"))


def _turn_with(turn: Message, *, before: str = "", behind: str = "") -> Message:
    if isinstance(turn.content, str):
        return turn.model_copy(update={"content": f"{before}{turn.content}{behind}"})
    first = (TextPart(text=before),) if before else ()
    last = (TextPart(text=behind),) if behind else ()
    return turn.model_copy(update={"content": (*first, *turn.content, *last)})


def opening_text(messages: tuple[Message, ...]) -> str:
    """The system turn and the first user turn: where a conversation carries its instruction."""
    opening: list[str] = []
    for message in messages:
        opening.append(message.text)
        if message.role == "user":
            break
    return "\n".join(opening)
