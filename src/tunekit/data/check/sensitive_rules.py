"""Rules about personal data and secrets, which are looked for when they are asked for.

What is found is never shown: a finding has the place and the kind, and no excerpt.

Belongs here: each rule, its pattern, and the checksum that tells a real number from a look-alike.
Does not belong here: other faults of texts (`text_rules.py`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import LiteralString

from tunekit.data.check.findings import Rule, Severity

PERSONAL_DATA, SECRETS = "personal-data", "secrets"
"""The names by which the groups are asked for."""


def _sums_up(number: str) -> bool:
    """The check of Luhn, ISO/IEC 7812-1, that every card number passes."""
    digits = [int(digit) for digit in number if digit.isdigit()]
    if len(set(digits)) == 1:
        return False
    doubled = (2 * digit - 9 * (digit > 4) for digit in digits[-2::-2])
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0


def _is_account(number: str) -> bool:
    """The check of ISO 13616 that every IBAN passes."""
    plain = re.sub(r"\s", "", number)
    return int("".join(str(int(one, 36)) for one in plain[4:] + plain[:4])) % 97 == 1


def _has_digits(number: str) -> bool:
    return 8 <= sum(map(str.isdigit, number)) <= 15


@dataclass(frozen=True, slots=True)
class _Pattern:
    rule: Rule
    pattern: re.Pattern[str]
    name: str
    holds: Callable[[str], bool] = bool


def _personal(
    id: LiteralString,
    name: str,
    pattern: str,
    holds: Callable[[str], bool] = bool,
    source: str | None = None,
) -> _Pattern:
    rule = Rule(
        id,
        Severity.WARNING,
        f"A text has what looks like {name}.",
        "Replace it by a made-up one: a tuned model may repeat what it was tuned on.",
        source=source,
        group=PERSONAL_DATA,
    )
    return _Pattern(rule, re.compile(pattern), name, holds)


def _secret(id: LiteralString, name: str, pattern: str, source: str | None = None) -> _Pattern:
    rule = Rule(
        id,
        Severity.ERROR,
        f"A text has what looks like {name}.",
        "Revoke it, and remove it from the row.",
        source=source,
        group=SECRETS,
    )
    return _Pattern(rule, re.compile(pattern), name)


_PATTERNS: Sequence[_Pattern] = (
    _personal(
        "email-address",
        "an e-mail address",
        r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63})+",
        source="https://www.rfc-editor.org/rfc/rfc5322#section-3.4.1",
    ),
    _personal(
        "phone-number",
        "a phone number",
        r"(?<![\w.])(?:\+\d{1,3}[ ./-]?)(?:\(\d{1,4}\)[ ./-]?)?\d{1,4}(?:[ ./-]?\d{2,4}){2,4}(?!\w)"
        r"|(?<![\w.])\(\d{3}\) ?\d{3}-\d{4}(?!\w)",
        _has_digits,
        source="https://www.itu.int/rec/T-REC-E.164-201011-I",
    ),
    _personal(
        "card-number",
        "a card number",
        r"(?<![\w.])\d(?:[ -]?\d){12,18}(?!\w|\.\d)",
        _sums_up,
        source="ISO/IEC 7812-1",
    ),
    _personal(
        "bank-account",
        "a bank account (IBAN)",
        r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b",
        _is_account,
        source="ISO 13616-1",
    ),
    _personal(
        "social-security-number",
        "a social security number of the United States",
        r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])",
        source="https://www.ssa.gov/employer/randomizationfaqs.html",
    ),
    _secret(
        "private-key",
        "a private key",
        r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----",
        source="https://www.rfc-editor.org/rfc/rfc7468#section-10",
    ),
    _secret(
        "aws-key",
        "an access key of AWS",
        r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b",
        source="https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html",
    ),
    _secret(
        "google-key",
        "an API key of Google",
        r"\bAIza[\w-]{35}(?![\w-])",
        source="https://cloud.google.com/docs/authentication/api-keys",
    ),
    _secret(
        "github-token",
        "a token of GitHub",
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{80,})",
        source="https://github.blog/changelog/2021-03-31-authentication-token-format-updates-are-generally-available",
    ),
    _secret("hugging-face-token", "a token of Hugging Face", r"\bhf_[A-Za-z]{30,}\b"),
    _secret(
        "slack-token",
        "a token of Slack",
        r"\bxox[abprs]-\d{8,}-[A-Za-z0-9-]{10,}",
        source="https://docs.slack.dev/authentication/tokens",
    ),
    _secret("openai-key", "a key of OpenAI", r"\bsk-(?:proj-)?[A-Za-z0-9_-]{32,}"),
    _secret(
        "web-token",
        "a JSON web token",
        r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}",
        source="https://www.rfc-editor.org/rfc/rfc7519#section-3",
    ),
    _secret(
        "password-in-address",
        "an address with a password",
        r"\b[a-z][a-z0-9+]{1,12}://[^\s:@/]+:[^\s:@/]{3,}@[\w.-]+",
        source="https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1",
    ),
)
SENSITIVE_RULES: Sequence[Rule] = tuple(one.rule for one in _PATTERNS)
_BY_ID: Mapping[str, _Pattern] = {one.rule.id: one for one in _PATTERNS}


def sensitive_faults(text: str, ids: Sequence[str]) -> Iterator[tuple[Rule, str]]:
    """Those of the rules asked for that a text breaks, each once."""
    for name in ids:
        wanted = _BY_ID[name]
        found = next(
            (one for one in wanted.pattern.finditer(text) if wanted.holds(one.group())), None
        )
        if found:
            yield (
                wanted.rule,
                f"The text has what looks like {wanted.name} at position {found.start() + 1:,}.",
            )
