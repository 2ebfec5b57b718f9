"""Loan quality: thresholds on both sides, contradictions that jump out, provenance of every rule."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import yaml

from research.errors import UserError
from research.manage import loan_quality
from research.paths import DEFINITIONS


@pytest.fixture(scope="module")
def rules() -> loan_quality.Policy:
    return loan_quality.policy()


def late(**days: float) -> pd.DataFrame:
    return pd.DataFrame({"days_past_due": days}, dtype=float).rename_axis("customer_id")


def test_thresholds_of_the_five_categories_and_stages(rules):
    # 2023 measures: overdue at all, more than 90, 270 and 360 days. IFRS 9: more than 30 and 90 days.
    days = {"a": 0, "b": 1, "c": 30, "d": 31, "e": 90, "f": 91, "g": 270, "h": 271, "i": 360, "j": 361}
    found = loan_quality.classify(late(**days), rules)
    assert list(found["five_category"]) == [
        "normal", "special_mention", "special_mention", "special_mention", "special_mention",
        "substandard", "substandard", "doubtful", "doubtful", "loss",
    ]  # fmt: skip
    assert list(found["ifrs9_stage"]) == ["1", "1", "1", "2", "2", "3", "3", "3", "3", "3"]
    assert found.loc["j", "five_category_rule"] == "C4"
    assert found.loc["a", "five_category_rule"] == ""


def test_the_worst_rule_decides_and_all_that_gave_it_are_named(rules):
    frame = late(a=95, b=0, c=0).assign(credit_impaired=[1, 1, 0], ecl_share=[0.2, 0.95, 0.5])
    found = loan_quality.classify(frame, rules)
    assert list(found["five_category"]) == ["substandard", "loss", "doubtful"]
    assert found.loc["a", "five_category_rule"] == "C2, C5"
    assert list(found["ifrs9_stage"]) == ["3", "3", "1"]


def test_missing_values_trigger_nothing_and_are_not_called_normal(rules):
    found = loan_quality.classify(late(a=np.nan, b=0), rules)
    assert pd.isna(found.loc["a", "five_category"])
    assert found.loc["b", "five_category"] == "normal"


def test_a_premium_customer_95_days_late_jumps_out(rules):
    quality = loan_quality.classify(late(p=95, q=5, r=95, s=0, t=400, u=40), rules)
    tiers = pd.Series({"p": "premium", "q": "low", "r": "medium", "s": "high", "t": "high", "u": "premium"})
    found = loan_quality.contradictions(quality, tiers, rules)
    assert list(found.index) == ["p", "r", "u", "q"]
    assert list(found["severity"]) == ["critical", "serious", "serious", "serious"]
    assert found.loc["p", "message"] == "premium customer 95 days past due: substandard 次级, stage 3"
    assert found.loc["p", "rules"] == "C2; S2"
    assert "t" not in found.index  # a high-risk customer who is late is where he belongs


def test_a_report_counts_contradictions_without_naming_anybody(rules):
    quality = loan_quality.classify(late(a=95, b=40, c=40, d=40), rules)
    found = loan_quality.contradictions(quality, pd.Series("premium", index=quality.index), rules)
    counts = loan_quality.contradiction_summary(found)
    assert list(counts["severity"]) == ["critical", "serious"]
    assert list(counts["customers"]) == [1, 3]
    assert list(counts["five_category"]) == ["substandard", "special_mention"]
    assert not counts.astype(str).apply(lambda row: row.str.contains("95|40")).any().any()


def test_schemes_that_disagree_are_listed(rules):
    frame = late(a=0, b=0).assign(ecl_share=[0.6, 0.0])
    quality = loan_quality.classify(frame, rules)
    found = loan_quality.contradictions(quality, pd.Series({"a": "high", "b": "high"}), rules)
    assert list(found.index) == ["a"]
    assert (found.loc["a", "five_category"], found.loc["a", "ifrs9_stage"]) == ("doubtful", "1")


def test_crosswalk_counts_everybody_once(rules):
    quality = loan_quality.classify(late(a=0, b=0, c=95, d=np.nan), rules)
    tiers = pd.Series({"a": "premium", "b": "premium", "c": "premium", "d": "high"})
    table = loan_quality.crosswalk(quality, tiers)
    assert table["n"].sum() == 4
    normal = table[(table["tier"] == "premium") & (table["five_category"] == "normal")].iloc[0]
    assert (normal["n"], normal["share_of_tier"]) == (2, pytest.approx(2 / 3))
    assert table.iloc[-1]["five_category"] == "unclassified"
    words = loan_quality.labelled(table, rules)
    assert words.iloc[0]["five_category"] == "Normal 正常"
    assert words.iloc[-1]["ifrs9_stage"] == "unclassified"


def test_every_rule_says_where_it_comes_from(rules):
    table = loan_quality.provenance(rules, late(a=1))
    assert set(table["status"]) <= set(loan_quality.STATUSES)
    assert table.loc[table["status"] == "verified", "seen_in"].str.startswith("http").all()
    assert (table["version"] == rules.version).all()
    applied = table.set_index("id")["applied"]
    assert applied["C1"] == "applied"
    assert applied["C9"].startswith("not testable here")
    assert table.set_index("id").loc["C2", "rule"] == "days past due more than 90"
    assert table.set_index("id").loc["C5", "rule"] == "credit impaired"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gives": "sub-standard"}, r"rule C1, gives: found 'sub-standard'; did you mean 'substandard'"),
        ({"measure": "days"}, r"rule C1, measure: found 'days'"),
        ({"status": "sure"}, r"rule C1, status: found 'sure'"),
        ({"seen_in": ""}, r"rule C1: status 'verified' does not fit seen_in ''"),
        ({"at_least": 1}, r"rule C1: expected one threshold"),
    ],
)
def test_a_fault_of_the_policy_is_named(tmp_path, change, message):
    content = yaml.safe_load((DEFINITIONS / "loan_quality_policy.yml").read_text(encoding="utf-8"))
    content["rules"][0].update(change)
    path = tmp_path / "policy.yml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    with pytest.raises(UserError, match=message):
        loan_quality.policy(path)


def test_crosswalk_keeps_the_order_of_tiers_and_classes(rules):
    found = loan_quality.classify(late(a=400, b=0, c=95, d=0), rules)
    tiers = pd.Series({"a": "high", "b": "premium", "c": "high", "d": "low"})
    table = loan_quality.crosswalk(found, tiers)
    assert all(table[name].cat.ordered for name in ("tier", "five_category", "ifrs9_stage"))
    assert table["tier"].tolist() == ["premium", "low", "high", "high"]
    assert table["five_category"].tolist() == ["normal", "normal", "substandard", "loss"]

    assert table["share_of_tier"].tolist() == [1, 1, 0.5, 0.5]


def test_messages_name_the_tier_as_people_do(rules):
    found = loan_quality.contradictions(
        loan_quality.classify(late(a=95), rules), pd.Series({"a": "low"}), rules
    )
    assert found["message"].iloc[0].startswith("low risk customer 95 days past due: substandard")
