"""Where rows come from: files line by line, or objects in memory, each record with its place.

Belongs here: finding files, reading lines in constant memory, keeping count of lines and bytes.
Does not belong here: what a line means (`check/syntax.py`, `formats/`).
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BufferedIOBase
from itertools import chain, compress
from pathlib import Path
from typing import Protocol, TypeAlias, TypeGuard

from pydantic import BaseModel, JsonValue

from tunekit._text import closest
from tunekit.data import opening
from tunekit.data.check.findings import Place
from tunekit.data.rows import Row
from tunekit.errors import SettingInvalid, SourceNotFound

MAX_LINE_BYTES = 64 << 20
"""Bytes of one line beyond which it is reported and passed over rather than read."""
BLOCK_BYTES = 120 << 10
"""Bytes that are read at once: little enough that what is made of them stays in the processor's own memory, and below
the 128 KiB from which the C library maps fresh pages for each piece."""
_LONG_LINE_SHOWN = 200

METADATA = "metadata.jsonl"
"""The file in a folder of images that says what is to be seen in them."""
IMAGE_SUFFIXES = frozenset(
    (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic")
)
"""Files of a folder that are taken for images; the check tells which of them can be used."""

RowLike: TypeAlias = Row | Mapping[str, JsonValue]
"""What an in-memory source may hold: our own rows, or objects as a JSON line would have them."""


class ArrowStream(Protocol):
    """A frame or table that other libraries can read: pandas, polars, pyarrow, duckdb."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The rows, as Arrow passes them on."""
        ...


SourceLike: TypeAlias = (
    str | os.PathLike[str] | ArrowStream | Iterable[str | os.PathLike[str] | RowLike]
)
"""What `Dataset.read` takes: a path, a glob, several paths, a frame, or rows."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a file."""

    place: Place
    raw: bytes
    """Without the line feed."""
    too_long: bool = False
    """Whether only the start of it was kept."""
    columns: tuple[str, ...] | None = None
    """The header above it, where the file is a table; empty where the table has none."""


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines of a file, or the start of one that is too long."""

    offset: int
    """Bytes from the start of the file."""
    lines: memoryview
    """The lines, each with its line feed. Good until the next block is read, and no longer."""
    too_long: bool = False
    """Whether it is the start of one line that was passed over."""


@dataclass(frozen=True, slots=True)
class Item:
    """An object from memory."""

    place: Place
    value: RowLike


Record: TypeAlias = Line | Item


class Source(Protocol):
    """A place that rows come from, as often as asked."""

    @property
    def names(self) -> tuple[str, ...]:
        """The paths as they were named; none for rows from memory."""
        ...

    @property
    def num_bytes(self) -> int | None:
        """Size of the files, or `None` where there is no file of just these records."""
        ...

    def records(self) -> Iterator[Record]:
        """Every record from the first on."""
        ...


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file of JSON lines."""

    path: str

    @property
    def names(self) -> tuple[str, ...]:
        return (self.path,)

    @property
    def num_bytes(self) -> int:
        return opening.num_bytes(self.path)

    def blocks(self, start: int = 0, end: int | None = None) -> Iterator[Block]:
        """Every line that begins in a range of bytes, many at once; ranges that meet share no line.

        Args:
            start: First byte of the range.
            end: The byte behind the range; `None` reads to the end of the file.
        """
        with opening.opened(self.path) as file:
            if start:
                file.seek(start - 1)
                start += _skip_line(file) - 1
            yield from _blocks(file, start, end)

    def records(self) -> Iterator[Line]:
        """Every line, read in constant memory."""
        with opening.opened(self.path) as file:
            offset, number = 0, 0
            while raw := file.readline(MAX_LINE_BYTES):
                number += 1
                place = Place(self.path, number, offset)
                offset += len(raw)
                too_long = len(raw) == MAX_LINE_BYTES and not raw.endswith(b"\n")
                while too_long and (rest := file.readline(MAX_LINE_BYTES)):
                    offset += len(rest)
                    if rest.endswith(b"\n"):
                        break
                yield Line(place, raw[:200] if too_long else raw.removesuffix(b"\n"), too_long)


