"""Page 07: do tiers hold, and when must they be cut anew?"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from research.exhibits.comparison import NAMES, in_text
from research.exhibits.exhibit import Exhibit, drawing
from research.exhibits.style import (
    ACCENT,
    INK,
    MODEL_COLOURS,
    MUTED,
    WARNING,
    canvas,
    forest,
    label_below,
    panels_of_tiers,
    percent,
    persons,
    small_multiples,
)
from research.exhibits.words import N_, Said, Words, in_english
from research.tiers import LABELS, TIERS

SIGNALS = {"green": "#e8f2ec", "amber": "#fbf0d9", "red": "#f9e2da"}
EACH = "{estimate:.1%} [{ci_low:.1%}, {ci_high:.1%}]"
SIMULATED = N_(
    "Method demonstration on a simulated bank with one known shock: no bank, no person, no verdict."
)
MISSING = N_("No real customers are followed over months here, and none are recorded yet.")
FOLLOWED = {
    "real": N_("Real data: {title}."),
    "recorded": N_("Real data, as recorded with the project: {title}. The file itself is not here."),
    "missing": N_("{title}: neither the file nor a record of it is here; the first four sections are empty."),
}
SAMPLED = N_(
    "{followed} The loan book of this study has no months to follow: none of its {rows:,} customers is on this page. "
    "Elsewhere models are compared on {n:,} of them, drawn by lot within each outcome (seed {seed})."
)


def followed(whose: Mapping[str, str], sample: Mapping[str, Any] | None) -> Said:
    """Say whose tiers are followed, and what is sampled of a large loan book: `n` of `rows` with a `seed`."""
    said = Said(FOLLOWED[whose["origin"]], {"title": whose["title"]})
    return Said(SAMPLED, {"followed": said, **sample}) if sample else said


def simulated() -> Said:
    """Say that what follows demonstrates methods."""
    return Said(SIMULATED)


SORTED = {
    "apart": N_(
        "Cut once and then frozen, the tiers of {model} still sorted real customers {months} months later: {rate} "
        "{premium:.1%} in premium, {high:.1%} in high risk."
    ),
    "open": N_(
        "Cut once and then frozen, the tiers of {model} no longer sorted real customers {months} months later: {rate} "
        "{premium:.1%} in premium, {high:.1%} in high risk."
    ),
    "reversed": N_(
        "Cut once and then frozen, the tiers of {model} ran backwards {months} months later: {rate} {premium:.1%} in "
        "premium, {high:.1%} in high risk."
    ),
}
CHANGED = N_("{changed:.0%} of the customers had changed tier by then.")
DRIFTED = {
    "green": N_("No model's score had left its stable band, so drift alone does not call for new tiers."),
    "amber": N_("The score of {models} had left its stable band: a reason to look, not yet to cut anew."),
    "red": N_("The score of {models} had become unstable: its tiers need a review before further use."),
}


def answer(frames: Mapping[str, pd.DataFrame]) -> list[Said]:
    """Say whether frozen tiers of the last model still sort, how many moved, and whether a score drifted."""
    if not {"migration", "frozen_rates", "shifts"} <= set(frames):
        return [Said(MISSING)]
    model = frames["migration"]["model"].iloc[-1]
    row = frames["frozen_rates"].set_index("ranking").loc[model].iloc[0]
    moved, scores = far(frames["migration"]), frames["shifts"].query("what == 'score'")
    worst = next(signal for signal in reversed(SIGNALS) if (scores["signal"] == signal).any())
    named = {"models": in_text(list(scores.loc[scores["signal"] == worst, "name"]))}
    return [
        Said(SORTED[row["result"]], {"months": int(moved["months"].iloc[0]), "rate": row["rate_word"],
                                     "model": in_text([model]), "premium": row["premium"], "high": row["high"]}),
        Said(CHANGED, {"changed": 1 - same(moved).loc[model]}),
        Said(DRIFTED[worst], {} if worst == "green" else named),
    ]  # fmt: skip


def far(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the moves over all months."""
    return rows[rows["months"] == rows["months"].max()]


def same(moved: pd.DataFrame) -> pd.Series:
    """Return the share of customers who are where they started, by model."""
    stay = moved[moved["from"].astype(str) == moved["to"].astype(str)].groupby("model", sort=False)
    return stay["count"].sum() / stay["n"].sum()


