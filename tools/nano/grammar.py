"""Turn phrases with choices and slots into English.

Belongs here: choices (`[a|b]`), slots (`{name}`), verb forms, articles, capitals, and small slips of typing.
What is said belongs in the word files and in `sentences.py`.
"""

import random
import re
from collections.abc import Callable

from .words import lexicon

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{(\w+)\}")
_ARTICLE = re.compile(r"\b([Aa]) (?=[aeiouAEIOU])(?!uni|eu|one\b|us)")
_VOWELS = re.compile(r"[aeiouy]+")
_SHORT_VERB = re.compile(r"[^aeiou][aeiou][bdgklmnprt]$")
_IRREGULAR = {
    "lay": "laid", "hang": "hung", "blow": "blew", "dig": "dug", "draw": "drew", "feed": "fed",
    "hold": "held", "spread": "spread", "steal": "stole", "swear": "swore", "lead": "led",
    "light": "lit", "lie": "lay", "hide": "hid", "hit": "hit", "forecast": "forecast",
    "put": "put", "set": "set", "beat": "beat", "grow": "grew", "do": "did", "have": "had",
    "overtake": "overtook", "forgive": "forgave", "spend": "spent", "become": "became",
    "let": "let", "shut": "shut", "hurt": "hurt", "tear": "tore", "wake": "woke",
}  # fmt: skip
NAMES = (
    "Anna", "Ben", "Carla", "David", "Emma", "Felix", "Grace", "Henry", "Ida", "Jack", "Karen",
    "Leo", "Mia", "Noah", "Olga", "Paul", "Rosa", "Sam", "Tina", "Victor", "Wendy", "Amir",
    "Bella", "Chloe", "Daniel", "Elena", "Fatima", "George", "Hanna", "Ivan", "Julia", "Kofi",
    "Lucy", "Mark", "Nina", "Omar", "Peter", "Rita", "Simon", "Tom", "Uma", "Vera", "Walter",
    "Yusuf", "Zoe", "Alice", "Clara", "Ravi", "Mei", "Jonas", "Aisha", "José", "Chen", "Priya",
    "Oscar", "Ruth", "Stella", "Hugo", "Liam", "Maria", "James", "Sarah",
)  # fmt: skip


def expand(text: str, rng: random.Random, slot: Callable[[str], str] | None = None) -> str:
    """Make every choice in `text` and fill every slot.

    Args:
        text: A phrase such as `the [soup|stew] is {trait}`.
        rng: Where the choices come from.
        slot: Gives the text for a slot it knows; `None` uses the common slots only.
    """
    while "[" in text:
        text = _CHOICE.sub(lambda match: rng.choice(match.group(1).split("|")), text)
    text = _SLOT.sub(lambda match: (slot or common_slot(rng))(match.group(1)), text)
    text = re.sub(r"\s+([,.!?])", r"\1", " ".join(text.split()))
    return _ARTICLE.sub(r"\1n ", text)


def common_slot(rng: random.Random) -> Callable[[str], str]:
    """The slots that mean the same in every phrase."""
    words = lexicon()

    def fill(name: str) -> str:
        match name:
            case "name":
                return rng.choice(NAMES)
            case "small_number":
                return str(rng.randint(2, 99))
            case "time":
                return clock(rng)
            case "product":
                return rng.choice(words.products)
            case "food_dish":
                return rng.choice(words.kind("dish").members)
            case _:
                return rng.choice(words.kind(name).members)

    return fill


def clock(rng: random.Random) -> str:
    """A time of day, written in one of several ways."""
    hour = rng.randint(1, 12)
    half = rng.choice(["am", "pm", " o'clock"])
    return rng.choice(
        [f"{hour}{half}", f"{hour}:{rng.choice(['15', '30', '45', '05'])}", f"half past {hour}"]
    )


def sentence(text: str, end: str = ".") -> str:
    """`text` with a capital and a full stop, unless it ends in a mark already."""
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else text + end


def indefinite(noun: str) -> str:
    """`noun` with `a` or `an`, or alone when it is a plural, a substance or a name."""
    if noun[0].isupper() or (noun.endswith("s") and not noun.endswith("ss")):
        return noun
    return _ARTICLE.sub(r"\1n ", f"a {noun}")


