"""Rules about the texts of a row, wherever in the row they stand.

Belongs here: each rule, how it finds its fault in a text, and the quick look that lets plain texts pass.
Does not belong here: personal data and secrets (`sensitive_rules.py`), where the texts stand (`row_checks.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tunekit.data.check.findings import Rule, Severity

_W, _I = Severity.WARNING, Severity.INFO
_ANSWERED = ("PromptCompletion", "Conversation")

CONTROL_CHARACTER = Rule(
    "control-character",
    _W,
    "A text has a control character.",
    "Remove it: it is mostly left over from a terminal, a database or an office document.",
    source="https://www.unicode.org/charts/PDF/U0000.pdf",
)
REPLACEMENT_CHARACTER = Rule(
    "replacement-character",
    _W,
    "A text has the character U+FFFD, which stands for one that was lost.",
    "Read the source anew with its real encoding.",
    source="https://www.unicode.org/charts/PDF/UFFF0.pdf",
)
MOJIBAKE = Rule(
    "mojibake",
    _W,
    "A text was decoded with the wrong encoding.",
    "Read the source anew as UTF-8.",
)
LINE_SEPARATOR = Rule(
    "line-separator",
    _W,
    "A text has a character at which some readers cut the line: U+0085, U+2028 or U+2029.",
    "Write \\n instead.",
    source="https://docs.python.org/3/library/stdtypes.html#str.splitlines",
)
MARK_IN_TEXT = Rule(
    "byte-order-mark-in-text",
    _W,
    "A text has a byte order mark inside.",
    "Remove the character U+FEFF: files were joined that began with it.",
    source="https://www.unicode.org/faq/utf_bom.html",
)
INVISIBLE_CHARACTER = Rule(
    "invisible-character",
    _W,
    "A text has an invisible character that changes its tokens or the order in which it is shown.",
    "Remove it; people will not type it when they ask.",
    source="https://www.unicode.org/reports/tr36/",
)
PRIVATE_CHARACTER = Rule(
    "private-use-character",
    _W,
    "A text has a character without a public meaning, from U+E000 to U+F8FF.",
    "Replace it: it is mostly an icon of some font.",
    source="https://www.unicode.org/charts/PDF/UE000.pdf",
)
SPECIAL_TOKEN = Rule(
    "special-token",
    _W,
    "A text has what is a special token of some model, such as <|im_end|> or </s>.",
    "Remove it: tunekit puts such tokens where the model needs them, and one in a text may end it there.",
)
HTML_ENTITY = Rule(
    "html-entity",
    _I,
    "A text has characters in the spelling of HTML, such as &amp;.",
    "Unescape the source, unless the model shall write HTML.",
    source="https://html.spec.whatwg.org/multipage/named-characters.html",
)
PLACEHOLDER = Rule(
    "placeholder",
    _I,
    "A text has a place to be filled in, such as {{name}}.",
    "Fill it in, unless the model shall write templates.",
)
REFUSAL = Rule(
    "refusal",
    _I,
    "An answer refuses.",
    "Keep it only where the tuned model shall refuse as well.",
    rows=_ANSWERED,
)
ECHO = Rule(
    "completion-repeats-prompt",
    _W,
    "An answer is the prompt once more.",
    "Write the answer, or delete the row.",
    rows=_ANSWERED,
)
TRUNCATED = Rule(
    "truncated-completion",
    _W,
    "An answer seems to break off.",
    "Write it to its end: the model learns to stop where its answers stop.",
    rows=_ANSWERED,
)
WHITE_SPACE = Rule(
    "surrounding-white-space",
    _I,
    "An answer begins or ends with white space.",
    "Remove it, unless all answers shall have it.",
    rows=_ANSWERED,
)

TEXT_RULES: Sequence[Rule] = (
    CONTROL_CHARACTER,
    REPLACEMENT_CHARACTER,
    MOJIBAKE,
    LINE_SEPARATOR,
    MARK_IN_TEXT,
    INVISIBLE_CHARACTER,
    PRIVATE_CHARACTER,
    SPECIAL_TOKEN,
    HTML_ENTITY,
    PLACEHOLDER,
    REFUSAL,
    ECHO,
    TRUNCATED,
    WHITE_SPACE,
)
_PATTERNS: Sequence[tuple[Rule, re.Pattern[str], str]] = (
    (
        CONTROL_CHARACTER,
        re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x80-\x84\x86-\x9f]"),
        "a control character",
    ),
    (REPLACEMENT_CHARACTER, re.compile("\ufffd"), "U+FFFD"),
    (MOJIBAKE, re.compile("[\xc2\xc3][\x80-\xbf]|\xe2\u20ac"), "a character in the wrong encoding"),
    (LINE_SEPARATOR, re.compile("[\x85\u2028\u2029]"), "a line separator"),
    (MARK_IN_TEXT, re.compile("\ufeff"), "a byte order mark"),
    (
        INVISIBLE_CHARACTER,
        re.compile("[\u200b\u2060\u202a-\u202e\u2066-\u2069\u00ad]"),
        "an invisible character",
    ),
    (PRIVATE_CHARACTER, re.compile("[\ue000-\uf8ff]"), "a private character"),
    (
        SPECIAL_TOKEN,
        re.compile(
            r"<\|[a-z_]{2,30}\|>|</?s>|<(?:bos|eos|pad|unk|start_of_turn|end_of_turn)>|\[/?INST\]"
        ),
        "a special token",
    ),
    (HTML_ENTITY, re.compile(r"&(?:amp|lt|gt|quot|nbsp|#\d{2,5});"), "an HTML entity"),
    (PLACEHOLDER, re.compile(r"\{\{\s*[A-Za-z_]\w*\s*\}\}"), "a place to be filled in"),
)
REFUSALS = (
    "As an AI language model",
    "I'm sorry, but I can't",
    "I'm sorry, but I cannot",
    "I am sorry, but I cannot",
    "I cannot assist with",
    "I can't assist with",
)
OPEN_ENDS = (",", ";", "(", "[", "{", " and", " or", " the", " of", " a")
_TELLTALES: Sequence[tuple[str, Sequence[str]]] = (
    ("<", ("<|", "<s>", "</s>", "<bos>", "<eos>", "<pad>", "<unk>", "<start_of", "<end_of")),
    ("[", ("[INST]", "[/INST]")),
    ("&", ("&amp;", "&lt;", "&gt;", "&quot;", "&nbsp;", "&#")),
    ("{", ("{{",)),
)
"""For patterns of plain characters one of them, and then what a text must have for the pattern to be there."""
_UNUSUAL = (
    "\ufffd",
    "\x85",
    "\u2028",
    "\u2029",
    "\ufeff",
    "\u200b",
    "\u2060",
    "\xad",
    "\xc2",
    "\xc3",
    "\xe2\u20ac",
)
_UNUSUAL_RANGES = (
    ("\x80", "\x9f"),
    ("\u202a", "\u202e"),
    ("\u2066", "\u2069"),
    ("\ue000", "\uf8ff"),
)

Told = tuple[Rule, str]
"""A rule that a text breaks, and what is the case."""


def text_faults(text: str) -> Iterator[Told]:
    """The rules that a text breaks on its own, each once."""
    for rule, pattern, name in _PATTERNS:
        found = pattern.search(text)
        if found:
            yield rule, f"The text has {name} at position {found.start() + 1:,}."


def answer_faults(prompt: str, answer: str) -> Iterator[Told]:
    """The rules that an answer breaks."""
    if answer.startswith(REFUSALS):
        yield REFUSAL, "The answer refuses."
    if answer == prompt:
        yield ECHO, "The answer is the prompt once more."
    if answer.count("```") % 2:
        yield TRUNCATED, "The answer opens a block of code and does not close it."
    elif len(answer) >= _LONG and answer.endswith(OPEN_ENDS):
        yield TRUNCATED, "The answer ends in the middle of a sentence."
    if answer != answer.strip():
        yield WHITE_SPACE, "The answer begins or ends with white space."


_LONG = 40
"""Characters from which an answer is taken to be a sentence."""


def is_plain_answer(prompt: str, answer: str) -> bool:
    """Whether `answer_faults` has nothing to say, at less cost."""
    return not (
        answer == prompt
        or answer[0].isspace()
        or answer[-1].isspace()
        or answer.startswith(REFUSALS)
        or answer.endswith(OPEN_ENDS)
        or "```" in answer
    )


def are_plain(joined: str) -> bool:
    """Whether `text_faults` has nothing to say about the characters of ASCII in texts, control characters apart.

    Args:
        joined: The texts, with a line feed between any two.
    """
    for character, tokens in _TELLTALES:
        if character in joined and any(token in joined for token in tokens):
            return False
    return True


def unusual_characters() -> Iterator[int]:
    """The characters beyond ASCII with which some pattern may begin."""
    yield from (ord(one[0]) for one in _UNUSUAL if len(one) == 1)
    for first, last in _UNUSUAL_RANGES:
        yield from range(ord(first), ord(last) + 1)
