"""Page 09, groups: satisfaction and acceptance of practitioners and customers, and of tiers."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from research.exhibits.exhibit import Exhibit, drawing, interval
from research.exhibits.style import dots_by_group
from research.exhibits.survey import CALLED
from research.exhibits.words import N_, Said, Words, chosen

GROUPS = {"practitioner": N_("Practitioners"), "customer": N_("Customers")}
SCALES = {
    "some": N_("Agreement lies clear above the middle on {above} of {n} scales; practitioners and customers differ "
               "on {differ}, most on {most} (Holm)."),
    "none": N_("Agreement lies clear above the middle on {above} of {n} scales; on none are practitioners and "
               "customers shown to differ (Holm)."),
}  # fmt: skip


def scales(rows: pd.DataFrame, everybody: pd.DataFrame, groups: pd.DataFrame, origin: str) -> Exhibit:
    """Show the mean of each scale by group against the middle of the answers.

    Args:
        rows: `construct, group, estimate, ci_low, ci_high, n, midpoint, scale_min, scale_max`.
        everybody: the same of all respondents.
        groups: `construct, effect, p_holm, level`.
    """
    rows, groups = (part.replace({"construct": CALLED}) for part in (rows, groups))
    differ = groups[groups["p_holm"] < groups["level"]]
    fields = {"above": int((everybody["ci_low"] > everybody["midpoint"]).sum()), "n": len(everybody)}
    if len(differ):
        fields |= {"differ": len(differ), "most": differ.loc[differ["effect"].abs().idxmax(), "construct"]}
    frame = rows.merge(groups[["construct", "effect", "p_holm"]], on="construct", how="left")
    return Exhibit(
        "scales", frame.drop(columns=["share_above", "p_value"], errors="ignore").replace({"group": GROUPS}),
        Said(SCALES["some" if len(differ) else "none"], fields),
        Said(N_("A row per scale with a dot and interval for each group, against a dashed line at the middle.")),
        scales_drawn, within=None, origin=origin,
        headings={"construct": N_("Scale"), "group": N_("Group"), "estimate": N_("Mean [95 % interval]"),
                  "n": N_("Answers"), "effect": N_("Difference (rank-biserial)"), "p_holm": N_("p (Holm)")},
        formats={"estimate": interval(".2f"), "effect": "+.2f", "p_holm": "p", "n": ",.0f"},
    )  # fmt: skip


@drawing
def scales_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw the mean of each scale, one colour per group."""
    figure = dots_by_group(frame, "group", frame["midpoint"].iloc[0], words)
    figure.axes[0].set_xlim(frame["scale_min"].min(), frame["scale_max"].max())
    figure.axes[0].set_xlabel(words(N_("Mean answer, 95 % interval; dashed: the middle")), loc="right")
    return figure


MEANT = N_("customers it is for less other customers")
COMPARED = {  # who is held against whom in `survey_models.csv`
    ("premium", "high"): N_("premium less high-risk customers"),
    ("customer", "practitioner"): N_("customers less practitioners"),
}
WITH = N_("{compared} ({scales})")
DIFFER = {
    "some": N_("Groups differ in {differ} of {n} comparisons of satisfaction and acceptance (Holm), most in "
               "{scale}, {compared}: {estimate:+.2f} points [{ci_low:+.2f}, {ci_high:+.2f}]."),
    "none": N_("No comparison of satisfaction and acceptance, of {n} made, shows a difference (Holm); the largest "
               "is in {scale}, {compared}: {estimate:+.2f} points [{ci_low:+.2f}, {ci_high:+.2f}]."),
}  # fmt: skip
MODELLED = {
    "clustered": N_("Respondents come from {clusters:,.0f} branches or officers: errors are clustered by these and "
                    "corrected for their number, which leaves Student's t {least:.0f} to {most:.0f} degrees of "
                    "freedom."),
    "alone": N_("No branch or officer is given, so each respondent counts as asked alone; where people were asked "
                "branch by branch, these intervals are too narrow."),
    "few": N_("Too few branches or people stand behind these (less than {least_dof:.0f} degrees of freedom), so "
              "neither interval nor test is given: {left}."),
    "no column": N_("Not testable here, because the answers have no column “{column}”: {left}."),
    "no answers": N_("Not testable here, because fewer than two people of a group answered: {left}."),
    "agreed": N_("As a check, cumulative logits of the single answers, without weights, agree with each of {n} "
                 "comparisons in direction and in whether the interval is clear of no difference."),
    "check": N_("As a check, cumulative logits of the single answers, without weights, point the same way on "
                "{same} of {n} comparisons, and on {agreed} they agree whether the interval is clear of no "
                "difference."),
}  # fmt: skip


