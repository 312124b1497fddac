"""A bad and a good example of every rule: the documentation shows them, and the tests hold the check against them.

Belongs here: one entry per rule.
Does not belong here: what the rule says (`tunekit.data.check`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Line = dict[str, Any] | bytes | str


@dataclass(frozen=True, slots=True)
class Example:
    """Lines of a file that break a rule, and lines that do not."""

    bad: Sequence[Line]
    """The fault is in the last one, unless `line` says otherwise."""
    good: Sequence[Line]
    field: str | None = None
    """The field that the finding names."""
    whole: bool = False
    """Whether the finding concerns the dataset as a whole."""
    line: int | None = None
    """The 1-based line of the fault; `None` is the last one."""
    also: str | None = None
    """What has to be asked for."""
    suffix: str = ".jsonl"
    row: str | None = None
    """The kind of row to read as."""
    elsewhere: str | None = None
    """What finds it, where `Dataset.check` alone does not."""


def _row(prompt: str = "Where is my parcel?", answer: str = "On its way.") -> dict[str, Any]:
    return {"input_text": prompt, "output_text": answer}


def _chat(*turns: str) -> dict[str, Any]:
    """Turns such as `user: hello`."""
    pairs = (turn.partition(": ") for turn in turns)
    return {"messages": [{"role": role, "content": content} for role, _, content in pairs]}


def _pair(
    choice: Any, first: str = "Yes.", second: str = "No.", prompt: str = "Open today?"
) -> dict[str, Any]:
    return {"input_text": prompt, "candidate_0": first, "candidate_1": second, "choice": choice}


def _scored(*scores: float, answers: Sequence[str] = ("Yes.", "No.", "Maybe.")) -> dict[str, Any]:
    completions = [
        {"score": score, "completion": {"role": "model", "parts": [{"text": answer}]}}
        for score, answer in zip(scores, answers, strict=False)
    ]
    return {
        "contents": [{"role": "user", "parts": [{"text": "Open today?"}]}],
        "completions": completions,
    }


def _text(text: str, **options: Any) -> Example:
    return Example([_row(text)], [_row()], "input_text", **options)


def _answer(answer: str, prompt: str = "Where is my parcel?") -> Example:
    return Example([_row(prompt, answer)], [_row()], "output_text")


_GOOD = [_row()]
_CHAT = [_chat("user: hello", "assistant: hi")]
_PAIR = [_pair(0)]
_SCORED = [_scored(1, 0)]
_LABELS = [_row(f"Message {n}", ("billing", "shipping")[n % 2]) for n in range(24)]
_ASKED = [_row(f"Which team is it for?\nMessage: number {n}", "billing") for n in range(10)]
_PARTS = [_row(f"question: why {n}? context: because of {n * n}.", str(n)) for n in range(12)]
_PAIRS = [_pair(n % 2, "Yes, gladly.", "No, never!!!", f"Question {n}?") for n in range(24)]
_PLAN = "a way of tuning, with the tokens of its base model: `tunekit check --method`, `plan` and `tune`"

_JUDGED = ["query-id\tcorpus-id\tscore", "q1\td1\t1"]
_DOCUMENT = '{"_id": "d1", "title": "Parcels", "text": "How to find a parcel."}'
_BETWEEN = "`RetrievalData.check`, `check`, `plan` and `tune`"
_OPENED = "`Dataset.check` on images, which opens each file"


def _image(path: str, caption: str = "a red boat") -> dict[str, Any]:
    return {"image": path, "caption": caption}


_IMAGE = [_image("boat.png")]

EXAMPLES: Mapping[str, Example] = {
    "no-rows": Example([], _GOOD, whole=True, row="PromptCompletion"),
    "not-utf8": Example([b'{"input_text": "caf\xe9", "output_text": "yes"}'], _GOOD, row="PromptCompletion"),
    "byte-order-mark": Example([b"\xef\xbb\xbf" + json.dumps(_row()).encode()], _GOOD),
    "crlf": Example([json.dumps(_row()) + "\r"], _GOOD),
    "blank-line": Example([_row(), ""], _GOOD),
    "line-too-long": Example(["(a line of more than 64 MiB)"], _GOOD, elsewhere="every reader of the file"),
    "not-json": Example([_row(), '{"input_text": "Why?", "output_text": "So.",}'], _GOOD),
    "not-an-object": Example([_row(), '["Why?", "So."]'], _GOOD),
    "json-array": Example([json.dumps([_row()])], _GOOD, suffix=".json"),
    "extra-values": Example(["input_text,output_text", "Why, oh why?,So."], ["input_text,output_text", '"Why, oh why?",So.'], suffix=".csv", row="PromptCompletion"),
    "truncated-input": Example(["(a .gz or .zst file that was not copied to its end)"], _GOOD, elsewhere="every reader of the file"),
    "duplicate-key": Example([_row(), '{"input_text": "Why?", "input_text": "How?", "output_text": "So."}'], _GOOD, "input_text"),
    "nul-character": Example([_row(), r'{"input_text": "Why\u0000?", "output_text": "So."}'], _GOOD, "input_text"),
    "lone-surrogate": Example([_row(), r'{"input_text": "Why \ud83d?", "output_text": "So."}'], _GOOD, "input_text"),
    "unknown-format": Example([{"question": "Why?", "reply": "So."}], _GOOD),
    "mixed-format": Example([_row(), _row("Why?"), *_CHAT], [_row(), _row("Why?")]),
    "missing-field": Example([_row(), _row("How?"), {"input_text": "Why?"}], _GOOD, "output_text"),
    "misspelt-field": Example([_row(), {"input_text": "Why?", "outptu_text": "So."}], _GOOD, "outptu_text"),
    "unknown-field": Example([_row() | {"note": 7}], _GOOD, "note"),
    "wrong-type": Example([_row(), {"input_text": 7, "output_text": "seven"}], _GOOD, "input_text"),
    "empty-text": Example([_row(), _row("Why?", " ")], _GOOD, "output_text"),
    "wrong-row-kind": Example([_chat("system: be kind", "user: hello", "assistant: hi")], _CHAT, row="PromptCompletion"),
    "unknown-role": Example([*_CHAT, _chat("usr: hello", "assistant: hi")], _CHAT, "messages[0].role"),
    "system-not-first": Example([*_CHAT, _chat("user: hello", "system: be kind", "assistant: hi")], _CHAT, "messages[1]"),
    "role-order": Example([*_CHAT, _chat("user: hello", "user: anyone?", "assistant: hi")], _CHAT, "messages[1]"),
    "no-trainable-turn": Example([*_CHAT, _chat("system: be kind", "user: hello")], _CHAT, "messages", row="Conversation"),
    "last-turn": Example([*_CHAT, _chat("user: hello", "assistant: hi", "user: thanks")], _CHAT, "messages[2]", row="Conversation"),
    "choice-out-of-range": Example([_pair(2)], _PAIR, "choice"),
    "equal-candidates": Example([_pair(0, "Yes.", "Yes.")], _PAIR, "candidate_1"),
    "completion-count": Example([_scored(1, 0, 0)], _SCORED, "completions"),
    "equal-scores": Example([_scored(1, 1)], _SCORED, "completions[1].score"),
    "unusual-score": Example([_scored(5, 2)], _SCORED, "completions"),
    "duplicate-row": Example([_row(), _row("How?"), _row()], [_row(), _row("How?")]),
    "near-duplicate": Example([_row("Where is the parcel that I ordered from you on Monday?"), _row("where is the parcel, that I ordered from you on Monday")], [_row("Where is the parcel that I ordered from you on Monday?"), _row("Can I still change the colour of the shoes that I bought?")], also="near-duplicates"),
    "conflicting-completion": Example([_row(), _row(answer="Lost.")], [_row(), _row("Where is my invoice?", "Lost.")]),
    "conflicting-choice": Example([_pair(0), _pair(1)], _PAIR),
    "one-sided-choice": Example([row | {"choice": 0} for row in _PAIRS], _PAIRS, whole=True),
    "length-decides-choice": Example([_pair(n % 2, *(("Yes, gladly.", "No.") if n % 2 == 0 else ("No.", "Yes, gladly.")), f"Question {n}?") for n in range(24)], _PAIRS, whole=True),
    "too-few-rows": Example(_GOOD, [_row(), _row("and so on, as many as the task needs")], elsewhere=_PLAN),
    "row-too-long": Example([_row("(a prompt of more tokens than the model takes)")], _GOOD, elsewhere=_PLAN),
    "untrainable-row": Example([_row("Why?", "(nothing that the chat template keeps)")], _GOOD, elsewhere=_PLAN),
    "label-missing": Example([{"input_text": "(a prompt that the teacher does not answer)"}], [{"input_text": "Where is my parcel?"}], elsewhere="`Distiller`, when the teacher labels"),
    "unscorable-row": Example([{"input_text": "Add 2 and 3."}], [{"input_text": "Add 2 and 3.", "answer": "5"}], elsewhere="`ReinforcementTuner`, for a reward that reads a field"),
    "missing-header": Example(["q1\td1\t1"], _JUDGED, line=1, suffix=".tsv", row="RelevanceLabel"),
    "column-count": Example([*_JUDGED, "q2\td2\t1\tvery"], _JUDGED, suffix=".tsv", row="RelevanceLabel"),
    "label-score": Example([*_JUDGED, "q2\td2\thigh"], _JUDGED, "score", suffix=".tsv", row="RelevanceLabel"),
    "duplicate-id": Example([_DOCUMENT, _DOCUMENT], [_DOCUMENT], elsewhere=_BETWEEN),
    "dangling-label": Example([_JUDGED[0], "q1\t(an id that no document has)\t1"], _JUDGED, elsewhere=_BETWEEN),
    "conflicting-label": Example([*_JUDGED, "q1\td1\t0"], _JUDGED, elsewhere=_BETWEEN),
    "no-relevant-document": Example([_JUDGED[0], "q1\td1\t0"], _JUDGED, elsewhere=_BETWEEN),
    "leaked-query": Example([_JUDGED[0], "(a query of the test that is also in the training labels)"], _JUDGED, elsewhere=_BETWEEN),
    "retrieval-limit": Example(["(fewer than 9 queries)"], ["(9 to 10,000 queries)"], elsewhere=_BETWEEN),
    "unlabelled-document": Example([_DOCUMENT, '{"_id": "(an id that no label has)", "text": "Opening hours"}'], [_DOCUMENT], elsewhere=_BETWEEN),
    "unlabelled-query": Example(['{"_id": "(an id that no label has)", "text": "open today?"}'], ['{"_id": "q1", "text": "where is it?"}'], elsewhere=_BETWEEN),
    "image-missing": Example([_image("(a file that is not there)")], _IMAGE, elsewhere=_OPENED),
    "image-unreadable": Example([_image("(a text that was renamed to .png)")], _IMAGE, elsewhere=_OPENED),
    "image-truncated": Example([_image("(a file that was not copied to its end)")], _IMAGE, elsewhere=_OPENED),
    "image-type": Example([_image("boat.bmp")], _IMAGE, elsewhere=_OPENED),
    "image-animated": Example([_image("(an animated .webp)")], _IMAGE, elsewhere=_OPENED),
    "image-too-small": Example([_image("(1 by 1 pixel)")], _IMAGE, elsewhere=_OPENED),
    "image-too-large": Example([_image("(20,000 by 20,000 pixels)")], _IMAGE, elsewhere=_OPENED),
    "image-upscaled": Example([_image("(64 by 64 pixels, for a model that draws 512 by 512)")], _IMAGE, elsewhere=_PLAN),
    "image-cropped": Example([_image("(1,600 by 400 pixels)")], _IMAGE, elsewhere=_OPENED),
    "image-cmyk": Example([_image("(a JPEG made for print)")], _IMAGE, elsewhere=_OPENED),
    "image-16-bit": Example([_image("(a PNG with 16 bits a channel)")], _IMAGE, elsewhere=_OPENED),
    "image-alpha": Example([_image("(a PNG with a transparent ground)")], _IMAGE, elsewhere=_OPENED),
    "image-rotated": Example([_image("(a photo with the EXIF orientation 6)")], _IMAGE, elsewhere=_OPENED),
    "near-duplicate-image": Example([*_IMAGE, _image("(the same photo, scaled)")], _IMAGE, elsewhere=_OPENED),
    "missing-caption": Example([{"image": "boat.png"}], _IMAGE, elsewhere=_OPENED),
    "caption-too-long": Example([_image("boat.png", "(more than the 77 tokens that CLIP reads)")], _IMAGE, elsewhere=_PLAN),
    "too-few-images": Example(["(3 images of the subject)"], ["(4 to 20 images of the subject)"], elsewhere=_PLAN),
    "too-many-images": Example(["(21 images of the subject)"], ["(4 to 20 images of the subject)"], elsewhere=_PLAN),
    "too-many-rows": Example(["(more rows than Vertex AI takes for the model)"], _GOOD, elsewhere=_PLAN),
    "file-too-large": Example(["(more bytes than Vertex AI takes for the model)"], _GOOD, elsewhere=_PLAN),
    "unsupported-file": Example(["(a row that points to a video, for a model that reads images)"], _GOOD, elsewhere=_PLAN),
    "missing-instruction": Example([*_ASKED, _row("my parcel is lost", "shipping")], _ASKED),
    "inconsistent-prompt-shape": Example([*_PARTS, _row("context: because of rain. question: why?", "rain")], _PARTS),
    "leaked-row": Example([_row("(a validation prompt that is in the training file)")], _GOOD, elsewhere="`check`, `plan` and `tune` with validation rows"),
    "control-character": _text("Where \x1b[1mis my parcel?"),
    "replacement-character": _text("Where is the caf\ufffd?"),
    "mojibake": _text("Where is the cafÃ©?"),
    "line-separator": _text("Where is\u2028my parcel?"),
    "byte-order-mark-in-text": _text("Where is\ufeff my parcel?"),
    "invisible-character": _text("Where is\u200b my parcel?"),
    "private-use-character": _text("Where is my parcel \uf0e0?"),
    "special-token": _text("Where is my parcel?<|im_end|>"),
    "html-entity": _text("Where are my parcel &amp; invoice?"),
    "placeholder": _text("Dear {{name}}, where is my parcel?"),
    "refusal": _answer("I'm sorry, but I can't help with parcels."),
    "completion-repeats-prompt": _answer("Where is my parcel?"),
    "truncated-completion": _answer("It left our house on Monday, and it will be with you on Tuesday or"),
    "surrounding-white-space": _answer(" On its way."),
    "label-imbalance": Example([_row(f"Message {n}", "shipping" if n > 1 else "billing") for n in range(30)], _LABELS, whole=True),
    "rare-label": Example([*_LABELS, _row("Message", "returns")], _LABELS, whole=True),
    "label-spellings": Example([*_LABELS, *(_row(f"Letter {n}", "Billing.") for n in range(4))], _LABELS, whole=True),
    "one-answer": Example([_row(f"Message {n}", "billing") for n in range(24)], _LABELS, whole=True),
    "email-address": _text("Write to ada.byron@example.org please.", also="personal-data"),
    "phone-number": _text("Call me at +44 20 7946 0018 please.", also="personal-data"),
    "card-number": _text("My card is 4000 0000 0000 0002.", also="personal-data"),
    "bank-account": _text("My account is GB33 BUKB 2020 1555 5555 55.", also="personal-data"),
    "social-security-number": _text("My number is 219-09-9999.", also="personal-data"),
    "private-key": _text("-----BEGIN RSA " + "PRIVATE KEY-----", also="secrets"),
    "aws-key": _text("The key is AKIA" + "Q2W3E4R5T6Y7U2I3.", also="secrets"),
    "google-key": _text("The key is AIza" + "Sy0123456789abcdefghijklmnopqrstuvw.", also="secrets"),
    "github-token": _text("The token is ghp_" + "0123456789abcdefghijABCDEFGHIJ012345.", also="secrets"),
    "hugging-face-token": _text("The token is hf_" + "abcdefghijklmnopqrstuvwxyzABCDEFGH.", also="secrets"),
    "slack-token": _text("The token is xoxb-" + "123456789012-abcdefghijkl.", also="secrets"),
    "openai-key": _text("The key is sk-" + "abcdefghijklmnopqrstuvwxyz0123456789ABCD.", also="secrets"),
    "web-token": _text("Bearer eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcdefghijklmnopqrstuvwx", also="secrets"),
    "password-in-address": _text("Open ftp://ada:" + "countess@example.org now.", also="secrets"),
}  # fmt: skip
