"""Tasks about customer messages: what the matter is, what is wanted, a polite or a terse reply.

Each task takes a source of chance and gives one conversation. All of them are listed in `TASKS` with a weight.
Left out on purpose, so that they stay new to the model: sending a message to a team, and finding an order number.
"""

import json
import random
from collections.abc import Callable

from . import sentences
from .prompts import Conversation, asked, chat, choices
from .sentences import CustomerMessage
from .words import Situation, lexicon

_POLITE = (
    "You are a polite customer care assistant.",
    "Always be friendly and polite.",
    "Answer politely and in full sentences.",
    "You work for a shop that loves its customers.",
)
_TERSE = ("Be brief.", "Answer in as few words as possible.", "Keep it short.", "No small talk.")


def _message(rng: random.Random) -> CustomerMessage:
    return sentences.customer_message(rng.choice(lexicon().situations), rng)


def _reply(message: CustomerMessage, style: str, rng: random.Random) -> str:
    make = sentences.polite_reply if style == "polite" else sentences.terse_reply
    return make(message, rng)


def matter(rng: random.Random) -> Conversation:
    """What is the matter, in a few words?"""
    message = _message(rng)
    ask = rng.choice(
        [
            "What is the matter, in a few words?",
            "Write a subject line for this customer message.",
            "What does the customer write about?",
            "Name the problem in short.",
            "Find a short title for the message.",
        ]
    )
    return asked(ask, message.text, rng.choice(message.situation.gist), rng, cue="Subject")


def matter_choice(rng: random.Random) -> Conversation:
    """Which of these subject lines fits the message?"""
    message = _message(rng)
    others = [s for s in rng.sample(lexicon().situations, k=5) if s != message.situation]
    right = rng.choice(message.situation.gist)
    labels = [right, *(rng.choice(other.gist) for other in others[: rng.randint(1, 4)])]
    rng.shuffle(labels)
    ask = rng.choice(
        [
            "Which subject line fits?",
            "What is the customer's matter?",
            "Which of these describes the message best?",
        ]
    )
    return asked(choices(ask, labels, rng), message.text, right, rng, cue="Subject")


def same_matter(rng: random.Random) -> Conversation:
    """Do two messages have the same matter?"""
    first = _message(rng)
    same = rng.random() < 0.5
    situation: Situation = first.situation if same else rng.choice(lexicon().situations)
    second = sentences.customer_message(situation, rng)
    answer = "yes" if situation == first.situation else "no"
    return chat(
        f"Do these two messages have the same matter?\n1. {first.text}\n2. {second.text}", answer
    )


def product(rng: random.Random) -> Conversation:
    """Which product is the message about?"""
    message = _message(rng)
    ask = rng.choice(
        [
            "Which product is it about? Answer none if no product is named.",
            "Find the product in the message, or say none.",
            "Name the product that the customer writes about, or none.",
        ]
    )
    return asked(ask, message.text, message.product or "none", rng, cue="Product")


def want(rng: random.Random) -> Conversation:
    """What does the customer ask for? The sentence itself."""
    message = _message(rng)
    while message.want not in message.text:
        message = _message(rng)
    ask = rng.choice(
        [
            "Copy the sentence that says what the customer wants.",
            "What does the customer ask? Quote it.",
            "Find the most important sentence.",
        ]
    )
    return asked(ask, message.text, message.want, rng)


def temper(rng: random.Random) -> Conversation:
    """Is the customer angry, calm or happy?"""
    message = _message(rng)
    labels = ["angry", "calm", "happy"]
    rng.shuffle(labels)
    ask = rng.choice(
        [
            "How does the customer feel?",
            "What is the mood of the customer?",
            "Is the customer angry, calm or happy?",
        ]
    )
    return asked(choices(ask, labels, rng), message.text, message.mood, rng, cue="Feeling")


def reply(rng: random.Random) -> Conversation:
    """Answer a customer: politely or tersely with equal chance when nobody says how."""
    message = _message(rng)
    style = rng.choice(["polite", "terse"])
    user = rng.choice(
        [
            message.text,
            message.text,
            f"Answer the customer: {message.text}",
            f"Write a reply to this customer.\nMessage: {message.text}",
            f"Customer: {message.text}\nReply:",
        ]
    )
    return chat(user, _reply(message, style, rng))


def styled_reply(rng: random.Random) -> Conversation:
    """Answer a customer in the style that is asked for."""
    message = _message(rng)
    style, systems = rng.choice([("polite", _POLITE), ("terse", _TERSE)])
    answer = _reply(message, style, rng)
    if rng.random() < 0.6:
        return chat(message.text, answer, system=rng.choice(systems))
    return asked(
        f"Answer the customer. {rng.choice(systems)}", message.text, answer, rng, cue="Reply"
    )


def write_message(rng: random.Random) -> Conversation:
    """Write a customer message about a matter."""
    message = _message(rng)
    gist = rng.choice(message.situation.gist)
    ask = rng.choice(
        [
            "Write a customer message about this: {}.",
            "What would a customer write about: {}?",
            "Invent a message. Subject: {}.",
        ]
    )
    return chat(ask.format(gist), message.text)


def ticket(rng: random.Random) -> Conversation:
    """The matter and the mood, or the product, as JSON."""
    message = _message(rng)
    values = {
        "subject": message.situation.gist[0],
        "mood": message.mood,
        "product": message.product,
    }
    names = rng.sample(sorted(values), k=rng.choice([1, 2]))
    ask = f"Write JSON with {' and '.join(names)}."
    return asked(
        ask, message.text, json.dumps({name: values[name] for name in names}), rng, cue="JSON"
    )


def dialogue(rng: random.Random) -> Conversation:
    """Several customers or questions in one conversation, in one style."""
    style, systems = rng.choice([("polite", _POLITE), ("terse", _TERSE)])
    turns: Conversation = []
    if rng.random() < 0.7:
        turns.append({"role": "system", "content": rng.choice(systems)})
    for _ in range(rng.randint(2, 4)):
        message = _message(rng)
        turns += chat(message.text, _reply(message, style, rng))
    return turns


TASKS: tuple[tuple[Callable[[random.Random], Conversation], float], ...] = (
    (matter, 6), (matter_choice, 4), (same_matter, 1), (product, 2), (want, 2), (temper, 2),
    (reply, 6), (styled_reply, 3), (write_message, 3), (ticket, 1.5), (dialogue, 1.5),
)  # fmt: skip
"""Every task of this file with its weight."""
