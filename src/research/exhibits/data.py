"""Page 01: who the customers are, what is measured of them, and what is not."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from research.exhibits.exhibit import Exhibit, drawing
from research.exhibits.style import ACCENT, INK, MUTED, canvas, dots, label_below, numbered, panels
from research.exhibits.words import N_, Said, Words, chosen

CRITERIA = {
    "C1": N_("Risk level"),
    "C2": N_("Amount, term and rate"),
    "C3": N_("Industry and income"),
    "C4": N_("Repayment capacity"),
    "C5": N_("Behaviour"),
    "C6": N_("Business value"),
    "C7": N_("Customer need"),
}
FITS = ["direct", "proxy", "absent"]
FITTED = {"direct": N_("directly"), "proxy": N_("through a proxy"), "absent": N_("not at all")}
ANSWER = {
    "known": N_("{title}: {bad:,} {word} among {known:,} with a known outcome."),
    "unknown": N_("{title}: the outcome of no customer is known."),
}
MEASURED = N_("Of {total} things that the criteria for tiering ask for, {measured} are measured, directly or "
              "through a proxy; least is known of {thin}.")  # fmt: skip


def answer(facts: Mapping[str, Any], measured: pd.DataFrame) -> list[Said]:
    """Say who the customers are and how much of what the criteria ask for is measured: step `criteria_measured`."""
    own = measured[measured["dataset"] == facts["dataset"]].set_index("criterion")
    gap = own["absent"] / own["total"]
    thin = [Said(CRITERIA[name].lower()) for name in gap.index[gap == gap.max()]]
    total = int(own["total"].sum())
    given = {"total": total, "measured": total - int(own["absent"].sum()), "thin": thin}
    code, who = "unknown", {"title": facts["title"]}
    if facts["known"]:
        code, who = (
            "known",
            who | {"bad": facts["bad"], "known": facts["known"], "word": facts["outcome_word"]},
        )
    return [Said(ANSWER[code], who), Said(MEASURED, given)]


OUTCOME = {
    "all": N_("The outcome of all {rows:,} customers is known; there are {bad:,} {word}. What counts: {outcome}."),
    "known": N_("The data have {rows:,} customers, {known:,} of them with a known outcome, and {bad:,} {word}. What "
                "counts: {outcome}."),
    "unknown": N_("Of {rows:,} customers none has a known outcome: pages that need one stop."),
}  # fmt: skip
READ = N_("If only *{reading}* counted, it would be {bad:,} of {known:,} ({rate:.2%}).")


def outcome(facts: Mapping[str, Any], statuses: pd.DataFrame) -> list[Said]:
    """Say what the outcome is, and how many have it under other readings; `statuses` as below."""
    if not facts["known"]:
        return [Said(OUTCOME["unknown"], {"rows": facts["rows"]})]
    said = [chosen(OUTCOME, "all" if facts["known"] == facts["rows"] else "known", word=facts["outcome_word"],
                   **facts)]  # fmt: skip
    for name in readings(statuses)[1:]:
        known, bad = (
            int(statuses["n"][part].sum()) for part in (statuses[name].notna(), statuses[name] == 1)
        )
        said.append(Said(READ, {"reading": name, "bad": bad, "known": known, "rate": bad / known}))
    return said


def readings(statuses: pd.DataFrame) -> list[str]:
    """Return the readings of the outcome, the study's own first."""
    return [name for name in statuses.columns if name not in ("status", "n", "share")]


STATUSES = {
    "read": N_("Counted as {outcome}: {bad:,} customers, with {counted} of {count} statuses; most often “{status}” "
               "({first:,})."),
    "plain": N_("Customers by the status recorded of their loans: {count} statuses."),
}  # fmt: skip
COUNTED = {1.0: N_("counted"), 0.0: N_("not counted")}