# ------------------------------------------------------------------------------------------------------ real customers
STAYED = N_("Of {n:,.0f} customers these were in the same tier {months:.0f} months later: {stays}.")
UNDER = N_("{share:.0%} under {model}")


def migration(rows: pd.DataFrame, origin: str) -> Exhibit:
    """Show who moved from which tier to which over all months, a matrix per model.

    Args:
        rows: `model, months, from, to, count, n, estimate, ci_low, ci_high`.
        origin: `real` or `recorded`, here and below.
    """
    whole = far(rows)
    stays = [Said(UNDER, {"share": share, "model": in_text([name])}) for name, share in same(whole).items()]
    n = whole.groupby("model")["count"].sum().max()
    said = Said(STAYED, {"n": n, "months": whole["months"].iloc[0], "stays": stays})
    alt = Said(N_("A matrix per model: tier at the start by tier at the end, darkest on the diagonal."))
    return Exhibit(
        "migration", rows, said, alt, migration_drawn, within=("model", "months"), origin=origin,
        headings={"model": N_("Model"), "months": N_("Months"), "from": N_("From"), "to": N_("To"),
                  "count": N_("Customers"), "n": N_("of"), "estimate": N_("Share [95 % interval]")},
        formats={"estimate": EACH, "count": ",.0f", "n": ",.0f"},
    )  # fmt: skip


