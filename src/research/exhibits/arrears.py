"""Page 07, arrears: rolls, warnings, loan quality by tier, and vintages."""

from __future__ import annotations

import textwrap

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from research.exhibits import style
from research.exhibits.exhibit import Exhibit, drawing, interval
from research.exhibits.words import N_, Said, Words, chosen, in_english
from research.tiers import LABELS, TIERS

ROLLED = N_(
    "Of {n:,.0f} months with an account {bucket} late, {cured:.0%} ended current, {worse:.0%} later still."
)


def rolls(rows: pd.DataFrame, origin: str) -> Exhibit:
    """Show what becomes of each bucket of arrears in a month; the caption takes the fullest that is late."""
    late = rows.iloc[1:].nlargest(1, "n").iloc[0]
    said = Said(ROLLED, {"bucket": late["from"]} | {name: late[name] for name in ("n", "cured", "worse")})
    return Exhibit(
        "rolls", rows, said, within=None, origin=origin, supplement=True,
        headings={"from": N_("Arrears"), "n": N_("Months of accounts"), "worse": N_("Later"), "stay": N_("As late"),
                  "better": N_("Less late"), "cured": N_("of these current")},
        formats=dict.fromkeys(["worse", "stay", "better", "cured"], ".1%") | {"n": ",.0f"},
    )  # fmt: skip


WARNED = N_("Of the rules that do without arrears, “{rule}” warned of most defaults, {hit:.0%}, {lead:.0f} months "
            "ahead; {share:.0%} of its alarms were right, against {base:.0%} of months picked blindly.")  # fmt: skip


def warnings(rows: pd.DataFrame) -> Exhibit:
    """Show the worth of every early-warning rule (hits, right alarms, lead): `rows` of the step `warnings`."""
    best = rows[~rows["arrears"].astype(bool)].nlargest(1, "hit_rate").iloc[0]
    said = Said(WARNED, {"rule": best["label"], "hit": best["hit_rate"], "lead": best["lead_median"],
                         "share": best["precision"], "base": best["base_rate"]})  # fmt: skip
    alt = Said(N_("Rows are rules; panels: defaults warned of, right alarms, months of lead."))
    return Exhibit(
        "warnings", rows, said, alt, warnings_drawn, within=None, origin="demonstration",
        headings={"label": N_("Rule"), "condition": N_("Condition"), "hit_rate": N_("Defaults warned of"),
                  "precision": N_("Alarms that were right"), "lead_median": N_("Months of lead"),
                  "alarms_per_1000": N_("Alarms per thousand months"), "noticed": N_("Hidden distress noticed")},
        formats={"hit_rate": interval(".0%", "hit_rate", "hit_rate_ci"), "noticed": ".0%",
                 "precision": interval(".0%", "precision", "precision_ci"),
                 "lead_median": "{lead_median:.0f} [{lead_q25:.0f}, {lead_q75:.0f}]", "alarms_per_1000": ".1f"},
    )  # fmt: skip


@drawing
def warnings_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw dots with intervals: hit rate, precision and median lead of every rule, most hits first."""
    rows, places = frame.sort_values("hit_rate", ascending=False), [*range(len(frame))]
    parts = (("hit_rate", "hit_rate_ci_low", "hit_rate_ci_high", N_("Defaults warned of")),
             ("precision", "precision_ci_low", "precision_ci_high", N_("Right alarms")),
             ("lead_median", "lead_q25", "lead_q75", N_("Months of lead")))  # fmt: skip
    figure, grid = style.panels(words, len(parts), 3, 0.33 * len(rows) + 0.7, 0, sharey=True)
    for axes, (column, low, high, title) in zip(grid, parts, strict=True):
        axes.hlines(places, rows[low], rows[high], color=style.ACCENT, linewidth=1.4)
        sns.scatterplot(x=rows[column], y=places, color=style.ACCENT, s=32, ax=axes, zorder=3)
        style.name_rows(axes, [textwrap.fill(words(text), 30) for text in rows["label"]], fontsize=7.5)
        axes.set_title(words(title))
        axes.set_xlim(0, rows[high].max() + 1 if column == "lead_median" else 1.03)
        if column != "lead_median":
            style.numbered(axes.xaxis, words)
        if column == "precision":
            axes.axvline(rows["base_rate"].iloc[0], color=style.MUTED, linewidth=1, linestyle=(0, (4, 3)))
    style.label_below(figure, words(N_("Lines: 95 % intervals, for the lead quartiles; dashed: months picked blindly")),
                words)  # fmt: skip
    return figure


EVENTS = {"default": N_("default"), "churned": N_("leaving"), "loss_rate": N_("loss, share of amount")}
RISES = {
    "all": N_("In the year after the loan {rising} rise from premium to high risk beyond chance."),
    "some": N_("In the year after the loan {rising} rises from premium to high risk beyond chance; for {others} no "
               "such rise is shown."),
    "none": N_("In the year after the loan neither default nor leaving is shown to rise over the tiers."),
}  # fmt: skip


def tier_quality(rows: pd.DataFrame) -> Exhibit:
    """Show default, loss and leaving by the tier at the application: `rows` of the step `tier_quality`."""
    tests = rows.dropna(subset=["result"]).groupby("measure", sort=False)["result"].first()
    rising, others = ([Said(EVENTS[name]) for name in tests.index[(tests == "apart") == side]]
                      for side in (True, False))  # fmt: skip
    code = "none" if not rising else "some" if others else "all"
    frame = rows.assign(event=rows["measure"].map(EVENTS), tier_label=rows["tier"].map(LABELS))
    alt = Said(N_("Panels of default, leaving and loss: four tiers each with interval and n."))
    return Exhibit(
        "tier_quality", frame, chosen(RISES, code, rising=rising, others=others), alt, tier_quality_drawn,
        within=("measure",),
        headings={"event": N_("Event"), "tier_label": N_("Tier"), "events": N_("Events"), "n": N_("Customers"),
                  "estimate": N_("Rate [95 % interval]")},
        formats={"estimate": interval(".1%"), "events": ",.0f", "n": ",.0f"}, origin="demonstration",
    )  # fmt: skip


@drawing
def tier_quality_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw a panel per event."""
    rates = frame.rename(columns={"estimate": "rate"})
    parts = [
        (words(title).capitalize(), rates[rates["measure"] == measure]) for measure, title in EVENTS.items()
    ]
    return style.panels_of_tiers(
        parts, words, 3, 1.5, words(N_("Share in the year after the loan, 95 % interval"))
    )


