"""Can the parameters that made the simulated bank be found again in it? A method that cannot is wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats

from research.collect.simulate.assumptions import assumptions
from research.collect.simulate.bank import Simulation
from research.collect.simulate.risk import risk_terms


def recovery(bank: Simulation) -> pd.DataFrame:
    """Fit the logit of the onset of distress on the months of calm customers and compare it with what was put in.

    The regressors are the terms of the risk index, the macro shock by industry and the hidden frailty, so that every
    coefficient has a known true value.

    Returns:
        One row per parameter: `parameter, true, estimate, ci_low, ci_high, z` (estimate - true in standard errors),
        `inside` (the 95 % interval holds the true value), `n` (customer months), `onsets`.
    """
    given, panel = assumptions(), bank.panel
    codes = panel["customer_id"].cat.codes.to_numpy()
    order = np.lexsort((panel["period"], codes))
    calm = np.zeros(len(panel), dtype=bool)
    same = codes[order][1:] == codes[order][:-1]
    calm[order[1:]] = same & ~bank.distress[order[:-1]]
    rows = np.flatnonzero(calm)
    x = risk_terms(bank.customers).iloc[codes[rows]].reset_index(drop=True)
    sensitivity = bank.customers["industry"].astype(object).map(given["shock"]["industry"]).to_numpy(float)
    x["shock"] = bank.stress[panel["period"].to_numpy()[rows]] * sensitivity[codes[rows]]
    x["frailty"] = bank.truth["frailty"].to_numpy()[codes[rows]]
    y = bank.distress[rows].astype(float)
    fit = sm.GLM(y, sm.add_constant(x), family=sm.families.Binomial()).fit()
    true = pd.Series({"const": given["risk"]["intercept"], **given["risk"]["index"], "frailty": 1.0})
    true["shock"] = given["shock"]["onset"]
    table = pd.DataFrame({"true": true[fit.params.index], "estimate": fit.params})
    half = stats.norm.ppf(0.975) * fit.bse
    table["ci_low"], table["ci_high"] = table["estimate"] - half, table["estimate"] + half
    table["z"] = (table["estimate"] - table["true"]) / fit.bse
    table["inside"] = table["z"].abs() * fit.bse <= half
    table = table.rename(index={"const": "intercept"}).rename_axis("parameter").reset_index()
    return table.assign(n=len(y), onsets=int(y.sum()))
