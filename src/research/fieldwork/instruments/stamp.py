"""The stamp of a form: which definition it was made from."""

from __future__ import annotations

import hashlib

import pandas as pd

STAMP_SHEET = "_form"


def form_version(frame: pd.DataFrame) -> str:
    """Return the version of a form made from this definition: the first 10 hex digits of its SHA-256."""
    return hashlib.sha256(frame.to_csv(index=False, lineterminator="\n").encode("utf-8")).hexdigest()[:10]