def statuses(found: pd.DataFrame, facts: Mapping[str, Any]) -> list[Exhibit]:
    """Show the counts of every status behind the outcome, `statuses` of the study; nothing where none is recorded."""
    if found.empty:
        return []
    names = readings(found)
    bad = found[found[names[0]] == 1].sort_values("n", ascending=False) if names else found.iloc[:0]
    first = {"first": bad["n"].iloc[0], "status": bad["status"].iloc[0]} if len(bad) else {}
    said = chosen(STATUSES, "read" if len(bad) else "plain", bad=bad["n"].sum(), outcome=facts["outcome_name"],
                  counted=len(bad), count=len(found), **first)  # fmt: skip
    told = found.assign(**{name: found[name].map(COUNTED).fillna(N_("left out")) for name in names})
    headings = {"status": N_("Status"), "n": N_("Customers"), "share": N_("Share")}
    headings |= {name: name.capitalize() for name in names}
    return [Exhibit("statuses", told, said, headings=headings, formats={"n": ",.0f", "share": ".2%"})]


WHO = ("loan_amount", "interest_rate", "income", "debt_to_income", "credit_score", "age", "credit_utilisation",
       "credit_history_years", "employment_years", "credit_limit", "deposit_balance", "term_months")  # fmt: skip
SHOWN = 6
PROFILE = {
    "amount": N_("Half of the customers borrow between {low:,.0f} and {high:,.0f} ({unit})."),
    "other": N_("The middle of the customers, measure by measure."),
}
QUANTILES = {
    "q05": N_("A twentieth lies below"),
    "q25": N_("A quarter below"),
    "median": N_("Half below"),
    "q75": N_("Three quarters below"),
    "q95": N_("All but a twentieth below"),
}


def who(numbers: pd.DataFrame, facts: Mapping[str, Any]) -> list[Exhibit]:
    """Show the middle of the customers for up to six measures, as published; nothing where no number is measured."""
    known = numbers[~(numbers["distinct"] <= 2) & numbers["median"].notna()].set_index(
        "construct", drop=False
    )
    frame = known.loc[[name for name in WHO if name in known.index][:SHOWN]]
    if frame.empty:
        return []
    said = Said(PROFILE["other"])
    if "loan_amount" in frame.index:
        low, high = frame.loc["loan_amount", ["q25", "q75"]]
        said = Said(PROFILE["amount"], {"low": low, "high": high, "unit": facts["currency"]})
    frame = frame.assign(money=frame["unit"].str.contains("currency"),
                         unit=frame["unit"].str.replace("currency", facts["currency"]))  # fmt: skip
    alt = Said(N_("One strip per measure: a dot for the median, a thick line for half of the customers, a thin one for "
                  "all but the lowest and highest twentieth."))  # fmt: skip
    headings = {"label": N_("Measure"), "unit": N_("Unit"), "n": N_("Customers")} | QUANTILES
    frame = frame.reset_index(drop=True)
    return [Exhibit("who", frame, said, alt, who_drawn, headings, by_unit(frame), within=None)]


def by_unit(numbers: pd.DataFrame) -> dict[str, dict[str, str]]:
    """Return the formats of quantiles: of shares in per cent, of scores with decimals, of all else without."""
    specs, units = {"share": ".1%", "score": ".2f"}, numbers["unit"].str.split().str[0]
    rows = {label: specs.get(unit, ",.0f") for label, unit in zip(numbers["label"], units, strict=True)}
    return dict.fromkeys(QUANTILES, rows)