AGAINST = N_("{n:,.0f} of {all:,.0f} customers called premium or low risk are substandard or in stage 3 a year "
             "later (policy file, version {version}).")  # fmt: skip


def categories(rows: pd.DataFrame, against: pd.DataFrame, version: str) -> Exhibit:
    """Show five categories and IFRS 9 stages by tier: `rows`, `against` and `version` of the step `tier_categories`."""
    n = against.loc[against["severity"] == "critical", "customers"].sum()
    called = rows.loc[rows["tier"].isin(["premium", "low"]), "n"].sum()
    keys = ["five_category", "ifrs9_stage"]
    rows = rows.assign(**{name: in_english(rows[name]) for name in keys})
    wide = rows.astype({"tier": str}).groupby([*keys, "tier"], sort=False)["n"].sum().unstack(fill_value=0)
    frame = wide.reindex(columns=list(TIERS), fill_value=0).rename_axis(columns=None).reset_index()
    return Exhibit(
        "categories", frame, Said(AGAINST, {"n": n, "all": called, "version": version}), within=None,
        headings={"five_category": N_("Five categories"), "ifrs9_stage": N_("IFRS 9 stage"), **LABELS},
        formats=dict.fromkeys(TIERS, ",.0f"), origin="demonstration",
    )  # fmt: skip


VINTAGE = N_("After {months} months {late:.1%} of the latest loans had defaulted (95 % interval {late_low:.1%} to "
             "{late_high:.1%}), of the first {early:.1%} ({early_low:.1%} to {early_high:.1%}).")  # fmt: skip
YEAR = 12


def vintages(rows: pd.DataFrame) -> Exhibit:
    """Show the share of loans defaulted by months on book, a curve per half-year of the loan."""
    ends = {"late": rows["cohort"].max(), "early": rows["cohort"].min()}
    by_month = rows.set_index("months_on_book")
    curves = {name: by_month[by_month["cohort"] == cohort] for name, cohort in ends.items()}
    month = min(YEAR, *(int(curve.index.max()) for curve in curves.values()))
    fields = {
        f"{name}{end}": curve.loc[month, column]
        for name, curve in curves.items()
        for end, column in (("", "estimate"), ("_low", "ci_low"), ("_high", "ci_high"))
    }
    alt = Said(N_("A rising curve per half-year of loans, the latest with its interval."))
    return Exhibit(
        "vintages", rows, Said(VINTAGE, {"months": month} | fields), alt, vintages_drawn, within=None,
        headings={"cohort": N_("Months of the loan"), "months_on_book": N_("Months on book"), "n": N_("Loans"),
                  "estimate": N_("Defaulted [95 % interval]")},
        formats={"estimate": interval(".1%"), "n": ",.0f"}, origin="demonstration", supplement=True,
    )  # fmt: skip


@drawing
def vintages_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw a curve per cohort, the latest with its interval."""
    figure, cohorts = style.canvas(words, 2.8), sorted(frame["cohort"].unique())
    axes, colours = figure.subplots(), sns.color_palette("crest", len(cohorts))
    look = {"hue": "cohort", "hue_order": cohorts, "palette": colours}
    sns.lineplot(frame, x="months_on_book", y="estimate", ax=axes, **look)
    last = frame[frame["cohort"] == cohorts[-1]]
    axes.fill_between(last["months_on_book"], last["ci_low"], last["ci_high"], color=colours[-1], alpha=0.2)
    style.numbered(axes.yaxis, words)
    axes.set(xlabel=words(N_("Months on book")), ylabel=words(N_("Defaulted")), ylim=(0, None))
    sns.move_legend(axes, "upper left", title=words(N_("Loans of months")))
    sns.despine(ax=axes)
    return figure
