"""Tables of customers that share cells are protected together: one does not give away what another leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import permutations

import numpy as np
import pandas as pd

from research import captions, figures
from research.report.disclosure import Grouping, cells_left_out, emptied, linked, protected, small
from research.report.exhibit import figure, table
from research.report.payload import tidy

OWN_RULE = "own rule"
Place = tuple[str, int]
Sum = tuple[Place, list[Place]]
SHARES = (".1%", ("share", "worth_share")), (".2%", ("rate", "ci_low", "ci_high"))


def levels_and_classes(
    levels: pd.DataFrame, classes: pd.DataFrame, customers: pd.DataFrame, standards: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Protect the levels of the categorical constructs together with the classes of the standards made from them.

    Args:
        levels: `construct`, `level`, `n`, …
        classes: `standard`, `class`, `n`, `known`, `bad`, … of the standards that are measured.
        customers: the categorical constructs of every customer.
        standards: the class of every customer under each standard.
    """
    frames = {"levels": levels.reset_index(drop=True), "classes": classes.reset_index(drop=True)}
    place = {
        (column, label): (name, row)
        for name, keys in (("levels", ["construct", "level"]), ("classes", ["standard", "class"]))
        for row, (column, label) in enumerate(frames[name][keys].itertuples(index=False, name=None))
    }
    equal: list[Sum] = []
    if any(frame["n"].map(small).any() for frame in frames.values()):
        every = customers[[*dict.fromkeys(levels["construct"])]].astype(object).fillna("missing")
        classed = standards[[*dict.fromkeys(classes["standard"])]].astype(object).fillna("not recorded")
        equal = list(nested(every.join(classed), place))
    done = linked(
        frames,
        within={"levels": ["construct"], "classes": ["standard"]},
        equal=equal,
    )
    return done["levels"], done["classes"]


def tests_without(tests: pd.DataFrame, classes: pd.DataFrame) -> pd.DataFrame:
    """Leave out the tests of standards that have a class withheld, from which its outcomes could be computed.

    Their rows come last, because the place in an order of strength is a bound on the strength.

    Args:
        tests: `standard`, `statistic`, `p_value`, `p_holm`, `effect`, … strongest first.
        classes: from `levels_and_classes`.
    """
    whole = tidy(classes)
    told = ("n", "known", "bad", "outcome_rate")
    hidden = {whole.at[row, "standard"] for row, column in cells_left_out(whole) if column in told}
    table = tests.sort_values(
        "standard", key=lambda names: names.isin(hidden), kind="stable", ignore_index=True
    )
    gone = table["standard"].isin(hidden)
    # Holm's adjustment hands a value on to larger p-values, where it tells the p-value that it was made from
    first = table[gone].groupby("p_holm")["p_value"].min()
    handed_on = ~gone & (table["p_holm"] < 1) & (table["p_value"] > table["p_holm"].map(first))
    columns = ["statistic", "p_value", "p_holm", "effect"]
    cells = [(row, column) for row in gone.index[gone] for column in columns]
    return emptied(table, [*cells, *((row, "p_holm") for row in handed_on.index[handed_on])])


