"""How a request is put to the model: where the text stands, how options are listed, which word cues the answer.

Belongs here: the frame around a task, in many wordings, so that no single wording is learned by heart.
"""

import random

Conversation = list[dict[str, str]]

_TEXT_WORDS = ("Text", "Message", "Input", "Passage", "Note", "Content")
_SYSTEMS = (
    "You are a helpful assistant.",
    "You are nano, a very small language model.",
    "Answer the user.",
    "Follow the instruction.",
    "You are a careful assistant. Keep to the text.",
    "Help the user as well as you can.",
)


def chat(user: str, assistant: str, *, system: str | None = None) -> Conversation:
    """A conversation of one question and one answer."""
    turns = [{"role": "user", "content": user}, {"role": "assistant", "content": assistant}]
    return turns if system is None else [{"role": "system", "content": system}, *turns]


def asked(
    instruction: str, text: str, answer: str, rng: random.Random, cue: str | None = None
) -> Conversation:
    """A request about a text, in one of many frames.

    Args:
        instruction: What to do, as a sentence.
        text: What to do it with.
        answer: The right answer.
        rng: Chooses the frame.
        cue: A word that may announce the answer, such as `Topic`.
    """
    user = _framed(instruction, text, rng)
    if rng.random() < 0.5:
        user += f"\n{cue or rng.choice(['Answer', 'Reply', 'Output', 'Result', 'The answer is'])}:"
    system = rng.choice(_SYSTEMS) if rng.random() < 0.1 else None
    return chat(user, answer, system=system)


def _framed(instruction: str, text: str, rng: random.Random) -> str:
    word = rng.choice(_TEXT_WORDS)
    return rng.choice(
        [
            f"{instruction}\n{word}: {text}",
            f"{instruction}\n{word}: {text}",
            f"{instruction}\n\n{text}",
            f"{instruction}\n{text}",
            f'{instruction}\n"{text}"',
            f"{word}: {text}\n{instruction}",
            f"{text}\n\n{instruction}",
            f"{word}:\n{text}\n\nTask: {instruction}",
        ]
    )


def choices(instruction: str, labels: list[str], rng: random.Random) -> str:
    """An instruction with its options, in a list or in a line."""
    mark = rng.choice(["- ", "* ", "", "-"])
    listed = "\n".join(f"{mark}{label}" for label in labels)
    line = ", ".join(labels)
    return rng.choice(
        [
            f"{instruction}\n{listed}",
            f"{instruction}\nOptions:\n{listed}",
            f"{instruction} Choose one: {line}.",
            f"{instruction} Choose from: {line}.",
            f"{instruction} Options: {line}.",
            f"{instruction} ({' / '.join(labels)})",
            f"{instruction} Answer with one of these: {line}.",
            f"Pick one of {line}. {instruction}",
        ]
    )


def picked(instruction: str, right: str, wrong: list[str], rng: random.Random) -> Conversation:
    """A question that is answered by copying one of the listed options."""
    labels = [right, *wrong]
    rng.shuffle(labels)
    user = choices(instruction, labels, rng)
    if rng.random() < 0.4:
        user += f"\n{rng.choice(['Answer', 'Choice', 'The answer is'])}:"
    return chat(user, right)
