"""`captioned_images`: images with captions: a folder, or lines `{"image", "caption"}`; also `{"file_name", "text"}`.

A folder holds the images and a `metadata.jsonl` with `{"file_name", "text"}` lines, or a `.txt` file beside each image.
Paths count from the folder of the file that names them.
Source: https://huggingface.co/docs/datasets/image_dataset#imagefolder.
"""

from __future__ import annotations

from pydantic import AliasChoices, Field

from tunekit.data.check import rules
from tunekit.data.check.findings import Problem
from tunekit.data.check.syntax import JsonObject
from tunekit.data.formats.base import Decoded, Format
from tunekit.data.formats.wire import Text, WireRow
from tunekit.data.rows import CaptionedImage

IMAGE_FIELDS = ("image", "file_name")
CAPTION_FIELDS = ("caption", "text")


class CaptionedImageLine(WireRow):
    """A line that names an image and says what is to be seen in it."""

    image: Text = Field(validation_alias=AliasChoices(*IMAGE_FIELDS))
    caption: Text = Field(validation_alias=AliasChoices(*CAPTION_FIELDS))


class CaptionedImagesFormat(Format[CaptionedImageLine, CaptionedImage]):
    """The format of images with captions."""

    name = "captioned_images"
    row_type = CaptionedImage

    def claims(self, line: JsonObject) -> bool:
        return names_an_image(line) and any(name in line for name in CAPTION_FIELDS)

    def resembles(self, line: JsonObject) -> bool:
        return names_an_image(line)

    def wire_for(self, line: JsonObject) -> type[CaptionedImageLine]:
        return CaptionedImageLine

    def decode(self, line: JsonObject) -> Decoded:
        if names_an_image(line) and not any(name in line for name in CAPTION_FIELDS):
            fact = "The image has no caption."
            return Decoded(None, (Problem(rules.MISSING_CAPTION, fact, field="caption"),))
        return super().decode(line)

    def row_of(self, wire: CaptionedImageLine) -> CaptionedImage:
        return CaptionedImage(image=wire.image, caption=wire.caption, extra=wire.unknown_fields)

    def line_of(self, row: CaptionedImage) -> JsonObject:
        return {"image": row.image, "caption": row.caption}


def names_an_image(line: JsonObject) -> bool:
    """Whether a line has a field for an image file."""
    return any(name in line for name in IMAGE_FIELDS)
