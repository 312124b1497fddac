"""Images as rows: folders and files of them, and what is wrong with a single one."""

from __future__ import annotations

import json
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

import tunekit as tk
from tiny_pipelines import write_images
from tunekit.data.pictures import open_picture
from tunekit.data.store import read_copy, write_copy


def drawing(size: tuple[int, int] = (40, 40), mode: str = "RGB") -> Image.Image:
    """An image with something in it."""
    image = Image.new("RGB", size, "navy")
    draw = ImageDraw.Draw(image)
    for x in range(0, size[0], 4):
        draw.line([(x, 0), (size[0] - x, size[1])], fill=(255, 5 * x % 256, 60))
    return image.convert(mode)


def check(folder: Path) -> tk.Report:
    """The report on images with captions in a folder."""
    return tk.Dataset.read(str(folder), row=tk.CaptionedImage).check()


def add(folder: Path, name: str, image: Image.Image | bytes, **settings: Any) -> None:
    """Put an image with a caption beside it into a folder."""
    path = folder / name
    if isinstance(image, bytes):
        path.write_bytes(image)
    else:
        image.save(path, **settings)
    path.with_suffix(".txt").write_text(f"the image {name}")


def exif(orientation: int) -> Image.Exif:
    """EXIF data of a picture that was held in some way."""
    data = Image.Exif()
    data[0x0112] = orientation
    return data


