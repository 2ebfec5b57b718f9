"""The four tiers T1 to T4, best first, and what they are called."""

from __future__ import annotations

TIERS = ("premium", "low", "medium", "high")
LABELS = {"premium": "Premium", "low": "Low risk", "medium": "Medium risk", "high": "High risk"}
LABELS_ZH = {"premium": "优质客户层", "low": "低风险层", "medium": "中等风险层", "high": "高风险层"}
