"""Where a rule says whose limit, advice or definition it holds to."""

from __future__ import annotations

import re

import tunekit as tk

WITHOUT = {"hugging-face-token", "openai-key"}
"""Forms of secrets for which no public page of their makers has been looked up."""


def test_a_source_is_an_address_or_a_standard() -> None:
    sources = {rule.id: rule.source for rule in tk.rules() if rule.source}
    assert len(sources) >= 35
    odd = {
        name: source
        for name, source in sources.items()
        if not re.fullmatch(r"https://\S+|ISO(/IEC)? \d+-\d", source)
    }
    assert odd == {}


def test_personal_data_and_secrets_say_who_defines_them() -> None:
    asked = [rule for rule in tk.rules() if rule.group in {"personal-data", "secrets"}]
    assert {rule.id for rule in asked if not rule.source} == WITHOUT