def half_of(image: Image.Image, folder: Path) -> bytes:
    """The first half of a PNG file."""
    image.save(folder / "whole.tmp", format="PNG")
    data = (folder / "whole.tmp").read_bytes()
    (folder / "whole.tmp").unlink()
    return data[: len(data) // 2]


def wide_png() -> Image.Image:
    """A grey image of 16 bits."""
    image = Image.new("I;16", (40, 40))
    image.putdata([x * y * 40 for x in range(40) for y in range(40)])
    return image


BAD: dict[str, tuple[str, Callable[[Path], Any], dict[str, Any]]] = {
    "image-truncated": ("cut.png", lambda folder: half_of(drawing(), folder), {}),
    "image-unreadable": ("noise.png", lambda _: b"this is no image", {}),
    "image-animated": (
        "moving.gif",
        lambda _: drawing(),
        {"save_all": True, "append_images": [drawing().rotate(90)]},
    ),
    "image-type": ("old.bmp", lambda _: drawing(), {}),
    "image-too-small": ("dot.png", lambda _: Image.new("RGB", (1, 1)), {}),
    "image-cmyk": ("print.jpg", lambda _: drawing(mode="CMYK"), {}),
    "image-16-bit": ("deep.png", lambda _: wide_png(), {}),
    "image-alpha": ("glass.png", lambda _: drawing(mode="RGBA").rotate(30), {}),
    "image-rotated": ("aside.jpg", lambda _: drawing(), {"exif": exif(6)}),
    "image-cropped": ("banner.png", lambda _: drawing((120, 40)), {}),
}
ERRORS = {
    "image-truncated",
    "image-unreadable",
    "image-animated",
    "image-type",
    "image-too-small",
}


@pytest.mark.parametrize("rule", BAD)
def test_a_faulty_image_gives_one_finding_with_its_name(rule: str, tmp_path: Path) -> None:
    name, make, settings = BAD[rule]
    add(tmp_path, name, make(tmp_path), **settings)
    report = check(tmp_path)
    (finding,) = report.findings
    assert finding.rule == rule
    assert finding.path == str(tmp_path / name)
    assert finding.line is None
    assert name in finding.message
    assert report.ok is (rule not in ERRORS)


def test_a_good_image_gives_no_finding(tmp_path: Path) -> None:
    add(tmp_path, "good.png", drawing())
    add(tmp_path, "also.jpg", drawing().rotate(90))
    add(tmp_path, "third.webp", drawing().rotate(45), lossless=True)
    report = check(tmp_path)
    assert report.findings == ()
    assert report.stats.rows == 3
    assert report.stats.images is not None
    assert report.stats.images.largest == (40, 40)


def test_images_that_look_alike_are_told_whatever_their_size_and_type(tmp_path: Path) -> None:
    write_images(tmp_path / "in", 2)
    image, other = (Image.open(tmp_path / "in" / f"{n}.png") for n in range(2))
    add(tmp_path, "a.png", image)
    add(tmp_path, "b.jpg", image.resize((64, 64)), quality=90)
    add(tmp_path, "c.png", other)
    shutil.rmtree(tmp_path / "in")
    (finding,) = check(tmp_path).findings
    assert finding.rule == "near-duplicate-image"
    assert finding.path == str(tmp_path / "b.jpg")
    assert "a.png" in finding.message


def test_an_image_too_large_to_be_safe_is_not_opened(tmp_path: Path) -> None:
    add(tmp_path, "bomb.png", Image.new("1", (20_000, 10_000)))
    (finding,) = check(tmp_path).findings
    assert finding.rule == "image-too-large"


def wide_colour_png(side: int) -> bytes:
    """A PNG file with 16 bits in each of three channels."""
    rows = b"".join(
        b"\x00" + b"".join(struct.pack(">HHH", 257 * x, 900 * y, 3_000) for x in range(side))
        for y in range(side)
    )
    head = struct.pack(">IIBBBBB", side, side, 16, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n"
    for kind, body in ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")):
        check_sum = struct.pack(">I", zlib.crc32(kind + body))
        data += struct.pack(">I", len(body)) + kind + body + check_sum
    return data


def test_a_wide_colour_png_is_told_although_pillow_cuts_it(tmp_path: Path) -> None:
    add(tmp_path, "a.png", wide_colour_png(32))
    assert [finding.rule for finding in check(tmp_path).findings] == ["image-16-bit"]


def test_an_image_without_a_caption_is_an_error(tmp_path: Path) -> None:
    add(tmp_path, "a.png", drawing())
    drawing().rotate(90).save(tmp_path / "b.png")
    (finding,) = check(tmp_path).errors
    assert finding.rule == "missing-caption"
    assert finding.path == str(tmp_path / "b.png")


def test_the_lines_of_metadata_name_their_own_places(tmp_path: Path) -> None:
    write_images(tmp_path, 3)
    with (tmp_path / "metadata.jsonl").open("a") as file:
        file.write('{"file_name": "gone.png", "text": "nothing"}\n')
    drawing().save(tmp_path / "extra.png")
    report = check(tmp_path)
    assert report.stats.rows == 4
    told = {(finding.rule, finding.place) for finding in report.findings}
    assert ("image-missing", f"{tmp_path}/metadata.jsonl:4") in told
    assert ("missing-caption", f"{tmp_path}/extra.png") in told


def test_a_file_of_rows_counts_paths_from_its_own_folder(tmp_path: Path) -> None:
    write_images(tmp_path / "pictures", 2)
    lines = [{"image": f"pictures/{n}.png", "caption": f"number {n}"} for n in range(2)]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    rows = tk.Dataset.read(path)
    assert rows.row_type is tk.CaptionedImage
    assert rows.format == "captioned_images"
    assert rows.check().ok
    assert [Path(row.image) for row in rows] == [tmp_path / f"pictures/{n}.png" for n in range(2)]


def test_images_without_captions_are_those_of_a_subject(tmp_path: Path) -> None:
    drawing().save(tmp_path / "a.png")
    rows = tk.Dataset.read(str(tmp_path))
    assert rows.row_type is tk.ReferenceImage
    assert [row.caption for row in rows] == [None]


def test_a_subject_may_have_captions_for_some_images(tmp_path: Path) -> None:
    add(tmp_path, "a.png", drawing())
    drawing().rotate(90).save(tmp_path / "b.png")
    rows = tk.Dataset.read(str(tmp_path), row=tk.ReferenceImage)
    assert rows.check().ok
    assert [row.caption for row in rows] == ["the image a.png", None]


def test_rows_that_are_written_elsewhere_find_their_images(tmp_path: Path) -> None:
    write_images(tmp_path / "in", 2)
    (tmp_path / "out").mkdir()
    rows = tk.Dataset.read(str(tmp_path / "in"), row=tk.CaptionedImage)
    written = rows.write(tmp_path / "out" / "rows.jsonl")
    again = tk.Dataset.read(written)
    assert again.digest() == rows.digest()
    assert "../in/0.png" in written.read_text()


def test_the_digest_of_rows_is_that_of_the_pictures(tmp_path: Path) -> None:
    write_images(tmp_path / "a", 2)
    write_images(tmp_path / "b", 2)
    one, other = (tk.Dataset.read(str(tmp_path / name), row=tk.CaptionedImage) for name in "ab")
    assert one.digest() == other.digest()
    drawing().save(tmp_path / "b" / "1.png")
    assert one.digest() != other.digest()


def test_a_copy_of_rows_keeps_the_pictures_and_their_places(tmp_path: Path) -> None:
    source = write_images(tmp_path / "in", 2)
    rows = tk.Dataset.read(str(source), row=tk.CaptionedImage)
    (tmp_path / "job").mkdir()
    write_copy(rows, tmp_path / "job" / "train.jsonl", digest=rows.digest())
    (tmp_path / "job").rename(tmp_path / "moved")
    drawing().save(source / "0.png")
    first, _ = read_copy(tmp_path / "moved" / "train.jsonl")
    assert first.place.path == str(source / "metadata.jsonl")
    assert Path(first.row.image).is_relative_to(tmp_path / "moved")
    assert open_picture(first.row.image).size == (32, 32)


def test_an_image_that_goes_before_the_copy_is_told(tmp_path: Path) -> None:
    source = write_images(tmp_path / "in", 2)
    rows = tk.Dataset.read(str(source), row=tk.CaptionedImage)
    digest = rows.digest()
    (source / "0.png").unlink()
    with pytest.raises(tk.DatasetChanged, match=r"0\.png"):
        write_copy(rows, tmp_path / "train.jsonl", digest=digest)


def test_pictures_are_opened_upright_on_white_and_in_eight_bits(tmp_path: Path) -> None:
    drawing((60, 30)).save(tmp_path / "aside.jpg", exif=exif(6))
    assert open_picture(tmp_path / "aside.jpg").size == (30, 60)
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(tmp_path / "glass.png")
    assert open_picture(tmp_path / "glass.png").getpixel((3, 3)) == (255, 255, 255)
    Image.new("I;16", (20, 20), 32_896).save(tmp_path / "deep.png")
    assert open_picture(tmp_path / "deep.png").getpixel((3, 3)) == (128, 128, 128)
    assert open_picture(tmp_path / "aside.jpg", size=24).size == (24, 24)
    drawing(mode="CMYK").save(tmp_path / "print.jpg")
    assert open_picture(tmp_path / "print.jpg").mode == "RGB"


def test_a_folder_without_images_is_still_no_source(tmp_path: Path) -> None:
    with pytest.raises(tk.SourceNotFound, match="is a folder"):
        tk.Dataset.read(str(tmp_path))
