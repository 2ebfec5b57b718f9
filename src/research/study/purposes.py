"""Which model serves which purpose: profile, contrasts by family, the set per purpose, and the same over lenders."""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.collect import datasets, recorded
from research.collect import worth as worths
from research.compare import criteria, inference, odds, pooling, purposes, resampling
from research.compare.effects import stratified_variance
from research.parameters import Study
from research.segment import registry
from research.steps import step
from research.study.customers import all_data_key, all_names, for_comparison, real, sampled
from research.study.folds import each, fold, makers, out_of_fold
from research.study.measured import fold_measures, measured
from research.study.models import model, not_testable

PRACTISED = registry.ARMS[0]
PAIRS = (("tree", "rfm"), ("tree", "abc"), ("abc", "rfm"))
BAR = "scorecard"
GRADE = "grade"  # the reference by one variable: the lender's grade where it recorded one
LENDERS_VIEW = ("credit_grade", "interest_rate")  # what the lender itself thought of the risk
ALL_LENDERS = "All lenders"
FEWEST_RANKED = 3  # lenders, below which ranks say nothing
FAMILIES = ("primary", "equal information", "against the bar")
PAIRED = ("risk", "value", "need", "profit")


def bar_name(study: Study) -> str:
    """Return what the one-variable reference is: `grade` where the lender recorded one, else `single`."""
    return GRADE if graded(study) else "single"


def graded(study: Study) -> bool:
    """Return whether the lender's own grade is recorded, so that the one-variable reference may be called a grade."""
    return "credit_grade" in for_comparison(study) and for_comparison(study)["credit_grade"].notna().any()


@step(model, sampled, "models", "references")
def by_construction(study: Study) -> dict[str, list[str]]:
    """Return purpose to the models whose tiers were built from what it measures, `model|arm`.

    Value is contract interest or the amount: an input of every premium tier. Need is an input of a model that reads the
    construct it is measured by.
    """
    table = for_comparison(study)
    found: dict[str, list[str]] = {"value": [], "need": []}
    construct = worths.need_construct(table)
    for name in (*study.models, *study.references):
        for arm in registry.ARMS:
            if registry.not_testable(name, table.columns, arm):
                continue
            pair = f"{name}|{arm}"
            if "loan_amount" in table and name != "random":
                found["value"].append(pair)
            fitted = model(study, name, arm if registry.MODELS[name].arms_differ else PRACTISED)
            if construct in getattr(fitted, "inputs_", ()):
                found["need"].append(pair)
    return found


