"""What an export of a tuned model is, and which backends can make one.

Belongs here: the value, the formats, and the protocol.
Does not belong here: writing the files (`backends/`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from tunekit._value import Value

ExportFormat = Literal["safetensors"]
"""How a model can be written: `safetensors` is a folder that transformers loads by itself."""


class Exported(Value):
    """A model that was written to a folder and answers like the tuned one."""

    folder: Path
    """Where it lies: the weights with every adapter merged into them, and the tokenizer."""
    format: ExportFormat
    num_bytes: int
    """Size of the weights on disk."""
    drift: float
    """Largest difference between the two models in the log-probability of a next token, in nats."""
    num_prompts: int
    """Prompts on which the two were compared."""


@runtime_checkable
class Exports(Protocol):
    """A backend that can write its models to a folder."""

    def export_model(
        self, model_id: str, folder: Path, format: ExportFormat, *, max_drift: float | None
    ) -> Exported:
        """Write a model, and make sure that it answers like the tuned one.

        Args:
            model_id: Id of a model or checkpoint.
            folder: Where to; it must not be there yet.
            format: How.
            max_drift: Largest drift that is borne, in nats; see `Exported.drift`. `None` leaves it to the backend.

        Raises:
            FileKept: The folder is there already.
            ExportDrifted: What was written answers differently; nothing is left behind.
        """
        ...
