"""A report as SARIF 2.1.0, which CI systems show beside the lines of a change.

Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html.

Belongs here: the translation of findings.
Does not belong here: the findings.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tunekit._version import __version__
from tunekit.data.check.findings import Finding, Severity
from tunekit.data.check.rules import RULES

_LEVELS: Mapping[Severity, str] = {
    Severity.ERROR: "error",
    Severity.WARNING: "warning",
    Severity.INFO: "note",
}


def sarif(findings: Iterable[Finding]) -> str:
    """The findings as one SARIF log; excerpts of rows stay out of it."""
    listed = tuple(findings)
    driver = {
        "name": "tunekit",
        "version": __version__,
        "rules": [_rule(rule) for rule in dict.fromkeys(finding.rule for finding in listed)],
    }
    run = {"tool": {"driver": driver}, "results": [_result(finding) for finding in listed]}
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(id: str) -> dict[str, Any]:
    known = RULES.get(id)
    if known is None:
        return {"id": id}
    return {
        "id": id,
        "shortDescription": {"text": known.summary},
        "help": {"text": known.fix},
        "defaultConfiguration": {"level": _LEVELS[known.severity]},
    }


def _result(finding: Finding) -> dict[str, Any]:
    field = f"{finding.field}: " if finding.field else ""
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{field}{finding.message} {finding.fix}"},
    }
    if finding.path is not None:
        place: dict[str, Any] = {"artifactLocation": {"uri": _uri(finding.path)}}
        if finding.line is not None:
            place["region"] = {"startLine": finding.line}
        result["locations"] = [{"physicalLocation": place}]
    return result


def _uri(path: str) -> str:
    if "://" in path:
        return path
    local = Path(path)
    return local.as_uri() if local.is_absolute() else local.as_posix()