@drawing
def migration_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw a matrix per model over all months; the diagonal has its interval, each row its customers."""
    whole, places = far(frame).rename(columns={"from": "start"}), [place + 0.5 for place in range(len(TIERS))]
    models, labels = list(dict.fromkeys(whole["model"])), [words.tier(tier) for tier in TIERS]
    lines = len(models) if words.narrow else 1
    figure = canvas(words, 2.1 * lines + 0.3)
    grid = figure.subplots(lines, len(models) // lines, squeeze=False).ravel()
    for axes, name in zip(grid, models, strict=True):
        part = whole[whole["model"] == name]
        square = part.pivot(index="start", columns="to", values="estimate").loc[[*TIERS], [*TIERS]]
        sns.heatmap(square, cmap="Blues", vmin=0, vmax=1, cbar=False, linewidths=1, ax=axes)
        for row in part.itertuples():
            text = words.number(row.estimate, ".0%")
            if row.start == row.to:
                text += words(N_("\n{low:.0f}–{high:.0f}"), low=100 * row.ci_low, high=100 * row.ci_high)
            axes.text(places[TIERS.index(row.to)], places[TIERS.index(row.start)], text, ha="center", va="center",
                      fontsize=7, color="white" if row.estimate > 0.55 else INK)  # fmt: skip
        n = part.groupby("start", observed=True)["n"].first().reindex(TIERS)
        rows = [f"{label}\n{persons(size, words)}" for label, size in zip(labels, n, strict=True)]
        axes.set_yticks(places, rows)
        axes.set_xticks(places, [label.split()[0] for label in labels])
        axes.tick_params(labelsize=7, rotation=0)
        axes.set(xlabel="", ylabel="", title=words(NAMES[name]))
    label_below(figure, words(N_("Rows: tier at the start. Columns: at the end, 95 % intervals.")), words)
    return figure


AHEAD = N_(
    "In {more} of {n} tiers more customers stayed for {months:.0f} months than the moves of single months, repeated, "
    "would say, in {fewer} fewer."
)


def ahead(rows: pd.DataFrame, origin: str) -> Exhibit:
    """Show who stayed for all months, and what the moves of a month say of it, by two methods."""
    more, fewer = (int((rows["result"] == result).sum()) for result in ("more", "fewer"))
    said = Said(AHEAD, {"more": more, "n": len(rows), "months": rows["months"].max(), "fewer": fewer})
    frame = rows.assign(label=rows["model"].map(NAMES), tier_label=rows["tier"].map(LABELS))
    return Exhibit(
        "ahead", frame, said, within=None, origin=origin, supplement=True,
        headings={"label": N_("Model"), "tier_label": N_("Tier"), "n": N_("Customers"),
                  "seen": N_("Stayed [95 % interval]"), "cohort": N_("Said by the matrix of a month"),
                  "duration": N_("Said by the time in each tier")},
        formats={"seen": "{seen:.1%} [{ci_low:.1%}, {ci_high:.1%}]", "cohort": ".1%", "duration": ".1%", "n": ",.0f"},
    )  # fmt: skip


HOLD = {
    "all": N_(
        "After {last}, under every model frozen in {first}, the {rate} rises from premium to high risk beyond chance; "
        "under the scorecard by {gap:.1pp} percentage points."
    ),
    "some": N_(
        "After {last} the {rate} rises from premium to high risk beyond chance under {models}, frozen in {first}; "
        "not under {others}."
    ),
    "none": N_("After {last} no model frozen in {first} has a {rate} that rises from premium to high risk."),
}


def frozen_rates(rows: pd.DataFrame, origin: str) -> Exhibit:
    """Show the outcome after the last month by tier, under models frozen at the first.

    Args:
        rows: `ranking, tier, n, known, bad, rate, ci_low, ci_high, overall`, `result` and `gap` of the test of trend,
            `rate_word`, `first` and `last` month.
    """
    tests = rows.dropna(subset=["result"]).groupby("ranking", sort=False).first()
    held, others = (list(tests.index[(tests["result"] == "apart") == side]) for side in (True, False))
    code = "none" if not held else "some" if others else "all"
    fields = {"last": rows["last"].iloc[0], "first": rows["first"].iloc[0], "rate": rows["rate_word"].iloc[0]}
    named = {"all": {"gap": tests["gap"].get("scorecard")}, "none": {},
             "some": {"models": in_text(held), "others": in_text(others)}}  # fmt: skip
    alt = Said(N_("A panel per ranking, scorecard and lots beside: four tiers with interval and n."))
    return Exhibit(
        "frozen_rates", rows, Said(HOLD[code], fields | named[code]), alt, frozen_rates_drawn, within=("ranking",),
        headings={"ranking": N_("Ranking"), "tier": N_("Tier"), "n": N_("Customers"), "bad": N_("Bad"),
                  "rate": N_("Rate [95 % interval]")},
        formats={"rate": "{rate:.1%} [{ci_low:.1%}, {ci_high:.1%}]", "n": ",.0f", "bad": ",.0f"}, origin=origin,
    )  # fmt: skip


@drawing
def frozen_rates_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw a panel per ranking; the dashed line is the rate of all customers."""
    parts = [(words(NAMES[name]), part) for name, part in frame.groupby("ranking", sort=False)]
    text, row = N_("{rate} after {last}, 95 % interval; the dashed line is the rate of all"), frame.iloc[0]
    label = words(text, last=row["last"], rate=row["rate_word"].capitalize())
    return panels_of_tiers(parts, words, 3, 1.5, label)


SHIFTED = {
    "none": N_(
        "From {first} to {last} no score, tier share or input left the stable band, below {bound:.2f}."
    ),
    "some": N_(
        "From {first} to {last}, {out} of {n} indices left the stable band (below {bound:.2f}); the largest is that of "
        "“{top}”, {value:.2f}."
    ),
}
WHAT = {"score": N_("Score"), "tiers": N_("Tier shares"), "input": N_("Input")}
OF = {"score": N_("{name}, score"), "tiers": N_("{name}, tier shares"), "input": "{name}"}


def shifts(rows: pd.DataFrame, origin: str) -> Exhibit:
    """Show how far scores, tier shares and inputs moved between the first month and the last.

    Args:
        rows: `what, name, label, estimate, verdict, signal, n, first, last, shifted_from, unstable_from`.
    """
    frame = rows.assign(label=rows["name"].map(NAMES).fillna(rows["label"]), kind=rows["what"].map(WHAT))
    out, top = int((frame["signal"] != "green").sum()), frame.loc[frame["estimate"].idxmax()]
    fields = {"first": top["first"], "last": top["last"], "bound": top["shifted_from"]}
    if out:
        fields |= {"out": out, "n": len(frame), "top": index_of(top), "value": top["estimate"]}
    alt = Said(N_("A dot per index on the bands stable, shifted and unstable, largest first."))
    return Exhibit(
        "shifts", frame, Said(SHIFTED["some" if out else "none"], fields), alt, shifts_drawn, within=None,
        headings={"kind": N_("Index of"), "label": N_("Model or input"), "estimate": N_("Stability index"),
                  "verdict": N_("Verdict"), "n": N_("Customers")},
        formats={"estimate": ".3f", "n": ",.0f"}, origin=origin,
    )  # fmt: skip


