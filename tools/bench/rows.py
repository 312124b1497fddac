r"""Makes files of rows for measuring: the same bytes for the same seed.

Lengths are log-normal around a few hundred characters, one row in six is in another script, one in three is written
with `\u` escapes, one in two hundred is a repetition, and bad lines are of many kinds where they are asked for.

Belongs here: the rows and the bad lines.
Does not belong here: measuring (`data.py`).
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_WORDS = """
the of and to in a is that for it as was with be by on not he his but at are this have from or had an they which one you
were her all she there would their we him been has when who will more no if out so said what up its about into than them
can only other new some could time these two may then do first any my now such like our over man invoice parcel courier
delivery payment refund account password window question answer ticket customer order house river winter morning garden
market engine bridge letter number colour paper window summer village
""".split()  # noqa: SIM905
_OTHER = """
данные модель ответ вопрос пример город время работа 数据 模型 回答 问题 例子 城市 时间 工作 データ 例 質問 답변 모델
δεδομένα ερώτηση réponse modèle données über größer straße naïve coração año 🙂 🚀 مثال سؤال نموذج उदाहरण प्रश्न
""".split()  # noqa: SIM905


class Writer:
    """Writes texts and rows of one seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def text(self, median: float) -> str:
        """A text of about so many characters."""
        draw = self._random
        words = _OTHER if draw.random() < 0.17 else _WORDS
        count = max(1, int(draw.lognormvariate(0, 0.8) * median / 5.5))
        chosen = draw.choices(words, k=count)
        for index in range(11, count, 12):
            chosen[index] += draw.choice((".", ".\n", ",", '. "Well", she said.'))
        return " ".join(chosen).rstrip(",.") + "."

    def text_row(self) -> dict[str, Any]:
        """A prompt with a completion."""
        return {"input_text": self.text(600), "output_text": self.text(50)}

    def chat_row(self) -> dict[str, Any]:
        """A conversation."""
        draw = self._random
        turns = [{"role": "system", "content": self.text(100)}] if draw.random() < 0.3 else []
        for _ in range(draw.choice((1, 1, 1, 2, 3))):
            turns.append({"role": "user", "content": self.text(400)})
            turns.append({"role": "assistant", "content": self.text(200)})
        return {"messages": turns}

    def gemini_row(self) -> dict[str, Any]:
        """The same as Gemini spells it."""
        chat = self.chat_row()["messages"]
        line: dict[str, Any] = {}
        if chat[0]["role"] == "system":
            line["systemInstruction"] = {
                "role": "system",
                "parts": [{"text": chat.pop(0)["content"]}],
            }
        line["contents"] = [
            {
                "role": "user" if turn["role"] == "user" else "model",
                "parts": [{"text": turn["content"]}],
            }
            for turn in chat
        ]
        return line

    def preference_row(self) -> dict[str, Any]:
        """A prompt with two candidates."""
        return {
            "input_text": self.text(400),
            "candidate_0": self.text(100),
            "candidate_1": self.text(100),
            "choice": self._random.randrange(2),
        }

    def rows(self, kind: str) -> Iterator[bytes]:
        """Lines without end."""
        make: Callable[[], dict[str, Any]] = getattr(self, f"{kind}_row")
        earlier = b""
        while True:
            if earlier and self._random.random() < 0.005:
                yield earlier
                continue
            escaped = self._random.random() < 1 / 3
            line = json.dumps(make(), ensure_ascii=escaped).encode()
            if self._random.random() < 0.01:
                earlier = line
            yield line


def spoilt(line: bytes, draw: random.Random) -> bytes:
    """The line with something wrong in it; sometimes nothing is."""
    change = draw.choice(_CHANGES)
    return change(line, draw).replace(b"\n", b" ")


def write_mutated(path: Path, kind: str, num_lines: int, *, seed: int = 0) -> None:
    """Write lines each of which is spoilt once to three times.

    Args:
        path: Where to.
        kind: `text`, `chat`, `gemini` or `preference`.
        num_lines: How many.
        seed: Another seed makes other lines.
    """
    draw, rows = random.Random(seed), Writer(seed + 1).rows(kind)
    with path.open("wb") as file:
        for _ in range(num_lines):
            line = next(rows)
            for _ in range(draw.choice((1, 1, 2, 3))):
                line = spoilt(line, draw)
            file.write(line + b"\n")


