"""The four tiers T1 to T4, best first, and what they are called."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

TIERS = ("premium", "low", "medium", "high")
LABELS = {"premium": "Premium", "low": "Low risk", "medium": "Medium risk", "high": "High risk"}
LABELS_ZH = {"premium": "优质客户层", "low": "低风险层", "medium": "中等风险层", "high": "高风险层"}


def positions(labels: Iterable[str]) -> np.ndarray:
    """Return the position in `TIERS` (n,) of each tier name, −1 for anything else."""
    return pd.Index(TIERS, dtype=object).get_indexer(pd.Index(np.asarray(labels, dtype=object), dtype=object))