def _skip_line(file: BufferedIOBase) -> int:
    """Go to the start of the next line; returns the bytes that were passed over."""
    passed = 0
    while piece := file.readline(BLOCK_BYTES):
        passed += len(piece)
        if piece.endswith(b"\n"):
            break
    return passed


def _blocks(file: BufferedIOBase, offset: int, end: int | None) -> Iterator[Block]:
    """The lines from here on, in a buffer that is used again and again: fresh memory costs more than parsing."""
    buffer, filled = bytearray(min(BLOCK_BYTES, MAX_LINE_BYTES)), 0
    while end is None or offset < end:
        if filled == len(buffer):
            # a new one, for the reader of the last block may still look at the old
            buffer = buffer + bytes(min(len(buffer), MAX_LINE_BYTES - len(buffer)))
        got = file.readinto(memoryview(buffer)[filled:])
        last = buffer.rfind(b"\n", filled, filled + got) + 1
        filled += got
        if not got:
            if filled:
                yield Block(offset, memoryview(bytes(buffer[:filled]) + b"\n"))
            return
        if not last and filled == MAX_LINE_BYTES:
            yield Block(offset, memoryview(bytes(buffer[:_LONG_LINE_SHOWN])), too_long=True)
            offset, filled = offset + filled + _skip_line(file), 0
        elif last:
            cut = last if end is None else min(last, _first_line_end(buffer, end - offset))
            yield Block(offset, memoryview(buffer)[:cut])
            offset, kept = offset + cut, filled - cut
            buffer[:kept] = buffer[cut:filled]
            filled = kept
            if cut < last:
                return


def _first_line_end(buffer: bytearray, position: int) -> int:
    """Where the line ends that holds the byte before a position."""
    found = buffer.find(b"\n", max(position - 1, 0))
    return found + 1 if found >= 0 else len(buffer)


@dataclass(frozen=True, slots=True)
class ItemSource:
    """Objects in memory."""

    items: Sequence[RowLike]

    @property
    def names(self) -> tuple[str, ...]:
        return ()

    @property
    def num_bytes(self) -> None:
        return None

    def records(self) -> Iterator[Record]:
        """Every object in order."""
        for number, value in enumerate(self.items, start=1):
            yield Item(Place(None, number), value)


@dataclass(frozen=True, slots=True)
class ImageFolderSource:
    """A folder of images, with captions in `metadata.jsonl` or in a `.txt` file beside each image.

    Images that `metadata.jsonl` names are its lines; each other image is a record of its own.
    """

    path: str

    @property
    def names(self) -> tuple[str, ...]:
        return (self.path,)

    @property
    def num_bytes(self) -> int:
        return sum(image.stat().st_size for image in images_in(Path(self.path)))

    def records(self) -> Iterator[Record]:
        """The lines of `metadata.jsonl`, then the images that it does not name, by their paths."""
        folder = Path(self.path)
        told: set[Path] = set()
        if (folder / METADATA).is_file():
            for record in FileSource(str(folder / METADATA)).records():
                told.add(folder / _named_in(record.raw))
                yield record
        for image in images_in(folder):
            if image not in told:
                yield Item(Place(str(image), None), _line_for(image))


