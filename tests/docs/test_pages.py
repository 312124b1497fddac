"""The documentation runs, its generated pages are up to date, and its links lead somewhere."""

from __future__ import annotations

import doctest
import pkgutil
import re
import shlex
import tomllib
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import typer.main
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser
from tools.docs.pages import PAGES

import tunekit
from tunekit.cli import app

ROOT = Path(__file__).parents[2]
WRITTEN = [
    page
    for page in [
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").rglob("*.md")),
    ]
    if page.parent.name != "reference"
]
EVERY_PAGE = [*WRITTEN, *sorted((ROOT / "docs" / "reference").glob("*.md"))]


def name(page: Path) -> str:
    """The page as the tests call it."""
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_the_python_of_a_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if page.stem == "check-on-beam":
        pytest.importorskip("apache_beam", reason="apache-beam is not installed: nox -s beam")
    monkeypatch.chdir(tmp_path)
    rows = (files("tunekit.quickstart") / "support_routing.jsonl").read_text(encoding="utf-8")
    Path("tickets.jsonl").write_text(
        "".join(rows.splitlines(keepends=True)[:120]), encoding="utf-8"
    )
    for example in Sybil(parsers=[PythonCodeBlockParser()]).parse(page):
        example.evaluate()


@pytest.mark.parametrize("page", EVERY_PAGE, ids=name)
def test_the_commands_of_a_page_are_ones_that_exist(page: Path) -> None:
    command: Any = typer.main.get_command(app)
    for block in re.findall(r"```bash\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        for line in block.splitlines():
            words = shlex.split(line.partition(" > ")[0], comments=True)
            if words[:1] == ["tunekit"]:
                part = command.commands[words[1]]
                part.make_context(words[1], words[2:])


@pytest.mark.parametrize("page", EVERY_PAGE, ids=name)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        path, _, heading = target.partition("#")
        if "://" in target:
            continue
        found = (page.parent / path) if path else page
        assert found.exists(), target
        if heading:
            headings = re.findall(r"^#+ (.+)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {
                re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-") for h in headings
            }


@pytest.mark.parametrize("page", PAGES)
def test_a_generated_page_is_up_to_date(page: str) -> None:
    written = (ROOT / "docs" / "reference" / page).read_text(encoding="utf-8")
    assert written == PAGES[page](), "run `nox -s docs`"


def test_every_page_is_in_the_index() -> None:
    docs = ROOT / "docs"
    index = (docs / "README.md").read_text(encoding="utf-8")
    rules = (docs / "reference" / "rules.md").read_text(encoding="utf-8")
    for page in docs.rglob("*.md"):
        if page.parent.name == "rules":
            assert f"(rules/{page.name})" in rules
        else:
            assert page.name == "README.md" or f"({page.relative_to(docs)})" in index


def test_every_rule_has_its_page_and_no_other_has_one() -> None:
    pages = {page.stem for page in (ROOT / "docs" / "reference" / "rules").iterdir()}
    assert pages == {rule.id for rule in tunekit.rules()}


@pytest.mark.parametrize("title", ["Try it", "Test it"])
def test_the_readme_has_one_command_under_each_heading(title: str) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.partition(f"## {title}\n")[2].partition("\n## ")[0]
    assert section.startswith("\n```bash\n")
    assert len(section.partition("```bash\n")[2].partition("```")[0].strip().splitlines()) == 1


def test_the_changelog_begins_with_this_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versions = re.findall(
        r"^## (\d\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert versions[0] == project["version"] == tunekit.__version__


def modules_with_examples() -> list[str]:
    """Modules whose docstrings hold examples."""
    found = []
    for module in pkgutil.walk_packages(tunekit.__path__, "tunekit."):
        source = (
            Path(getattr(module.module_finder, "path", "")) / f"{module.name.rpartition('.')[2]}.py"
        )
        if source.exists() and ">>> " in source.read_text(encoding="utf-8"):
            found.append(module.name)
    return found


@pytest.mark.parametrize("module", modules_with_examples())
def test_the_examples_in_docstrings_run(module: str) -> None:
    outcome = doctest.testmod(import_module(module))
    assert outcome.failed == 0


def test_there_are_examples_in_docstrings() -> None:
    assert "tunekit.tuners.supervised" in modules_with_examples()
