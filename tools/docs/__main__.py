"""Writes the generated pages of the documentation: `python -m tools.docs`, or `nox -s docs`."""

from __future__ import annotations

from tools.docs.pages import PAGES, ROOT


def main() -> None:
    """Write every generated page."""
    for name, make in PAGES.items():
        path = ROOT / "docs" / "reference" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(make(), encoding="utf-8")
        print(f"docs/reference/{name}")


if __name__ == "__main__":
    main()
