"""Results kept in the project, because the run takes long, or needs files that it does not contain.

`research run all_data --update-reference` makes those on all data sets again, `research datasets record nfwbs` those of
the public survey; pages that show them say that they are recorded.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from research.paths import RECORDED

STUDY = "all_data"


def file(study: str = STUDY) -> Path:
    """Return the file of the values of a recorded study."""
    return RECORDED / study / "values.json"


def frame(exhibit: str, study: str = STUDY) -> pd.DataFrame | None:
    """Return a recorded table, `page/exhibit`, as it was published; None where it was not recorded."""
    found = _values(study).get("tables", {}).get(exhibit)
    return None if found is None else pd.DataFrame(found["rows"], columns=found["columns"])


def about(study: str = STUDY) -> dict[str, Any]:
    """Return what the recorded run was made of: name of the study, hash of its parameters, commit and data hashes."""
    return dict(_values(study).get("study", {}))


@cache
def _values(study: str) -> dict[str, Any]:
    path = file(study)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
