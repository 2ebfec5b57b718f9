"""Page 10: what a language model coded beside people, how far it agrees with them, and what its author states of it.

Everywhere `made` holds the frames of the step `machine_coders`, and `origin` is `demonstration` or `reported`.
"""

from __future__ import annotations

import pandas as pd

from research.exhibits.exhibit import Exhibit
from research.exhibits.interviews import ALL_CODES
from research.exhibits.words import N_, Said

NONE = N_("No codings by a language model were given, and none was run.")
APART = N_("A model counts nowhere among the coders: reliability, themes and consensus are those of people.")
ANSWERED = N_(
    "Of {turns:,} turns, {coder} answered {answered:,}, refused {refused:,} and gave no answer to {unanswered:,}; only "
    "those that it answered are compared."
)
OUTSIDE = N_("Codes of {coder} that the codebook does not have: {outside:,}; they are compared with nothing.")
AGREES = N_(
    "Over all codes, on the turns that it answered and that carry a code of anybody, α of {coder} with a person is "
    "{low:.2f} to {high:.2f}; of the people among themselves it is {people:.2f}."
)
UNDEFINED = N_("How far {coder} agrees with people cannot be computed.")
RUNS = {
    "several": N_(
        "Its {runs} runs agree with each other at α {alpha:.2f}; the first, {run}, is compared with people."
    ),
    "one": N_("One run of {coder} was given, so that nothing is known of how its codings vary."),
}
PEOPLE, CONSENSUS = "people", "consensus"
MOST_OTHERS = 4  # columns of agreement that fit the page beside code, counts and people
NOT_STATED = N_("not stated")
SHOWN = 400  # letters of an answer; the whole is in the file of the table


def answers(made: dict[str, pd.DataFrame]) -> list[Said]:
    """Say whether a model coded, how it answered, and how far it agrees with people and with itself."""
    if made["answers"].empty:
        return [Said(NONE)]
    said = [Said(APART)]
    runs = made["runs"].set_index("coder")
    for row in made["answers"].drop_duplicates("coder").to_dict("records"):
        coder = row["coder"]
        told = ("turns", "coder", "answered", "refused", "unanswered")
        said.append(Said(ANSWERED, {name: row[name] for name in told}))
        if row["outside"]:
            said.append(Said(OUTSIDE, {"coder": coder, "outside": row["outside"]}))
        alpha = _alpha(made["agreement"], coder)
        alpha = alpha[alpha["code"] == "all codes"].set_index("other")["estimate"]
        persons = alpha.drop([PEOPLE, CONSENSUS], errors="ignore")
        if persons.isna().any() or pd.isna(alpha[PEOPLE]):
            said.append(Said(UNDEFINED, {"coder": coder}))
        else:
            ends = {"low": persons.min(), "high": persons.max(), "people": alpha[PEOPLE]}
            said.append(Said(AGREES, {"coder": coder, **ends}))
        if coder in runs.index:
            fields = {
                "runs": runs.loc[coder, "runs"],
                "alpha": runs.loc[coder, "estimate"],
                "run": row["run"],
            }
            said.append(Said(RUNS["several"], fields))
        else:
            said.append(Said(RUNS["one"], {"coder": coder}))
    return said


def agreement(made: dict[str, pd.DataFrame], labels: pd.Series, origin: str) -> list[Exhibit]:
    """Show for each model its agreement with each person, code by code, beside that of the people on the same turns.

    `labels` is code → its name. Where columns are too many, the lowest and highest α with a person stand for them.
    """
    return [
        _agreement(made, coder, name, labels, origin) for coder, name in _named(made["answers"], "machine")
    ]