def _compared(models: pd.DataFrame) -> pd.DataFrame:
    def called(row: pd.Series) -> str:
        pair, meant = (row["first"], row["second"]), row["construct"].startswith(f"strategy {row['first']}")
        return MEANT if meant and not row["second"] else COMPARED.get(pair, " – ".join(filter(None, pair)))

    return models.assign(compared=models.apply(called, axis=1)).replace({"construct": CALLED})


def modelled(models: pd.DataFrame) -> list[Said]:
    """Say what the comparisons rest on, which of them cannot be made, and whether the ordinal check agrees.

    `models`: `construct, by, first, second, estimate, ci_low, ci_high, odds_ratio, odds_low, odds_high, dof, clusters,
    clustered, least_dof, result`.
    """
    rows = _compared(models)
    tested, said = rows[rows["result"].isin(["differ", "open"])], []
    if len(tested):
        known = tested[tested["clustered"].astype(bool)]
        fields = {"clusters": known["clusters"].max(), "least": tested["dof"].min(),
                  "most": tested["dof"].max()}  # fmt: skip
        said.append(Said(MODELLED["clustered"], fields) if len(known) else Said(MODELLED["alone"]))
    columns = rows["by"].where(rows["result"] == "no column", "")
    for (why, column), part in rows.groupby(["result", columns], sort=False):
        if why in ("few", "no column", "no answers"):
            scales = part.groupby("compared", sort=False)["construct"].agg(list)
            left = [Said(WITH, {"compared": name, "scales": asked}) for name, asked in scales.items()]
            fields = {"column": column, "least_dof": part["least_dof"].iloc[0]}
            said.append(chosen(MODELLED, why, left=left, **fields))
    both = tested[tested["odds_ratio"].notna()]
    if len(both):
        same = (both["estimate"] > 0) == (both["odds_ratio"] > 1)
        clear = ((both["ci_low"] > 0) | (both["ci_high"] < 0)) == (
            (both["odds_low"] > 1) | (both["odds_high"] < 1)
        )
        fields = {"same": int(same.sum()), "n": len(both), "agreed": int(clear.sum())}
        said.append(chosen(MODELLED, "agreed" if (same & clear).all() else "check", **fields))
    return said


def differences(models: pd.DataFrame, origin: str) -> list[Exhibit]:
    """Show how far groups differ in satisfaction and acceptance, other things equal; nothing where none can be tested.

    `models`: as for `modelled`, and `standardised, standardised_low, standardised_high, p_holm, n, fewer`.
    """
    rows = _compared(models)
    rows = rows[rows["result"].isin(["differ", "open"])].reset_index(drop=True)
    if rows.empty:
        return []
    differ = rows[rows["result"] == "differ"]
    top = (differ if len(differ) else rows).loc[lambda part: part["standardised"].abs().idxmax()]
    fields = top[["compared", "estimate", "ci_low", "ci_high"]].to_dict() | {"n": len(rows),
                                                                             "scale": top["construct"]}  # fmt: skip
    if len(differ):
        fields["differ"] = len(differ)
    headings = {
        "construct": N_("Scale"), "compared": N_("Groups compared"),
        "estimate": N_("Difference, points [95 % interval]"),
        "standardised": N_("In standard deviations [95 % interval]"), "p_holm": N_("p (Holm)"),
        "odds_ratio": N_("Odds ratio of a higher answer [95 % interval]"), "n": N_("People (smaller group)"),
    }  # fmt: skip
    return [Exhibit(
        "differences", rows, Said(DIFFER["some" if len(differ) else "none"], fields),
        Said(N_("A row per comparison with a dot and interval, against a dashed line at no difference.")),
        differences_drawn, within=None, origin=origin, headings=headings,
        formats={"estimate": "{estimate:+.2f} [{ci_low:+.2f}, {ci_high:+.2f}]", "p_holm": "p",
                 "standardised": "{standardised:+.2f} [{standardised_low:+.2f}, {standardised_high:+.2f}]",
                 "odds_ratio": interval(".2f", "odds_ratio", "odds"),
                 "n": "{n:,.0f} ({fewer:,.0f})"},
    )]  # fmt: skip


@drawing
def differences_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw the differences with their intervals."""
    figure = dots_by_group(frame, "compared", 0, words)
    figure.axes[0].set_xlabel(words(N_("Difference in points, 95 % interval; dashed: none")), loc="right")
    return figure
