"""Page 02: how thirteen standards cut the loan book before any model, here and where others measure them better."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from research.exhibits.exhibit import Exhibit, drawing
from research.exhibits.style import ACCENT, canvas, label_below, rows_with_intervals, shares_from_nought
from research.exhibits.words import N_, Said, Words, chosen

UNKNOWN = "not recorded"  # the class of customers of whom the data do not tell it
HERE = {
    "cuts": N_("cuts the book"),
    "whole": N_("puts all in one class"),
    "withheld": N_("a class is withheld"),
}


def uses(classes: pd.DataFrame, tests: pd.DataFrame, whole: pd.DataFrame) -> pd.DataFrame:
    """Return one row per standard: what it does on the data of the study.

    Its classes and tests are those published, `whole` the step `classification_summary`.

    Returns:
        `standard`, `name`, `classes` (in use), `largest`, `share`, `amount_share`, `effect`, `p_holm`, `result`,
        `state` (cuts, whole, withheld, absent) and `here` (the same in words; of an absent one what the data lack).
    """
    rows = []
    for standard, about in whole.groupby("standard", sort=False):
        row = {"standard": standard, "name": about["name"].iloc[0], "state": "absent",
               "here": about["reason"].iloc[0]}  # fmt: skip
        part = classes[
            (classes["standard"] == standard) & (classes["class"] != UNKNOWN) & (classes["n"] != 0)
        ]
        if len(part):
            state = "withheld" if part["n"].isna().any() else "cuts" if len(part) > 1 else "whole"
            row |= {"state": state, "here": HERE[state]}
            if state != "withheld":
                first = part.loc[part["n"].idxmax(), ["class", "share", "amount_share"]].to_dict()
                row |= {"classes": len(part), "largest": first.pop("class"), **first}
        rows.append(row)
    columns = ["standard", "name", "classes", "largest", "share", "amount_share", "state", "here"]
    table, known = pd.DataFrame(rows, columns=columns), tests.set_index("standard")
    return table.assign(
        **{name: table["standard"].map(known[name]) for name in ("effect", "p_holm", "result")}
    )


ANSWER = {
    "some": N_("Of {total} usual standards, {cut} cut these loans ({names}); {whole} put all customers in one class "
               "and {absent} are not measured."),
    "one": N_("Of {total} usual standards, those that cut these loans: {names}; that put all customers in one class: "
              "{whole}; not measured: {absent}."),
    "all": N_("All {total} usual standards cut these loans into classes."),
    "none": N_("Of {total} usual standards, none is seen to cut these loans into classes."),
}  # fmt: skip
DIFFERS = {
    "some": N_("The {rate} is shown to differ between the classes of {names}."),
    "none": N_("No standard is shown to part customers by their {rate}."),
    "large": N_("Among so many customers the least difference shows; the {rate} differs by what counts as a small "
                "effect, or more, between the classes of {names}."),
    "little": N_("Among so many customers the least difference shows; between the classes of no standard does the "
                 "{rate} differ by what counts as a small effect."),
}  # fmt: skip
SMALL = 0.1  # Cramér's V of an outcome with two values, which is Cohen's w (Cohen 1988, table 7.2)


def answer(table: pd.DataFrame, facts: Mapping[str, Any]) -> list[Said]:
    """Say how many standards cut the book, and for which of them the outcome differs."""
    cut, differ = table["state"] == "cuts", table["result"] == "differs"
    names, parted = (table.loc[part, "name"].str.lower().tolist() for part in (cut, differ))
    counts = {state: int((table["state"] == state).sum()) for state in ("whole", "absent")}
    found = "some" if parted else "none"
    if parted and facts.get("sample"):  # a large book
        parted = table.loc[differ & (table["effect"] >= SMALL), "name"].str.lower().tolist()
        found = "large" if parted else "little"
    code = "one" if 1 in (len(names), *counts.values()) else "some"  # a verb for several does not fit one
    return [chosen(ANSWER, "all" if cut.all() else code if names else "none", total=len(table), cut=len(names),
                   names=names, **counts),
            chosen(DIFFERS, found, rate=facts["rate_word"], names=parted)]  # fmt: skip


def standards(table: pd.DataFrame) -> Exhibit:
    """Show every standard on one line: what it does here, its largest class, and whether the outcome differs."""
    said = Said(N_("Here {cut} of {total} standards cut the loans; any other puts all in one class or is not "
                   "measured."), {"cut": int((table["state"] == "cuts").sum()), "total": len(table)})  # fmt: skip
    headings = {"name": N_("Standard"), "here": N_("Here"), "largest": N_("Largest class"),
                "effect": N_("Cramér's V, adjusted p")}  # fmt: skip
    return Exhibit(
        "standards", table, said, within=None,
        headings={name: text for name, text in headings.items() if table[name].notna().any()},
        formats={"largest": "{largest}, {share:.0%}", "effect": "{effect:.3f}, {p_holm:p}"},
    )  # fmt: skip


NAMED = 10  # customers from which on a class is named as the highest or the lowest
RATES = {
    "differs": N_("The {measure} differs most by {name}: {low:.1%} in class {lowest}, {high:.1%} in class {highest} "
                  "(p {p_holm:p=})."),
    "open": N_("No standard is shown to part customers by their {measure}; all customers: {overall:.1%}."),
    "withheld": N_("The {measure} by class; classes of few customers are withheld."),
}  # fmt: skip


def rates(classes: pd.DataFrame, tests: pd.DataFrame, facts: Mapping[str, Any]) -> list[Exhibit]:
    """Show the outcome rate of each class of the standards that cut the book; nothing where none does.

    The classes and tests are those published, strongest first; `facts`: `rate_word` and `outcome_rate` of the data set.
    """
    frame = classes[classes["standard"].isin(tests["standard"]) & (classes["known"] != 0)]
    if frame.empty:
        return []
    frame = frame.assign(measure=facts["rate_word"], overall=facts["outcome_rate"], title="")
    first = tests.iloc[0]
    part = frame[(frame["standard"] == first["standard"]) & (frame["class"] != UNKNOWN)].set_index("class")
    known, part = part["known"], part["outcome_rate"]
    code, ends = "withheld" if part.isna().any() else first["result"], {}
    if code == "differs":
        part = part[known >= min(NAMED, known.nlargest(2).min())]
        ends = {"low": part.min(), "lowest": part.idxmin(), "high": part.max(), "highest": part.idxmax()}
    said = chosen(RATES, code, measure=facts["rate_word"], name=first["name"].lower(), p_holm=first["p_holm"],
                  overall=facts["outcome_rate"], **ends)  # fmt: skip
    return [pictured("rates", frame, said)]


OWN = {
    "name": N_("Standard"),
    "class": N_("Class"),
    "n": N_("Customers"),
    "share": N_("Share"),
    "amount_share": N_("Share of money"),
    "outcome_rate": N_("Rate, 95 % interval"),
}
HEADINGS = {
    "name": N_("Standard"),
    "title": N_("Data set"),
    "class": N_("Class"),
    "n": N_("Customers"),
    "share": N_("Share"),
    "outcome_rate": N_("Rate, 95 % interval"),
    "measure": N_("What it is a rate of"),
}
FORMATS = {"n": ",.0f", "share": ".1%", "amount_share": ".1%",
           "outcome_rate": "{outcome_rate:.2%} [{ci_low:.2%}, {ci_high:.2%}]"}  # fmt: skip


def pictured(name: str, frame: pd.DataFrame, caption: Said, origin: str = "real") -> Exhibit:
    """Return the figure of classes by standard."""
    alt = Said(N_("One panel per standard with a dot and its interval per class; dashed: all customers."))
    headings = HEADINGS if frame["title"].any() else OWN
    return Exhibit(name, frame, caption, alt, classes_drawn, headings, FORMATS, within=None, origin=origin)


@drawing
def classes_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw the rate of each class, a panel per standard.

    Its `title` says of which data set a row is, and is empty for that of the study.
    """
    told = frame.rename(columns={"outcome_rate": "rate"})
    groups = [part for _, part in told.groupby("standard", sort=False)]
    places, columns = list(dict.fromkeys(told["title"])), 1 if words.narrow else min(2, len(groups))
    lines = [groups[start : start + columns] for start in range(0, len(groups), columns)]
    heights = [max(map(len, line)) * 0.23 + 0.62 for line in lines]
    figure = canvas(words, sum(heights) + 0.5)
    grid = figure.subplots(len(lines), columns, squeeze=False, sharex=True, height_ratios=heights).ravel()
    for spare in grid[len(groups) :]:
        spare.set_axis_off()
    for axes, part in zip(grid, groups, strict=False):
        names, overall = [*map(words, part["class"])], part["overall"].iloc[0]
        rows_with_intervals(axes, part.assign(n=part["known"]), names, [ACCENT] * len(part), words, overall)
        title = [words(part[column].iloc[0]) for column in ("name", "title")[: min(len(places), 2)]]
        axes.set_title(textwrap.fill(": ".join(title), 46))
        axes.tick_params(labelbottom=True)
    shares_from_nought([*grid[: len(groups)]], words)
    if len(places) == 1 and places[0]:
        figure.suptitle(words(places[0]), x=0.01, ha="left", fontsize=9.5)
    measures = words.listed(map(words, dict.fromkeys(told["measure"])))
    label_below(figure, words(N_("Dots: {measures}, with 95 % interval. Dashed: all customers"), measures=measures),
                words)  # fmt: skip
    return figure