def index_of(row: pd.Series) -> Said:
    """Say of what a stability index is."""
    return Said(OF[row["what"]], {"name": Said(row["label"])})


@drawing
def shifts_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw the indices of scores and tier shares, and the eight largest of the inputs, on their bands."""
    inputs = frame["what"] == "input"
    parts = {N_("Scores and tier shares"): frame[~inputs].nlargest(8, "estimate"),
             N_("Inputs that moved most"): frame[inputs].nlargest(8, "estimate")}  # fmt: skip
    heights, top = [len(part) + 1.5 for part in parts.values()], max(0.3, 1.1 * frame["estimate"].max())
    figure = canvas(words, max(2.4, 0.2 * sum(heights) + 0.5))
    grid = figure.subplots(2, 1, sharex=True, height_ratios=heights)
    for axes, (title, part) in zip(grid, parts.items(), strict=True):
        bands(axes.axvspan, part["shifted_from"].iloc[0], part["unstable_from"].iloc[0], top)
        sns.scatterplot(x=part["estimate"], y=[*range(len(part))], color=INK, s=30, ax=axes, zorder=3)
        axes.set_yticks(range(len(part)), [words.said(index_of(row)) for _, row in part.iterrows()])
        axes.set(title=words(title), xlabel="", ylabel="", xlim=(0, top), ylim=(len(part) - 0.4, -0.6))
        sns.despine(ax=axes, left=True)
    label_below(figure, words(N_("Stability index; green: stable, yellow: shifted, red: unstable")), words)
    return figure


def bands(span: Callable[..., Any], amber: float, red: float, top: float) -> None:
    """Shade the bands of a measure, along the axis that `span` draws on."""
    for signal, low, high in zip(SIGNALS, (0, amber, red), (amber, red, top), strict=True):
        span(low, high, color=SIGNALS[signal], zorder=0, linewidth=0)


FLAGS = {"rule": N_("Contact plan"), "value": N_("Value alone"), "random": N_("By lot")}
FOUND = {
    "better": N_(
        "Low-risk customers flagged under {found} became premium more often than others; more often than those picked "
        "by value alone only under {better}."
    ),
    "level": N_(
        "Low-risk customers flagged under {found} became premium more often than others, but under no model more often "
        "than those picked by value alone."
    ),
    "none": N_(
        "Under no model are flagged low-risk customers shown to become premium more often than others."
    ),
}
FLAGGED = N_(
    "Under {model}, {arrived:,.0f} of {flagged:,.0f} flagged customers were premium two months later ({share:.1%}), "
    "and {others:.1%} of the other low-risk customers: {lift:.1f} times as often (95 % interval {low:.1f} to "
    "{high:.1f})."
)
VALUE = {
    "better": N_("As many picked by value alone would have found fewer, {arrived:,.0f}."),
    "worse": N_("As many picked by value alone would have found more, {arrived:,.0f}."),
    "open": N_(
        "As many picked by value alone would have found {arrived:,.0f}; that is no difference beyond chance."
    ),
}


def flags(rows: pd.DataFrame, origin: str) -> Exhibit:
    """Show how many times as often flagged low-risk customers became premium as the others, a panel per model.

    Args:
        rows: `model, flag, flagged, arrived, rest, arrived_rest, estimate, ci_low, ci_high, result`.
    """
    rule = rows[rows["flag"] == "rule"].set_index("model")
    found, better = list(rule.index[rule["ci_low"] > 1]), list(rule.index[rule["result"] == "better"])
    code = "none" if not found else "better" if better else "level"
    fields = {"none": {}, "level": {"found": in_text(found)},
              "better": {"found": in_text(found), "better": in_text(better)}}  # fmt: skip
    alt = Said(N_("A panel per model: lift of the flag, of value alone and of lots; a line at one."))
    return Exhibit(
        "flags", rows, Said(FOUND[code], fields[code]), alt, flags_drawn, within=None, origin=origin,
        headings={"model": N_("Model"), "flag": N_("Flagged by"), "flagged": N_("Flagged"),
                  "arrived": N_("of these premium"), "rest": N_("Others"), "arrived_rest": N_("premium"),
                  "estimate": N_("Lift [95 % interval]")},
        formats={"estimate": "{estimate:.1f} [{ci_low:.1f}, {ci_high:.1f}]"}
        | dict.fromkeys(["flagged", "arrived", "rest", "arrived_rest"], ",.0f"),
    )  # fmt: skip


@drawing
def flags_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw a forest of lifts per model."""
    models = list(dict.fromkeys(frame["model"]))
    figure, panels = small_multiples(words, len(models), columns=3, row_height=1.2)
    for axes, name in zip(panels, models, strict=True):
        part = frame[frame["model"] == name].set_index("flag").rename(index=FLAGS)
        rows = part.reindex(columns=[*part.columns, "prediction_low", "prediction_high"])
        forest(axes, rows, list(FLAGS.values()), "", 1, words)
        axes.set_title(words(NAMES[name]))
    panels[0].set_xlim(left=0)
    text = N_("Lift, flagged over not flagged, with 95 % interval; by lot: where the draws lie")
    label_below(figure, words(text), words)
    return figure


