"""The generated pages of docs/: made from the code and the definitions, so they cannot fall behind them."""

from __future__ import annotations

from collections.abc import Callable

from research.documentation import (
    commands,
    constructs,
    data_sets,
    definitions,
    dependencies,
    glossary,
    parameters,
    traceability,
)

# page below docs/ → function that returns its text
PAGES: dict[str, Callable[[], str]] = {
    "reference/commands.md": commands.page,
    "reference/parameters.md": parameters.page,
    "reference/definitions.md": definitions.page,
    "reference/constructs.md": constructs.page,
    "reference/datasets.md": data_sets.page,
    "reference/glossary.md": glossary.page,
    "zh/glossary.md": glossary.chinese_page,
    "dependencies.md": dependencies.page,
    "traceability.md": traceability.page,
}
