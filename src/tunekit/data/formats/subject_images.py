"""`subject_images`: images of one subject: a folder, or lines `{"image"}` with an optional `"caption"`.

The subject's own word and the word for its class are given once for all, in `SubjectImages`.
Source: https://huggingface.co/docs/diffusers/training/dreambooth.
"""

from __future__ import annotations

from pydantic import AliasChoices, Field

from tunekit.data.check.syntax import JsonObject
from tunekit.data.formats.base import Format
from tunekit.data.formats.captioned_images import CAPTION_FIELDS, IMAGE_FIELDS, names_an_image
from tunekit.data.formats.wire import Text, WireRow
from tunekit.data.rows import ReferenceImage


class ReferenceImageLine(WireRow):
    """A line that names an image of the subject."""

    image: Text = Field(validation_alias=AliasChoices(*IMAGE_FIELDS))
    caption: Text | None = Field(default=None, validation_alias=AliasChoices(*CAPTION_FIELDS))


class SubjectImagesFormat(Format[ReferenceImageLine, ReferenceImage]):
    """The format of images of one subject."""

    name = "subject_images"
    row_type = ReferenceImage

    def claims(self, line: JsonObject) -> bool:
        return names_an_image(line) and not any(name in line for name in CAPTION_FIELDS)

    def resembles(self, line: JsonObject) -> bool:
        return names_an_image(line)

    def wire_for(self, line: JsonObject) -> type[ReferenceImageLine]:
        return ReferenceImageLine

    def row_of(self, wire: ReferenceImageLine) -> ReferenceImage:
        return ReferenceImage(image=wire.image, caption=wire.caption, extra=wire.unknown_fields)

    def line_of(self, row: ReferenceImage) -> JsonObject:
        line: JsonObject = {"image": row.image}
        return line if row.caption is None else {**line, "caption": row.caption}
