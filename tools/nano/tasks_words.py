"""Tasks about single words: kinds, opposites, small facts, letters, numbers.

Each task takes a source of chance and gives one conversation. All of them are listed in `TASKS` with a weight.
"""

import random
from collections.abc import Callable

from . import grammar
from .prompts import Conversation, chat, picked
from .words import Kind, lexicon


def _pick(rng: random.Random, *wordings: str) -> str:
    return grammar.expand(rng.choice(wordings), rng)


def _is_a(word: str, kind: str) -> str:
    verb = grammar.is_or_are(word)
    return grammar.sentence(f"{grammar.indefinite(word)} {verb} {grammar.indefinite(kind)}")


def _word_of(rng: random.Random) -> tuple[str, Kind]:
    kind = rng.choice(lexicon().kinds)
    return rng.choice(kind.members), kind


def _others(kind: Kind, word: str, count: int, rng: random.Random) -> list[str]:
    """Words of other kinds, none of which also belongs to `kind`."""
    found: list[str] = []
    while len(found) < count:
        other, _ = _word_of(rng)
        if other not in kind.members and other not in found and other != word:
            found.append(other)
    return found


def kind_of(rng: random.Random) -> Conversation:
    """What kind of thing is a carrot?"""
    word, kind = _word_of(rng)
    thing = grammar.indefinite(word)
    verb = grammar.is_or_are(word)
    if rng.random() < 0.5:
        ask = _pick(
            rng,
            f"What kind of thing {verb} {thing}?",
            f"What {verb} {thing}?",
            f"Tell me what {thing} {verb}.",
        )
        return chat(ask, _is_a(word, kind.singular))
    ask = _pick(
        rng,
        f"In [one or two words|short]: what {verb} {thing}?",
        f"{word} is a kind of",
        f"Kind of thing: {word}",
        f"Which group does {word} belong to?",
    )
    return chat(ask, kind.singular)


def is_it(rng: random.Random) -> Conversation:
    """Is a carrot a fruit?"""
    word, kind = _word_of(rng)
    verb = grammar.is_or_are(word)
    asked_kind = kind if rng.random() < 0.5 else rng.choice(lexicon().kinds)
    right = word in asked_kind.members
    ask = grammar.sentence(
        f"{verb} {grammar.indefinite(word)} {grammar.indefinite(asked_kind.singular)}", "?"
    )
    word_answer = "Yes" if right else "No"
    if rng.random() < 0.4:
        return chat(f"{ask} Answer yes or no.", word_answer.lower())
    fact = _is_a(word, asked_kind.singular if right else kind.singular)
    fact = fact if word[0].isupper() else fact[0].lower() + fact[1:]
    return chat(ask, f"{word_answer}, {fact}")


def name_some(rng: random.Random) -> Conversation:
    """Name three fruits."""
    kind = rng.choice(lexicon().kinds)
    count = rng.choice([1, 2, 2, 3, 3, 3, 4])
    found = rng.sample(kind.members, k=count)
    number = {1: "one", 2: "two", 3: "three", 4: "four"}[count]
    wanted = kind.singular if count == 1 else kind.plural
    ask = _pick(
        rng,
        f"Name {number} {wanted}.",
        f"Give me {number} {wanted}.",
        f"List {number} {wanted}.",
        f"Can you name {number} {wanted}?",
    )
    return chat(ask, rng.choice([grammar.joined(found), ", ".join(found)]))


def choose_member(rng: random.Random) -> Conversation:
    """Which of these is a fruit?"""
    word, kind = _word_of(rng)
    ask = _pick(
        rng,
        f"Which of these is {grammar.indefinite(kind.singular)}?",
        f"Find the {kind.singular}.",
        f"Pick the {kind.singular}.",
        f"One of these words is {grammar.indefinite(kind.singular)}. Which one?",
    )
    return picked(ask, word, _others(kind, word, rng.randint(1, 5), rng), rng)


def choose_kind(rng: random.Random) -> Conversation:
    """Is a carrot an animal, a tool or a vegetable?"""
    word, kind = _word_of(rng)
    wrong = [
        other.singular for other in rng.sample(lexicon().kinds, k=7) if word not in other.members
    ]
    ask = _pick(
        rng,
        f"What kind of thing is {grammar.indefinite(word)}?",
        f"Which group fits the word {word}?",
        f"Sort this word: {word}.",
    )
    return picked(ask, kind.singular, wrong[: rng.randint(1, 5)], rng)


def odd_one(rng: random.Random) -> Conversation:
    """Which word does not belong with the others?"""
    _, kind = _word_of(rng)
    same = rng.sample(kind.members, k=3)
    odd = _others(kind, "", 1, rng)[0]
    ask = _pick(
        rng,
        "Which word does not [belong|fit]?",
        "Find the odd one out.",
        "One word is of another kind. Which one?",
    )
    return picked(ask, odd, same, rng)


def opposite(rng: random.Random) -> Conversation:
    """What is the opposite of hot?"""
    pair = list(rng.choice(lexicon().pairs["opposites"]))
    rng.shuffle(pair)
    word, answer = pair
    ask = _pick(
        rng,
        f"What is the opposite of {word}?",
        f"Opposite of {word}:",
        f"Give the opposite: {word}",
        f"Not {word}, but",
    )
    return chat(ask, answer)


def similar(rng: random.Random) -> Conversation:
    """Another word for begin."""
    word, answer = rng.choice(lexicon().pairs["similar"])
    ask = _pick(
        rng,
        f"What is another word for {word}?",
        f"Give a word that means the same as {word}.",
        f"Another word for {word}:",
        f"Which word is like {word}?",
    )
    return chat(ask, answer)