def best(measured: pd.DataFrame, whole: pd.DataFrame, origin: str) -> Exhibit:
    """Show which data set measures each standard best: `classes_best` and its origin; `whole`: all thirteen."""
    table = whole.drop_duplicates("standard")[["standard", "name"]].reset_index(drop=True)
    first = measured.groupby("standard")[["title", "real", "used", "effective"]].first()
    table = table.join(first, on="standard")
    real = int(table["real"].eq(True).sum())
    said = Said(N_("{real} of {total} standards cut the loans of some real lender; {rest} cut none of those "
                   "compared here."), {"real": real, "total": len(table), "rest": len(table) - real})  # fmt: skip
    return Exhibit(
        "best", table.fillna({"title": N_("none of those compared")}), said, origin=origin, within=None,
        headings={"name": N_("Standard"), "title": N_("Data set that measures it best"), "used": N_("Classes in use"),
                  "effective": N_("Effective number of classes")}, formats={"used": ",.0f", "effective": ".2f"},
    )  # fmt: skip


ELSEWHERE = {
    "elsewhere_rates": N_("Loans of other lenders are cut by {names}; outcomes differ between lenders: compare "
                          "classes, not panels."),
    "invented": N_("How {names} would cut a book: invented customers of the simulated bank."),
}  # fmt: skip


