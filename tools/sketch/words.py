"""Captions of scenes, and scenes at random.

A caption names the thing, and most of the time its colour, its place and its style: "a red mug on a table in sepia
style". Made-up words stand where a colour or the name of a style may stand, and mean nothing: a word that the pipeline
does not know leaves the drawing plain, and so there is room for new words.
"""

import random
from dataclasses import dataclass

from .drawing import COLOURS, CONTEXTS, PLAIN, STYLES, THINGS, Scene

_WORDS = "ba be bi bo da de fa fi ga go ja ka ki la li lo ma me mi mo na ne pa po ra ri ro sa se ta ti to"
_SYLLABLES = (*_WORDS.split(), "va", "vi", "wa", "za", "zu", "sk", "bl", "pr", "nt")


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """A scene and its caption."""

    scene: Scene
    caption: str


def made_up_word(chance: random.Random) -> str:
    """A word that means nothing."""
    return "".join(chance.choice(_SYLLABLES) for _ in range(chance.randint(1, 4)))


def placed(chance: random.Random, **scene: object) -> Scene:
    """A scene with its thing somewhere near the middle."""
    return Scene(
        x=chance.uniform(0.38, 0.62),
        y=chance.uniform(0.48, 0.64),
        size=chance.uniform(0.24, 0.36),
        seed=chance.randrange(1_000_000),
        **scene,  # type: ignore[arg-type]
    )


def caption_of(
    thing: str, *, adjective: str = "", context: str = "", style: str = "", prefix: str = "a"
) -> str:
    """The words for a scene."""
    article = f"{prefix} {adjective}".strip()
    where = f" {context}" if context else ""
    how = f" in {style} style" if style else ""
    return f"{article} {thing}{where}{how}"


def some_drawing(chance: random.Random) -> Drawing:
    """A drawing such as pretraining sees."""
    thing = chance.choice(list(THINGS))
    colour = chance.choice(list(COLOURS))
    context = chance.choice(list(CONTEXTS))
    style = chance.choice(list(STYLES)) if chance.random() < 0.35 else ""
    named = chance.random()
    adjective = colour if named < 0.72 else made_up_word(chance) if named < 0.82 else ""
    how = style or (made_up_word(chance) if chance.random() < 0.12 else "")
    prefix = chance.choice(["a", "a", "a", "a drawing of a", "the"])
    scene = placed(
        chance,
        thing=thing,
        colour=COLOURS[colour],
        context=context,
        style=STYLES[style] if style else PLAIN,
    )
    caption = caption_of(thing, adjective=adjective, context=context, style=how, prefix=prefix)
    return Drawing(scene=scene, caption=caption)