def checks(summary: pd.DataFrame, impossible: pd.DataFrame, size: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Protect the summary of the checks together with the rules broken, whose customers it adds up.

    Args:
        summary: `check`, `findings`, `rows`.
        impossible: `n`, `share`, `checked`, … of the rules that are broken.
        size: number of customers.
    """
    frames = {"summary": summary.reset_index(drop=True), "impossible": impossible.reset_index(drop=True)}
    rows = frames["summary"].index[frames["summary"]["check"] == "impossible or unusual values"]
    parts = [("impossible", row) for row in frames["impossible"].index]
    equal: list[Sum] = [(("summary", row), parts) for row in rows if parts]
    done = linked(frames, within={"summary": [], "impossible": []}, equal=equal)
    return done["summary"], protected(done["impossible"], within=None, of=size)


def few_apart(values: pd.Series) -> bool:
    """Return whether all but a few customers have the same value, so that a mean tells of those few."""
    counts = values.dropna().value_counts()
    return len(counts) > 0 and small(counts.sum() - counts.iloc[0])


def distributions(numbers: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
    """Protect the distributions of numeric constructs: `construct`, `n`, `mean`, … from `quality.distributions`."""
    safe = protected(numbers.reset_index(drop=True), within=None, of=len(customers))
    alone = [row for row, name in safe["construct"].items() if few_apart(customers[name])]
    columns = ["mean", "sd", "skew", "q05", "q25", "median", "q75", "q95", "distinct"]
    return emptied(safe, [(row, column) for row in alone for column in columns])


def indicators(table: pd.DataFrame, customers: pd.DataFrame) -> pd.DataFrame:
    """Leave out of a model's indicators what tells of a few customers: those without a value, or with another one.

    Args:
        table: `indicator`, `lower`, `upper`, `mean`, `sd`, `missing_share`.
        customers: whom the indicators were set up on.
    """
    cells = []
    for row, entry in enumerate(table.itertuples()):
        absent = round(entry.missing_share * len(customers))
        alone = small(len(customers) - absent)
        if small(absent) or alone:
            cells.append((row, "missing_share"))
        if alone or few_apart(customers[entry.indicator].clip(entry.lower, entry.upper)):
            cells += [(row, column) for column in ("lower", "upper", "mean", "sd")]
    return emptied(table, cells)


def crosswalk_and_contradictions(
    crosswalk: pd.DataFrame, contradictions: pd.DataFrame, normal: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Protect customers by tier, category and stage together with the contradictions, which are cells of that table.

    How many of a tier are not normal is taken to be known: the bad outcomes of the tier, on the model's page, may be
    just these.

    Args:
        crosswalk: `tier`, `five_category`, `ifrs9_stage`, `n`.
        contradictions: `severity`, the same classes in the same words, `customers`.
        normal: the category of loans without a mark.
    """
    keys = ["tier", "five_category", "ifrs9_stage"]
    late = np.where(crosswalk["five_category"] == normal, "no", "yes")
    frames = {
        "crosswalk": crosswalk[[*keys, "n"]].assign(late=late).reset_index(drop=True),
        "contradictions": contradictions.replace({key: {"nan": "unclassified"} for key in keys}).reset_index(
            drop=True
        ),
    }
    cell = {key: row for row, key in enumerate(frames["crosswalk"][keys].itertuples(index=False, name=None))}
    equal: list[Sum] = [
        (("contradictions", row), [("crosswalk", cell[key])])
        for row, key in enumerate(frames["contradictions"][keys].itertuples(index=False, name=None))
    ]
    within = {"crosswalk": [(), "tier", ("tier", "late")], "contradictions": []}
    done = linked(frames, within=within, equal=equal)
    return done["crosswalk"].drop(columns="late"), done["contradictions"]


def together(counts: Iterable[float]) -> int | str:
    """Return a sum of counts for a sentence, or that it is withheld because one of them is."""
    total = sum(counts)
    return "withheld" if pd.isna(total) or small(total) else int(total)


def nested(memberships: pd.DataFrame, place: dict[tuple[str, str], Place]) -> Iterator[Sum]:
    """Yield (group, groups) where a group of one column is made of whole groups of another.

    Args:
        memberships: one column per way of grouping, one row per customer.
        place: (column, label) → where its count stands.
    """
    for fine, coarse in permutations(memberships.columns, 2):
        pairs = memberships[[fine, coarse]].drop_duplicates()
        if pairs[fine].is_unique:
            for label, part in pairs.groupby(coarse)[fine]:
                children = [place.get((fine, child)) for child in part]
                parent = place.get((coarse, label))
                if parent is not None and None not in children:
                    yield parent, children


def tiers_and_rules(rates: pd.DataFrame, rules: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Protect a model's tiers together with the rules that make them.

    Args:
        rates: `panel`, `tier`, `n`, `known`, `bad`, `rate`, …; the rows of the own rule are sums of rules.
        rules: `n`, `known`, `bads`, `pd`, `tier`, …
    """
    frames = {"rates": rates.reset_index(drop=True), "rules": rules.reset_index(drop=True)}
    equal: list[Sum] = []
    for row, tier in frames["rates"].loc[rates["panel"].to_numpy() == OWN_RULE, "tier"].items():
        own = frames["rules"].index[frames["rules"]["tier"] == tier]
        if frames["rules"].loc[own, "n"].sum() == frames["rates"].loc[row, "n"]:
            equal.append((("rates", row), [("rules", at) for at in own]))
    done = linked(frames, within={"rates": ["panel"], "rules": [()]}, equal=equal)
    return done["rates"], done["rules"]


def rankings_and_rules(
    rates: pd.DataFrame, tests: pd.DataFrame, rules: Mapping[str, pd.DataFrame]
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, pd.DataFrame]]:
    """Protect the tiers of all rankings together with the rules that make them, and with the tests made of them.

    Args:
        rates: `ranking`, `judged`, `tier`, `n`, `known`, `bad`, `rate`, …
        tests: a row per `ranking` and `judged`; one whose tiers are not all published has the result `withheld`.
        rules: model → `n`, `known`, `bads`, `pd`, `tier`, …
    """
    frames = {
        "rates": rates.reset_index(drop=True),
        **{name: part.reset_index(drop=True) for name, part in rules.items()},
    }
    equal: list[Sum] = []
    for name in rules:
        own = frames["rates"].query("ranking == @name and judged == @OWN_RULE")
        for row, tier, n in own[["tier", "n"]].itertuples(name=None):
            parts = frames[name].index[frames[name]["tier"] == tier]
            if frames[name].loc[parts, "n"].sum() == n:
                equal.append((("rates", row), [(name, at) for at in parts]))
    within: dict[str, Sequence[Grouping]] = {name: [()] for name in rules} | {
        "rates": [("ranking", "judged")]
    }
    done = linked(frames, within=within, equal=equal, keep=["overall"])
    by = ["ranking", "judged"]
    counted = done["rates"][done["rates"]["judged"] != "chance"]
    hidden = counted[counted[["n", "bad"]].isna().any(axis=1)].groupby(by).size()
    gone = pd.MultiIndex.from_frame(tests[by]).isin(hidden.index)
    numbers = [column for column in tests.columns if column not in (*by, "result")]
    safe = emptied(tests, [(int(row), column) for row in np.flatnonzero(gone) for column in numbers])
    safe.loc[gone, "result"] = "withheld"
    return done["rates"], safe, {name: done[name] for name in rules}


def profile_of(profile: pd.DataFrame, sizes: pd.Series | None = None) -> pd.DataFrame:
    """Protect medians by tier: a construct that all but a few of a tier have loses its `n`.

    Args:
        profile: `construct`, `tier`, `n`, …
        sizes: customers by tier; without it a tier is as large as its most complete construct.
    """
    tier = profile["tier"].astype(str)
    whole = profile.groupby(tier)["n"].max() if sizes is None else sizes
    return protected(profile, within=None, of=tier.map(whole.rename(index=str)))


def show_tiers(rates: pd.DataFrame, overall: float, whose: str, rule: str) -> None:
    """Show a model's tiers as a figure of bad rates and a table of size, bad rate and value.

    Args:
        rates: from `tiers_and_rules`.
        overall: the bad rate of all customers.
        whose: the model in the genitive, "RFM's".
        rule: its own rule in words, "its own leaves".
    """
    figure(
        figures.tiers.tier_rates(rates, overall, "Bad rate, 95 % Jeffreys interval"),
        name="tier_rates",
        data=rates,
        caption=captions.tiers.tier_rates(
            rates, overall, whose, {"matched shares": "with the study's tier shares", OWN_RULE: f"by {rule}"}
        ),
        alt="Two panels of four dots with intervals, one per tier, against the rate of all customers.",
    )
    columns = ["panel", "tier", "n", "share", "bad", "rate", "ci_low", "ci_high", "mean_worth", "worth_share"]
    table(
        rates[columns],
        name="tiers",
        caption=f"{whose[0].upper()}{whose[1:]} tiers: size, bad rate and value",
        formats={column: spec for spec, names in SHARES for column in names} | {"mean_worth": ",.0f"},
        labels={"panel": "Tiers by", "mean_worth": "Mean value", "worth_share": "Share of value"},
    )


def show_profile(profile: pd.DataFrame, shown: int = 12, sizes: pd.Series | None = None) -> None:
    """Show medians and middle halves of the constructs by tier; the picture has those that differ most.

    Args:
        profile: `construct`, `tier`, `n`, …; a construct that all but a few of a tier have loses its `n`.
        shown: constructs in the picture.
        sizes: customers by tier; without it a tier is as large as its most complete construct.
    """
    tier = profile["tier"].astype(str)
    whole = profile.groupby(tier)["n"].max() if sizes is None else sizes
    safe = protected(profile, within=None, of=tier.map(whole.rename(index=str)))
    first = safe[safe["label"].isin(safe["label"].unique()[:shown])]
    figure(
        figures.tiers.tier_profile(first),
        name="profile",
        data=safe,
        caption=captions.tiers.tier_profile(first),
        alt="Small panels, one per construct, with the median and middle half of each tier.",
    )
