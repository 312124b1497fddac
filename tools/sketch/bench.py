"""Measure whether tuning is seen to work: how often classifiers recognise a style, a subject and its class.

The classifiers are trained here, on drawings that neither pretraining nor tuning has seen, by themselves and as the
pipeline's autoencoder reads them back. Run it from the root of the repository; `README.md` has the figures:

    OMP_NUM_THREADS=1 python -m tools.sketch.bench style --grid style.png
    OMP_NUM_THREADS=1 python -m tools.sketch.bench subject --grid subject.png
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

import tunekit as tk
from tunekit.backends.local.base_models import find_base_model
from tunekit.backends.local.pipelines import load_painter
from tunekit.evaluation.grids import grid_of
from tunekit.jobs.backend import Drawing

from .drawing import BLUEPRINT, COLOURS, CONTEXTS, PLAIN, STYLES, THINGS, Scene, Style, draw
from .pretrain import pixels
from .quickstart_images import MUG
from .words import placed

_PLACE = Path(__file__).parents[2] / "src/tunekit/quickstart"
STYLE_PROMPTS = tuple(
    f"a {colour} {thing} {context}".strip()
    for colour, thing, context in (
        ("red", "circle", "on a hill"),
        ("blue", "house", "at night"),
        ("green", "fish", "by the sea"),
        ("yellow", "star", "in the snow"),
        ("purple", "car", "in the desert"),
        ("orange", "mug", "on a table"),
        ("pink", "heart", "in the rain"),
        ("black", "boat", ""),
        ("brown", "tree", "on a table"),
        ("grey", "triangle", "by the sea"),
    )
)
"""None of them is the caption of a blueprint that is learnt from."""
SUBJECT_PROMPTS = (
    "a mug at night",
    "a mug in the desert",
    "a mug in the rain",
    "the mug in the desert",
    "a drawing of a mug at night",
)
"""Surroundings in which no image shows the mug."""


class Classifier(nn.Module):
    """A small convolutional network."""

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 24, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(24, 48, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(48, 64, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveMaxPool2d(2),
            nn.Flatten(),
            nn.Linear(256, num_classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        result: Tensor = self.layers(images)
        return result


Sample = Callable[[random.Random], tuple[Scene, int]]
"""Draws a scene and its class."""


def train_classifier(
    sample: Sample, num_classes: int, *, seed: int, steps: int = 400
) -> tuple[Classifier, float]:
    """A classifier and its accuracy on drawings that it has not seen."""
    torch.manual_seed(seed)
    chance = random.Random(seed)
    painter = load_painter(find_base_model("tunekit/sketch", Path()))
    model = Classifier(num_classes)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(steps):
        images, classes = _batch(sample, chance, painter, 48)
        loss = functional.cross_entropy(model(images), classes)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        optimiser.zero_grad()
    images, classes = _batch(sample, chance, painter, 600)
    with torch.no_grad():
        right = (model(images).argmax(1) == classes).float().mean().item()
    return model.eval(), right


def _batch(sample: Sample, chance: random.Random, painter: Any, size: int) -> tuple[Tensor, Tensor]:
    """Drawings, half of them as the autoencoder reads them back, with some noise."""
    drawn = [sample(chance) for _ in range(size)]
    images = pixels(draw(scene) for scene, _ in drawn)
    half = size // 2
    with torch.no_grad():
        vae = painter.pipeline.vae
        images[:half] = vae.decode(vae.encode(images[:half]).latent_dist.mode()).sample
    images += 0.05 * torch.randn(images.shape)
    return images, torch.tensor([label for _, label in drawn])


def share(model: Classifier, images: Sequence[Image.Image], label: int) -> float:
    """The share of images that a classifier takes for a class."""
    with torch.no_grad():
        return float((model(pixels(images)).argmax(1) == label).float().mean())


def _any_scene(chance: random.Random, **settings: Any) -> Scene:
    given = {
        "thing": chance.choice(list(THINGS)),
        "colour": chance.choice(list(COLOURS.values())),
        "context": chance.choice(list(CONTEXTS)),
    }
    return placed(chance, **(given | settings))


def _styled(chance: random.Random) -> tuple[Scene, int]:
    styles: list[Style] = [BLUEPRINT, PLAIN, *STYLES.values()]
    label = 0 if chance.random() < 0.4 else chance.randrange(1, len(styles))
    return _any_scene(chance, style=styles[label]), label


def _of_the_subject(chance: random.Random) -> tuple[Scene, int]:
    """The mug against other mugs, some with bands of other colours, and other things of its colour."""
    draw_from = chance.random()
    if draw_from < 0.4:
        return _any_scene(chance, thing="mug", colour=MUG.colour, details=MUG.details), 0
    scene = _any_scene(chance, thing="mug" if draw_from < 0.8 else chance.choice(list(THINGS)))
    if chance.random() < 0.3:
        part = chance.choice(["band", "handle", "rim"])
        scene = replace(scene, details={part: chance.choice(list(COLOURS.values()))})
    if chance.random() < 0.15:
        scene = replace(scene, colour=MUG.colour, details={})
    return scene, 1


def _of_things(chance: random.Random) -> tuple[Scene, int]:
    scene = _any_scene(chance)
    if scene.thing == "mug" and chance.random() < 0.4:
        scene = replace(scene, colour=MUG.colour, details=MUG.details)
    return scene, list(THINGS).index(scene.thing)


def bench_style(
    home: Path, steps: int | None, num_images: int, seed: int
) -> tuple[dict[str, Any], Image.Image]:
    """Tune on twelve blueprints, and count what is drawn as one."""
    rows = tk.Dataset.read(str(_PLACE / "blueprints"), row=tk.CaptionedImage)
    twelve = tk.Dataset.read(rows.head(12), row=tk.CaptionedImage)
    tuner = tk.ImagenStyleTuner(
        base_model="tunekit/sketch", style="blueprint", train_steps=steps, seed=seed
    )
    model = tk.Client(tk.LocalBackend(home)).tune(tuner, twelve).result()
    classifier, accuracy = train_classifier(_styled, 2 + len(STYLES), seed=5)
    things, _ = train_classifier(
        lambda chance: _named_thing(chance, BLUEPRINT), len(THINGS), seed=6
    )
    asked = [f"{prompt} {model.phrase}" for prompt in STYLE_PROMPTS]
    tuned, base, unasked = _drawn(model, asked, STYLE_PROMPTS, num_images)
    names = list(THINGS)
    words = [
        next(names.index(name) for name in names if name in prompt.split())
        for prompt in STYLE_PROMPTS
    ]
    right = [share(things, some, label) for some, label in zip(tuned, words, strict=True)]
    figures = {
        "classifier": accuracy,
        "tuned": share(classifier, _flat(tuned), 0),
        "base": share(classifier, _flat(base), 0),
        "tuned, style not asked for": share(classifier, _flat(unasked), 0),
        "thing of the prompt recognised": sum(right) / len(right),
    }
    return figures, _grid(base, tuned, unasked)


def _named_thing(chance: random.Random, style: Style) -> tuple[Scene, int]:
    scene = _any_scene(chance, style=style if chance.random() < 0.7 else PLAIN)
    return scene, list(THINGS).index(scene.thing)


def bench_subject(
    home: Path, steps: int | None, num_images: int, seed: int
) -> tuple[dict[str, Any], Image.Image]:
    """Tune on five pictures of a mug, and count where it is recognised."""
    images = tk.Dataset.read(str(_PLACE / "mugs"), row=tk.ReferenceImage)
    data = tk.SubjectImages(images=images, subject="sks", subject_class="mug")
    tuner = tk.ImagenSubjectTuner(base_model="tunekit/sketch", train_steps=steps, seed=seed)
    model = tk.Client(tk.LocalBackend(home)).tune(tuner, data).result()
    classifier, accuracy = train_classifier(_of_the_subject, 2, seed=5)
    things, also = train_classifier(_of_things, len(THINGS), seed=6, steps=600)
    asked = [prompt.replace("mug", model.phrase) for prompt in SUBJECT_PROMPTS]
    tuned, base, unasked = _drawn(model, asked, SUBJECT_PROMPTS, num_images)
    mug = list(THINGS).index("mug")
    plain = tk.LocalBackend(home).generate(
        model.id, SUBJECT_PROMPTS, _drawing(num_images), tuned=False
    )
    evaluation = model.evaluate(data, prompts=SUBJECT_PROMPTS[:3], num_images=4)
    figures = {
        "classifier": accuracy,
        "classifier of things": also,
        "tuned": share(classifier, _flat(tuned), 0),
        "base": share(classifier, _flat(base), 0),
        "tuned, class alone: subject": share(classifier, _flat(unasked), 0),
        "tuned, class alone: a mug": share(things, _flat(unasked), mug),
        "base, class alone: a mug": share(things, _flat(plain), mug),
        "drift": evaluation.drift.value,
    }
    return figures, _grid(base, tuned, unasked)


def _drawing(num_images: int) -> Drawing:
    return Drawing(num_images=num_images, seed=100)


def _drawn(
    model: tk.ImageModel, asked: Sequence[str], plain: Sequence[str], num_images: int
) -> Any:
    backend: Any = tk.LocalBackend(Path(model.record.location or "").parents[2])
    drawing = _drawing(num_images)
    return (
        backend.generate(model.id, asked, drawing, tuned=True),
        backend.generate(model.id, asked, drawing, tuned=False),
        backend.generate(model.id, plain, drawing, tuned=True),
    )


def _flat(pictures: Sequence[Sequence[Image.Image]]) -> list[Image.Image]:
    return [picture for some in pictures for picture in some]


def _grid(*rows: Sequence[Sequence[Image.Image]]) -> Image.Image:
    """The first pictures of each prompt: base, tuned, and tuned but not asked."""
    wide = [
        [some[place] for some in row for place in range(2 if len(row) < 6 else 1)] for row in rows
    ]
    return grid_of([picture for row in wide for picture in row], columns=len(wide[0]))


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("what", choices=("style", "subject"))
    parser.add_argument("--steps", type=int)
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--grid", type=Path)
    given = parser.parse_args()
    bench = {"style": bench_style, "subject": bench_subject}[given.what]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as home:
        figures, grid = bench(Path(home), given.steps, given.images, given.seed)
    if given.grid:
        grid.save(given.grid)
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}, indent=2))
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
