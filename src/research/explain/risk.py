"""Logistic regression of the outcome, read in odds ratios and average marginal effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import SplineTransformer

from research.errors import UserError
from research.explain.design import Design, learn, matrix
from research.intervals import jeffreys
from research.multiplicity import holm

LEVEL = 0.05  # of a test after adjustment


@dataclass(frozen=True)
class RiskModel:
    """A fitted logit and the design it was fitted on."""

    design: Design
    result: Any


def fit(design: Design) -> RiskModel:
    """Fit a logit by maximum likelihood with heteroskedasticity-robust (HC0, sandwich) standard errors.

    Raises:
        UserError: the outcome is separated by the predictors, so no maximum exists.
    """
    return RiskModel(design, _logit(design.outcome, design.matrix, cov_type="HC0"))


def coefficients(model: RiskModel) -> pd.DataFrame:
    """Return one row per term: odds ratio and average marginal effect with 95 % intervals, p, Holm and BH, VIF.

    Numbers are per standard deviation; for a level, against its reference. The average marginal effect is the mean
    over customers of the change in probability (delta-method interval; Greene, Econometric Analysis, ch. 17). `result`
    is `higher` or `lower` where the odds differ after Holm's adjustment, else `open`; above a variance inflation factor
    `vif` of 10 a coefficient cannot be read alone.
    """
    result, terms = model.result, model.design.terms.set_index("term")
    bounds = result.conf_int()
    names = model.design.matrix.columns
    effect = marginal_effects(model)
    p = result.pvalues[names]
    adjusted = holm(p)
    return pd.DataFrame(
        {
            "term": names,
            "block": terms.loc[names, "block"].to_numpy(),
            "odds_ratio": np.exp(result.params[names]).to_numpy(),
            "ci_low": np.exp(bounds.loc[names, 0]).to_numpy(),
            "ci_high": np.exp(bounds.loc[names, 1]).to_numpy(),
            "marginal_effect": effect["estimate"].to_numpy(),
            "effect_low": effect["ci_low"].to_numpy(),
            "effect_high": effect["ci_high"].to_numpy(),
            "p_value": p.to_numpy(),
            "p_holm": adjusted,
            "p_bh": stats.false_discovery_control(p),
            # the diagonal of the inverse correlation matrix, which regresses every column on the others at once
            "vif": np.diag(np.linalg.inv(model.design.matrix.corr().to_numpy())),
            "n": int(result.nobs),
            "result": direction(result.params[names], adjusted),
        }
    )


def marginal_effects(model: RiskModel) -> pd.DataFrame:
    """Return the average marginal effect of each column with its interval by the delta method.

    With Λ the logistic function and x a customer's columns, a number has the effect b · mean Λ'(xβ), and a column of
    noughts and ones mean Λ(xβ | 1) − Λ(xβ | 0). statsmodels' `get_margeff` gives the same and holds n × k × k numbers.

    Returns:
        `estimate`, `ci_low`, `ci_high`; k rows by the name of the column.
    """
    matrix, coefficients = model.design.matrix, model.result.params
    x = sm.add_constant(matrix, has_constant="add").to_numpy()
    linear = x @ coefficients.to_numpy()
    slope = expit(linear) * expit(-linear)
    bend = slope * (expit(-linear) - expit(linear))
    effect, gradient = np.empty(matrix.shape[1]), np.empty((matrix.shape[1], x.shape[1]))
    for j, b in enumerate(coefficients[matrix.columns]):
        column = x[:, j + 1]
        if set(np.unique(column)) == {0.0, 1.0}:
            with_it, without = (linear + (value - column) * b for value in (1, 0))
            rates = [expit(made) for made in (with_it, without)]
            slopes = [rate * (1 - rate) for rate in rates]
            effect[j], gradient[j] = (rates[0] - rates[1]).mean(), (slopes[0] - slopes[1]) @ x / len(x)
            gradient[j, j + 1] = slopes[0].mean()
        else:
            effect[j], gradient[j] = b * slope.mean(), b * (bend @ x) / len(x)
            gradient[j, j + 1] += slope.mean()
    error = np.sqrt(((gradient @ model.result.cov_params().to_numpy()) * gradient).sum(axis=1))
    half = stats.norm.ppf(0.975) * error
    return pd.DataFrame(
        {"estimate": effect, "ci_low": effect - half, "ci_high": effect + half}, index=matrix.columns
    )


def direction(estimate: pd.Series, p_holm: np.ndarray) -> np.ndarray:
    """Return `higher`, `lower` or `open` for estimates (k,) whose null value is nought, from their adjusted p (k,)."""
    return np.select([p_holm >= LEVEL, estimate.to_numpy() > 0], ["open", "higher"], "lower")


def fit_quality(model: RiskModel) -> pd.DataFrame:
    """Return one row: events per column, McFadden's R², and the likelihood-ratio test of all columns together."""
    result, columns = model.result, model.design.matrix.shape[1]
    return pd.DataFrame(
        {
            "columns": [columns],
            "left_out": len(model.design.dropped),
            "events_per_column": model.design.outcome.sum() / columns,
            "r2": result.prsquared,
            "statistic": result.llr,
            "p_value": result.llr_pvalue,
        }
    )


