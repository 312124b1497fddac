"""A `VertexBackend` on the emulator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tunekit as tk
from tunekit.testing import VertexEmulator


def backend_on(emulator: VertexEmulator, root: Path, **settings: Any) -> tk.VertexBackend:
    """A backend of the place that the emulator is, in its time."""
    chosen: dict[str, Any] = {"clock": emulator.clock, "location": emulator.location}
    return tk.VertexBackend(
        project=emulator.project,
        staging_bucket=f"gs://{emulator.bucket}",
        base_url=emulator.url,
        storage_url=emulator.storage_url,
        root=root,
        **(chosen | settings),
    )


def client_on(emulator: VertexEmulator, root: Path, **settings: Any) -> tk.Client:
    """A client of it."""
    return tk.Client(backend_on(emulator, root, **settings), watch="silent")