def of(measured: pd.DataFrame, real: bool) -> pd.DataFrame:
    """Return the classes on real or on invented data sets, with the rate of all their customers."""
    part = measured[measured["real"].astype(bool) == real]
    sums = part.groupby("standard")[["bad", "known"]].sum().astype(float)
    return part.assign(overall=part["standard"].map(sums["bad"] / sums["known"])).reset_index(drop=True)


def elsewhere(name: str, frame: pd.DataFrame, origin: str) -> list[Exhibit]:
    """Show classes on other data sets, a frame of `of`; nothing where there are none. `name`: a key of `ELSEWHERE`."""
    said = Said(ELSEWHERE[name], {"names": list(dict.fromkeys(frame["name"].str.lower()))})
    return [pictured(name, frame, said, origin)] if len(frame) else []


def uncut(measured: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Return the classes on real data sets of the standards that do not cut the book here."""
    frame = of(measured, real=True)
    return frame[frame["standard"].isin(table.loc[table["state"] != "cuts", "standard"])].reset_index(
        drop=True
    )


def supplement(
    measured: pd.DataFrame, rules: pd.DataFrame, whole: pd.DataFrame, origin: str
) -> list[Exhibit]:
    """Show all classes on the real data sets that measure them best, of the step `classes_best`, and the rules."""
    frame, names = of(measured, real=True), whole.drop_duplicates("standard").set_index("standard")["name"]
    said = Said(N_("{n} rules: the first alternative that the data allow is used; the first rule that holds gives "
                   "the class."), {"n": len(rules)})  # fmt: skip
    tables = [Exhibit("elsewhere", frame, Said(N_("All classes on the real loans that measure each standard best.")),
                      headings=HEADINGS, formats=FORMATS, within=None, origin=origin, supplement=True),
              Exhibit("rules", rules.assign(name=rules["standard"].map(names)), said, within=None, supplement=True,
                      headings={"name": N_("Standard"), "alternative": N_("Alternative"), "class": N_("Class"),
                                "rule": N_("Rule")})]  # fmt: skip
    return [made for made in tables if len(made.frame)]


LIMITS = (N_("Several standards ask the same in other classes, so they are not independent of each other."),
          N_("A class with few customers has a wide interval; one without customers is not drawn."))  # fmt: skip
ROUGH = N_(
    "For {names}, a class is expected to hold fewer than {least} customers with the outcome: its p is rough."
)


def limits(tests: pd.DataFrame, least: float) -> list[Said]:
    """Return what the page cannot say; with fewer than `least` customers expected the p of a test is rough."""
    rough = tests.loc[tests["smallest_expected"] < least, "name"].str.lower().tolist()
    return [*map(Said, LIMITS), *([Said(ROUGH, {"names": rough, "least": least})] if rough else [])]
