"""Tasks about a text: its topic, its title, its mood, questions about it, rewriting it.

Each task takes a source of chance and gives one conversation. All of them are listed in `TASKS` with a weight.
"""

import json
import random
from collections.abc import Callable

from . import grammar, sentences
from .prompts import Conversation, asked, chat, choices
from .stories import story
from .words import Topic, lexicon


def _topic(rng: random.Random) -> Topic:
    return rng.choice(lexicon().topics)


def topic_choice(rng: random.Random) -> Conversation:
    """Which of the listed topics is this text about?"""
    topics = rng.sample(lexicon().topics, k=rng.randint(2, 7))
    labels = [rng.choice(topic.labels) for topic in topics]
    right = labels[0]
    text = sentences.any_text(topics[0], rng)
    rng.shuffle(labels)
    ask = rng.choice(
        [
            "What is this text about?",
            "What is the topic?",
            "Which topic fits?",
            "Find the topic of the text.",
            "What is the subject of the text below?",
            "Sort this text into one of the groups.",
        ]
    )
    return asked(choices(ask, labels, rng), text, right, rng, cue="Topic")


def topic_free(rng: random.Random) -> Conversation:
    """What is this text about?"""
    topic = _topic(rng)
    ask = rng.choice(
        [
            "What is this text about? Answer in one or two words.",
            "Name the topic of this text.",
            "Give the topic in a word.",
        ]
    )
    return asked(ask, sentences.any_text(topic, rng), topic.labels[0], rng, cue="Topic")


def by_rule(rng: random.Random) -> Conversation:
    """Answer with a word of the user's choosing: `A` for sport, `B` for food."""
    topics = rng.sample(lexicon().topics, k=2)
    codes = rng.choice(
        [["A", "B"], ["1", "2"], ["yes", "no"], ["left", "right"], ["red", "blue"], ["B", "A"]]
    )
    chosen = rng.randrange(2)
    text = sentences.any_text(topics[chosen], rng)
    labels = [topic.labels[0] for topic in topics]
    ask = f"Answer {codes[0]} if the text is about {labels[0]}, {codes[1]} if about {labels[1]}."
    return asked(ask, text, codes[chosen], rng)


def mentions(rng: random.Random) -> Conversation:
    """Is this text about sport? Answer yes or no."""
    topic = _topic(rng)
    text = sentences.any_text(topic, rng)
    label, answer = rng.choice(topic.labels), "yes"
    if rng.random() < 0.5:
        other = _topic(rng)
        label, answer = rng.choice(other.labels), "yes" if other == topic else "no"
    return asked(f"Is this text about {label}? Answer yes or no.", text, answer, rng)


def title(rng: random.Random) -> Conversation:
    """Write a title for this text."""
    topic = _topic(rng)
    person, act = rng.choice(topic.people), rng.choice(topic.acts)
    when = grammar.expand("[yesterday|on {day}|last week|this morning|in {month}|]", rng)
    event = grammar.sentence(f"the {person} {grammar.past(act)} {when}".strip())
    rest = sentences.paragraph(topic, rng, rng.randint(1, 3))
    text = f"{event} {rest}" if rng.random() < 0.8 else f"{rest} {event}"
    if rng.random() < 0.5:
        ask = rng.choice(
            [
                "Write a title.",
                "Give this text a title.",
                "Find a short headline for the text.",
                "Title for this text?",
            ]
        )
        return asked(ask, text, f"{person.capitalize()} {grammar.third(act)}", rng, cue="Title")
    ask = rng.choice(
        [
            "Sum up the text in one sentence.",
            "Summarise this.",
            "What happened, in one sentence?",
            "Short summary, please.",
        ]
    )
    return asked(ask, text, f"The {person} {grammar.past(act)}.", rng, cue="Summary")


def mood(rng: random.Random) -> Conversation:
    """Is this review positive or negative?"""
    names = {
        "positive": ["positive", "good", "happy", "favourable"],
        "negative": ["negative", "bad", "unhappy", "unfavourable"],
        "neutral": ["neutral", "neutral", "neither", "in between"],
    }
    style = rng.randrange(4)
    allowed = ["positive", "negative"] + (["neutral"] if rng.random() < 0.5 else [])
    chosen = rng.choice(allowed)
    labels = [names[name][style] for name in allowed]
    rng.shuffle(labels)
    ask = rng.choice(
        [
            "How does the writer feel?",
            "What is the mood of this text?",
            "Is this review good or bad?",
            "What is the sentiment?",
            "Judge the tone of this opinion.",
        ]
    )
    return asked(
        choices(ask, labels, rng),
        sentences.review(chosen, rng),
        names[chosen][style],
        rng,
        cue="Mood",
    )


def write_about(rng: random.Random) -> Conversation:
    """Write a sentence, two sentences, a headline or a review."""
    topic = _topic(rng)
    label = rng.choice(topic.labels)
    thing = rng.choice(topic.things)
    match rng.randrange(5):
        case 0:
            return chat(
                rng.choice(
                    [f"Write a headline about {label}.", f"Invent a headline about {label}."]
                ),
                sentences.headline(topic, rng),
            )
        case 1:
            return chat(f"Write two sentences about {label}.", sentences.paragraph(topic, rng, 2))
        case 2:
            kind = rng.choice(sorted(sentences.MOODS))
            return chat(f"Write a {kind} review.", sentences.review(kind, rng))
        case 3:
            line = grammar.sentence(
                grammar.expand(
                    f"the {{person}} [needs|has|lost|found|bought|looked at] the {thing}",
                    rng,
                    sentences.topic_slot(topic, rng),
                )
            )
            return chat(f"Write a sentence with the word {thing}.", line)
        case _:
            return chat(
                rng.choice(
                    [
                        f"Write a sentence about {label}.",
                        f"Say something about {label}.",
                        f"Tell me something about {label}.",
                    ]
                ),
                sentences.one(topic, rng),
            )