@step(fold_measures, "models", "references")
def contrasts(study: Study) -> pd.DataFrame:
    """Return the paired tests of the study's data set, one Holm family each: see `purposes.contrasts`.

    Adds `family`: *primary* (the three models as practised), *equal information*, and *against the bar* (each model
    as practised against the scorecard and, where the lender recorded a grade, against it, for finding the risky).
    """
    folds, ratio = fold_measures(study), out_of_fold(study).test_train_ratio
    own = [pair for pair in PAIRS if set(pair) <= set(study.models)]
    bars = [BAR, *([GRADE] if graded(study) else [])]
    against = [("risk", name, bar) for name in study.models for bar in bars if bar in study.references]
    built = by_construction(study)
    asked = [(against, PRACTISED)]
    for arm in reversed(registry.ARMS):
        free = [
            (purpose, *pair)
            for purpose in PAIRED
            for pair in own
            if not {f"{name}|{arm}" for name in pair} & set(built.get(purpose, ()))
        ]
        asked.insert(0, (free, arm))
    parts = [
        purposes.contrasts(folds, ratio, compared, arm).assign(family=family)
        for family, (compared, arm) in zip(FAMILIES, asked, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


@step(measured, "models", "references", "fieldwork")
def profile(study: Study) -> pd.DataFrame:
    """Return purpose × model with what stands beside it: `purpose, model, arm, estimate, ci_low, ci_high, n, mark`.

    `mark`: *by construction* where the quantity is an input of the tiers, *demonstration* where the experts are
    invented, else empty. Stating the risk is judged per tier and not here.
    """
    rows, known = measured(study)["criteria"], purposes.definitions()
    primary = known[known["inference"] != "calibrated per tier"].set_index("measure")["purpose"]
    kept = rows[rows["measure"].isin(primary.index)]
    kept = kept.assign(purpose=kept["measure"].map(primary))
    built = {(purpose, pair) for purpose, pairs in by_construction(study).items() for pair in pairs}
    marks = [
        "by construction"
        if (row.purpose, f"{row.model}|{row.arm}") in built
        else "demonstration"
        if row.purpose == "practitioners" and study.fieldwork.provenance == "invented"
        else ""
        for row in kept.itertuples()
    ]
    kept = kept.assign(mark=marks)
    order = pd.Categorical(kept["purpose"], list(known.index), ordered=True)
    columns = ["purpose", "model", "arm", "estimate", "ci_low", "ci_high", "n", "mark"]
    return kept.assign(order=order).sort_values("order", kind="stable")[columns].reset_index(drop=True)


@step(profile, contrasts)
def served(study: Study) -> pd.DataFrame:
    """Return one row per purpose: which models serve it.

    Returns:
        `purpose, best, served` (models not shown to be worse than the best, separated by blanks), `named` (of those
        equivalent to the best the one with fewest rows to read), `avoid` (clearly below random tiers), `below_bar`
        (worse than the scorecard beyond the margin), `untested` (models that cannot be used on these data), `mark`.
    """
    rows, tests = profile(study), contrasts(study)
    rows = rows[rows["arm"] == PRACTISED]
    known = purposes.definitions()
    by_hand = rows[rows["purpose"] == "hand"].set_index("model")["estimate"].to_dict()
    primary = tests[tests["family"] == FAMILIES[0]]
    bar = tests[(tests["family"] == FAMILIES[2]) & (tests["model_b"] == BAR)]
    untested = " ".join(name for name in study.models if not_testable(study, name))
    made = []
    for purpose in known.index[known["inference"] != "calibrated per tier"]:
        here = rows[rows["purpose"] == purpose].set_index("model")
        estimates = here["estimate"].reindex(study.models).to_dict()
        own = primary[primary["purpose"] == purpose]
        best, kept = purposes.served(estimates, own, known.loc[purpose, "direction"])
        alike = purposes.equivalents(best, kept, own)
        made.append(
            {
                "purpose": purpose,
                "best": best,
                "served": " ".join(kept),
                "named": purposes.fewest_rows(alike, by_hand) or best,
                "avoid": " ".join(_below_random(study, purpose)),
                "below_bar": " ".join(bar.loc[bar["ci_high"] < -bar["margin"], "model_a"])
                if purpose == "risk"
                else "",
                "untested": untested,
                "mark": here["mark"].iloc[0] if len(here) else "not tested here",
            }
        )
    return pd.DataFrame(made)


def _below_random(study: Study, purpose: str) -> list[str]:
    """Return the models that are worse than random tiers, by more than the margin and wholly below nought."""
    about = purposes.definitions().loc[purpose]
    if about["inference"] != "paired" or "random" not in study.references:
        return []
    against = [(purpose, name, "random") for name in study.models]
    tests = purposes.contrasts(fold_measures(study), out_of_fold(study).test_train_ratio, against, PRACTISED)
    return tests.loc[tests["result"] == "worse", "model_a"].tolist()


@step(measured, "models", "references")
def rankings(study: Study) -> pd.DataFrame:
    """Return the bad rate of each tier under every ranking as practised, customers unseen by the model.

    Columns: `model, tier, n, bad, rate, ci_low, ci_high` (Jeffreys), `expected` (the rate of the tier among the
    training customers), `ratio` (observed over expected), `inside` (the expected rate lies in the interval).
    Counts are means over repeats.
    """
    rows = measured(study)["calibration"].query("arm == @PRACTISED")
    return rows.assign(bad=rows["observed"] * rows["n"]).rename(
        columns={"observed": "rate", "observed_to_expected": "ratio"}
    )[["model", "tier", "n", "bad", "rate", "ci_low", "ci_high", "expected", "ratio", "inside"]]


@step(fold)
def unaided_fold(study: Study, split: int) -> resampling.Judged | None:
    """Return what models say of one split's customers without the lender's own grade and rate: see `unaided`."""
    blind = _blind(study, split // study.folds + 1)
    return None if blind is None else blind.judge(split)


@step(unaided_fold, "repeats")
def unaided(study: Study) -> pd.DataFrame:
    """Return the AUC out of fold without the lender's own grade and rate; no rows where neither is recorded.

    Columns: `model, estimate, ci_low, ci_high, n`. A tree that splits on the rate repeats the lender.
    """
    columns, blind = ["model", "estimate", "ci_low", "ci_high", "n"], _blind(study, study.repeats)
    if blind is None:
        return pd.DataFrame(columns=columns)
    oof = blind.collected(each(unaided_fold, study, len(blind)))
    folds = criteria.fold_measures(oof, kinds=("area",)).query("measure == 'auc'")
    return criteria.summarise_folds(folds, oof)[columns]


def _blind(study: Study, repeats: int) -> resampling.Folding | None:
    """Return the models as practised and the customers without what the lender thought of the risk, if it is known."""
    table = for_comparison(study)
    view = [name for name in LENDERS_VIEW if name in table and table[name].notna().any()]
    if not view:
        return None
    blind = table.drop(columns=view)
    names = [name for name in (*study.models, BAR) if name in (*study.models, *study.references)]
    made = {pair: maker for pair, maker in makers(study, blind, names).items() if pair[1] == PRACTISED}
    return resampling.Folding(made, blind, blind["default"], study.folds, repeats, study.seed)


@step(out_of_fold, "models", "references")
def high_tier_odds(study: Study) -> pd.DataFrame:
    """Return the odds ratio of the high-risk tier against the rest, for every model and reference."""
    return odds.high_tier_odds(out_of_fold(study))


@step(fold_measures, "models", "references")
def by_data_set(study: Study) -> pd.DataFrame:
    """Return every paired difference of one data set with its variances, for pooling.

    Columns: `dataset, lender, purpose, arm, model_a, model_b, estimate, variance` (corrected, Nadeau and Bengio),
    `delong` (fold-stratified paired DeLong variance, for the AUC). Also the log odds ratio of the high-risk tier:
    purpose `odds`, model_b empty. Of the references only the scorecard is compared over lenders.
    """
    folds, oof = fold_measures(study), out_of_fold(study)
    pairs = [*PAIRS, *((name, BAR) for name in study.models)]
    compared = [(purpose, *pair) for purpose in ("risk", "need", "profit") for pair in pairs]
    rows = []
    for arm in registry.ARMS:
        table = purposes.contrasts(folds, oof.test_train_ratio, compared, arm)
        for row in table.itertuples():
            half = (row.ci_high - row.ci_low) / 2
            known = np.isfinite(half) and half > 0
            error = abs(row.difference / row.statistic) if known and row.statistic else np.nan
            variance = error**2 if np.isfinite(error) else np.nan
            delong = np.nan
            if row.purpose == "risk":
                delong = stratified_variance(oof, (row.model_a, arm), (row.model_b, arm))
            rows.append([row.purpose, arm, row.model_a, row.model_b, row.difference, variance, delong])
    odds_of = high_tier_odds(study)
    for row in odds_of[odds_of["model"].isin([*study.models, BAR])].itertuples():
        rows.append(["odds", row.arm, row.model, "", row.log_odds, row.variance, np.nan])
    columns = ["purpose", "arm", "model_a", "model_b", "estimate", "variance", "delong"]
    return pd.DataFrame(rows, columns=columns).assign(
        dataset=datasets.shown(study.dataset), lender=datasets.lender(study.dataset)
    )


@step(by_data_set, "compare_datasets", data=all_data_key)
def over_lenders(study: Study) -> dict[str, pd.DataFrame]:
    """Return the differences of all real data sets of the study: `rows` per lender, and `pooled`.

    `pooled`: `purpose, arm, model_a, model_b`, the columns of `pooling.pooled`, `consistent`, `delong_low, delong_high`
    (the interval with DeLong's variances).
    """
    frames = [by_data_set(study.elsewhere(name)) for name in all_names(study) if real(name)]
    return pooling.over_lenders(pd.concat(frames, ignore_index=True), purposes.definitions()["margin"])


def lenders(study: Study) -> tuple[dict[str, pd.DataFrame], str]:
    """Return the differences over lenders and where they come from: the run itself (`real`) or the record.

    A run that compares fewer lenders than were recorded shows the recorded ones.
    """
    own, kept = over_lenders(study), recorded.frame("05_comparison/lenders")
    other = recorded.frame("05_comparison/lenders_otherwise")
    if kept is None or own["rows"]["lender"].nunique() >= kept["lender"].nunique() - 1:
        return own, "real"
    kept = kept if other is None else pd.concat([kept, other], ignore_index=True)
    together = kept["lender"] == ALL_LENDERS
    return {"rows": kept[~together], "pooled": kept[together]}, "recorded"


def lender_ranks(study: Study) -> tuple[pd.DataFrame, str]:
    """Return how the models that every lender can judge rank by AUC, and where that comes from: see `lenders`.

    Returns:
        One row per pair, `inference.nemenyi`, with `lenders, friedman, p_friedman`; no rows below three lenders.
    """
    own, kept = _own_ranks(over_lenders(study)["rows"]), recorded.frame("05_comparison/ranks")
    if kept is None or (len(own) and own["lenders"].iloc[0] >= kept["lenders"].iloc[0]):
        return own, "real"
    return kept, "recorded"


def _own_ranks(rows: pd.DataFrame) -> pd.DataFrame:
    # Ranks within a lender need only the distance of each model from one of them.
    gaps = rows[(rows["purpose"] == "risk") & (rows["arm"] == PRACTISED) & (rows["model_a"] == "tree")]
    wide = -gaps.pivot(index="lender", columns="model_b", values="estimate").assign(tree=0.0)
    scores = wide.reindex(columns=["tree", "abc", BAR]).dropna()
    if len(scores) < FEWEST_RANKED:
        return pd.DataFrame(columns=["model_a", "model_b", "lenders"])
    test = inference.friedman(scores).iloc[0]
    return inference.nemenyi(scores).assign(
        lenders=len(scores), friedman=test["statistic"], p_friedman=test["p_value"]
    )