def flagged(rows: pd.DataFrame) -> list[Said]:
    """Say what the flag found under the last model, and what value alone would have found."""
    model = rows["model"].iloc[-1]
    part = rows[rows["model"] == model].set_index("flag")
    rule = part.loc["rule"]
    fields = {"model": in_text([model]), "share": rule["arrived"] / rule["flagged"],
              "others": rule["arrived_rest"] / rule["rest"], "lift": rule["estimate"], "low": rule["ci_low"],
              "high": rule["ci_high"], "arrived": rule["arrived"], "flagged": rule["flagged"]}  # fmt: skip
    return [Said(FLAGGED, fields), Said(VALUE[rule["result"]], {"arrived": part.loc["value", "arrived"]})]


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


# --------------------------------------------------------------------------------------------------- the simulated bank
MEASURES = {
    "psi": N_("stability index of the score of new loans"),
    "downgrade_ratio": N_("downgrades over their usual number"),
    "calibration_ratio": N_("observed over expected defaults"),
}
RULE = N_(
    "Three measures are watched: {measures}. Tiers are reviewed when at least {red} is red for {red_months} months in "
    "a row, {raised} are amber or red for {raised_months}, or any is for {lasting}. The rule is then silent until all "
    "have been below {margin:.0%} of their amber bound for {clear} months."
)
FIRED = {
    "all": N_(
        "The rule called for a review under every model, at most {last:.0f} months after the shock; false alarms in "
        "the {watched} months before: {before}."
    ),
    "some": N_(
        "The rule called for a review under {models}, at most {last:.0f} months after the shock, and never under "
        "{others}; false alarms in the {watched} months before: {before}."
    ),
    "none": N_(
        "The rule called for no review after the shock; false alarms in {watched} months before: {before}."
    ),
}


def rule(given: Mapping[str, Any]) -> Said:
    """State the rule that calls for new tiers, from its file."""
    numbers = {name.removesuffix("_measures"): value for name, value in given["fire"].items()}
    numbers["lasting"] = numbers.pop("lasting_months")
    cleared = {"margin": given["clear"]["margin"], "clear": given["clear"]["months"]}
    return Said(RULE, numbers | cleared | {"measures": [Said(MEASURES[name]) for name in given["measures"]]})