def question(rng: random.Random) -> Conversation:
    """A question about a story, answered by a span of it or by a sentence."""
    told = story(rng)
    fact = rng.choice(told.facts)
    ask = rng.choice(
        [
            "Answer the question from the text.",
            "Read the text and answer.",
            "Use the text to answer.",
        ]
    )
    answer = fact.span if rng.random() < 0.65 else fact.sentence
    brief = (
        " Answer in as few words as possible." if answer == fact.span and rng.random() < 0.3 else ""
    )
    if rng.random() < 0.5:
        word = rng.choice(["Text", "Context", "Background", "Story"])
        user = f"{word}:\n{told.text}\n\nQuestion: {fact.question}{brief}"
        return chat(
            user + rng.choice(["", "\nAnswer:", "\nShort answer:"])
            if answer == fact.span
            else user,
            answer,
        )
    return asked(
        rng.choice([f"{ask} {fact.question}", fact.question]) + brief, told.text, answer, rng
    )


def fields(rng: random.Random) -> Conversation:
    """Facts of a story as JSON with one or two fields."""
    told = story(rng)
    facts = rng.sample(told.facts, k=min(len(told.facts), rng.choice([1, 2, 2])))
    names = [fact.field for fact in facts]
    answer = json.dumps({fact.field: fact.span for fact in facts}, ensure_ascii=False)
    ask = rng.choice(
        [
            f"Give {grammar.joined(names)} as JSON.",
            f"Write JSON with the {'field' if len(names) == 1 else 'fields'} {grammar.joined(names)}.",
            f"Extract {grammar.joined(names)}. Answer in JSON.",
        ]
    )
    return asked(ask, told.text, answer, rng, cue="JSON")


def rewrite(rng: random.Random) -> Conversation:
    """Rewrite politely, briefly, in the past, without slips, in capitals."""
    topic = _topic(rng)
    act, person = rng.choice(topic.acts), rng.choice(topic.people)
    line = sentences.one(topic, rng)
    asks = [
        (
            "Rewrite this politely.",
            grammar.sentence(act),
            rng.choice(
                [
                    f"Could you please {act}?",
                    f"Would you be so kind as to {act}?",
                    f"Please {act}, if you don't mind.",
                ]
            ),
        ),
        (
            "Make this short and direct.",
            rng.choice(
                [
                    f"Could you please {act}?",
                    f"I would be very grateful if you could {act}.",
                    f"Would you mind if I asked you to {act}?",
                ]
            ),
            grammar.sentence(act),
        ),
        (
            "Put this into the past.",
            f"The {person} {grammar.third(act)}.",
            f"The {person} {grammar.past(act)}.",
        ),
        (
            "Turn this into a question.",
            f"The {person} {grammar.past(act)}.",
            f"Did the {person} {act}?",
        ),
        (
            "Say that this did not happen.",
            f"The {person} {grammar.past(act)}.",
            f"The {person} did not {act}.",
        ),
        ("Correct the spelling.", grammar.slip(line, rng), line),
        ("Correct the spelling.", grammar.slip(line.lower(), rng), line),
        ("Write this in lower case.", line, line.lower()),
        ("Repeat this.", line, line),
        ("Copy the text.", line, line),
    ]
    ask, text, answer = rng.choice(asks)
    return asked(ask, text, answer, rng)


def copy_word(rng: random.Random) -> Conversation:
    """Copy a made-up word, a number or a marked word out of a sentence."""
    line = sentences.one(_topic(rng), rng)
    code = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 7)))
    code = rng.choice([code, code.capitalize(), str(rng.randint(10, 99_999))])
    words = line.rstrip(".!?").replace('"', "").replace(",", "").split()
    asks = [
        ("Which word stands in brackets?", f"{line} ({code})", code),
        ("What is the secret word?", f"{line} The secret word is {code}.", code),
        ("What is the first word?", line, words[0]),
        ("What is the last word of the sentence?", line.rstrip(".!?"), words[-1]),
        (
            "What is the name of the dog?",
            f"{line} The dog is called {code}. {sentences.one(_topic(rng), rng)}",
            code,
        ),
        ("How many pages does the book have?", f"The book has {code} pages. {line}", code),
    ]
    return asked(*rng.choice(asks), rng)


def long_question(rng: random.Random) -> Conversation:
    """A question about a few words in a long text."""
    told = story(rng)
    fact = rng.choice(told.facts)
    before = [
        sentences.paragraph(_topic(rng), rng, rng.randint(3, 6)) for _ in range(rng.randint(0, 6))
    ]
    after = [
        sentences.paragraph(_topic(rng), rng, rng.randint(3, 6)) for _ in range(rng.randint(0, 4))
    ]
    text = "\n\n".join([*before, told.text, *after])
    return chat(f"Text:\n{text}\n\nQuestion: {fact.question}", fact.span)


TASKS: tuple[tuple[Callable[[random.Random], Conversation], float], ...] = (
    (topic_choice, 6), (topic_free, 3), (by_rule, 1.5), (mentions, 2), (title, 3), (mood, 4),
    (write_about, 5), (question, 5), (fields, 2), (rewrite, 4), (copy_word, 2),
)  # fmt: skip
"""Every short task of this file with its weight."""
LONG_TASKS = (long_question,)
"""The tasks that need a wide context."""
