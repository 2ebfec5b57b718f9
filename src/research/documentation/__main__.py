"""`python -m research.documentation`: write the generated pages of docs/."""

from __future__ import annotations

from research.documentation import PAGES, dependencies
from research.pages.files import write_if_changed
from research.paths import DOCS


def main() -> None:
    """Renew the record of licences from what is installed, then write every page."""
    dependencies.renew_licences()
    for name, page in PAGES.items():
        path = DOCS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_if_changed(path, page())


if __name__ == "__main__":
    main()
