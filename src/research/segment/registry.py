"""The models by name, with their arms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from research.errors import UserError, nearest
from research.segment.abc_model import ABC
from research.segment.base import StratificationModel
from research.segment.index import indicator_definitions
from research.segment.optimal_tree import OptimalTree
from research.segment.references import GRADE_ORDER, GradeTiers, GradientBoosting, RandomTiers
from research.segment.rfm import RFM, component_definitions
from research.segment.scorecard import Scorecard
from research.segment.tree import DecisionTree

ARMS = ("as practised", "equal information")


@dataclass(frozen=True)
class ModelSpec:
    """One model: class, title, and what it takes."""

    name: str
    title: str
    model: Callable[..., StratificationModel]
    arms_differ: bool
    seeded: bool
    weight_keys: str = ""


MODELS: dict[str, ModelSpec] = {
    spec.name: spec
    for spec in (
        ModelSpec("rfm", "RFM", RFM, True, False, "RFM"),
        ModelSpec("abc", "ABC (value, risk, need)", ABC, True, False, "ABC"),
        ModelSpec("tree", "Decision tree", DecisionTree, False, True),
        ModelSpec("random", "Random tiers", RandomTiers, False, True),
        ModelSpec("grade", "One grade or score", GradeTiers, False, False),
        ModelSpec("scorecard", "Scorecard (weight of evidence)", Scorecard, False, False),
        ModelSpec("boosting", "Gradient boosting", GradientBoosting, False, True),
        ModelSpec("optimal_tree", "Optimal tree", OptimalTree, False, True),
    )
}


def _spec(name: str, arm: str) -> ModelSpec:
    if name not in MODELS:
        raise UserError(f"unknown model '{name}'{nearest(name, MODELS)}")
    if arm not in ARMS:
        raise UserError(f"unknown arm '{arm}'{nearest(arm, ARMS)}")
    return MODELS[name]


def make(
    name: str,
    arm: str = "as practised",
    *,
    seed: int = 0,
    shares: Mapping[str, float] | None = None,
    weights: Mapping[str, float] | None = None,
) -> StratificationModel:
    """Return an unfitted model.

    arm "as practised": the inputs the model's own definition names. arm "equal information": every predictor of the
    table, which models whose definition names no inputs (`arms_differ` False) use in both arms; the one-grade reference
    is one variable by definition. `weights` may hold A, B, C and R, F, M; each model takes its own. Raises UserError on
    an unknown name or arm.
    """
    spec = _spec(name, arm)
    given: dict = {"shares": shares}
    if spec.seeded:
        given["seed"] = seed
    if spec.weight_keys and weights:
        own = {key: float(weights[key]) for key in spec.weight_keys if key in weights}
        given["weights"] = own or None
    if arm == "equal information" and spec.arms_differ:
        given["inputs"] = "predictors"
    return spec.model(**given)


def not_testable(name: str, columns: Iterable[str], arm: str = "as practised") -> str:
    """Return why a model cannot be fitted on a table with these columns, or "" when it can."""
    spec, present = _spec(name, arm), set(columns)
    if spec.name == "rfm" and arm == "as practised":
        needed = component_definitions()["construct"].tolist()
    elif spec.name == "abc" and arm == "as practised":
        needed = indicator_definitions()["construct"].tolist()
    elif spec.name == "grade":
        needed = [construct for construct, _ in GRADE_ORDER]
    else:
        return ""
    if present & set(needed):
        return ""
    return f"{spec.title} is not testable here: the data has none of {', '.join(needed)}"
