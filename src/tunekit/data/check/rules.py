"""The rules, as data: id, severity, what is wrong, the way out.

Belongs here: one entry per fault that a check can name.
Does not belong here: the code that finds it (`syntax.py`, `formats/`, `scan.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import LiteralString

from tunekit.data.check.findings import Rule, Severity
from tunekit.data.check.label_rules import LABEL_RULES
from tunekit.data.check.sensitive_rules import SENSITIVE_RULES
from tunekit.data.check.text_rules import TEXT_RULES

_rules: dict[str, Rule] = {}


def _rule(
    id: LiteralString,
    severity: Severity,
    summary: str,
    fix: str,
    *,
    rows: tuple[str, ...] = (),
    source: str | None = None,
    group: str | None = None,
) -> Rule:
    rule = Rule(id, severity, summary, fix, rows, source, group)
    _rules[id] = rule
    return rule


_PAIRS = ("Preference",)
_CHATS = ("Conversation", "Preference", "Prompt")
_ANSWERED = ("PromptCompletion", "Conversation")
_VERTEX = "https://docs.cloud.google.com/vertex-ai/generative-ai/docs/models"


_E, _W, _I = Severity.ERROR, Severity.WARNING, Severity.INFO

# --- bytes and lines -------------------------------------------------------------------------------------------------
NO_ROWS = _rule("no-rows", _E, "The source has no row.", "Write one JSON object a line.")
NOT_UTF8 = _rule(
    "not-utf8",
    _E,
    "The line is not UTF-8.",
    "Save the file as UTF-8.",
    source="https://www.rfc-editor.org/rfc/rfc8259#section-8.1",
)
BYTE_ORDER_MARK = _rule(
    "byte-order-mark",
    _W,
    "The file begins with a byte order mark.",
    "Save it as UTF-8 without BOM.",
    source="https://www.rfc-editor.org/rfc/rfc8259#section-8.1",
)
CRLF = _rule(
    "crlf",
    _I,
    "Lines end in CRLF.",
    "Nothing to do; a line feed alone is the custom.",
    source="https://jsonlines.org/",
)
BLANK_LINE = _rule("blank-line", _W, "The line is blank.", "Delete the line.")
LINE_TOO_LONG = _rule(
    "line-too-long", _E, "The line is longer than a reader takes.", "Split or shorten the row."
)
NOT_JSON = _rule(
    "not-json",
    _E,
    "The line is not JSON.",
    "Write one JSON object a line.",
    source="https://jsonlines.org/",
)
NOT_AN_OBJECT = _rule(
    "not-an-object", _E, "The line is JSON, but not an object.", "Write one JSON object a line."
)
JSON_ARRAY = _rule(
    "json-array",
    _W,
    "The file is one JSON array instead of one object a line.",
    "Write it anew with `Dataset.write`, which puts each element on a line: providers take nothing else.",
)
EXTRA_VALUES = _rule(
    "extra-values",
    _E,
    "A row of a table has more values than there are names.",
    "Put quotation marks around values that contain the separator.",
    source="https://www.rfc-editor.org/rfc/rfc4180#section-2",
)
TRUNCATED_INPUT = _rule(
    "truncated-input",
    _E,
    "A compressed file breaks off or is damaged.",
    "Fetch or pack it anew.",
)
DUPLICATE_KEY = _rule(
    "duplicate-key",
    _E,
    "An object has the same key twice.",
    "Keep one of the two.",
    source="https://www.rfc-editor.org/rfc/rfc8259#section-4",
)
NUL_CHARACTER = _rule(
    "nul-character", _E, "The text has a NUL character.", "Remove the character \\u0000."
)
LONE_SURROGATE = _rule(
    "lone-surrogate",
    _E,
    "The text has half of a surrogate pair, which is no character.",
    "Write the whole pair, or the character itself.",
    source="https://www.rfc-editor.org/rfc/rfc8259#section-8.2",
)

# --- fields ----------------------------------------------------------------------------------------------------------
FORMAT_UNKNOWN = _rule(
    "unknown-format",
    _E,
    "The rows have the shape of no format that is known.",
    "Use the field names of one of the formats, for example 'input_text' and 'output_text'.",
)
MIXED_FORMAT = _rule(
    "mixed-format", _E, "The row has another format than the others.", "Use one format in a file."
)
MISSING_FIELD = _rule("missing-field", _E, "A field is missing.", "Add the field.")
MISSPELT_FIELD = _rule("misspelt-field", _E, "A field is misspelt.", "Correct the spelling.")
UNKNOWN_FIELD = _rule(
    "unknown-field",
    _W,
    "A field is not part of the format.",
    "Nothing to do where it is meant as a note: it is kept and not trained on.",
)
WRONG_TYPE = _rule("wrong-type", _E, "A value has the wrong type.", "Correct the value.")
EMPTY_TEXT = _rule("empty-text", _E, "A text is empty.", "Write the text, or delete the row.")
WRONG_KIND = _rule(
    "wrong-row-kind", _E, "The row does not fit the kind of row asked for.", "Correct the row."
)

# --- conversations ---------------------------------------------------------------------------------------------------
UNKNOWN_ROLE = _rule(
    "unknown-role",
    _E,
    "A turn has a role that is not known.",
    "Correct the role.",
    rows=_CHATS,
    source=f"{_VERTEX}/gemini-supervised-tuning-prepare",
)
SYSTEM_NOT_FIRST = _rule(
    "system-not-first", _E, "A system turn is not the first.", "Move it to the front.", rows=_CHATS
)
ROLE_ORDER = _rule(
    "role-order",
    _E,
    "User and model do not take turns.",
    "Merge the turns, or add the missing one.",
    rows=_CHATS,
)
NO_TRAINABLE_TURN = _rule(
    "no-trainable-turn",
    _E,
    "No turn is the model's, so nothing is learnt.",
    "Add the answer.",
    rows=("Conversation",),
)
LAST_TURN = _rule(
    "last-turn", _E, "The last turn is the wrong speaker's.", "End with the other.", rows=_CHATS
)

# --- preferences -----------------------------------------------------------------------------------------------------
CHOICE_OUT_OF_RANGE = _rule(
    "choice-out-of-range",
    _E,
    "The choice is neither 0 nor 1.",
    "Write the preferred index.",
    rows=_PAIRS,
)
EQUAL_CANDIDATES = _rule(
    "equal-candidates", _E, "Both candidates are the same text.", "Delete the row.", rows=_PAIRS
)
COMPLETION_COUNT = _rule(
    "completion-count",
    _E,
    "There are more or fewer than two completions.",
    "Keep the best and the worst one, or make a row of each pair.",
    rows=_PAIRS,
    source=f"{_VERTEX}/gemini-preference-tuning-prepare",
)
EQUAL_SCORES = _rule(
    "equal-scores",
    _E,
    "Both candidates have the same score.",
    "Give the preferred one 1 and the other 0, or delete the row.",
    rows=_PAIRS,
    source=f"{_VERTEX}/gemini-preference-tuning-prepare",
)
UNUSUAL_SCORE = _rule(
    "unusual-score",
    _W,
    "The scores are not 1 and 0.",
    "Write 1 for the preferred candidate and 0 for the other: Vertex AI takes nothing else, and only the order counts.",
    rows=_PAIRS,
    source=f"{_VERTEX}/gemini-preference-tuning-prepare",
)

# --- retrieval --------------------------------------------------------------------------------------------------------
MISSING_HEADER = _rule(
    "missing-header",
    _E,
    "A table of labels does not begin with its header.",
    "Write the names query-id, corpus-id and score, separated by tabs, as the first line.",
    source="https://github.com/beir-cellar/beir",
)
COLUMN_COUNT = _rule(
    "column-count",
    _E,
    "A line of a table has another number of cells than its header.",
    "Separate the cells with one tab each.",
)
LABEL_SCORE = _rule(
    "label-score",
    _E,
    "A score is not a whole number that is 0 or more.",
    "Write 0 for irrelevant, and a higher number the more relevant the document is.",
)
DUPLICATE_ID = _rule(
    "duplicate-id",
    _E,
    "An id is there twice.",
    "Give each its own id, or delete one.",
)
DANGLING_LABEL = _rule(
    "dangling-label",
    _E,
    "A label names a query or a document that is not there.",
    "Correct the id, or add what it names.",
)
CONFLICTING_LABEL = _rule(
    "conflicting-label",
    _E,
    "The same query and document have two scores.",
    "Decide on one.",
)
NO_RELEVANT_DOCUMENT = _rule(
    "no-relevant-document",
    _W,
    "A query has labels, and none says that a document is relevant.",
    "Add a document that is relevant; such a query teaches nothing and always scores 0.",
)
LEAKED_QUERY = _rule(
    "leaked-query",
    _W,
    "A query to evaluate on is also trained on.",
    "Remove its labels from one of the two, or the evaluation flatters.",
)
RETRIEVAL_LIMIT = _rule(
    "retrieval-limit",
    _W,
    "There are fewer or more queries, documents or labels than the managed service takes.",
    "Nothing to do on this machine; Vertex AI would refuse them.",
    source="https://cloud.google.com/vertex-ai/generative-ai/docs/models/tune-embeddings",
)
UNLABELLED_DOCUMENT = _rule(
    "unlabelled-document",
    _I,
    "No label mentions the document.",
    "Nothing to do: it is one more that a query has to be told apart from.",
)
UNLABELLED_QUERY = _rule(
    "unlabelled-query",
    _I,
    "No label mentions the query.",
    "Label it, or nothing is learnt from it.",
)

# --- images ----------------------------------------------------------------------------------------------------------
IMAGE_MISSING = _rule(
    "image-missing", _E, "There is no such image file.", "Correct the path, or add the file."
)
IMAGE_UNREADABLE = _rule(
    "image-unreadable", _E, "The file is no image that can be opened.", "Save the image anew."
)
IMAGE_TRUNCATED = _rule(
    "image-truncated", _E, "The image file ends too early.", "Copy or save the image anew."
)
IMAGE_TYPE = _rule(
    "image-type", _E, "The image is of a type that is not taken.", "Save it as PNG or JPEG."
)
IMAGE_ANIMATED = _rule(
    "image-animated", _E, "The image has more than one frame.", "Save the frame that is meant."
)
IMAGE_TOO_SMALL = _rule(
    "image-too-small", _E, "The image is too small to learn from.", "Use a larger one."
)
IMAGE_TOO_LARGE = _rule(
    "image-too-large",
    _E,
    "The image is larger than is safe to open.",
    "Scale it down.",
    source="https://pillow.readthedocs.io/en/stable/reference/Image.html",
)
IMAGE_UPSCALED = _rule(
    "image-upscaled",
    _W,
    "The image is smaller than the base model draws, so that it is blown up.",
    "Use a larger one where there is one.",
)
IMAGE_CROPPED = _rule(
    "image-cropped",
    _W,
    "More than a third of the image is cut off, since the middle square is learnt.",
    "Crop it yourself to about a square.",
)
IMAGE_CMYK = _rule(
    "image-cmyk",
    _W,
    "The image has printing colours, which look different once they are converted.",
    "Convert it to RGB with its colour profile.",
)
IMAGE_16_BIT = _rule(
    "image-16-bit",
    _W,
    "The image has 16 bits a channel, of which 8 are used.",
    "Nothing to do unless its shades are very close; else save it with 8 bits.",
    source="https://www.w3.org/TR/png/#11IHDR",
)
IMAGE_ALPHA = _rule(
    "image-alpha",
    _W,
    "The image has transparent parts, which are put on white.",
    "Put it on the ground that is meant.",
)
IMAGE_ROTATED = _rule(
    "image-rotated",
    _I,
    "The image is stored on its side and is turned upright, as its EXIF data say.",
    "Nothing to do.",
    source="https://www.cipa.jp/std/documents/download_e.html?CIPA_DC-008-2024-E",
)
NEAR_DUPLICATE_IMAGE = _rule(
    "near-duplicate-image",
    _W,
    "The image looks nearly the same as another one.",
    "Delete one, or it counts double.",
)
MISSING_CAPTION = _rule(
    "missing-caption",
    _E,
    "The image has no caption.",
    "Write what is to be seen: a field 'caption', a line of metadata.jsonl, or a .txt file beside the image.",
)
CAPTION_TOO_LONG = _rule(
    "caption-too-long",
    _W,
    "The caption is longer than the base model reads, so that its end does not count.",
    "Shorten it.",
)
TOO_FEW_IMAGES = _rule(
    "too-few-images", _E, "There are fewer images than it takes.", "Add more images."
)
TOO_MANY_IMAGES = _rule(
    "too-many-images", _E, "There are more images than are taken.", "Keep the most different ones."
)

# --- the dataset as a whole ------------------------------------------------------------------------------------------
DUPLICATE_ROW = _rule(
    "duplicate-row",
    _W,
    "The row is there twice.",
    "Delete one, or it counts double.",
    source="https://arxiv.org/abs/2107.06499",
)
NEAR_DUPLICATE = _rule(
    "near-duplicate",
    _W,
    "The row is nearly the same as another one.",
    "Keep the better one, or both count nearly double.",
    source="https://arxiv.org/abs/2107.06499",
    group="near-duplicates",
)
CONFLICTING_COMPLETION = _rule(
    "conflicting-completion",
    _W,
    "The same prompt has different completions.",
    "Decide on one, or the model learns to guess.",
    rows=_ANSWERED,
)
CONFLICTING_CHOICE = _rule(
    "conflicting-choice",
    _W,
    "The same two candidates have opposite choices.",
    "Decide on one, or the two rows cancel each other out.",
    rows=_PAIRS,
)
ONE_SIDED_CHOICE = _rule(
    "one-sided-choice",
    _W,
    "The choice is the same side in every row.",
    "Shuffle the candidates of each row: a model may learn the side, or the file was exported wrongly.",
    rows=_PAIRS,
)
LENGTH_DECIDES_CHOICE = _rule(
    "length-decides-choice",
    _W,
    "The choice nearly always follows the length of the candidates.",
    "Add pairs in which the length speaks against the choice: a reward model would learn the length.",
    rows=_PAIRS,
    source="https://arxiv.org/abs/2310.03716",
)
TOO_FEW_ROWS = _rule(
    "too-few-rows", _W, "There are fewer rows than the task needs.", "Collect more rows."
)
TOO_MANY_ROWS = _rule(
    "too-many-rows", _E, "There are more rows than the provider takes.", "Leave rows out."
)
FILE_TOO_LARGE = _rule(
    "file-too-large", _E, "The rows are more bytes than the provider takes.", "Leave rows out."
)
UNSUPPORTED_FILE = _rule(
    "unsupported-file",
    _E,
    "The row points to a file that the provider does not take there.",
    "Correct or leave out the file.",
)
ROW_TOO_LONG = _rule(
    "row-too-long", _E, "The row is longer than the model takes.", "Shorten or split the row."
)
UNTRAINABLE_ROW = _rule(
    "untrainable-row",
    _E,
    "The row has no token that would be learnt, or its stop token would not be.",
    "Correct the row, or the chat template of the base model.",
)
LABEL_MISSING = _rule(
    "label-missing",
    _E,
    "The teacher gave no answer that can be learnt.",
    "See to the teacher and call again: labels that it gave are kept.",
)
UNSCORABLE_ROW = _rule(
    "unscorable-row",
    _E,
    "The reward cannot score answers to the row.",
    "Give the row the field that the reward names, or correct the reward.",
)
MISSING_INSTRUCTION = _rule(
    "missing-instruction",
    _W,
    "The prompt lacks the instruction that the other prompts carry.",
    "Give every prompt the same instruction, here and when predicting.",
)
INCONSISTENT_PROMPT = _rule(
    "inconsistent-prompt-shape",
    _W,
    "The prompt has its parts in another order than the others.",
    "Write every prompt in the same shape, here and when predicting.",
)
LEAKED_ROW = _rule(
    "leaked-row",
    _W,
    "A validation prompt is also a training prompt.",
    "Remove it from one of the two, or the validation flatters.",
)

_rules.update((rule.id, rule) for rule in (*TEXT_RULES, *LABEL_RULES, *SENSITIVE_RULES))

RULES: Mapping[str, Rule] = MappingProxyType(_rules)
"""Every rule by its id."""


def rules() -> tuple[Rule, ...]:
    """Every rule of the check, those that have to be asked for among them."""
    return tuple(RULES.values())
