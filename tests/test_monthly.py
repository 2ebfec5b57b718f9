"""The customers of each month: the Taiwan windows against the raw columns, the simulated months against the panel."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from research.collect import constructs, datasets, monthly, panel
from research.errors import UserError


@pytest.fixture
def taiwan(verification_data, monkeypatch):
    monkeypatch.setenv("RESEARCH_DATA", str(verification_data("taiwan_default")))
    return (
        datasets.load_raw("taiwan")
        .assign(customer_id=lambda raw: raw["ID"].astype(str))
        .set_index("customer_id")
    )


def test_the_taiwan_windows_hold_three_months(taiwan):
    dates = monthly.periods("taiwan")
    assert list(dates["label"]) == ["2005-06", "2005-07", "2005-08", "2005-09"]
    assert dates["period"].tolist() == [2, 3, 4, 5]
    assert dates["reference"].tolist() == [True, False, False, False]
    june = monthly.customers("taiwan", 2).loc[taiwan.index]
    late = taiwan[["PAY_4", "PAY_5", "PAY_6"]].clip(lower=0)
    np.testing.assert_allclose(june["repayment_delay"], late.mean(axis=1))
    np.testing.assert_array_equal(june["past_delinquencies"], (late > 0).sum(axis=1))
    np.testing.assert_allclose(
        june["monetary_amount"], taiwan[["PAY_AMT4", "PAY_AMT5", "PAY_AMT6"]].sum(axis=1)
    )
    np.testing.assert_array_equal(june["default"], taiwan["PAY_3"] >= 2)
    first = taiwan["PAY_AMT4"] > 0
    assert (june.loc[first, "recency_months"] == 0).all()
    paid = (taiwan[["PAY_AMT4", "PAY_AMT5", "PAY_AMT6"]] > 0).any(axis=1)
    assert (june["recency_months"].isna() == ~paid).all()
    billed = taiwan[["BILL_AMT4", "BILL_AMT5", "BILL_AMT6"]].clip(lower=0)
    np.testing.assert_allclose(june["liabilities"], billed.mean(axis=1))
    ratio = taiwan[["PAY_AMT4", "PAY_AMT5"]].sum(axis=1) / billed[["BILL_AMT5", "BILL_AMT6"]].sum(axis=1)
    np.testing.assert_allclose(june["payment_ratio"], ratio.where(np.isfinite(ratio)).clip(upper=2))
    charged = taiwan["BILL_AMT4"] - taiwan["BILL_AMT6"] + taiwan["PAY_AMT4"] + taiwan["PAY_AMT5"]
    np.testing.assert_allclose(june["need_intensity"], (charged / taiwan["LIMIT_BAL"]).clip(0, 1))


def test_september_ends_with_the_publishers_outcome(taiwan):
    last = monthly.customers("taiwan", 5).loc[taiwan.index]
    assert last["default"].sum() == 6636
    np.testing.assert_allclose(
        last["credit_utilisation"], taiwan["BILL_AMT1"].clip(lower=0) / taiwan["LIMIT_BAL"], rtol=1e-12
    )
    constructs.validate(last, "taiwan, September")
    whole = datasets.load("taiwan").loc[last.index]
    for construct in ("accounts_past_due", "credit_utilisation"):
        np.testing.assert_allclose(last[construct], whole[construct])


def test_the_simulated_months_have_a_reference_year_before_the_shock():
    dates = monthly.periods("simulated", 600)
    assert len(dates) == 36
    assert dates.loc[dates["reference"], "period"].tolist() == list(range(6, 18))
    assert (dates["label"].iloc[0], dates["label"].iloc[-1]) == ("2023-01", "2025-12")
    now = monthly.customers("simulated", 12, 600)
    ended = datasets.simulation(600).panel.query("period == 12 and defaulted + churned == 0")
    assert set(now.index) == set(ended["customer_id"])


def test_mistakes_are_named():
    with pytest.raises(UserError, match="no monthly panel"):
        monthly.periods("credit_data")
    with pytest.raises(UserError, match="months 0 to 35, found 36"):
        monthly.customers("simulated", 36, 600)
    assert "simulated" in panel.names()
    assert isinstance(monthly.periods("simulated", 600), pd.DataFrame)