def trigger(rows: pd.DataFrame, delay: pd.DataFrame) -> Exhibit:
    """Show the measures of the rule month by month, and when it fired.

    Args:
        rows: `model, period, measure, value, signal, fired, amber, red, shock`.
        delay: `model, delay, before, months_watched_before`.
    """
    when, never = delay.dropna(subset=["delay"]), delay.loc[delay["delay"].isna(), "model"]
    code = "none" if when.empty else "some" if len(never) else "all"
    fields = {"before": int(delay["before"].sum()), "watched": int(delay["months_watched_before"].max())}
    found = {"models": in_text(list(when["model"])), "others": in_text(list(never))} if code == "some" else {}
    fields |= found if code == "none" else found | {"last": when["delay"].max()}
    alt = Said(N_("A panel per measure on its bands, a line per model, a diamond for a review."))
    return Exhibit(
        "trigger", rows, Said(FIRED[code], fields), alt, trigger_drawn, within=None, origin="demonstration",
        headings={"model": N_("Model"), "period": N_("Month"), "measure": N_("Measure"), "value": N_("Value"),
                  "signal": N_("Signal"), "fired": N_("Review called")},
        formats={"value": ".2f", "period": ".0f"},
    )  # fmt: skip


@drawing
def trigger_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw a panel per measure: bands, a line per model, the month of the shock, and where the rule fired."""
    frame = frame.assign(name=[words(NAMES[name]) for name in frame["model"]])
    colours = {words(NAMES[name]): MODEL_COLOURS[name] for name in dict.fromkeys(frame["model"])}
    figure = canvas(words, 4.9)
    grid = figure.subplots(len(MEASURES), 1, sharex=True)
    for axes, (measure, title) in zip(grid, MEASURES.items(), strict=True):
        part = frame[frame["measure"] == measure]
        why = part[part["fired"].astype(bool) & (part["signal"] != "green")]
        top = 1.15 * max(part["value"].max(), part["red"].iloc[0])
        bands(axes.axhspan, part["amber"].iloc[0], part["red"].iloc[0], top)
        lines = {"x": "period", "y": "value", "hue": "name", "palette": colours, "ax": axes}
        sns.lineplot(part, **lines, legend=axes is grid[0])
        if len(why):
            sns.scatterplot(why, **lines, marker="D", s=40, legend=False, zorder=4)
        axes.axvline(part["shock"].iloc[0], color=WARNING, linewidth=1, linestyle=(0, (1, 2)))
        axes.set(title=words(title).capitalize(), xlabel="", ylabel="", ylim=(0, top))
        axes.margins(x=0.01)
        sns.despine(ax=axes)
    sns.move_legend(grid[0], "upper left", ncols=1 if words.narrow else 3, title=None)
    label_below(figure, words(N_("Month. Dotted: the shock begins. Diamond: why a review is called.")), words)
    return figure


WARNED = N_(
    "Of the rules that do without arrears, “{rule}” warned of most defaults, {hit:.0%}, {lead:.0f} months ahead; "
    "{share:.0%} of its alarms were right, against {base:.0%} of months picked blindly."
)


def warnings(rows: pd.DataFrame) -> Exhibit:
    """Show the worth of every early-warning rule: hits, right alarms and months of lead.

    Args:
        rows: `rule, label, arrears`, `hit_rate` and `precision` with intervals, `base_rate`, lead (median, quartiles).
    """
    best = rows[~rows["arrears"].astype(bool)].nlargest(1, "hit_rate").iloc[0]
    said = Said(WARNED, {"rule": best["label"], "hit": best["hit_rate"], "lead": best["lead_median"],
                         "share": best["precision"], "base": best["base_rate"]})  # fmt: skip
    alt = Said(N_("Rows are rules; panels: defaults warned of, right alarms, months of lead."))
    return Exhibit(
        "warnings", rows, said, alt, warnings_drawn, within=None, origin="demonstration",
        headings={"label": N_("Rule"), "condition": N_("Condition"), "hit_rate": N_("Defaults warned of"),
                  "precision": N_("Alarms that were right"), "lead_median": N_("Months of lead"),
                  "alarms_per_1000": N_("Alarms per thousand months"), "noticed": N_("Hidden distress noticed")},
        formats={"hit_rate": "{hit_rate:.0%} [{hit_rate_ci_low:.0%}, {hit_rate_ci_high:.0%}]", "noticed": ".0%",
                 "precision": "{precision:.0%} [{precision_ci_low:.0%}, {precision_ci_high:.0%}]",
                 "lead_median": "{lead_median:.0f} [{lead_q25:.0f}, {lead_q75:.0f}]", "alarms_per_1000": ".1f"},
    )  # fmt: skip


@drawing
def warnings_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw dots with intervals: hit rate, precision and median lead of every rule, most hits first."""
    rows, places = frame.sort_values("hit_rate", ascending=False), [*range(len(frame))]
    panels = (
        ("hit_rate", "hit_rate_ci_low", "hit_rate_ci_high", N_("Defaults warned of")),
        ("precision", "precision_ci_low", "precision_ci_high", N_("Right alarms")),
        ("lead_median", "lead_q25", "lead_q75", N_("Months of lead")),
    )
    figure = canvas(words, (0.33 * len(rows) + 0.7) * (3 if words.narrow else 1))
    grid = figure.subplots(3 if words.narrow else 1, 1 if words.narrow else 3, sharey=True)
    for axes, (column, low, high, title) in zip(grid, panels, strict=True):
        axes.hlines(places, rows[low], rows[high], color=ACCENT, linewidth=1.4)
        sns.scatterplot(x=rows[column], y=places, color=ACCENT, s=32, ax=axes, zorder=3)
        axes.set_yticks(places, [textwrap.fill(words(text), 30) for text in rows["label"]], fontsize=7.5)
        axes.set(title=words(title), xlabel="", ylabel="", ylim=(len(rows) - 0.5, -0.5))
        axes.set_xlim(0, rows[high].max() + 1 if column == "lead_median" else 1.03)
        if column != "lead_median":
            percent(axes.xaxis, words)
        if column == "precision":
            axes.axvline(rows["base_rate"].iloc[0], color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
        axes.grid(axis="x")
        sns.despine(ax=axes, left=True)
    label_below(
        figure,
        words(N_("Lines: 95 % intervals, for the lead quartiles; dashed: months picked blindly")),
        words,
    )
    return figure


EVENTS = {"default": N_("default"), "churned": N_("leaving"), "loss_rate": N_("loss, share of amount")}
RISES = {
    "all": N_("In the year after the loan {rising} rise from premium to high risk beyond chance."),
    "some": N_(
        "In the year after the loan {rising} rises from premium to high risk beyond chance; for {others} no such rise "
        "is shown."
    ),
    "none": N_("In the year after the loan neither default nor leaving is shown to rise over the tiers."),
}


def tier_quality(rows: pd.DataFrame) -> Exhibit:
    """Show default, loss and leaving by the tier at the application.

    Args:
        rows: `tier, measure, events, n, estimate, ci_low, ci_high, result` (of the test of trend; losses have none).
    """
    tests = rows.dropna(subset=["result"]).groupby("measure", sort=False)["result"].first()
    rising, others = ([Said(EVENTS[name]) for name in tests.index[(tests == "apart") == side]]
                      for side in (True, False))  # fmt: skip
    code = "none" if not rising else "some" if others else "all"
    fields = {"all": {"rising": rising}, "some": {"rising": rising, "others": others}, "none": {}}
    frame = rows.assign(event=rows["measure"].map(EVENTS), tier_label=rows["tier"].map(LABELS))
    alt = Said(N_("Panels of default, leaving and loss: four tiers each with interval and n."))
    return Exhibit(
        "tier_quality", frame, Said(RISES[code], fields[code]), alt, tier_quality_drawn, within=("measure",),
        headings={"event": N_("Event"), "tier_label": N_("Tier"), "events": N_("Events"), "n": N_("Customers"),
                  "estimate": N_("Rate [95 % interval]")},
        formats={"estimate": EACH, "events": ",.0f", "n": ",.0f"}, origin="demonstration",
    )  # fmt: skip


@drawing
def tier_quality_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw a panel per event."""
    rates = frame.rename(columns={"estimate": "rate"})
    parts = [
        (words(title).capitalize(), rates[rates["measure"] == measure]) for measure, title in EVENTS.items()
    ]
    return panels_of_tiers(parts, words, 3, 1.5, words(N_("Share in the year after the loan, 95 % interval")))


AGAINST = N_(
    "{n:,.0f} of {all:,.0f} customers called premium or low risk are substandard or in stage 3 a year later (policy "
    "file, version {version})."
)


def categories(rows: pd.DataFrame, against: pd.DataFrame, version: str) -> Exhibit:
    """Show five categories and IFRS 9 stages by tier.

    Args:
        rows: `tier, five_category, ifrs9_stage, n`.
        against: contradictions: `severity, tier, customers`.
        version: of the policy file.
    """
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


VINTAGE = N_(
    "After {months} months {late:.1%} of the latest loans had defaulted (95 % interval {late_low:.1%} to "
    "{late_high:.1%}), of the first {early:.1%} ({early_low:.1%} to {early_high:.1%})."
)
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
        formats={"estimate": EACH, "n": ",.0f"}, origin="demonstration", supplement=True,
    )  # fmt: skip


@drawing
def vintages_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw a curve per cohort, the latest with its interval."""
    figure, cohorts = canvas(words, 2.8), sorted(frame["cohort"].unique())
    axes, colours = figure.subplots(), sns.color_palette("crest", len(cohorts))
    look = {"hue": "cohort", "hue_order": cohorts, "palette": colours}
    sns.lineplot(frame, x="months_on_book", y="estimate", ax=axes, **look)
    last = frame[frame["cohort"] == cohorts[-1]]
    axes.fill_between(last["months_on_book"], last["ci_low"], last["ci_high"], color=colours[-1], alpha=0.2)
    percent(axes.yaxis, words)
    axes.set(xlabel=words(N_("Months on book")), ylabel=words(N_("Defaulted")), ylim=(0, None))
    sns.move_legend(axes, "upper left", title=words(N_("Loans of months")))
    sns.despine(ax=axes)
    return figure


# ------------------------------------------------------------------------------------------------- reviews and feedback
REVIEWS = N_("{n} reviews come round every {least} to {most} months; each says who looks at what, and why.")
NO_LOG = N_(
    "No interaction log was given. `research contacts` writes the contact plan with a log sheet; the returned file is "
    "named in the parameter `feedback`."
)
REACHED = N_("Officers reported {n:,.0f} contacts; {share:.0%} of the customers were reached.")


def reviews(rows: pd.DataFrame) -> Exhibit:
    """Show what is reviewed, how often and by whom."""
    least, most = (int(rows["cadence_months"].agg(end)) for end in ("min", "max"))
    return Exhibit(
        "reviews", rows, Said(REVIEWS, {"n": len(rows), "least": least, "most": most}), within=None, supplement=True,
        headings={"label": N_("Review"), "cadence_months": N_("Every … months"), "owner": N_("By"),
                  "reads": N_("Reads"), "decides": N_("Decides")},
    )  # fmt: skip


def no_log() -> Said:
    """Say how an interaction log comes in."""
    return Said(NO_LOG)


def feedback(rows: pd.DataFrame) -> Exhibit:
    """Show what officers reported in a returned log, by tier: `tier, measure, estimate, ci_low, ci_high, n`."""
    every = rows[rows["tier"] == "all"].set_index("measure").loc["share reached"]
    shown = rows[rows["tier"] != "all"]
    events = (shown["estimate"] * shown["n"]).where(shown["measure"].str.startswith("share"), 0)
    return Exhibit(
        "feedback", shown.assign(events=events), Said(REACHED, {"n": every["n"], "share": every["estimate"]}),
        headings={"measure": N_("Measure"), "tier": N_("Tier"), "estimate": N_("Estimate [95 % interval]"),
                  "n": N_("Contacts")},
        formats={"estimate": "{estimate:.2f} [{ci_low:.2f}, {ci_high:.2f}]", "n": ",.0f"}, within=("measure",),
    )  # fmt: skip


LIMITS = (
    N_("One bank, one card, six months: slow changes are not seen, and no shock came."),
    N_(
        "The publisher's code for one month late is hardly used before the last month, so customers seem to go from "
        "current to two months late at once."
    ),
    N_("Value is an input of the premium tier, so that the valuable reach it is partly by construction."),
    N_("The rule for new tiers was tried on one simulated shock; after another it may fire later, or not."),
    N_("Simulated warning signals were made to react to distress: compare the rules with each other only."),
)


def limits() -> list[Said]:
    """Return what the page cannot say."""
    return [Said(text) for text in LIMITS]


FURTHER = {
    "05_comparison": N_("how the models compare before time passes"),
    "06_strategies": N_("what is done with each tier"),
    "11_synthesis": N_("what all of this says about the claims"),
}
