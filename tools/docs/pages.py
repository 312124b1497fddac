"""The generated pages, one function each, and the schema of a report.

Belongs here: turning lists that exist in the code into pages.
Does not belong here: anything that a person should write.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import typer.main
from tools.docs.rule_examples import EXAMPLES

from tunekit import catalog, errors
from tunekit.catalog.vertex import vertex_models
from tunekit.cli import app
from tunekit.data.check.report import Report
from tunekit.data.check.rules import RULES
from tunekit.data.formats import FORMATS
from tunekit.testing import BEHAVIOURS
from tunekit.tuners.registry import kinds, tuner_class

ROOT = Path(__file__).parents[2]
_NOTE = "<!-- Made from the code by `nox -s docs`; a test holds it against the code. -->"


def rules_page() -> str:
    """Every rule of the check."""
    rows = (
        (f"[`{rule.id}`](rules/{rule.id}.md)", rule.severity, rule.summary, rule.fix)
        for rule in RULES.values()
    )
    lead = """What `Dataset.check()` and `tunekit check` can find. An error keeps a job from starting; the rest
    does not. Each rule has a page with a bad and a good row."""
    return _page("Rules", lead, _table(("rule", "severity", "what is wrong", "the way out"), rows))


def rule_page(id: str) -> str:
    """One rule, with a bad and a good example."""
    rule, example = RULES[id], EXAMPLES[id]
    kinds = ", ".join(f"`{kind}`" for kind in rule.rows) or "all kinds"
    facts = [("severity", str(rule.severity)), ("rows", kinds), ("way out", rule.fix)]
    if rule.group:
        facts.append(("looked for", f'when asked: `rows.check(also=["{rule.group}"])`'))
    if example.elsewhere:
        facts.append(("looked for by", example.elsewhere))
    if rule.source:
        facts.append(("source", rule.source))
    table = _table(("", ""), facts)
    body = f"{table}\n\n{_example('Bad', example.bad)}\n\n{_example('Good', example.good)}"
    return _page(f"`{id}`", rule.summary, body)


def _example(title: str, lines: Sequence[Any]) -> str:
    """The last lines of an example as a file has them; bytes that are no text are shown as Python shows them."""
    shown = ["..."] if len(lines) > 4 else []
    for line in lines[-4:]:
        if isinstance(line, bytes):
            shown.append(repr(line)[2:-1])
        else:
            text = line if isinstance(line, str) else json.dumps(line, ensure_ascii=True)
            shown.append(text.replace("\r", "<CR>") or "<blank>")
    return f"**{title}**\n\n```text\n" + "\n".join(shown or ["<empty file>"]) + "\n```"


def ways_page() -> str:
    """Every way of tuning, in the words of its tuner."""
    blocks = []
    for kind in kinds():
        tuner = tuner_class(kind)
        text = inspect.getdoc(tuner) or ""
        text = re.sub(
            r"^(Rows|When to use|When not|Cost|See instead):$", r"**\1.**", text, flags=re.MULTILINE
        )
        text, _, example = text.partition("Example:\n")
        told = re.sub(r"^ {4}", "", text, flags=re.MULTILINE).strip()
        code = inspect.cleandoc(example)
        blocks.append(f"## {tuner.__name__}\n\n{told}\n\n```python\n{code}\n```")
    lead = "Every way of tuning: the rows it takes, when to use it and when not, what it costs, and what else to use."
    return _page("Ways of tuning", lead, "\n\n".join(blocks))


def settings_page() -> str:
    """Every setting of every tuner."""
    blocks = []
    for kind in kinds():
        tuner = tuner_class(kind)
        rows = (
            (f"`{name}`", f"`{_default(field.default)}`", field.description or "")
            for name, field in tuner.model_fields.items()
        )
        blocks.append(f"## {tuner.__name__}\n\n{_table(('setting', 'default', 'meaning'), rows)}")
    lead = "Every setting of every tuner, with its default and its meaning, from the tuners themselves."
    return _page("Settings", lead, "\n\n".join(blocks))


def formats_page() -> str:
    """Every format."""
    rows = (
        (f"`{name}`", f"`{form.row_type.__name__}`", _first_line(inspect.getmodule(type(form))))
        for name, form in FORMATS.items()
    )
    lead = "The shapes of files that `Dataset.read` knows; `Dataset.write` writes them."
    return _page("Formats", lead, _table(("format", "rows", "spelling"), rows))


def errors_page() -> str:
    """The tree of errors."""
    text = inspect.getdoc(errors) or ""
    tree, _, rest = text.partition("\n\n")[2].partition("\n\n")
    return _page("Errors", rest.strip(), f"```text\n{inspect.cleandoc(tree)}\n```")


def command_page() -> str:
    """The command and all its parts."""
    command = typer.main.get_command(app)
    parts: Mapping[str, Any] = getattr(command, "commands", {})
    blocks = [_part(name, part) for name, part in parts.items()]
    lead = inspect.cleandoc(command.help or "").partition("\n\n")[2]
    return _page("The command `tunekit`", lead, "\n\n".join(blocks))


def catalog_page() -> str:
    """The tables of the catalog."""
    models = _table(
        (
            "base model",
            "weights",
            "context, tokens",
            "adapter rate",
            "full rate",
            "licence",
            "read",
        ),
        (
            (
                f"`{entry.id}`",
                f"{entry.parameters:,}",
                f"{entry.context_tokens:,}",
                f"{entry.adapter_learning_rate:g}",
                f"{entry.full_learning_rate:g}",
                entry.license,
                str(entry.checked),
            )
            for entry in catalog.models("local")
        ),
    )
    advice = _table(
        ("method", "task", "rows", "steps", "source", "read"),
        (
            (
                kind,
                found.task,
                f"{found.rows:,}+",
                "{:,} to {:,}".format(*found.train_steps),
                found.source,
                str(found.checked),
            )
            for kind in kinds()
            for found in catalog.recommendations(kind)
        ),
    )
    body = (
        f"## Base models on this machine\n\n{models}\n\n## Base models on Vertex AI\n\n{_vertex_models()}\n\n"
        f"## What tasks are said to need\n\n{advice}"
    )
    return _page(
        "Catalog",
        "Dated data with its source. Any other model of the hub or a folder can be tuned here too; any other model of "
        "Vertex AI is sent there with a warning.",
        body,
    )


def _vertex_models() -> str:
    return _table(
        (
            "base model",
            "ways of tuning",
            "adapter sizes",
            "regions",
            "tokens in a row",
            "gone",
            "read",
        ),
        (
            (
                f"`{entry.id}`",
                ", ".join(entry.methods),
                ", ".join(map(str, entry.adapter_sizes)),
                ", ".join(entry.regions[:3]) + (", ..." if len(entry.regions) > 3 else ""),
                f"{entry.max_example_tokens:,}" if entry.max_example_tokens else "",
                f"{'not before ' if entry.retires_not_before else ''}{entry.retires or ''}",
                str(entry.checked),
            )
            for entry in vertex_models()
        ),
    )


def contract_page() -> str:
    """The behaviours of the contract."""
    rows = ((f"`{item.name}`", inspect.getdoc(item.assertion) or "") for item in BEHAVIOURS)
    lead = "What every backend does; `tunekit.testing.check_backend` holds one against it."
    return _page("The contract of backends", lead, _table(("behaviour", "meaning"), rows))


def report_schema() -> str:
    """The JSON schema of what `Report.to_json` and `tunekit check --json` give."""
    schema = Report.model_json_schema(mode="serialization")
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | schema, indent=2) + "\n"


PAGES: Mapping[str, Callable[[], str]] = {
    "catalog.md": catalog_page,
    "command.md": command_page,
    "contract.md": contract_page,
    "errors.md": errors_page,
    "formats.md": formats_page,
    "report.schema.json": report_schema,
    "rules.md": rules_page,
    "settings.md": settings_page,
    "ways-of-tuning.md": ways_page,
    **{f"rules/{name}.md": partial(rule_page, name) for name in RULES},
}
"""Each generated page by its file in `docs/reference`."""


def _page(title: str, lead: str, body: str) -> str:
    return f"# {title}\n\n{_NOTE}\n\n{' '.join(lead.split())}\n\n{body}\n"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *([_cell(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _default(value: object) -> str:
    return "required" if "Undefined" in type(value).__name__ else repr(value)


def _first_line(module: object) -> str:
    first = (inspect.getdoc(module) or "").partition("\n")[0]
    return first.partition(": ")[2]


def _part(name: str, part: Any) -> str:
    rows = (
        (f"`{_spelling(parameter)}`", getattr(parameter, "help", None) or "")
        for parameter in part.params
    )
    return f"## `tunekit {name}`\n\n{part.help}\n\n{_table(('argument', 'meaning'), rows)}"


def _spelling(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper())
    return ", ".join((*parameter.opts, *parameter.secondary_opts))