def is_or_are(noun: str) -> str:
    """The form of `be` that follows `noun`."""
    return "are" if noun.endswith("s") and not noun.endswith("ss") else "is"


def joined(items: list[str], word: str = "and") -> str:
    """`items` as English enumerates them: `a, b and c`."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} {word} {items[-1]}"


def past(act: str) -> str:
    """The verb phrase in the past: `bake a cake` gives `baked a cake`."""
    return _inflect(act, _past_verb)


def third(act: str) -> str:
    """The verb phrase for he or she: `bake a cake` gives `bakes a cake`."""
    return _inflect(act, _third_verb)


def gerund(act: str) -> str:
    """The verb phrase as a noun: `bake a cake` gives `baking a cake`."""
    return _inflect(act, _gerund_verb)


def _inflect(act: str, form: Callable[[str], str]) -> str:
    verb, _, rest = act.partition(" ")
    return f"{form(verb)} {rest}".strip()


def _doubles(verb: str) -> bool:
    return len(_VOWELS.findall(verb)) == 1 and _SHORT_VERB.search(verb) is not None


def _past_verb(verb: str) -> str:
    known = dict(lexicon().pairs["pasts"]) | _IRREGULAR
    if verb in known:
        return known[verb]
    if verb.endswith("e"):
        return verb + "d"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ied"
    return verb + verb[-1] + "ed" if _doubles(verb) else verb + "ed"


def _third_verb(verb: str) -> str:
    if verb == "have":
        return "has"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + "es" if verb.endswith(("s", "sh", "ch", "x", "z", "o")) else verb + "s"


def _gerund_verb(verb: str) -> str:
    if verb in ("lie", "die", "tie"):
        return verb[:-2] + "ying"
    if verb.endswith("e") and not verb.endswith(("ee", "ye")):
        return verb[:-1] + "ing"
    return verb + verb[-1] + "ing" if _doubles(verb) else verb + "ing"


def slip(text: str, rng: random.Random) -> str:
    """`text` with one or two typing slips, as hurried people write."""
    letters = list(text)
    for _ in range(rng.randint(1, 1 + len(letters) // 60)):
        spots = [
            i
            for i in range(1, len(letters) - 1)
            if letters[i].isalpha() and letters[i + 1].isalpha()
        ]
        if not spots:
            break
        spot = rng.choice(spots)
        match rng.randrange(3):
            case 0:
                letters[spot], letters[spot + 1] = letters[spot + 1], letters[spot]
            case 1:
                del letters[spot]
            case _:
                letters.insert(spot, letters[spot])
    return "".join(letters)


_CONTRACTIONS = {
    "I am": "I'm", "I have": "I've", "I would": "I'd", "I will": "I'll", "it is": "it's",
    "It is": "It's", "that is": "that's", "That is": "That's", "what is": "what's",
    "What is": "What's", "where is": "where's", "Where is": "Where's", "there is": "there's",
    "There is": "There's", "who is": "who's", "we are": "we're", "We are": "We're",
    "you are": "you're", "You are": "You're", "they are": "they're", "we have": "we've",
    "you have": "you've", "You have": "You've", "we would": "we'd", "is not": "isn't",
    "are not": "aren't", "was not": "wasn't", "were not": "weren't", "does not": "doesn't",
    "do not": "don't", "did not": "didn't", "has not": "hasn't", "have not": "haven't",
    "will not": "won't", "cannot": "can't", "would not": "wouldn't", "could not": "couldn't",
    "he is": "he's", "she is": "she's", "let us": "let's",
}  # fmt: skip
_LONG_FORM = re.compile(r"\b(" + "|".join(_CONTRACTIONS) + r")\b(?=.)")


def contracted(text: str) -> str:
    """`text` with the short forms that people speak: `it is` gives `it's`."""
    return _LONG_FORM.sub(lambda match: _CONTRACTIONS[match.group(1)], text)


def careless(text: str, rng: random.Random) -> str:
    """`text` as it is (mostly), or in lower case, or without marks, or with slips, or shouted."""
    if rng.random() < 0.5:
        text = contracted(text)
    roll = rng.random()
    if roll < 0.62:
        return text
    if roll < 0.8:
        text = text.lower()
    if roll < 0.72:
        text = text.replace("'", "").replace(",", "")
    if roll > 0.76:
        text = slip(text, rng)
    return text.upper() if roll > 0.985 else text
