"""Sentences, paragraphs, headlines, reviews and customer messages.

Belongs here: ordinary text. What a model is asked to do with the text belongs in the `tasks_*` files.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from . import grammar
from .words import Situation, Topic, lexicon

_PATTERNS = (
    "the {person} {past} [|{when}]",
    "the {person} {past} and {past}",
    "the {trait} {person} {past} [in|near|at] the {place}",
    "{name} [|never|often|always] {third} [|{when}]",
    "{name} and {name} [want|plan|hope|need|like|decided|forgot|refused] to {act}",
    "{name} wanted to {act}, but {happens}",
    "{when} {happens}",
    "{happens} because the {person} {past}",
    "after {happens}, the {person} {past}",
    "it is [hard|easy|fun|useful|dangerous|a pleasure|a pity] to {act} [|with a {thing}|without a {thing}]",
    "{ing} [is|was] [fun|hard work|not easy|a good idea|my favourite thing|what the {person} does best]",
    "the {thing} {thing_is} {trait}",
    "the {trait} {thing} [belongs to|was bought by|was made by|surprised|is for] the {person}",
    "there [is|was] a {thing} [in|near|behind|next to] the {place}",
    "[we|you|they|I] need a {thing} and a {thing} [to {act}|]",
    "[we|they|I] {past} [|{when}|with {name}|in {city}]",
    "the {person} works [in|at] the {place} and [must|can|likes to|has to] {act}",
    "[please|do not forget to|remember to|you should|let us|never] {act} [|before {day}|{when}]",
    "it is time to {act} [with the {person}|]",
    "[can|could|will|should] [you|we|the {person}] {act} [{when}|]?",
    "[did|does|will] the {person} {act}?",
    "where is the {thing}?",
    "who will {act} [|{when}]?",
    "every {day} the {person} and the {person} {act}",
    "the {person} looked for the {thing} [in|at] the {place} and {past}",
    "if {happens}, [we|you|they] [cannot|must|will] {act}",
    "a {thing} costs {small_number} [pounds|euros|dollars]",
    "at {time} the {person} [began to|stopped to|had to] {act}",
    "no {person} can {act} without a {thing}",
    "{name} is a {person} from {city} and likes {ing}",
    "the {person} said that {happens}",
    '"{talk}," said the {person}',
    "[most|many|few|some] people [like to|have to|forget to] {act}",
)
_WHEN = (
    "yesterday", "today", "tomorrow", "last week", "on {day}", "in {month}", "at {time}",
    "in the morning", "after lunch", "at night", "last year", "this evening", "every day",
    "twice a week", "in {season}", "before breakfast", "for an hour", "at the weekend",
)  # fmt: skip
_GOOD = (
    "I [really |absolutely |]love [it|the {product}|this place|the {thing}]",
    "[what a|such a] [wonderful|great|lovely|brilliant] {thing}",
    "the {thing} {thing_is} [excellent|perfect|superb|fantastic|very good|a joy|well made]",
    "[best|nicest] {thing} [I ever had|in town|for years]",
    "the {person} was [friendly|so kind|helpful|charming] and we felt [welcome|at home]",
    "I would [buy it|come|order|go there] again [any time|tomorrow|without a second thought]",
    "[worth every penny|five stars|highly recommended|made my day|we had a great time]",
    "it works [like a dream|perfectly|even better than I hoped]",
)
_BAD = (
    "I [really |absolutely |]hate [it|the {product}|this place|the {thing}]",
    "[what a|such a] [terrible|awful|horrible|disappointing] {thing}",
    "the {thing} {thing_is} [dreadful|useless|poor|a mess|badly made|a waste of money]",
    "[worst|ugliest] {thing} [I ever had|in town|for years]",
    "the {person} was [rude|slow|unfriendly|no help] and we felt [cheated|ignored]",
    "I would never [buy it|come|order|go there] again",
    "[not worth a penny|one star|stay away|ruined my day|we left after ten minutes]",
    "it [broke|failed|fell apart] [on the first day|at once|after a week]",
)
_PLAIN = (
    "the {thing} {thing_is} [blue|grey|made of wood|as described|of normal size|average]",
    "the {place} opens at {time}",
    "it [arrived|was delivered|took place] on {day}",
    "there are {small_number} of them in the box",
    "I [bought|saw|used] the {thing} [on {day}|last week|once so far]",
    "it [is neither good nor bad|does what it says|is okay|is fine, nothing special]",
    "the {person} works there on {day}",
)
MOODS = {"positive": _GOOD, "negative": _BAD, "neutral": _PLAIN}


def topic_slot(topic: Topic, rng: random.Random) -> Callable[[str], str]:
    """The slots of a sentence about `topic`."""
    common = grammar.common_slot(rng)
    words = {"person": topic.people, "place": topic.places, "trait": topic.traits}
    phrases = {"act": topic.acts, "happens": topic.happens}
    forms = {"past": grammar.past, "third": grammar.third, "ing": grammar.gerund}
    last_thing = ""

    def fill(name: str) -> str:
        nonlocal last_thing
        match name:
            case "person" | "place" | "trait":
                return rng.choice(words[name])
            case "act" | "happens":
                return rng.choice(phrases[name])
            case "past" | "third" | "ing":
                return forms[name](rng.choice(topic.acts))
            case "thing":
                last_thing = rng.choice(topic.things)
                return last_thing
            case "thing_is":
                return rng.choice([grammar.is_or_are(last_thing)] * 2 + ["seemed", "looked"])
            case "when":
                return grammar.expand(rng.choice(_WHEN), rng)
            case "talk":
                talk = grammar.expand(rng.choice(topic.talk), rng)
                return grammar.sentence(talk, "").rstrip("?.!")
            case _:
                return common(name)

    return fill


def one(topic: Topic, rng: random.Random) -> str:
    """One sentence about `topic`."""
    if rng.random() < 0.2:
        return grammar.sentence(grammar.expand(rng.choice(topic.talk), rng), rng.choice("..!?"))
    return grammar.sentence(grammar.expand(rng.choice(_PATTERNS), rng, topic_slot(topic, rng)))


def paragraph(topic: Topic, rng: random.Random, length: int) -> str:
    """Several sentences about one topic."""
    return " ".join(one(topic, rng) for _ in range(length))


def headline(topic: Topic, rng: random.Random) -> str:
    """A headline about `topic`."""
    return grammar.expand(rng.choice(topic.news), rng, topic_slot(topic, rng))


def any_text(topic: Topic, rng: random.Random) -> str:
    """A headline, a sentence or a short paragraph about `topic`, carefully or carelessly typed."""
    roll = rng.random()
    if roll < 0.4:
        text = headline(topic, rng)
    elif roll < 0.6:
        text = f"{headline(topic, rng)}. {one(topic, rng)}"
    else:
        text = paragraph(topic, rng, rng.choice([1, 1, 2, 2, 3]))
    return grammar.careless(text, rng)


def review(mood: str, rng: random.Random) -> str:
    """One to three sentences in one mood: `positive`, `negative` or `neutral`."""
    slot = topic_slot(rng.choice(lexicon().topics), rng)
    chosen = rng.sample(MOODS[mood], k=rng.choice([1, 1, 2, 2, 3]))
    text = " ".join(grammar.sentence(grammar.expand(line, rng, slot)) for line in chosen)
    return grammar.careless(text, rng)


@dataclass(frozen=True, kw_only=True)
class CustomerMessage:
    """A message, and what is known about it."""

    text: str
    situation: Situation
    product: str | None
    device: str
    want: str
    mood: str


def customer_message(situation: Situation, rng: random.Random) -> CustomerMessage:
    """A customer writes about `situation`, in few or many words, politely or not."""
    product = rng.choice(lexicon().products)
    device = rng.choice(lexicon().kind("device").members)
    common = grammar.common_slot(rng)
    fixed = {"product": product, "device": device}

    def slot(name: str) -> str:
        return fixed.get(name) or common(name)

    def say(line: str, end: str = ".") -> str:
        return grammar.sentence(grammar.expand(line, rng, slot), end)

    problem, want = rng.choice(situation.says), say(rng.choice(situation.wants), "?")
    problem = say(lexicon().phrases["doubt"] + " " + problem if rng.random() < 0.25 else problem)
    mood = rng.choices(["calm", "angry", "happy"], [6, 2, 1])[0]
    parts = rng.choice([[problem, want], [problem, want], [problem], [want, problem], [want]])
    parts = _dressed(parts, mood, situation, say, rng)
    text = " ".join(parts)
    return CustomerMessage(
        text=grammar.careless(text, rng),
        situation=situation,
        product=product if product in text else device if device in text else None,
        device=device,
        want=want if want in parts else problem,
        mood=mood,
    )


def _dressed(
    parts: list[str],
    mood: str,
    situation: Situation,
    say: Callable[..., str],
    rng: random.Random,
) -> list[str]:
    phrases = lexicon().phrases
    if rng.random() < 0.15:
        parts = [*parts, say(rng.choice(situation.says))]
    if rng.random() < 0.3:
        parts.insert(rng.randrange(len(parts) + 1), say(phrases["background"]))
    if mood != "calm":
        parts.insert(rng.randrange(1, len(parts) + 1), say(phrases[mood], rng.choice(".!")))
    if rng.random() < 0.35:
        parts.insert(0, say(phrases["greetings"], rng.choice([",", "!", "."])))
    if rng.random() < 0.3:
        parts.append(say(phrases["thanks"], rng.choice([".", "!", ","])))
    return parts


def polite_reply(message: CustomerMessage, rng: random.Random) -> str:
    """A reply in full, friendly sentences."""
    phrases = lexicon().phrases
    common = grammar.common_slot(rng)
    fixed = {"device": message.device, "product": message.product or "product"}
    opening = grammar.expand(phrases["polite_open"], rng)
    help_line = rng.choice(message.situation.help)
    middle = grammar.expand(help_line, rng, lambda name: fixed.get(name) or common(name))
    if rng.random() < 0.25:
        return f"{opening} {grammar.sentence(middle)}"
    return f"{opening} {grammar.sentence(middle)} {grammar.expand(phrases['polite_close'], rng)}"


def terse_reply(message: CustomerMessage, rng: random.Random) -> str:
    """A reply in as few words as possible."""
    return grammar.expand(message.situation.short, rng)
