"""The tiers of the three models beside those of the references: bad rates, and whether they part the risk."""

from __future__ import annotations

import numpy as np
import pandas as pd

from research.compare import criteria, tier_trend
from research.parameters import Study
from research.segment import profile, registry
from research.segment.scorecard import points_of_risk
from research.steps import step
from research.study.collect import about
from research.study.folds import out_of_fold, picked
from research.study.models import model, not_testable
from research.study.segment import tier_rates
from research.tiers import TIERS

BESIDE = ("scorecard", "grade")  # the bar to beat, in every figure of tiers
BY_CHANCE = "random"
SHOWN = ["ranking", "judged", "tier", "n", "share", "known", "bad", "rate", "ci_low", "ci_high"]


@step(out_of_fold, tier_rates, about, "tier_shares")
def ranking_rates(study: Study) -> pd.DataFrame:
    """Return size and bad rate of the tiers of every ranking, as practised.

    Returns:
        Rows `ranking`, `judged`, `tier`, `n`, `share`, `known`, `bad`, `rate` with its interval, `overall`. `judged` is
        `unseen` (customers of held-out folds, first partition), `matched shares` (the customers a model was set up on),
        `own rule` (these, before the study's tier shares are laid on), or `chance` (all ways to draw tiers by lot).
    """
    oof, names = out_of_fold(study), np.array(TIERS, dtype=object)
    outcome = pd.Series(oof.y[oof.tested])
    frames = []
    for place, (ranking, arm) in enumerate(oof.pairs):
        if arm != registry.ARMS[0] or ranking not in (*study.models, *BESIDE):
            continue
        unseen = pd.Series(names[oof.tier[place, 0][oof.tested]])
        frames.append(profile.rates(unseen, outcome).assign(ranking=ranking, judged="unseen"))
        if ranking in study.models:
            own = tier_rates(study, ranking)
            frames.append(own.assign(ranking=ranking, judged=own["panel"]))
    drawn = tier_trend.by_chance(len(outcome), int(outcome.sum()), study.tier_shares.model_dump())
    # How many of a drawn tier are bad is expected, not counted.
    drawn = drawn.assign(known=np.nan, ranking=BY_CHANCE, judged="chance", share=drawn["n"] / len(outcome))
    frames.append(drawn)
    whole = pd.concat(frames, ignore_index=True)[SHOWN]
    return whole.assign(overall=about(study)["outcome_rate"])


@step(ranking_rates)
def ranking_tests(study: Study) -> pd.DataFrame:
    """Return whether the tiers of every ranking part the risk: a row per `ranking` and `judged`, see `separation`."""
    rates = ranking_rates(study)
    found = rates[rates["judged"] != "chance"].groupby(["ranking", "judged"], sort=False)
    return pd.concat(
        [
            tier_trend.separation(part).assign(ranking=ranking, judged=judged)
            for (ranking, judged), part in found
        ],
        ignore_index=True,
    )


@step(out_of_fold, "models")
def ranking_auc(study: Study) -> pd.DataFrame:
    """Return the AUC of every ranking for customers it has not seen: `ranking`, `auc`, `ci_low`, `ci_high`, `n`.

    The mean over folds with its corrected interval: the same value that page 05 compares.
    """
    oof = out_of_fold(study)
    own = [(name, registry.ARMS[0]) for name in (*study.models, *BESIDE)]
    places = [place for place, pair in enumerate(oof.pairs) if pair in own]
    shown = picked(oof, places, tuple(oof.pairs[place] for place in places))
    folds = criteria.fold_measures(shown, kinds=("area",)).query("measure == 'auc'")
    found = criteria.summarise_folds(folds, oof).rename(columns={"model": "ranking", "estimate": "auc"})
    return found[["ranking", "auc", "ci_low", "ci_high", "n"]]


@step(model)
def scorecard_cuts(study: Study) -> pd.DataFrame:
    """Return the cut-offs of the scorecard in points: `tier`, `points_from`, `points_below`, `value_above`.

    Low risk and premium have the same points; premium needs a value index above `value_above` besides.
    """
    cuts = model(study, "scorecard").cut_points()
    return pd.DataFrame(
        {
            "tier": cuts["tier"],
            "points_from": points_of_risk(cuts["risk_up_to"]),
            "points_below": points_of_risk(cuts["risk_above"]),
            "value_above": cuts["value_above"],
        }
    )


def beside(study: Study) -> str:
    """Return what the reference of one variable is: the construct it ranks by, empty where there is none."""
    if not_testable(study, "grade"):
        return ""
    return str(model(study, "grade").inputs_[0])
