"""Whether the rows of a data set may be shown, and from which count on people may be counted: the plan decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from research.collect import datasets

SHOWN_WHOLE = ("simulated", "invented")  # nobody stands behind these numbers


def public(name: str | Path) -> bool:
    """Return whether anyone can have the rows of a data set: a public one, or one that the study itself generates."""
    if datasets.is_path(name):
        return False
    entry = datasets.definition(str(name))
    return bool(entry.get("public")) or not entry["real"]


def smallest_count(study: Any, people: str = "real") -> int:
    """Return the smallest count that may be shown of people; 0 where all may be.

    Args:
        study: the plan, or what a step sees of it.
        people: "loans" (customers of the study's data sets), "fieldwork" (who was asked), "real" (either: the stricter
            rule), "simulated" or "invented" (nobody), or the name or file of one data set.
    """
    if people in SHOWN_WHOLE:
        return 0
    if people == "fieldwork":
        return 0 if study.fieldwork.provenance == "invented" else study.small_cell
    if people == "loans":
        every = all(map(public, [study.dataset, *study.compare_datasets]))
        return 0 if every else study.small_cell
    if people == "real":
        return max(smallest_count(study, "loans"), smallest_count(study, "fieldwork"))
    return 0 if public(people) else study.small_cell