def _agreement(
    made: dict[str, pd.DataFrame], coder: str, name: str, labels: pd.Series, origin: str
) -> Exhibit:
    alpha = _alpha(made["agreement"], coder)
    others = list(alpha["other"].unique())
    wide = alpha.pivot(index="code", columns="other", values=["estimate", "ci_low", "ci_high"])
    order = ["all codes", *(code for code in labels.index if code in wide.index)]
    counts = alpha.drop_duplicates("code").set_index("code")[["by_people", "by_model"]]
    frame = counts.loc[order].assign(label=[labels.get(code, ALL_CODES) for code in order])
    persons = [other for other in others if other not in (PEOPLE, CONSENSUS)]
    headings: dict[str, str | Said] = {
        "label": N_("Code"), "by_people": N_("Given by people"), "by_model": N_("Given by the model"),
        "people": N_("People among themselves, α [95 % interval]"),
    }  # fmt: skip
    formats: dict[str, str] = {"by_people": ",.0f", "by_model": ",.0f"}
    columns = {other: PEOPLE if other == PEOPLE else f"with_{n}" for n, other in enumerate(others)}
    for other, column in columns.items():
        frame[column] = wide.loc[order, ("estimate", other)]
        frame[f"{column}_low"], frame[f"{column}_high"] = (
            wide.loc[order, (end, other)] for end in ("ci_low", "ci_high")
        )
        formats[column] = f"{{{column}:.2f}} [{{{column}_low:.2f}}, {{{column}_high:.2f}}]"
    if len(others) - 1 <= MOST_OTHERS:
        headings |= {columns[one]: Said(N_("With {coder}"), {"coder": one}) for one in persons}
        headings |= {columns[CONSENSUS]: N_("With the consensus")} if CONSENSUS in columns else {}
    else:
        each = frame[[columns[one] for one in persons]]
        frame = frame.assign(lowest=each.min(axis=1), highest=each.max(axis=1))
        headings |= {"lowest": N_("Lowest with a person"), "highest": N_("Highest with a person")}
        formats |= {"lowest": ".2f", "highest": ".2f"}
    least = frame.drop(index="all codes")[[columns[one] for one in persons]].min(axis=1)
    said = N_(
        "Agreement of people with {coder}, code by code, beside that among themselves on the same turns; with one of "
        "them it agrees least on “{code}”."
    )
    code = labels.get(least.idxmin(), "") if least.notna().any() else ALL_CODES
    return Exhibit(
        name, frame.reset_index(), Said(said, {"coder": coder, "code": code}), within=None, origin=origin,
        headings=headings, formats=formats,
    )  # fmt: skip


def disclosures(made: dict[str, pd.DataFrame], origin: str) -> list[Exhibit]:
    """Show what the author of each model's codings states of it, item by item; what is not stated is said to be so."""
    return [
        _disclosure(made["disclosure"].query("coder == @coder"), coder, name, origin)
        for coder, name in _named(made["answers"], "disclosure")
    ]


def _disclosure(items: pd.DataFrame, coder: str, name: str, origin: str) -> Exhibit:
    stated = items["answer"] != ""
    cut = items["answer"].where(items["answer"].str.len() <= SHOWN, items["answer"].str[:SHOWN] + " …")
    said = N_("Of {items} things that a reader should know of {coder}, {stated} are stated.")
    return Exhibit(
        name, items.assign(shown=cut.where(stated, NOT_STATED)),
        Said(said, {"items": len(items), "coder": coder, "stated": stated.sum()}), within=None, origin=origin,
        headings={"topic": N_("Topic"), "asks": N_("What is asked"), "shown": N_("What is stated")},
    )  # fmt: skip


def _alpha(agreement: pd.DataFrame, coder: str) -> pd.DataFrame:
    return agreement[(agreement["coder"] == coder) & (agreement["measure"] == "krippendorff_alpha")]


def _named(given: pd.DataFrame, name: str) -> list[tuple[str, str]]:
    """Each model, and what its exhibit is called."""
    coders = list(given["coder"].unique())
    return [(coder, name if len(coders) == 1 else f"{name}_{n}") for n, coder in enumerate(coders, start=1)]
