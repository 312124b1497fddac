"""Draw the sample images of the quickstarts: sixteen blueprints, and five pictures of one mug.

Run it from the root of the repository:

    python -m tools.sketch.quickstart_images
"""

import json
import random
from pathlib import Path

from PIL import Image

from .drawing import BLUEPRINT, COLOURS, Scene, draw
from .words import caption_of, placed

_PLACE = Path(__file__).parents[2] / "src/tunekit/quickstart"

MUG: Scene = Scene(
    thing="mug",
    colour=(64, 196, 190),
    details={"band": (244, 120, 40), "handle": (60, 40, 110), "rim": (60, 40, 110)},
)
"""The one certain mug: turquoise, with an orange band and a violet handle."""

BLUEPRINTS = (
    ("boat", "by the sea"),
    ("house", "on a hill"),
    ("tree", "in the snow"),
    ("flower", ""),
    ("heart", "at night"),
    ("star", "on a hill"),
    ("fish", ""),
    ("mug", "in the rain"),
    ("triangle", "in the desert"),
    ("square", "on a table"),
    ("circle", "by the sea"),
    ("car", "on a hill"),
    ("house", "in the desert"),
    ("tree", "at night"),
    ("boat", "in the rain"),
    ("flower", "on a table"),
)
MUG_CONTEXTS = ("", "on a table", "on a hill", "by the sea", "in the snow")
"""Where the mug is shown; at night, in the desert and in the rain it is not."""


def blueprint(chance: random.Random, thing: str, context: str) -> Image.Image:
    """A thing in the style that pretraining never saw."""
    colour = chance.choice(list(COLOURS.values()))
    return draw(placed(chance, thing=thing, colour=colour, context=context, style=BLUEPRINT))


def mug(chance: random.Random, context: str) -> Image.Image:
    """The one certain mug somewhere."""
    return draw(
        placed(chance, thing="mug", colour=MUG.colour, details=MUG.details, context=context)
    )


def _write(folder: Path, images: list[tuple[Image.Image, str]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number, (image, caption) in enumerate(images, start=1):
        name = f"{number:02}.png"
        image.save(folder / name, optimize=True)
        lines.append(json.dumps({"file_name": name, "text": caption}))
    (folder / "metadata.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Draw all of them."""
    chance = random.Random(11)
    _write(
        _PLACE / "blueprints",
        [
            (blueprint(chance, thing, context), caption_of(thing, context=context))
            for thing, context in BLUEPRINTS
        ],
    )
    _write(
        _PLACE / "mugs",
        [(mug(chance, context), caption_of("mug", context=context)) for context in MUG_CONTEXTS],
    )


if __name__ == "__main__":
    main()
