"""Opens files wherever they are, compressed or not, and writes them whole or not at all.

Local files are opened plainly; anything with `://` in front goes through fsspec, which knows `gs://`, `s3://`, `memory://`
and many more. Files that end in `.gz` or `.zst` are unpacked and packed on the way.

Belongs here: bytes in and out.
Does not belong here: what the bytes mean (`reader.py`, `tables.py`).
"""

from __future__ import annotations

import glob
import gzip
import os
import tempfile
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from io import BufferedIOBase
from pathlib import Path
from typing import Any, cast

from tunekit.errors import FileKept, MissingExtra

SUFFIXES = (".gz", ".zst")
"""Endings of compressed files."""
BROKEN_OFF: tuple[type[Exception], ...] = (EOFError, zlib.error, gzip.BadGzipFile)
"""What reading raises where a compressed file breaks off or is damaged, zstandard apart; see `is_broken_off`."""


def is_remote(path: str) -> bool:
    """Whether a path names a place that fsspec opens."""
    return "://" in path


def suffix(path: str) -> str:
    """The ending of a path in lower case, that of the compression left out."""
    bare = path.lower()
    for ending in SUFFIXES:
        bare = bare.removesuffix(ending)
    return os.path.splitext(bare)[1]  # noqa: PTH122  # the path may be an address


def can_be_cut(path: str) -> bool:
    """Whether reading may begin anywhere in the file."""
    return not is_remote(path) and not path.lower().endswith(SUFFIXES)


@contextmanager
def opened(path: str) -> Generator[BufferedIOBase]:
    """The bytes of a file, unpacked.

    Raises:
        OSError: It cannot be read.
        MissingExtra: A package that reads it is not installed.
    """
    if is_remote(path):
        with _fsspec().open(path, "rb") as raw, _unpacked(path, raw) as file:
            yield file
    else:
        with Path(path).open("rb") as raw, _unpacked(path, raw) as file:
            yield file


def is_broken_off(error: Exception) -> bool:
    """Whether reading failed because a compressed file breaks off or is damaged."""
    return isinstance(error, BROKEN_OFF) or type(error).__name__ == "ZstdError"


def found_files(path: str) -> list[str] | None:
    """The files that a remote path or pattern names, or `None` where there is none."""
    fsspec = _fsspec()
    system, inside = fsspec.core.url_to_fs(path)
    if glob.has_magic(path):
        names = sorted(name for name in system.glob(inside) if system.isfile(name))
    else:
        names = [inside] if system.isfile(inside) else []
    return [system.unstrip_protocol(name) for name in names] or None


def num_bytes(path: str) -> int:
    """Size of a file as it is stored."""
    if is_remote(path):
        system, inside = _fsspec().core.url_to_fs(path)
        return int(system.size(inside))
    return Path(path).stat().st_size


@contextmanager
def written(path: str, *, overwrite: bool) -> Generator[Path]:
    """A local file to write to, which takes its place, packed, when the block ends well, and else leaves nothing.

    Raises:
        FileKept: There is a file, and `overwrite` is not set.
    """
    remote = is_remote(path)
    exists = found_files(path) is not None if remote else Path(path).exists()
    if exists and not overwrite:
        hint = "Choose another name, or pass overwrite=True."
        raise FileKept(f"{path!r} is there already.", hint=hint)
    folder = None if remote else Path(path).parent
    handle, name = tempfile.mkstemp(dir=folder, prefix=f".{Path(path).name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _pack(path, temporary)
        if remote:
            _fsspec().core.url_to_fs(path)[0].put_file(name, path)
            temporary.unlink()
        else:
            temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _unpacked(path: str, raw: Any) -> Any:
    if path.lower().endswith(".gz"):
        return gzip.GzipFile(fileobj=raw)
    if path.lower().endswith(".zst"):
        return _zstd().ZstdFile(raw)
    return raw


def _pack(path: str, temporary: Path) -> None:
    if path.lower().endswith(".gz"):
        temporary.write_bytes(gzip.compress(temporary.read_bytes(), mtime=0))
    elif path.lower().endswith(".zst"):
        temporary.write_bytes(cast("bytes", _zstd().compress(temporary.read_bytes())))


def _fsspec() -> Any:
    return _module("fsspec", "Reading and writing remote files")


def _zstd() -> Any:
    try:
        return import_module("compression.zstd")  # Python 3.14 brings it
    except ImportError:
        return _module("backports.zstd", "Reading and writing .zst files")


def _module(name: str, purpose: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtra(
            f"{purpose} needs {name!r}, not installed here.",
            hint="Install the extra: pip install 'tunekit[files]'",
            extra="files",
        ) from error


def pyarrow_module(name: str) -> Any:
    """A part of pyarrow, for tables and frames.

    Raises:
        MissingExtra: It is not installed.
    """
    return _module(name, "Reading and writing tables and frames")
