"""Quick looks at texts: a text that passes is plainly fine, any other one is judged the slow way.

Belongs here: tests that cost next to nothing, and miss no text that a rule would name.
Does not belong here: the rules themselves.
"""

from __future__ import annotations

from collections.abc import Collection

from tunekit.data.check.digests import BETWEEN_TURNS, ESCAPE

_CONTROLS = ("\0", BETWEEN_TURNS, ESCAPE)


def passes(texts: Collection[str]) -> bool:
    """Whether all of the texts are plainly fine."""
    if any(map(str.isspace, texts)):
        return False
    joined = "\n".join(texts)
    return not any(character in joined for character in _CONTROLS)


def passes_one(text: str) -> bool:
    """Whether a text is plainly fine."""
    return passes((text,)) and bool(text)