@drawing
def who_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw a strip per measure, each on its own axis."""
    figure, grid = panels(words, len(frame), 2, 0.85, 0.4)
    for axes, row in zip(grid, frame.to_dict("records"), strict=True):
        spec = ".0%" if str(row["unit"]).startswith("share") else ",.0f"
        axes.hlines(0, row["q05"], row["q95"], color=MUTED, linewidth=1.2)
        axes.hlines(0, row["q25"], row["q75"], color=ACCENT, linewidth=6)
        dots(axes, [row["median"]], [0], 40, INK, facecolor="white")
        axes.annotate(words.number(row["median"], spec), (row["median"], 0), xytext=(0, 7), ha="center",
                      textcoords="offset points", fontsize=8)  # fmt: skip
        label = words(str(row["label"]))
        axes.set_title(f"{label} ({words(str(row['unit']))})" if row["money"] else label)
        axes.set(yticks=[], ylim=(-0.6, 1), xlabel="", ylabel="")
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        numbered(axes.xaxis, words, spec)
        sns.despine(ax=axes, left=True)
    key = N_("Dot: median. Thick: half of the customers. Thin: all but a twentieth at either end")
    label_below(figure, words(key), words)
    return figure


def coverage(measured: pd.DataFrame, facts: Mapping[str, Any]) -> Exhibit:
    """Show how much of what each criterion asks for each data set measures: step `criteria_measured`, with `lender`."""
    # a lender may have published more than one data set
    year = measured["dataset"].str.extract(r"(\d{4})$", expand=False).radd(" ").fillna("")
    measured = measured.assign(lender=measured["lender"] + year)
    own = measured[measured["dataset"] == facts["dataset"]]
    said = Said(N_("Here {direct} of {total} things asked for are measured directly, {proxy} through a proxy, and "
                   "{absent} not at all."), {name: int(own[name].sum()) for name in (*FITS, "total")})  # fmt: skip
    alt = Said(N_("A grid of criteria by data sets; a darker cell means that more of what the criterion asks for is "
                  "measured, and its text counts direct plus proxy measures."))  # fmt: skip
    return Exhibit(
        "coverage", measured.assign(label=measured["criterion"].map(CRITERIA)), said, alt, coverage_drawn, within=None,
        headings={"label": N_("Criterion"), "lender": N_("Lender"), "direct": N_("Measured"),
                  "proxy": N_("Through a proxy"), "absent": N_("Not measured"), "total": N_("Asked for")},
    )  # fmt: skip


@drawing
def coverage_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw the grid of criteria by data sets."""
    told = frame.assign(
        share=(frame["direct"] + frame["proxy"]) / frame["total"],
        text=frame["direct"].astype(str) + "+" + frame["proxy"].astype(str),
        name=[
            f"{words(label)} ({total})" for label, total in zip(frame["label"], frame["total"], strict=True)
        ],
    )
    names, sets = (list(dict.fromkeys(told[column])) for column in ("name", "lender"))
    share, text = (told.pivot(index="name", columns="lender", values=column).loc[names, sets]
                   for column in ("share", "text"))  # fmt: skip
    figure = canvas(words, 0.36 * len(names) + 1.5)
    axes = figure.subplots()
    sns.heatmap(share, annot=text, fmt="", vmin=0, vmax=1, cmap=sns.light_palette(ACCENT, as_cmap=True), cbar=False,
                linewidths=2, ax=axes, annot_kws={"fontsize": 6.5 if words.narrow else 8.5})  # fmt: skip
    wrapped = [textwrap.fill(name, 16 if words.narrow else 40) for name in names]
    axes.set_yticks(np.arange(len(names)) + 0.5, wrapped, rotation=0)
    axes.set_xticks(np.arange(len(sets)) + 0.5, sets, rotation=40, ha="right", rotation_mode="anchor")
    axes.set(xlabel="", ylabel="")
    axes.tick_params(length=0)
    key = N_("Each cell: measured + through a proxy; in brackets: how many the criterion asks for")
    label_below(figure, words(key), words)
    return figure


def data_sets(rows: pd.DataFrame, origin: str, measured: pd.DataFrame) -> Exhibit:
    """Show the data sets that are compared, each with its own outcome: `lenders_data` and its origin."""
    frame = rows[["dataset", "title", "rows", "outcome", "outcome_rate"]]
    frame = frame.merge(measured.groupby("dataset", as_index=False)[FITS].sum(), on="dataset")
    said = N_(
        "{n} data sets of loans stand beside each other; their outcomes differ, so their rates are not compared."
    )
    return Exhibit(
        "data_sets", frame, Said(said, {"n": len(frame)}), within=None, origin=origin,
        headings={"title": N_("Data set"), "dataset": N_("Called"), "rows": N_("Customers"),
                  "outcome": N_("Outcome, in its own words"), "outcome_rate": N_("Rate"),
                  "direct": N_("Measured + through a proxy")},
        formats={"outcome_rate": ".2%", "rows": ",.0f", "direct": "{direct} + {proxy}"},
    )  # fmt: skip


