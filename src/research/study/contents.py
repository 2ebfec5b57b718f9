"""The study's table of contents: every step of the study, by the module that holds it.

A notebook imports the steps it shows, `from research.study.contents import customers, tier_rates`; each is a cached
function of the study (see `research.steps`), so nothing is computed twice. A module is loaded when one of its steps is
used. Steps import each other from their modules and never from here, so that what a step can import is in its files.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

STAGES: dict[str, tuple[str, ...]] = {
    "customers": ("customers", "sampled", "outcome"),
    "testable": ("answers", "why_not"),
    "collect": ("about", "data_sets", "lenders_data", "coverage", "criteria_measured", "quality", "classification",
                "classification_summary", "classification_tests", "classes_elsewhere", "classes_best"),
    "explain": ("regression_design", "no_regression", "regression", "rate_drivers"),
    "weighting": ("survey_weights", "weights"),
    "models": ("model", "not_testable", "tiers", "native_tiers"),
    "segment": ("tier_rates", "tier_profile"),
    "rankings": ("ranking_rates", "ranking_tests", "ranking_auc", "scorecard_cuts", "beside"),
    "counts": ("published", "counts_known", "protected_counts", "statuses"),
    "folds": ("fold", "out_of_fold", "refits"),
    "measured": ("fold_measures", "measured"),
    "judgements": ("vignettes", "practitioner_agreement"),
    "compare": ("comparison", "later_loans"),
    "purposes": ("bar_name", "contrasts", "profile", "served", "rankings", "unaided_fold", "unaided",
                 "by_construction", "high_tier_odds", "by_data_set", "over_lenders", "lenders", "lender_ranks"),
    "claims": ("evidence", "need_association", "realised_value", "odds_beside", "odds_over_lenders"),
    "specification": ("chosen_fold", "chosen_folds", "specification_curve"),
    "robustness": ("other_readings", "readings", "outcome_sensitivity"),
    "manage": (
        "economics", "unseen_tiers", "loan_book", "policy", "loan_classes", "loan_quality", "contact_reasons",
        "contact_plan",
    ),
    "panel": ("sources", "followed", "months", "frozen_model", "monthly_tiers"),
    "flags": ("flags", "own_flags"),
    "monitor": ("real_panel", "migrations", "ahead", "frozen_rates", "shifts", "rolls", "triggers", "tier_quality",
                "tier_categories", "default_vintages", "warnings"),
    "trial": ("trial_sizes", "trial_checks", "trial_value"),
    "survey": ("survey", "survey_quality", "survey_scales", "scales_in_words", "survey_factors", "criteria_ranking"),
    "wellbeing": ("public_survey", "survey_origin", "asked"),
    "experts": ("expert_comparisons", "weight_shift", "vignette_agreement"),
    "interviews": ("interviews", "coders_agreement", "machine_coders", "themes", "theme_saturation"),
    "integrate": ("loan_strand", "synthesis"),
}  # fmt: skip
PLACE = {name: stage for stage, names in STAGES.items() for name in names}
__all__ = sorted(PLACE)


def __getattr__(name: str) -> Any:
    if name not in PLACE:
        raise AttributeError(f"the study has no step '{name}'")
    return getattr(import_module(f"research.study.{PLACE[name]}"), name)
