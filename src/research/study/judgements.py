"""The models against practitioners, who judged vignettes of customers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from research.collect import datasets
from research.compare import practitioners, random_tiers, resampling
from research.fieldwork.instruments.vignette_form import key_of
from research.fieldwork.intake.judgements import read_vignettes
from research.fieldwork.intake.sheets import expand
from research.files.fingerprint import fingerprint
from research.parameters import Study
from research.steps import step
from research.study.folds import out_of_fold
from research.study.testable import answers, why_not
from research.study.workbooks import located


def vignettes_key(study: Study) -> str:
    """Return the fingerprint of the vignette workbooks and their keys."""
    if not study.fieldwork.vignettes:
        return ""
    books = expand(located(study.fieldwork.vignettes, "vignettes"), (".xlsx", ".xlsm"))
    return fingerprint([*books, *map(key_of, books)])


@step("fieldwork", data=vignettes_key)
def vignettes(study: Study) -> pd.DataFrame:
    """Return the tiers that experts gave to vignettes: expert, vignette, customer_id, dataset, tier, reason."""
    if not study.fieldwork.vignettes:
        return pd.DataFrame(columns=["expert", "vignette", "customer_id", "dataset", "tier", "reason"])
    return read_vignettes(located(study.fieldwork.vignettes, "vignettes"))


@step(out_of_fold, vignettes, answers, "bootstrap")
def practitioner_agreement(study: Study) -> dict[str, Any]:
    """Return agreement with practitioners: `rows` per model and arm, `tiers` out of fold, `reason` where not testable.

    Only judgements of customers of the study's own data set count, and of a large loan book those in the sample on
    whom models are compared; `left_out` says how many others were judged, `of` how many in all.
    """
    judged, tier_names = vignettes(study), np.array(resampling.TIERS, dtype=object)
    none = {"rows": pd.DataFrame(), "tiers": {}, "judged": judged.iloc[:0], "of": 0, "left_out": 0}
    if reason := why_not(study, "05_comparison"):
        return none | {"reason": reason}
    oof = out_of_fold(study)
    here = {study.dataset, datasets.shown(study.dataset)}
    mine = judged[judged["dataset"].isin(here)]
    known = mine[mine["customer_id"].isin(oof.index[oof.tested])]
    of = mine["customer_id"].nunique()
    counts = {"of": of, "left_out": of - known["customer_id"].nunique()}
    if known.empty:
        others = ", ".join(judged["dataset"].unique())
        why = f"the customers on the vignettes belong to {others}" if others else "no vignettes were judged"
        if of:
            compared = f"the {oof.tested.sum():,} on whom models are compared"
            why = f"none of the {of:,} customers on the vignettes is among {compared}"
        return none | counts | {"reason": f"not testable here: {why}"}

    def of_vignettes(made: resampling.OutOfFold) -> dict[resampling.Pair, pd.Series]:
        return {
            pair: pd.Series(tier_names[made.tier[i, 0]], index=made.index)[known["customer_id"].unique()]
            for i, pair in enumerate(made.pairs)
        }

    placed = of_vignettes(oof)
    ratings = known.assign(vignette=known["customer_id"])
    rows = practitioners.agreement_with_practitioners(ratings, placed, study.bootstrap, study.seed)
    lots = {pair: tiers for drawn in random_tiers.draws(oof) for pair, tiers in of_vignettes(drawn).items()}
    rows = random_tiers.averaged(rows, practitioners.agreement_with_practitioners(ratings, lots, 1))
    return {"rows": rows, "tiers": placed, "judged": known, "reason": "", **counts}