COUNTS = {"n": N_("Customers"), "share": N_("Share")}


def in_words(rules: pd.Series, labels: Mapping[str, str]) -> pd.Series:
    """Return rules with the label of a construct in the place of its name."""
    told = rules.str.replace(
        r"[a-z][a-z0-9_]+", lambda found: labels.get(found[0], found[0].replace("_", " ")).lower(), regex=True
    )
    return told.str[:1].str.upper() + told.str[1:]


TABLES: dict[str, tuple[str, dict[str, str]]] = {
    "data_card": (N_("What is known of the data set, and under which terms it may be used."),
                  {"item": N_("Item"), "text": N_("What is known")}),
    "constructs": (N_("All {rows} things the criteria ask for, with source and reason."),
                   {"criterion": N_("Criterion"), "label": N_("Asked for"), "fit": N_("Measured"),
                    "source": N_("Source column"), "reason": N_("Reason")}),
    "missing": (N_("Values are missing in {rows} of the measures; often that says that there is nothing to record."),
                {"label": N_("Measure"), "n_missing": N_("Customers without"), "share": N_("Share"),
                 "missing_means": N_("What a missing value says, where known")}),
    "distributions": (N_("All {rows} numbers measured of the customers."),
                      {"label": N_("Measure"), "unit": N_("Unit"), "n": N_("Customers")} | QUANTILES),
    "levels": (N_("All {rows} classes of the measures that are no numbers."),
               {"label": N_("Measure"), "level": N_("Class")} | COUNTS),
    "quality": (N_("What {rows} checks of the data found; `research datasets check` tells its owner more."),
                {"check": N_("Check"), "findings": N_("Findings"), "rows": N_("Customers")}),
    "impossible": (N_("Values break {rows} of the rules; they are reported and kept."),
                   {"rule": N_("Rule")} | COUNTS | {"why": N_("Why it cannot be")}),
    "leakage": (N_("Columns known only after the loan was made: {rows}; no model sees them."),
                {"column": N_("Source column"), "reason": N_("Reason")}),
}  # fmt: skip
ON_PAGE = ("data_card", "missing")


def tables(**frames: pd.DataFrame) -> list[Exhibit]:
    """Show frames, as published, under the captions of `TABLES`; those without rows are left out."""
    made = []
    for name, frame in frames.items():
        text, headings = TABLES[name]
        said = Said(text, {"rows": len(frame)} if "{rows}" in text else {})
        kept = {column: heading for column, heading in headings.items() if (frame[column] != "").any()}
        if "criterion" in kept:
            frame = frame.assign(criterion=frame["criterion"].map(CRITERIA), fit=frame["fit"].replace(FITTED))
        if "item" in kept:
            frame = frame.assign(item=frame["item"].str.capitalize())
        formats = by_unit(frame) if name == "distributions" else {"share": ".2%"} if "share" in kept else {}
        if len(frame):
            made.append(Exhibit(name, frame, said, headings=kept, formats=formats, within=None,
                                supplement=name not in ON_PAGE))  # fmt: skip
    return made


REFUSED = {
    True: N_("All loans here were made: nothing is said of those refused, and LendingClub made them by the very grade "
             "that models are judged against."),
    False: N_("All loans here were made: nothing is said of those refused."),
}  # fmt: skip
LIMITS = (N_("Outcomes and horizons differ between lenders; the share of bad loans in the Spanish and the German "
             "data is that of a sample, not of a book."),
          N_("A proxy measures something near what is asked for; the list in the supplement says what."))  # fmt: skip


def limits(facts: Mapping[str, Any]) -> list[Said]:
    """Return what the page cannot say; that of the outcome in the words of the data set's definition."""
    by_grade = facts["dataset"].startswith("lendingclub")
    censored = Said(N_("Of the outcome: {text}"), {"text": facts["censoring"]})
    return [censored, Said(REFUSED[by_grade]), *map(Said, LIMITS)]