def block_tests(model: RiskModel) -> pd.DataFrame:
    """Return a likelihood-ratio test per block: the model without the block against the whole.

    `result` is `adds` where the block says what the others do not, after Holm's adjustment, else `open`.
    """
    rows = []
    for block in model.design.terms["block"].unique():
        columns = model.design.block(block)
        rest = model.design.without(columns)
        start = model.result.params.drop(columns)
        smaller = _logit(rest.outcome, rest.matrix, start_params=start)
        statistic = max(2 * (model.result.llf - smaller.llf), 0.0)
        rows.append(
            {
                "block": block,
                "columns": len(columns),
                "statistic": statistic,
                "dof": len(columns),
                "p_value": stats.chi2.sf(statistic, len(columns)),
                "r2_lost": model.result.prsquared - smaller.prsquared,
            }
        )
    table = pd.DataFrame(rows)
    table["p_holm"] = holm(table["p_value"])
    table["result"] = np.where(table["p_holm"] < LEVEL, "adds", "open")
    return table.sort_values("statistic", ascending=False, ignore_index=True)


def nonlinearity(model: RiskModel) -> pd.DataFrame:
    """Return a likelihood-ratio test per number: cubic spline (4 quantile knots) against a straight line.

    `result` is `curved` where the spline fits better after Holm's adjustment, else `open`.
    """
    rows = []
    for term in model.design.terms.loc[model.design.terms["kind"] == "scaled", "term"]:
        basis = _basis(model.design.matrix[term])
        if basis is None:
            continue
        wide = pd.concat([model.design.matrix.drop(columns=term), basis], axis=1)
        # Start at the linear fit: the spline only has to bend it.
        start = np.r_[model.result.params.drop(term), np.zeros(basis.shape[1])]
        try:
            curved = _logit(model.design.outcome, wide, start_params=start)
        except UserError:
            continue
        extra = basis.shape[1] - 1
        statistic = max(2 * (curved.llf - model.result.llf), 0.0)
        rows.append(
            {"term": term, "statistic": statistic, "dof": extra, "p_value": stats.chi2.sf(statistic, extra)}
        )
    table = pd.DataFrame(rows, columns=["term", "statistic", "dof", "p_value"])
    table["p_holm"] = holm(table["p_value"])
    table["result"] = np.where(table["p_holm"] < LEVEL, "curved", "open")
    return table.sort_values("p_value", ignore_index=True)


def out_of_fold(
    customers: pd.DataFrame, constructs: pd.DataFrame, folds: int, seed: int, leave_out: tuple[str, ...] = ()
) -> tuple[np.ndarray, np.ndarray]:
    """Return the outcome and the probability that a logit without a penalty gives to customers it has not seen.

    Everything is learned of the other folds: scales, what a missing value takes, levels, columns left out, and the
    coefficients, to convergence (Newton's method).

    Args:
        customers, constructs, leave_out: as in `design.build`; customers without an outcome are left out.
        folds, seed: of the stratified partition.

    Returns:
        Two arrays (n,), in the order of the customers with an outcome.
    """
    rows = customers[customers["default"].notna()]
    y = rows["default"].astype(float)
    predicted = np.empty(len(rows))
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=seed).split(rows, y):
        columns, known, _ = learn(rows.iloc[train], y.iloc[train], constructs, leave_out)
        plain = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10, max_iter=100)
        plain.fit(known, y.iloc[train])
        predicted[test] = plain.predict_proba(matrix(columns, rows.iloc[test]))[:, 1]
    return y.to_numpy(), predicted


def calibration(y: np.ndarray, predicted: np.ndarray) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the calibration of probabilities (n,) of outcomes 0/1 (n,): a row per decile, and the slope.

    The decile table has `predicted`, `observed` with a 95 % Jeffreys interval, and `n`. The slope (logit of the outcome
    on the logit of the prediction; Cox 1958) is one row, `estimate`, `ci_low`, `ci_high`, `result`: `extreme` below
    one, `timid` above, else `open`.
    """
    group = pd.qcut(predicted, 10, labels=False, duplicates="drop")
    table = pd.DataFrame({"p": predicted, "y": y, "group": group}).groupby("group")
    rows = table.agg(predicted=("p", "mean"), observed=("y", "mean"), events=("y", "sum"), n=("y", "size"))
    rows["ci_low"], rows["ci_high"] = jeffreys(rows["events"], rows["n"])
    clipped = np.clip(predicted, 1e-6, 1 - 1e-6)
    recalibrated = sm.Logit(y, sm.add_constant(np.log(clipped / (1 - clipped)))).fit(disp=0)
    low, high = recalibrated.conf_int()[1]
    result = "extreme" if high < 1 else "timid" if low > 1 else "open"
    slope = {"estimate": recalibrated.params[1], "ci_low": low, "ci_high": high, "result": result}
    return rows.reset_index(drop=True), pd.DataFrame([slope])


def _basis(x: pd.Series) -> pd.DataFrame | None:
    """Cubic B-splines of x, or nothing when x has too few distinct values for four knots."""
    if x.nunique() < 8:
        return None
    knots = np.unique(x.quantile([0.02, 0.35, 0.65, 0.98]))
    if len(knots) < 3:
        return None
    knots[0], knots[-1] = x.min(), x.max()
    spline = SplineTransformer(degree=3, knots=knots[:, None], include_bias=False, extrapolation="linear")
    columns = spline.fit_transform(x.to_frame())
    return pd.DataFrame(
        columns, index=x.index, columns=[f"{x.name} spline {i}" for i in range(columns.shape[1])]
    )


def _logit(y: pd.Series, matrix: pd.DataFrame, **options: Any) -> Any:
    try:
        result = sm.Logit(y, sm.add_constant(matrix)).fit(disp=0, maxiter=50, method="newton", **options)
    except (np.linalg.LinAlgError, sm.tools.sm_exceptions.PerfectSeparationError):
        raise UserError("the predictors separate the outcome perfectly, so a logit has no maximum") from None
    if not result.mle_retvals["converged"]:
        raise UserError("the logit did not converge; are two predictors almost the same?")
    return result
