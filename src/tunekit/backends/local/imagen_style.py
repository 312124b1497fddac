"""How this machine runs style tuning: the loop of image models on images with captions.

Belongs here: the recipe that the registry of this backend finds.
Does not belong here: the loop (`image_training.py`), what prompts say (`tuners/imagen_style.py`).
"""

from __future__ import annotations

from pathlib import Path

from tunekit.backends.local.image_inspection import inspect_images
from tunekit.backends.local.run import Result, Run
from tunekit.jobs.backend import Inspection, Rows
from tunekit.jobs.record import JobRequest


class ImagenStyleRecipe:
    """Style tuning on this machine."""

    def inspect(self, request: JobRequest, rows: Rows, home: Path) -> Inspection:
        """Count the tokens of captions, and find images and captions that the base model makes little of."""
        return inspect_images(request, rows, home)

    def train(self, run: Run, into: Path) -> Result:
        """Train, and leave an adapter in `into`."""
        from tunekit.backends.local.image_training import train_images

        return train_images(run, into)


RECIPE = ImagenStyleRecipe()
"""What the registry of this backend finds."""
