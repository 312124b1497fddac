"""Judges image files: opened, decoded to the last pixel, and held against each other.

Belongs here: rules about single images, and about two that look alike.
Does not belong here: captions (`formats/`), what a base model asks of an image (`backends/`).
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tunekit.data.check import rules
from tunekit.data.check.findings import Problem
from tunekit.data.check.statistics import ImageSizes
from tunekit.data.pictures import ORIENTATION, UPRIGHT, has_alpha, has_wide_channels, pillow

if TYPE_CHECKING:
    from PIL import Image

TYPES = ("PNG", "JPEG", "WEBP")
"""What is taken: the types that Pillow opens everywhere and that hold a single picture in true colours."""
MIN_SIDE = 16
"""Pixels; less than that is no picture of anything."""
MAX_PIXELS = 89_478_485
"""Where Pillow begins to warn of decompression bombs (https://pillow.readthedocs.io/en/stable/reference/Image.html)."""
MAX_SQUARE_RATIO = 1.5
"""Longer by shorter side above which more than a third is cut off."""
NEAR_BITS = 6
"""Bits of 192 in which the hashes of two images that look alike may differ."""


def file_digest(path: Path) -> str | None:
    """SHA-256 of a file, or `None` where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


@dataclass(frozen=True, slots=True)
class Likeness:
    """An image that looks nearly the same as an earlier one."""

    name: str
    """The name of the file."""
    ordinal: int
    """0-based position of its record among all that were read."""
    offset: int | None
    earlier: int
    """Position of the earlier one."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What an image looks like, and where it is."""

    look: int
    name: str
    ordinal: int
    offset: int | None


@dataclass(slots=True)
class Gallery:
    """The images seen so far."""

    _seen: list[_Seen] = field(default_factory=list[_Seen])
    _sizes: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])

    def problems_in(self, path: str, ordinal: int, offset: int | None) -> Iterator[Problem]:
        """What is wrong with an image by itself.

        Args:
            path: Its file.
            ordinal: 0-based position of its record.
            offset: Bytes from the start of the file of rows to its line.

        Raises:
            MissingExtra: Pillow is not installed.
        """
        library = pillow()
        name = Path(path).name
        if not Path(path).is_file():
            yield Problem(rules.IMAGE_MISSING, f"There is no image file {name!r}.", "image")
            return
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what they say is a finding here
                with library.open(path) as image:
                    fatal = _fatal_problem(image, name) or _load_problem(image, name)
                    if fatal is not None:
                        yield fatal
                        return
                    yield from _notes(image, name)
                    self._sizes.append(_upright_size(image))
                    self._seen.append(_Seen(difference_hash(image), name, ordinal, offset))
        except library.DecompressionBombError:
            fact = f"{name!r} has more than {2 * MAX_PIXELS:,} pixels."
            yield Problem(rules.IMAGE_TOO_LARGE, fact, "image")
        except (OSError, SyntaxError, ValueError, EOFError):
            fact = f"{name!r} is no image that can be opened."
            yield Problem(rules.IMAGE_UNREADABLE, fact, "image")

    def alike(self) -> list[Likeness]:
        """The images that look nearly the same as an earlier one, each with the first such."""
        found: list[Likeness] = []
        for index, image in enumerate(self._seen):
            for earlier in self._seen[:index]:
                if (earlier.look ^ image.look).bit_count() <= NEAR_BITS:
                    found.append(Likeness(image.name, image.ordinal, image.offset, earlier.ordinal))
                    break
        return found

    def append(self, later: Gallery, first_ordinal: int) -> None:
        """Take in the images that follow, whose first record has this position here."""
        self._sizes.extend(later._sizes)
        self._seen.extend(
            replace(seen, ordinal=first_ordinal + seen.ordinal) for seen in later._seen
        )

    def sizes(self) -> ImageSizes | None:
        """The sizes of the images that can be used."""
        if not self._sizes:
            return None
        ordered = sorted(self._sizes, key=lambda size: size[0] * size[1])
        return ImageSizes(smallest=ordered[0], largest=ordered[-1])


def difference_hash(image: Image.Image) -> int:
    """192 bits of what an image looks like: for each colour, where it falls from left to right in a grid of 8 by 8.

    Sizes, file types and light compression change few of them.
    """
    rows = image.convert("RGB").resize((9, 8), resample=pillow().Resampling.BOX)
    bits = 0
    for band in rows.split():
        values = list(band.tobytes())
        for y in range(8):
            for x in range(8):
                left, right = values[9 * y + x], values[9 * y + x + 1]
                bits = bits << 1 | (left > right + 2)
    return bits


def _fatal_problem(image: Image.Image, name: str) -> Problem | None:
    """What keeps an image from being used, as far as its head tells."""
    width, height = image.size
    frames = int(getattr(image, "n_frames", 1))
    if frames > 1:
        return Problem(rules.IMAGE_ANIMATED, f"{name!r} has {frames} frames.", "image")
    if image.format not in TYPES:
        fact = f"{name!r} is of the type {image.format}; taken are {', '.join(TYPES)}."
        return Problem(rules.IMAGE_TYPE, fact, "image")
    if min(width, height) < MIN_SIDE:
        fact = f"{name!r} is {width} by {height} pixels; {MIN_SIDE} are the least on a side."
        return Problem(rules.IMAGE_TOO_SMALL, fact, "image")
    if width * height > MAX_PIXELS:
        fact = f"{name!r} is {width:,} by {height:,} pixels; {MAX_PIXELS:,} are the most in all."
        return Problem(rules.IMAGE_TOO_LARGE, fact, "image")
    return None


def _load_problem(image: Image.Image, name: str) -> Problem | None:
    """What keeps an image from being used once all of it is decoded."""
    try:
        image.load()
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        return _unloadable(name, error)
    return None


def _unloadable(name: str, error: Exception) -> Problem:
    if "truncated" in str(error).lower():
        return Problem(rules.IMAGE_TRUNCATED, f"{name!r} ends too early.", "image")
    return Problem(rules.IMAGE_UNREADABLE, f"{name!r} cannot be decoded.", "image")


def _notes(image: Image.Image, name: str) -> Iterator[Problem]:
    """What changes when an image that can be used is learnt from."""
    if image.mode == "CMYK":
        yield Problem(rules.IMAGE_CMYK, f"{name!r} has printing colours (CMYK).", "image")
    if has_wide_channels(image):
        yield Problem(rules.IMAGE_16_BIT, f"{name!r} has 16 bits a channel.", "image")
    if has_alpha(image):
        yield Problem(rules.IMAGE_ALPHA, f"{name!r} has transparent parts.", "image")
    if image.getexif().get(ORIENTATION, UPRIGHT) != UPRIGHT:
        yield Problem(rules.IMAGE_ROTATED, f"{name!r} is stored on its side.", "image")
    width, height = image.size
    if max(width, height) > MAX_SQUARE_RATIO * min(width, height):
        fact = f"{name!r} is {width} by {height} pixels: more than a third is cut off."
        yield Problem(rules.IMAGE_CROPPED, fact, "image")


def _upright_size(image: Image.Image) -> tuple[int, int]:
    on_its_side = image.getexif().get(ORIENTATION, UPRIGHT) >= 5
    return (image.height, image.width) if on_its_side else image.size
