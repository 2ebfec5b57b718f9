"""Page 09, experts: their weights, whom these move, and which model comes closest to their tiers."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from research.exhibits.exhibit import Exhibit, drawing, interval
from research.exhibits.style import dots_against, numbered
from research.exhibits.terms import NAMES, titled
from research.exhibits.words import N_, Said, Words, chosen

WEIGHTS = {
    "above": N_("{experts} consistent experts give most weight to {most}: {weight:.0%} (95 % interval {low:.0%} to "
                "{high:.0%}), where equal weights are {equal:.0%}."),
    "open": N_("{experts} consistent experts give most weight to {most}, {weight:.0%} (95 % interval {low:.0%} to "
               "{high:.0%}), which is not clear of equal weights, {equal:.0%}."),
}  # fmt: skip


def weights(group: pd.DataFrame, origin: str) -> Exhibit:
    """Show the experts' joint weights of the letters of ABC and RFM.

    `group`: `set, label, estimate, ci_low, ci_high, experts, left_out, consistency_ratio, equal`.
    """
    top = group[group["set"] == "abc"].nlargest(1, "estimate").iloc[0]
    fields = {"experts": top["experts"], "most": top["label"], "weight": top["estimate"], "low": top["ci_low"],
              "high": top["ci_high"], "equal": top["equal"]}  # fmt: skip
    return Exhibit(
        "weights", group, Said(WEIGHTS["above" if top["ci_low"] > top["equal"] else "open"], fields),
        Said(N_("A dot with interval per letter against a dashed line at equal weights.")), weights_drawn, within=None,
        origin=origin,
        headings={"label": N_("Letter"), "estimate": N_("Weight [95 % interval]"), "experts": N_("Consistent experts"),
                  "left_out": N_("Left out"), "consistency_ratio": N_("Consistency ratio of the group")},
        formats={"estimate": interval(".0%"), "consistency_ratio": ".3f"},
    )  # fmt: skip


@drawing
def weights_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw the weights with intervals over experts."""
    label = N_("Weight, 95 % interval over experts; dashed: equal weights")
    figure = dots_against(frame, "label", frame["equal"].iloc[0], label, words)
    figure.axes[0].set_xlim(left=0)
    numbered(figure.axes[0].xaxis, words)
    return figure


MOVED = {
    "moved": N_("With these weights {moved:.1%} of {n:,} loan customers change tier under {model}."),
    "also": N_("Under {model} it is {moved:.1%} of {n:,}."),
    "withheld": N_("How many of {n:,} loan customers change tier under {model} with these weights is withheld."),
    "missing": N_("Under {model} nothing moves here: {reason}."),
}  # fmt: skip
MODELS = {"abc": N_("ABC"), "rfm": N_("RFM")}


def moved(shifts: dict[str, dict[str, int | str]], counts: dict[str, int | None]) -> list[Said]:
    """Say how many customers change tier with the experts' weights.

    Args:
        shifts: model → `reason` why none do, and where there is none `n`.
        counts: model → customers who change tier; None where they are too few to be told.
    """
    said: list[Said] = []
    for name, found in shifts.items():
        fields = {"model": MODELS[name], "n": found.get("n"), "reason": found["reason"]}
        code = "missing" if found["reason"] else "withheld"
        if not found["reason"] and (n := counts[name]) is not None:
            code, fields["moved"] = "also" if said else "moved", n / found["n"]
        said.append(chosen(MOVED, code, **fields))
    return said


CLOSEST = {
    "clear": N_("Of the study's models {model} comes closest to the experts (κ {k:.2f}, 95 % interval {low:.2f} to "
                "{high:.2f}); they agree with each other at α {alpha:.2f}."),
    "open": N_("No model is shown to agree with the experts beyond chance; {model} comes closest (κ {k:.2f}, 95 % "
               "interval {low:.2f} to {high:.2f})."),
}  # fmt: skip
UNTESTED = N_("The models cannot be held against experts here: {reason}.")


def experts(rows: pd.DataFrame, among: pd.DataFrame, models: list[str], grade: str, origin: str) -> Exhibit:
    """Show how far each ranking agrees with the experts' tiers of the same customers.

    Args:
        rows: `model, arm, estimate, ci_low, ci_high, n, exact`.
        among: `measure, estimate, ci_low, ci_high` of the experts among themselves.
        models: the study's own.
        grade: what the reference of one variable is: `grade` or `single`.
    """
    shown = rows[rows["arm"] == "as practised"].sort_values("estimate", ascending=False, ignore_index=True)
    alpha = among.set_index("measure").loc["krippendorff_alpha"]
    best = shown[shown["model"].isin(models)].iloc[0]
    code = "clear" if best["ci_low"] > 0 else "open"
    fields = {"model": NAMES[best["model"]], "k": best["estimate"], "low": best["ci_low"],
              "high": best["ci_high"]}  # fmt: skip
    if code == "clear":
        fields["alpha"] = alpha["estimate"]
    own = {"model": N_("The experts among themselves (α)"), **alpha[["estimate", "ci_low", "ci_high"]]}
    frame = pd.concat([pd.DataFrame([own]), titled(shown, grade)], ignore_index=True)
    return Exhibit(
        "experts", frame, Said(CLOSEST[code], fields), within=None, origin=origin,
        headings={"model": N_("Ranking"), "estimate": N_("Agreement, quadratic κ [95 % interval]"),
                  "exact": N_("Same tier")}, formats={"estimate": interval(".2f"), "exact": ".0%"},
    )  # fmt: skip


def untested(reason: str) -> Said:
    """Say why no model is held against experts."""
    return Said(UNTESTED, {"reason": reason.removeprefix("not testable here: ")})