@dataclass(frozen=True, slots=True)
class SelectedSource:
    """Some of the records of other sources, with the places they have there."""

    sources: tuple[Source, ...]
    selection: bytes
    """For each record of the sources 1 where it is selected, else 0."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for source in self.sources for name in source.names)

    @property
    def num_bytes(self) -> None:
        return None

    def records(self) -> Iterator[Record]:
        """The selected records in order."""
        everything = chain.from_iterable(source.records() for source in self.sources)
        return compress(everything, self.selection)


def sources_of(source: SourceLike) -> tuple[Source, ...]:
    """The sources that a caller named.

    Raises:
        SourceNotFound: A path or glob matches no file.
        SettingInvalid: It is neither a path nor something to iterate over.
    """
    if isinstance(source, str | os.PathLike):
        return _sources_at(os.fspath(source))
    if hasattr(source, "__arrow_c_stream__"):
        from tunekit.data.tables import FrameSource  # noqa: PLC0415  # it makes records of this module

        return (FrameSource(source),)
    if not _is_collection(source):
        raise SettingInvalid(
            f"A dataset cannot be read from a value of type {type(source).__name__!r}.",
            hint="Pass a path, several paths, or an iterable of objects.",
        )
    items = tuple(source)
    paths = [os.fspath(item) for item in items if isinstance(item, str | os.PathLike)]
    if not paths:
        return (ItemSource(items),)  # type: ignore[arg-type]  # no path among them
    if len(paths) < len(items):
        raise SettingInvalid(
            "A dataset cannot be read from paths and objects at once.",
            hint="Read two datasets, or write the objects to a file first.",
        )
    return tuple(source for path in paths for source in _sources_at(path))


def images_in(folder: Path) -> list[Path]:
    """The image files in a folder and below it, by their paths."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in IMAGE_SUFFIXES)
    return sorted(path for path in found if path.is_file())


class _Naming(BaseModel):
    """A line that names an image, as far as that."""

    file_name: str | None = None
    image: str | None = None


def _named_in(raw: bytes) -> str:
    """The image that a line of `metadata.jsonl` names; the empty path where it cannot be read."""
    try:
        line = _Naming.model_validate_json(raw)
    except ValueError:
        return ""
    return line.file_name or line.image or ""


def _line_for(image: Path) -> dict[str, JsonValue]:
    """An image by itself, with the caption in the `.txt` file beside it where there is one."""
    text = image.with_suffix(".txt")
    if not text.is_file():
        return {"image": image.name}
    caption = text.read_text(encoding="utf-8", errors="replace").strip()
    return {"image": image.name, "caption": caption}


def _sources_at(path: str) -> tuple[Source, ...]:
    folder = Path(path)
    if folder.is_dir() and ((folder / METADATA).is_file() or images_in(folder)):
        return (ImageFolderSource(path),)
    return tuple(map(file_source, _files(path)))


def file_source(path: str) -> Source:
    """The source that reads a file, by its ending and its first bytes."""
    from tunekit.data import tables  # noqa: PLC0415  # it makes records of this module

    ending = opening.suffix(path)
    if ending in tables.DELIMITERS:
        return (
            tables.LabelsSource(path) if tables.has_labels(path) else tables.DelimitedSource(path)
        )
    if ending in tables.COLUMNAR:
        return tables.ColumnarSource(path)
    return tables.ArraySource(path) if tables.is_json_array(path) else FileSource(path)


def _is_collection(
    source: object,
) -> TypeGuard[Iterable[str | os.PathLike[str] | RowLike]]:
    return isinstance(source, Iterable) and not isinstance(source, Mapping)


def _files(path: str) -> list[str]:
    if opening.is_remote(path):
        found = opening.found_files(path)
        if found is None:
            raise SourceNotFound(f"There is no file {path!r}.", hint="Correct the address.")
        return found
    if Path(path).is_file():
        return [path]
    if glob.has_magic(path):
        matches = glob.glob(path, recursive=True)  # noqa: PTH207  # the pattern may be absolute
        found = sorted(match for match in matches if Path(match).is_file())
        if found:
            return found
        raise SourceNotFound(f"No file matches {path!r}.", hint="Correct the pattern.")
    if Path(path).is_dir():
        raise SourceNotFound(
            f"{path!r} is a folder.",
            hint=f"Name the files, for example {path.rstrip('/')}/*.jsonl; a folder is read where it holds images.",
        )
    raise SourceNotFound(f"There is no file {path!r}.", hint=_nearby(path))


def _nearby(path: str) -> str:
    folder = Path(path).parent
    if not folder.is_dir():
        return f"There is no folder {str(folder)!r} either."
    match = closest(Path(path).name, (entry.name for entry in folder.iterdir()))
    return f"Did you mean {str(folder / match)!r}?" if match else "Correct the path."
