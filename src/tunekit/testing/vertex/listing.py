"""Lists as Google's interfaces give them: filtered, ordered, and page by page.

Belongs here: the filter language (https://google.aip.dev/160, as far as it is spoken here), order, page tokens.
Does not belong here: what is listed.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from tunekit.testing.vertex.wire import Json, Refusal

MOST_PER_PAGE = 1_000
_PER_PAGE = 100
_TERM = re.compile(
    r"(?P<not>NOT\s+|-)?(?P<field>[\w.\-]+(?:\.\"[^\"]+\")?)\s*(?P<sign>!=|<=|>=|=|<|>|:)\s*"
    r"(?P<value>\"(?:[^\"\\]|\\.)*\"|[^\s\"]+)"
)
_ORDERED: Mapping[str, Callable[[str, str], bool]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}

Test: TypeAlias = Callable[[Json], bool]


def page_of(
    resources: Sequence[tuple[int, Json]],
    query: Mapping[str, str],
    *,
    key: str,
    fields: Sequence[str],
) -> Json:
    """One page of a list, the newest first unless an order is asked for.

    Args:
        resources: Each resource with the number of its making.
        query: `filter`, `orderBy`, `pageSize`, `pageToken` and `readMask`, as sent.
        key: Name of the list in the answer.
        fields: Fields that a filter may be about, besides `labels`.
    """
    test = filter_of(query.get("filter", ""), fields)
    size = _page_size(query.get("pageSize", "0"))
    ordered = _ordered(resources, query.get("orderBy", ""))
    found = [(number, resource) for number, resource in ordered if test(resource)]
    begin = _begin(query.get("pageToken", ""), [number for number, _ in found])
    page = found[begin : begin + size]
    answer: Json = {key: [_masked(resource, query.get("readMask")) for _, resource in page]}
    if begin + size < len(found):
        answer["nextPageToken"] = _token(page[-1][0])
    return answer


def filter_of(text: str, fields: Sequence[str]) -> Test:
    """The filter as a test: comparisons with AND and OR between them, AND binding closer.

    Raises:
        Refusal: It cannot be read, or is about a field that cannot be filtered by.
    """
    if not text.strip():
        return lambda _: True
    options = [
        [_comparison(term, fields, text) for term in re.split(r"\s+AND\s+", option.strip())]
        for option in re.split(r"\s+OR\s+", text.strip())
    ]
    return lambda resource: any(all(test(resource) for test in tests) for tests in options)


def _comparison(term: str, fields: Sequence[str], text: str) -> Test:
    found = _TERM.fullmatch(term.strip())
    if found is None:
        raise Refusal(400, f"Invalid filter: {text!r} cannot be read at {term!r}.")
    path = _path(found["field"], fields)
    value = re.sub(r"\\(.)", r"\1", found["value"].strip('"'))
    sign, negated = found["sign"], bool(found["not"])

    def test(resource: Json) -> bool:
        actual: Any = resource
        for part in path:
            actual = actual.get(part) if isinstance(actual, dict) else None
        return _holds(actual, sign, value) is not negated

    return test


def _path(name: str, fields: Sequence[str]) -> tuple[str, ...]:
    head, _, rest = name.partition(".")
    if head == "labels" and rest:
        return ("labels", rest.strip('"'))
    camel = re.sub(r"_([a-z])", lambda found: found[1].upper(), name)
    if camel not in fields:
        raise Refusal(400, f"Invalid filter: the list cannot be filtered by {name!r}.")
    return (camel,)


def _holds(actual: Any, sign: str, value: str) -> bool:
    if sign == ":":
        return actual is not None and (value == "*" or value in str(actual))
    if sign == "!=":
        return actual is not None and str(actual) != value
    if sign == "=":
        if isinstance(actual, str) and value.endswith("*"):
            return actual.startswith(value[:-1])
        return actual is not None and str(actual) == value
    return actual is not None and _ORDERED[sign](str(actual), value)


def _page_size(text: str) -> int:
    try:
        size = int(text or 0)
    except ValueError:
        raise Refusal(400, f"Invalid page size: {text!r} is no number.") from None
    if size < 0:
        raise Refusal(400, f"Invalid page size: {size} is negative.")
    return min(size, MOST_PER_PAGE) or _PER_PAGE


def _ordered(resources: Sequence[tuple[int, Json]], order: str) -> list[tuple[int, Json]]:
    ordered = sorted(resources, key=lambda item: -item[0])
    for part in reversed([part.split() for part in order.split(",") if part.strip()]):
        field = re.sub(r"_([a-z])", lambda found: found[1].upper(), part[0])
        ordered.sort(key=lambda item: str(item[1].get(field, "")), reverse=part[1:] == ["desc"])
    return ordered


def _token(number: int) -> str:
    return base64.urlsafe_b64encode(f"after:{number}".encode()).decode()


def _begin(token: str, numbers: Sequence[int]) -> int:
    """Where a page begins: behind the last one of the page before, also when that one is gone since."""
    if not token:
        return 0
    try:
        last = int(base64.urlsafe_b64decode(token).decode().removeprefix("after:"))
    except ValueError:
        raise Refusal(400, "Invalid page token.") from None
    if last in numbers:
        return numbers.index(last) + 1
    return sum(number > last for number in numbers)


def _masked(resource: Json, mask: str | None) -> Json:
    if not mask or mask == "*":
        return resource
    heads = {
        re.sub(r"_([a-z])", lambda m: m[1].upper(), part).split(".")[0] for part in mask.split(",")
    }
    return {key: value for key, value in resource.items() if key in {"name", *heads}}
