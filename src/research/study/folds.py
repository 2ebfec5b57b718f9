"""What the models say of customers they have not seen, and of the same customers when they are fitted again."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import pandas as pd
from joblib import Parallel, delayed

from research.compare import resampling
from research.parameters import Study
from research.segment import registry
from research.steps import Step, plain, step
from research.study.customers import for_comparison, sampled
from research.study.models import model
from research.study.weighting import weights

Judging = TypeVar("Judging")


@step(model, sampled, "folds", "models", "references")
def fold(study: Study, split: int) -> resampling.Judged:
    """Return what every model says of the customers of one split of `out_of_fold`: folds of the first repeat first."""
    return _folding(study, split // study.folds + 1).judge(split)


@step(fold, "repeats")
def out_of_fold(study: Study) -> resampling.OutOfFold:
    """Return every model's predictions for customers it has not seen, in both arms."""
    folding = _folding(study, study.repeats)
    return _both_arms(folding.collected(each(fold, study, len(folding))))


def _folding(study: Study, repeats: int) -> resampling.Folding:
    table = for_comparison(study)
    made = makers(study, table, [*study.models, *study.references])
    return resampling.Folding(made, table, table["default"], study.folds, repeats, study.seed)


def each(judge: Step[[int], Judging], study: Study, splits: int) -> list[Judging]:
    """Return what a step says of every split, in order, several at the same time."""
    return Parallel(n_jobs=workers())(delayed(judge)(plain(study), split) for split in range(splits))


@step(model, sampled, "models", "stability_refits")
def refits(study: Study) -> resampling.Refits:
    """Return the tiers of the three models after refitting them on bootstrap samples; references are left out."""
    table = for_comparison(study)
    own = makers(study, table, study.models)
    made = resampling.bootstrap_refits(
        own, table, table["default"], study.stability_refits, study.seed, workers()
    )
    return _both_arms(made)


def workers() -> int:
    """Return how many processes a step may use: `RESEARCH_JOBS`, else all processors. Results do not depend on it."""
    return int(os.environ.get("RESEARCH_JOBS", 0)) or os.cpu_count() or 1


def makers(study: Study, table: pd.DataFrame, names: list[str]) -> dict[tuple[str, str], Any]:
    """Return (model, arm) → maker; a model that is the same in both arms is made once."""
    shares, given = study.tier_shares.model_dump(), weights(study)
    return {
        (name, arm): partial(registry.make, name, arm, seed=study.seed, shares=shares, weights=given)
        for name in names
        for arm in registry.ARMS
        if (arm == registry.ARMS[0] or registry.MODELS[name].arms_differ)
        and not registry.not_testable(name, table.columns, arm)
    }


def _both_arms(made: Any) -> Any:
    """List a model that is the same in both arms under both."""
    same = [i for i, (name, _) in enumerate(made.pairs) if not registry.MODELS[name].arms_differ]
    pairs = (*made.pairs, *((made.pairs[i][0], registry.ARMS[1]) for i in same))
    return picked(made, [*range(len(made.pairs)), *same], pairs)


def picked(made: Any, order: list[int], pairs: tuple[resampling.Pair, ...]) -> Any:
    """Return predictions or refits with the entries of the first axis in this order, under these names."""
    fields = ("score", "probability", "tier", "tier_rate")
    return replace(
        made, pairs=pairs, **{name: getattr(made, name)[order] for name in fields if hasattr(made, name)}
    )