def write_file(
    path: Path, kind: str, num_bytes: int, *, seed: int = 0, bad_share: float = 0
) -> None:
    """Write a file of about so many bytes.

    Args:
        path: Where to.
        kind: `text`, `chat`, `gemini` or `preference`.
        num_bytes: Bytes after which it ends.
        seed: Another seed makes other rows.
        bad_share: Share of the lines that are spoilt, from 0 to 1.
    """
    draw = random.Random(seed + 1)
    written = 0
    with path.open("wb") as file:
        for line in Writer(seed).rows(kind):
            kept = spoilt(line, draw) if bad_share and draw.random() < bad_share else line
            written += file.write(kept + b"\n")
            if written >= num_bytes:
                return


def _cut(line: bytes, draw: random.Random) -> bytes:
    return line[: draw.randrange(len(line) + 1)]


def _byte(line: bytes, draw: random.Random) -> bytes:
    place = draw.randrange(max(1, len(line)))
    return line[:place] + bytes((draw.randrange(256),)) + line[place + 1 :]


def _insert(line: bytes, draw: random.Random) -> bytes:
    place = draw.randrange(len(line) + 1)
    return line[:place] + draw.choice(_PIECES) + line[place:]


def _delete(line: bytes, draw: random.Random) -> bytes:
    place = draw.randrange(max(1, len(line)))
    return line[:place] + line[place + draw.randrange(1, 9) :]


def _swap_word(line: bytes, draw: random.Random) -> bytes:
    old, new = draw.choice(_SWAPS)
    return line.replace(old, new, draw.randrange(1, 3))


def _twice(line: bytes, draw: random.Random) -> bytes:
    return line + draw.choice((b"", b" ", b", ")) + line


def _repeat_key(line: bytes, draw: random.Random) -> bytes:
    return line.replace(b"{", b'{"' + draw.choice(_KEYS) + b'": "x", ', 1)


def _other(line: bytes, draw: random.Random) -> bytes:
    return draw.choice(_LINES)


_CHANGES = (_cut, _byte, _insert, _delete, _swap_word, _swap_word, _twice, _repeat_key, _other)
_KEYS = (
    b"input_text",
    b"output_text",
    b"messages",
    b"contents",
    b"context",
    b"id",
    b"choice",
    b"prompt",
)
_PIECES = (
    b"\\u0000", b"\x00", b"\\ud83d", b"\\ud83d\\ude00", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b'"', b"\\", b"\\\\",
    b"}", b"{", b"]", b"[", b",", b", ", b" ", b"\t", b"\r", b"\x0c", b"\xe2\x80\xa8", b"\xef\xbb\xbf", b"null", b"1e999",
    b"&amp;", b"\\u001b", b"\\b", b"\xee\x80\x80", b"\\ue000", b"\xc3\x83\xc2\xa9", b"\\u00c3\\u00a9", b"{{ x }}", b"```", b"[INST]",
    b" and\"", b" \"", b"\\u200b", b"\xc2\x85", b"\\u009f", b"\xe2\x80\xae", b"</s>", b"\\u003c/s>", b"\xc3\xa2\xe2\x82\xac",
    b"NaN", b'""', b'" "', b"<|im_start|>", b"\\u0020", b"\\n", b"\\/", b"/", b"\\x", b"\xef\xbf\xbd",
)  # fmt: skip
_SWAPS = (
    (b'"user"', b'"usr"'), (b'"user"', b'"assistant"'), (b'"assistant"', b'"user"'), (b'"model"', b'"user"'),
    (b'"user"', b'"system"'), (b'"assistant"', b'"model"'), (b'"input_text"', b'"prompt"'), (b'"output_text"', b'"outptu"'),
    (b'"input_text"', b'"\\u0069nput_text"'), (b'"content"', b'"text"'), (b'"role"', b'"author"'), (b'"parts"', b'"part"'),
    (b': "', b": [\""), (b': "', b': 5, "'), (b': "', b': "", "x": "'), (b'"choice": 1', b'"choice": 2'),
    (b'"choice": 0', b'"choice": false'), (b'"choice": 1', b'"choice": 1.0'), (b'"systemInstruction"', b'"system_instruction"'),
    (b'"role": "system", ', b""), (b'"text": ', b'"text": null, "text": '), (b'"output_text": ', b'"id": 7, "output_text": '),
    (b" the ", b" \\u0000 "), (b"}", b"} "), (b"{", b" {"), (b'"parts": [', b'"parts": [{"text": "a"}, '),
)  # fmt: skip
_LINES = (
    b"", b" ", b"\r", b"{}", b"[]", b"null", b"5", b'"text"', b"{", b"}", b'{"input_text": "a", "output_text": "b"}',
    b'{"messages": []}', b'{"contents": []}', b'{"messages": [{"role": "user", "content": "a"}]}', b'{"a": ' * 2_000,
    b'{"input_text": " ", "output_text": "b"}', b'{"input_text": "a", "candidate_0": "b", "candidate_1": "b", "choice": 0}',
)  # fmt: skip
