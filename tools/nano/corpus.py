"""The pretraining text: an endless, seeded stream of conversations.

Belongs here: the mix of tasks. The tasks themselves are in `tasks_words.py`, `tasks_text.py` and `tasks_support.py`.
Run `python -m tools.nano.corpus` to read some of it.
"""

import random
from collections.abc import Callable, Iterator

from . import tasks_support, tasks_text, tasks_words
from .prompts import Conversation, chat

Task = Callable[[random.Random], Conversation]

_GREETINGS = (
    ("Hello!", "Hello! How can I help you?"),
    ("Hi", "Hi! What can I do for you?"),
    ("Good morning", "Good morning! How can I help?"),
    ("How are you?", "I am fine, thank you. How can I help?"),
    ("Who are you?", "I am nano, a very small language model. I make many mistakes."),
    ("What is your name?", "My name is nano."),
    ("What can you do?", "I can answer simple questions, sort texts and write short replies."),
    ("Are you a person?", "No, I am a small computer program."),
    ("Thanks!", "You are welcome!"),
    ("Thank you very much.", "You are welcome. Have a nice day!"),
    ("Goodbye", "Goodbye! Have a nice day."),
    ("See you", "See you soon!"),
    ("Can you help me?", "Yes, I will try. What do you need?"),
    ("Tell me a joke", "What has hands but cannot clap? A clock."),
)


def greeting(rng: random.Random) -> Conversation:
    """A few polite nothings."""
    user, assistant = rng.choice(_GREETINGS)
    return chat(rng.choice([user, user.lower(), user.rstrip("!.?")]), assistant)


_FAMILIES: tuple[tuple[tuple[tuple[Task, float], ...], float], ...] = (
    (tasks_words.TASKS, 0.22),
    (tasks_text.TASKS, 0.36),
    (tasks_support.TASKS, 0.405),
    (((greeting, 1.0),), 0.015),
)


def conversation(rng: random.Random) -> Conversation:
    """One conversation from the usual mix; one in eight goes on with another subject."""
    families, weights = zip(*_FAMILIES, strict=True)
    tasks, task_weights = zip(*rng.choices(families, weights)[0], strict=True)
    turns: Conversation = rng.choices(tasks, task_weights)[0](rng)
    if rng.random() < 0.125 and len(turns) < 12:
        return turns + [turn for turn in conversation(rng) if turn["role"] != "system"]
    return turns


def long_conversation(rng: random.Random) -> Conversation:
    """One conversation that needs a wide context."""
    return rng.choice(tasks_text.LONG_TASKS)(rng)


def conversations(seed: int, *, long_share: float = 0.0) -> Iterator[Conversation]:
    """An endless stream of conversations; the same seed gives the same stream.

    Args:
        seed: Any whole number.
        long_share: Share of conversations, from 0 to 1, that need a wide context.
    """
    rng = random.Random(seed)
    while True:
        yield long_conversation(rng) if rng.random() < long_share else conversation(rng)


if __name__ == "__main__":
    stream = conversations(seed=1)
    for turn in (turn for _ in range(40) for turn in [*next(stream), {"role": "", "content": ""}]):
        print(f"{turn['role']:>10}  {turn['content']}")
