"""Tables of customers that share cells are protected together: one does not give away what another leaves out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import pandas as pd

from research import figures
from research.report.disclosure import linked, protected, small
from research.report.exhibit import figure, table

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


def show_tiers(rates: pd.DataFrame, overall: float, whose: str, rule: str) -> None:
    """Show a model's tiers as a figure of bad rates and a table of size, bad rate and worth.

    Args:
        rates: from `tiers_and_rules`.
        overall: the bad rate of all customers.
        whose: the model in the genitive, "RFM's".
        rule: its own rule in words, "its own leaves".
    """
    matched = rates[rates["panel"] != OWN_RULE].set_index("tier")["rate"]
    ends = matched.reindex(["high", "premium"])
    said = (
        "{:.2%} in the high-risk and {:.2%} in the premium tier".format(*ends) if ends.notna().all() else ""
    )
    figure(
        figures.tiers.tier_rates(rates, overall, "Bad rate, 95 % Jeffreys interval"),
        name="tier_rates",
        data=rates,
        caption=f"Bad rate of {whose} tiers, with the study's tier shares{f' ({said})' if said else ''} and by {rule}; "
        "the dashed line is all customers",
        alt="Two panels of four dots with intervals, one per tier, against the rate of all customers.",
    )
    columns = ["panel", "tier", "n", "share", "bad", "rate", "ci_low", "ci_high", "mean_worth", "worth_share"]
    table(
        rates[columns],
        name="tiers",
        caption=f"{whose[0].upper()}{whose[1:]} tiers: size, bad rate and worth",
        formats={column: spec for spec, names in SHARES for column in names} | {"mean_worth": ",.0f"},
        labels={"panel": "Tiers by", "mean_worth": "Mean worth", "worth_share": "Share of worth"},
    )


def show_profile(profile: pd.DataFrame, shown: int = 12) -> None:
    """Show medians and middle halves of the constructs by tier; the picture has those that differ most."""
    safe = protected(profile, within=None)
    first = safe[safe["label"].isin(safe["label"].unique()[:shown])]
    figure(
        figures.tiers.tier_profile(first),
        name="profile",
        data=safe,
        caption="Medians and middle halves by tier, constructs that differ most first",
        alt="Small panels, one per construct, with the median and middle half of each tier.",
    )
