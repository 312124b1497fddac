"""The page of a report as a browser draws it: errors, histograms and findings are there to be seen.

Needs Chromium on the machine, and is skipped where there is none.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import tunekit as tk
from sample_rows import routing_lines, write_lines

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
ERROR, WARNING, BAR = (176, 32, 32), (138, 90, 0), (76, 120, 168)
"""The colours of errors, warnings and the bars of histograms."""


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here")
def test_a_report_in_a_browser_shows_its_main_parts(tmp_path: Path) -> None:
    lines: list[Mapping[str, Any] | str] = [*routing_lines(40), *routing_lines(1)]
    lines.append('{"input_text": "broken"')
    report = tk.Dataset.read(write_lines(tmp_path / "rows.jsonl", lines)).check()
    seen = _screenshot(report.to_html(), tmp_path)
    assert _count(seen, ERROR) > 200
    assert _count(seen, WARNING) > 50
    assert _count(seen, BAR) > 2_000
    fine = tk.Dataset.read(write_lines(tmp_path / "fine.jsonl", routing_lines(40))).check()
    assert _count(_screenshot(fine.to_html(), tmp_path), ERROR) == 0


def _screenshot(page: str, folder: Path) -> Image.Image:
    (folder / "page.html").write_text(page, encoding="utf-8")
    picture = folder / "page.png"
    picture.unlink(missing_ok=True)
    quiet = ("gpu", "quic", "background-networking", "component-update", "sync")
    subprocess.run(
        [
            str(BROWSER),
            *("--headless", "--no-sandbox", "--no-first-run", "--window-size=1000,900"),
            *(f"--disable-{what}" for what in quiet),
            f"--user-data-dir={folder / 'browser'}",
            f"--screenshot={picture}",
            (folder / "page.html").as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return Image.open(picture).convert("RGB")


def _count(picture: Image.Image, colour: tuple[int, int, int], *, near: int = 24) -> int:
    """Pixels of about that colour."""
    colours = picture.getcolors(picture.width * picture.height) or []
    return sum(
        count
        for count, seen in colours
        if isinstance(seen, tuple)
        and all(abs(one - other) <= near for one, other in zip(seen, colour, strict=True))
    )