_FACTS = {
    "workplaces": ("Where does {a} work?", "in {b}"),
    "uses": ("What do you do with {a}?", "{B}."),
    "colours_of": ("What colour is {a}?", "{b}"),
    "capitals": ("What is the capital of {a}?", "{b}"),
    "sounds": ("What does {a} do when it makes a sound?", "It {b}."),
    "young": ("What do you call a young {a}?", "{b}"),
    "plurals": ("What is the plural of {a}?", "{b}"),
    "pasts": ("What is the past form of {a}?", "{b}"),
}
_BARE = {"young", "plurals", "pasts", "colours_of", "capitals"}


def fact(rng: random.Random) -> Conversation:
    """Small facts: where a nurse works, what a knife is for, the past of `go`."""
    name = rng.choice(sorted(_FACTS))
    ask, reply = _FACTS[name]
    first, second = rng.choice(lexicon().pairs[name])
    a = first if name in _BARE else grammar.indefinite(first)
    b = grammar.indefinite(second) if name == "workplaces" else second
    return chat(ask.format(a=a), reply.format(b=b, B=grammar.sentence(b, "")))


def which_use(rng: random.Random) -> Conversation:
    """Which thing do you need to cut food?"""
    things = rng.sample(lexicon().pairs["uses"], k=4)
    thing, use = things[0]
    ask = _pick(
        rng,
        f"What do you need to {use}?",
        f"Which thing helps you to {use}?",
        f"I want to {use}. What should I use?",
    )
    if rng.random() < 0.4:
        return chat(ask, thing)
    return picked(ask, thing, [other for other, _ in things[1:]], rng)


def goes_with(rng: random.Random) -> Conversation:
    """Which word goes with cooking?"""
    topics = rng.sample(lexicon().topics, k=4)
    words = [rng.choice(topic.things + topic.people + topic.traits) for topic in topics]
    label = rng.choice(topics[0].labels)
    if rng.random() < 0.5:
        return picked(
            _pick(rng, f"Which word goes with {label}?", f"Find the word about {label}."),
            words[0],
            words[1:],
            rng,
        )
    wrong = [topic.labels[0] for topic in topics[1:]]
    ask = _pick(
        rng,
        f"What does the word {words[0]} make you think of?",
        f"Where does the word {words[0]} belong?",
    )
    return picked(ask, label, wrong, rng)


def gap(rng: random.Random) -> Conversation:
    """The cook peeled the ___: potatoes, brakes or lyrics?"""
    topics = rng.sample(lexicon().topics, k=4)
    acts = [rng.choice([act for act in topic.acts if " " in act]) for topic in topics]
    verb, _, rest = acts[0].partition(" ")
    wrong = [act.partition(" ")[2] for act in acts[1:] if act.partition(" ")[2] != rest]
    person = rng.choice(topics[0].people)
    return picked(f"Fill the gap: The {person} wants to {verb} ___.", rest, wrong, rng)


def letters(rng: random.Random) -> Conversation:
    """First and last letters, spelling, counting words."""
    word, _ = _word_of(rng)
    words = [_word_of(rng)[0] for _ in range(rng.randint(2, 6))]
    asks = [
        (f"What is the first letter of {word}?", word[0]),
        (f"What is the last letter of {word}?", word[-1]),
        (f"Spell the word {word}.", "-".join(word)),
        (f"Write {word} in capital letters.", word.upper()),
        (f"How many items are in this list: {', '.join(words)}?", str(len(words))),
        (f"What is the first item of this list: {', '.join(words)}?", words[0]),
        (f"What is the last item of this list: {', '.join(words)}?", words[-1]),
        (f"What is the second item of this list: {', '.join(words)}?", words[1]),
        (
            f"Put in order of the alphabet: {', '.join(words[:3])}",
            ", ".join(sorted(words[:3], key=str.lower)),
        ),
        (f"Join these words with a dash: {' '.join(words[:3])}", "-".join(words[:3])),
    ]
    return chat(*rng.choice(asks))


def numbers(rng: random.Random) -> Conversation:
    """Sums of small numbers, the next number, the larger of two."""
    a, b = rng.randint(0, 20), rng.randint(0, 20)
    low, high = sorted([a, b])
    names = lexicon().kind("number").members[:12]
    spot = rng.randrange(11)
    asks = [
        (f"What is {a} + {b}?", str(a + b)),
        (f"What is {a} plus {b}?", str(a + b)),
        (f"What is {high} - {low}?", str(high - low)),
        (f"Which number comes after {a}?", str(a + 1)),
        (f"Which is larger, {a} or {b + 21}?", str(b + 21)),
        (f"Write {spot + 1} as a word.", names[spot]),
        (f"Write {names[spot]} as a number.", str(spot + 1)),
        (f"Count from {a} to {a + 4}.", ", ".join(str(n) for n in range(a, a + 5))),
    ]
    return chat(*rng.choice(asks))


def calendar(rng: random.Random) -> Conversation:
    """Which day comes after Monday?"""
    name = rng.choice(["day", "month", "season"])
    members = lexicon().kind(name).members
    spot = rng.randrange(len(members))
    after, before = members[(spot + 1) % len(members)], members[spot - 1]
    asks = [
        (f"Which {name} comes after {members[spot]}?", after),
        (f"Which {name} comes before {members[spot]}?", before),
    ]
    return chat(*rng.choice(asks))


TASKS: tuple[tuple[Callable[[random.Random], Conversation], float], ...] = (
    (kind_of, 3), (is_it, 2), (name_some, 1.5), (choose_member, 3), (choose_kind, 2),
    (odd_one, 1.5), (opposite, 1.5), (similar, 1.5), (fact, 2), (which_use, 1), (goes_with, 3),
    (gap, 1), (letters, 1.5), (numbers, 1), (calendar, 0.5),
)  # fmt: skip
"""Every task of this file with its weight."""
