"""The checksums of Cloud Storage.

Belongs here: CRC32C and MD5, as the wire writes them.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
from functools import cache

_CASTAGNOLI = 0x82F63B78


def crc32c(data: bytes) -> str:
    """CRC32C, big-endian in base64: https://cloud.google.com/storage/docs/data-validation."""
    return base64.b64encode(_crc(data).to_bytes(4, "big")).decode()


def md5(data: bytes) -> str:
    """MD5 in base64. It guards against accidents, not attacks."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def _crc(data: bytes) -> int:
    """With google-crc32c, which comes along with Google's client for Cloud Storage; else slowly."""
    try:
        fast = importlib.import_module("google_crc32c")
    except ImportError:
        crc = 0xFFFFFFFF
        for byte in data:
            crc = _table()[(crc ^ byte) & 0xFF] ^ (crc >> 8)
        return crc ^ 0xFFFFFFFF
    return int(fast.value(data))


@cache
def _table() -> tuple[int, ...]:
    table: list[int] = []
    for number in range(256):
        for _ in range(8):
            number = (number >> 1) ^ (_CASTAGNOLI if number & 1 else 0)  # noqa: PLW2901
        table.append(number)
    return tuple(table)
