"""Where things are. Constants only, nothing is created on import."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEFINITIONS = ROOT / "data" / "definitions"
EXAMPLES = ROOT / "data" / "examples"
STUDIES = ROOT / "studies"
NOTEBOOKS = ROOT / "notebooks"
REPORTS = ROOT / "reports"
REFERENCE = REPORTS / "reference"
RECORDED = REPORTS / "recorded"
DOCS = ROOT / "docs"


def cache_folder() -> Path:
    """The folder of cached steps: `RESEARCH_CACHE` if set, else `.cache` in the project."""
    return Path(os.environ.get("RESEARCH_CACHE", ROOT / ".cache"))
