"""Page 10: what people say about tiers in interviews, and whether two readers agree on it.

Everywhere `origin` is `demonstration` (the interviews are invented) or `reported`, and `labels` is code → its name.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from research.exhibits.exhibit import Exhibit, drawing, interval
from research.exhibits.style import ACCENT, INK, MUTED, RULE, canvas, forest, name_rows, numbered, wrapped
from research.exhibits.words import N_, Said, Words, chosen

ALL_CODES = N_("All codes together")
GROUPS = {"customer": N_("customers"), "practitioner": N_("practitioners")}
LANGUAGES = {"en": N_("English"), "zh": N_("Chinese")}
INVENTED = N_("These interviews are invented: the page shows the method, and says nothing of what people think of "
              "tiers. That is known when a bank interviews its own customers and officers.")  # fmt: skip
MOST = N_("Of {people:,} participants, {voices:,} speak to “{code}”, more than to any other code.")
AGREED = {
    "reliable": N_("The coders agree well enough to rely on (α {alpha:.2f})."),
    "tentative": N_("The coders agree well enough for tentative conclusions (α {alpha:.2f})."),
    "low": N_("The coders agree too little for any conclusion (α {alpha:.2f})."),
    "open": N_("Whether the coders agree enough for conclusions is open (α {alpha:.2f})."),
    "undefined": N_("How far the coders agree cannot be computed."),
}
ENOUGH = {
    "few": N_("The interviews are too few to tell whether more would bring new codes."),
    "open": N_("The last interviews still brought new codes."),
    "held": N_("The last interviews brought no new code."),
    "missed": N_("New codes came even after the rule for stopping was met."),
}


def answer(counts: pd.DataFrame, alpha: pd.DataFrame, result: str, origin: str) -> list[Said]:
    """Say what most speak to, how far the coders agree and whether enough were heard; of invented interviews, nothing.

    Args:
        counts, alpha: as for `frequencies` and `agreement`.
        result: of the stopping rule.
    """
    if origin == "demonstration":
        return [Said(INVENTED)]
    whole = alpha[alpha["scope"] == "overall"].iloc[0]
    most = counts[counts["group"] == "all"].nlargest(1, "participants").iloc[0]
    return [Said(MOST, {"people": most["of"], "voices": most["participants"], "code": most["label_en"]}),
            chosen(AGREED, whole["reading"], alpha=whole["estimate"]), Said(ENOUGH[result])]  # fmt: skip


def sides(evidence: pd.DataFrame, origin: str) -> Exhibit:
    """Show for each claimed benefit how many speak for and against it, and the clearest words of each.

    `evidence`: `label_en, side`, and for both sides `voices_for, quote_for, quote_for_id`.
    """
    said = Said(N_("More participants speak for the benefit than against it on {most} of {n}; more "
                   "speak against it on {least}, and as many on {even}."),
                {"n": len(evidence), "most": (evidence["side"] == "for").sum(),
                 "least": (evidence["side"] == "against").sum(),
                 "even": (evidence["side"] == "even").sum()})  # fmt: skip
    ends = ("for", "against")
    kept = ["label_en", "side", *(f"{name}{end}" for end in ends for name in ("voices_", "quote_"))]
    return Exhibit(
        "sides", evidence[[*kept, *(f"quote_{end}_id" for end in ends)]], said, within=None, origin=origin,
        headings={"label_en": N_("Benefit"), "voices_for": N_("Speak for it"), "quote_for": N_("Said for it"),
                  "voices_against": N_("Speak against it"), "quote_against": N_("Said against it")},
        formats={f"voices_{end}": ",.0f" for end in ends}
        | {f"quote_{end}": f"{{quote_{end}}} ({{quote_{end}_id}})" for end in ends},
    )  # fmt: skip


SPOKEN = {
    "apart": N_("The groups lie furthest apart on “{code}”: {high:.0%} of {first} against {low:.0%} of {second}; "
                "with so few people a lead, not a test."),
    "alike": N_("Most participants, {voices:,} of {people:,}, speak to “{code}”."),
}  # fmt: skip


def frequencies(counts: pd.DataFrame, origin: str) -> Exhibit:
    """Show the share of the participants of each group who speak to a code, most spoken to first.

    `counts`: `code, label_en, group` (everybody is `all`), `segments, participants, share, of` of codes, not themes.
    """
    order = counts[counts["group"] == "all"].sort_values("participants", ascending=False, kind="stable")
    frame = counts[counts["group"] != "all"].set_index("code").loc[order["code"]].reset_index()
    wide = frame.pivot(index="label_en", columns="group", values="share").reindex(order["label_en"])
    gap = wide.max(axis=1) - wide.min(axis=1)
    row, top = wide.loc[gap.idxmax()], order.iloc[0]
    said = chosen(SPOKEN, "apart" if gap.max() > 0 else "alike", high=row.max(), first=_group(row.idxmax()),
                  low=row.min(), second=_group(row.idxmin()), voices=top["participants"], people=top["of"],
                  code=gap.idxmax() if gap.max() > 0 else top["label_en"])  # fmt: skip
    alt = N_("One row per code with a dot for each group, joined by a line; codes most spoken to come first.")
    return Exhibit(
        "frequencies", frame, said, Said(alt), frequencies_drawn, within=None, origin=origin,
        headings={"label_en": N_("Code"), "group": N_("Group"), "participants": N_("Participants"), "of": N_("of"),
                  "share": N_("Share"), "segments": N_("Turns")}, formats={"share": ".0%"},
    )  # fmt: skip


def _group(name: str) -> Said | str:
    return Said(GROUPS[name]) if name in GROUPS else name


@drawing
def frequencies_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw a row per code: a dot for each group, and a line between them."""
    codes, groups = list(dict.fromkeys(frame["label_en"])), sorted(frame["group"].unique())
    rows = frame["label_en"].map({code: place for place, code in enumerate(codes)})
    # Equal shares stay visible one above the other.
    nudge = frame["group"].map(dict(zip(groups, np.linspace(-0.13, 0.13, len(groups)), strict=True)))
    label, sizes = N_("{group} (n = {n:,.0f})"), frame.groupby("group")["of"].first()
    names = {group: words(label, group=_group(group), n=sizes[group]) for group in groups}
    figure = canvas(words, 0.24 * len(codes) * (1.3 if words.narrow else 1) + 1)
    axes = figure.subplots()
    ends = frame.groupby("label_en", sort=False)["share"].agg(["min", "max"])
    axes.hlines(range(len(codes)), ends["min"], ends["max"], color=RULE, linewidth=2)
    sns.scatterplot(x=frame["share"], y=rows + nudge, hue=frame["group"].map(names), hue_order=names.values(),
                    palette=[ACCENT, INK, MUTED][: len(groups)], s=36, ax=axes, zorder=3)  # fmt: skip
    _name(codes, axes, words)
    axes.set_xlim(-0.02, 1.02)
    numbered(axes.xaxis, words)
    axes.set(xlabel=words(N_("Share of participants who speak to it")), ylabel="")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper right", ncols=len(groups))
    axes.get_legend().remove()
    return figure


def _name(labels: list[str], axes: Axes, words: Words) -> None:
    names = [wrapped(words(label), words, 99, 22) for label in labels]
    name_rows(axes, names, below=0.4, fontsize=7.5 if words.narrow else 8.5)


READINGS = ("reliable", "tentative", "low", "open")


def agreement(alpha: pd.DataFrame, bars: dict[str, float], labels: pd.Series, origin: str) -> Exhibit:
    """Show Krippendorff's α of every code on the turns that carry a code, against the customary bars.

    Args:
        alpha: `scope, code, estimate, ci_low, ci_high, reading, n, applied, note`.
        bars: level → least α: `tentative`, `reliable`.
    """
    codes = alpha[alpha["scope"] == "code"].sort_values("estimate", ascending=False, kind="stable")
    frame = pd.concat([alpha[alpha["scope"] == "overall"], codes], ignore_index=True).assign(**bars)
    frame["label"] = frame["code"].map(labels).fillna(ALL_CODES)
    said = Said(N_("Of {n} codes, the coders agree reliably on {reliable}, tentatively on {tentative} and too "
                   "little on {low}; on {open} the interval leaves it open."),
                {"n": len(codes)} | {name: (codes["reading"] == name).sum() for name in READINGS})  # fmt: skip
    alt = N_("A dot with interval per code, best agreed first, all codes on top; two lines mark the bars.")
    return Exhibit(
        "agreement", frame, said, Said(alt), agreement_drawn, within=None, origin=origin,
        headings={"label": N_("Code"), "estimate": N_("Krippendorff's α [95 % interval]"), "reading": N_("Agreement"),
                  "applied": N_("Times given"), "n": N_("Turns"), "note": N_("Note")},
        formats={"estimate": interval(".2f"), "n": ",.0f", "applied": ",.0f"},
    )  # fmt: skip


@drawing
def agreement_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw α with its interval per code, and the bars."""
    figure = canvas(words, 0.24 * len(frame) * (1.2 if words.narrow else 1) + 0.7)
    axes = figure.subplots()
    rows = frame.set_index("label").assign(prediction_low=np.nan, prediction_high=np.nan)
    forest(axes, rows, list(rows.index), str(rows.index[0]), frame["tentative"].iloc[0], words)
    axes.axvline(frame["reliable"].iloc[0], color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=0)
    _name(list(rows.index), axes, words)
    axes.set_xlim(min(-0.02, frame["ci_low"].min() - 0.02), 1.03)
    label = words(N_("Krippendorff's α, 95 % interval; line: tentative, dashed: reliable"))
    axes.set_xlabel(label, loc="right")
    return figure


WHOLE = N_(
    "Over all codes, α is {alpha:.2f} on the turns that carry a code (95 % interval {low:.2f} to {high:.2f}; "
    "{low_whole:.2f} to {high_whole:.2f} when whole interviews vary) and {all:.2f} on all turns."
)
RARE = N_(
    "The coders say the same of at least {percent:.0%} of turns on every code, which means little where a code is rare."
)


def overall(agreed: dict[str, pd.DataFrame]) -> list[Said]:
    """Say how far the coders agree over all codes, and why percent agreement tells little.

    `agreed`: `codes`: `scope, base, measure, estimate`; `by_document`: the overall rows, whole interviews resampled.
    """
    codes = agreed["codes"].set_index(["scope", "measure", "base"]).sort_index()
    whole = codes.loc[("overall", "krippendorff_alpha")]
    if whole["estimate"].isna().any():
        return [Said(AGREED["undefined"])]
    wider = agreed["by_document"].set_index(["measure", "base"]).loc[("krippendorff_alpha", "coded")]
    turns = whole.loc["coded"]
    fields = {"alpha": turns["estimate"], "low": turns["ci_low"], "high": turns["ci_high"],
              "low_whole": wider["ci_low"], "high_whole": wider["ci_high"],
              "all": whole.loc["all", "estimate"]}  # fmt: skip
    least = codes.loc[("code", "percent_agreement", "coded"), "estimate"].min()
    return [Said(WHOLE, fields), Said(RARE, {"percent": least})]


FOLLOWED = {
    "open": N_("On {differ:,} of {applied:,} codings a second coder does not follow; all are to be talked through."),
    "settled": N_("On {differ:,} of {applied:,} codings a second coder did not follow; [[resolved]] tells what was "
                  "decided."),
}  # fmt: skip


def coefficients(agreed: dict[str, pd.DataFrame], labels: pd.Series, origin: str) -> Exhibit:
    """Show every coefficient of every code on the turns that carry a code, and how many cases are open.

    The frame holds intervals and the values on all turns as well.
    """
    codes = agreed["codes"][agreed["codes"]["measure"] != "krippendorff_alpha_masi"]
    keys = codes["measure"] + "_" + codes["base"]
    ends = {"estimate": "", "ci_low": "_low", "ci_high": "_high"}
    frame = pd.concat(
        [codes.assign(key=keys + end).pivot(index="code", columns="key", values=name) for name, end in ends.items()],
        axis=1,
    ).reindex([*(code for code in labels.index if code in set(codes["code"])), "all codes"])  # fmt: skip
    differ = agreed["disagreements"]["code"].value_counts()
    frame = frame.assign(
        label=frame.index.map(labels).fillna(ALL_CODES), applied=codes.groupby("code")["applied"].first(),
        differ=differ.reindex(frame.index, fill_value=0).mask(frame.index == "all codes", differ.sum()),
    ).reset_index()  # fmt: skip
    titles = {
        "percent_agreement": N_("Percent agreement"),
        "cohen_kappa": N_("Cohen's κ"),
        "gwet_ac1": N_("Gwet's AC1"),
        "krippendorff_alpha": N_("Krippendorff's α"),
    }
    shown = {f"{name}_coded": title for name, title in titles.items() if f"{name}_coded" in frame}
    text = FOLLOWED["settled" if len(agreed["settled"]) else "open"]
    return Exhibit(
        "coefficients", frame, Said(text, frame[["differ", "applied"]].iloc[-1].to_dict()), within=None, origin=origin,
        headings={"label": N_("Code"), "applied": N_("Times given"), "differ": N_("Coders differ"), **shown},
        formats=dict.fromkeys(shown, ".2f") | {"percent_agreement_coded": ".0%"}, supplement=True,
    )  # fmt: skip


def resolved(settled: pd.DataFrame, labels: pd.Series, origin: str) -> Exhibit:
    """Show for each code the agreement of the coders who worked alone, and what they decided where they differed.

    `settled`: `code, estimate, ci_low, ci_high, differ, keep, drop, undecided`; `all codes` is one.
    """
    said = N_("The coders differed on {differ:,} cases: {keep:,} codes were kept and {drop:,} dropped; "
              "{undecided:,} are undecided and do not count.")  # fmt: skip
    whole = settled["code"] == "all codes"
    frame = pd.concat([settled[whole], settled[~whole & (settled["differ"] > 0)]], ignore_index=True)
    counts = ["differ", "keep", "drop", "undecided"]
    return Exhibit(
        "resolved", frame.assign(label=frame["code"].map(labels).fillna(ALL_CODES)),
        Said(said, frame.loc[0, counts].to_dict()), within=None, origin=origin,
        headings={"label": N_("Code"), "estimate": N_("α before [95 % interval]"), "differ": N_("Cases that differ"),
                  "keep": N_("Kept"), "drop": N_("Dropped"), "undecided": N_("Undecided")},
        formats={"estimate": interval(".2f")} | dict.fromkeys(counts, ",.0f"),
    )  # fmt: skip


def consensus(after: pd.DataFrame, alpha: pd.DataFrame, origin: str) -> Exhibit:
    """Show how often the decisions went each coder's way, and how near each had been to the consensus.

    Args:
        after: `coder, decided, followed, changed, added, removed, kappa, alpha, ci_low, ci_high`.
        alpha: as for `agreement`.
    """
    said = N_("What counts as reliability is the agreement before, α {before:.2f}; with the consensus, made of "
              "their own codings, the coders agree at α {low:.2f} to {high:.2f}.")  # fmt: skip
    before = alpha.loc[alpha["scope"] == "overall", "estimate"].iloc[0]
    fields = {"before": before, "low": after["alpha"].min(), "high": after["alpha"].max()}
    return Exhibit(
        "consensus", after, Said(said, fields), within=None, origin=origin,
        headings={"coder": N_("Coder"), "decided": N_("Decisions on their codings"),
                  "followed": N_("As they had coded"), "changed": N_("Changed"), "added": N_("A code added"),
                  "removed": N_("A code removed"), "alpha": N_("α with the consensus [95 % interval]"),
                  "kappa": N_("Cohen's κ with it")}, formats={"alpha": interval(".2f", "alpha"), "kappa": ".2f"},
    )  # fmt: skip


STOPPED = {
    "few": N_("{interviews} interviews and {codes} codes are too few for the stopping rule."),
    "open": N_("The stopping rule is not met: the last {run} of {interviews} interviews brought "
               "{new_information:.0%} new codes, and it allows {threshold:.0%}."),
    "held": N_("The stopping rule is met after {enough:.0f} of {interviews} interviews; no new code came later."),
    "missed": N_("The stopping rule is met after {enough:.0f} of {interviews} interviews, but stopping there would "
                 "have missed {later:.0f} of {codes} codes."),
}  # fmt: skip
THE_RULE = N_("The rule of Guest, Namey and Chen: stop when the next {run} interviews bring at most "
              "{threshold:.0%} new codes, measured against those of the first {base}.")  # fmt: skip
ORDERS = {
    "always": N_("In other orders of the people it would have stopped after {first:.0f} to {last:.0f} interviews."),
    "sometimes": N_("In other orders of the people it would have stopped after {first:.0f} to {last:.0f} "
                    "interviews, and never in {never:.1%} of the orders."),
    "same": N_("In any order of the people it stops after {first:.0f} interviews."),
    "never": N_("In no order of the people would it have stopped."),
}  # fmt: skip


def saturation(curve: pd.DataFrame, band: pd.DataFrame, stop: pd.Series, origin: str) -> Exhibit:
    """Show the codes heard by interview, the band over random orders, and where the rule stops.

    Args:
        curve: `interview, codes, new_codes, cumulative`.
        band: `interview, mean, low, high`.
        stop: the row of `stopping_point`; its `result` picks the sentence.
    """
    frame = curve.drop(columns="document", errors="ignore").merge(band, on="interview")
    alt = N_(
        "A line of the codes heard so far, inside the band of random orders; below it bars of new codes."
    )
    return Exhibit(
        "saturation", frame.assign(enough=stop["enough"], checked=stop["checked"]),
        chosen(STOPPED, stop["result"], **stop), Said(alt), saturation_drawn, within=None, origin=origin,
        headings={"interview": N_("Interview"), "codes": N_("Codes in it"), "new_codes": N_("New codes"),
                  "cumulative": N_("Codes so far"), "mean": N_("Random orders, mean"), "low": N_("from"),
                  "high": N_("to")}, formats={"mean": ".1f", "low": ".1f", "high": ".1f"},
    )  # fmt: skip


@drawing
def saturation_drawn(frame: pd.DataFrame, words: Words) -> Figure:
    """Draw the codes heard so far above the new ones; a band marks the interviews on which the rule was met."""
    figure = canvas(words, 3.6)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    upper.fill_between(frame["interview"], frame["low"], frame["high"], color=ACCENT, alpha=0.15, linewidth=0)
    sns.lineplot(x=frame["interview"], y=frame["mean"], color=ACCENT, linestyle="--", linewidth=1, ax=upper,
                 label=words(N_("random orders, mean and 95 % band")))  # fmt: skip
    sns.lineplot(x=frame["interview"], y=frame["cumulative"], color=INK, marker="o", markersize=4, ax=upper,
                 label=words(N_("in the order of the documents")))  # fmt: skip
    lower.bar(frame["interview"], frame["new_codes"], color=MUTED, width=0.6)
    enough, checked = frame[["enough", "checked"]].iloc[0]
    if enough == enough:
        for axes, label in ((upper, words(N_("interviews that met the rule"))), (lower, None)):
            axes.axvspan(
                enough + 0.5, checked + 0.5, color=RULE, alpha=0.5, linewidth=0, zorder=0, label=label
            )
    upper.set(ylabel=words(N_("Codes so far")), ylim=(0, frame["cumulative"].max() * 1.1))
    upper.legend(loc="lower right")
    lower.set(xlabel=words(N_("Interview")), ylabel=words(N_("New")), xlim=(0.4, len(frame) + 0.6))
    lower.xaxis.set_major_locator(MaxNLocator(integer=True))
    lower.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    sns.despine(figure)
    return figure


def stopping(stop: pd.Series, stops: pd.DataFrame) -> list[Said]:
    """Say the rule, and where it stops over random orders (`enough`, missing for never; `share`)."""
    reached, never = stops["enough"].dropna(), stops.loc[stops["enough"].isna(), "share"].sum()
    code = (
        "never" if reached.empty else "sometimes" if never > 0 else "always" if len(reached) > 1 else "same"
    )
    rule = Said(THE_RULE, stop[["run", "threshold", "base"]].to_dict())
    return [rule, chosen(ORDERS, code, first=reached.min(), last=reached.max(), never=never)]


HEARD = {
    "demonstration": N_("{people:,} invented participants speak in {turns:,} turns; {coders} coders gave a code to "
                        "{coded:,} of them."),
    "reported": N_("{people:,} people spoke in {turns:,} turns; {coders} coders gave a code to {coded:,} of them."),
}  # fmt: skip
SEARCHED = {
    "none": N_("{documents:,} transcripts were searched for {names:,} names and for patterns; nothing was found."),
    "waived": N_("{documents:,} transcripts were searched for {names:,} names and for patterns; found and kept, "
                 "each with a written reason: {places:,}."),
}  # fmt: skip


def participants(people: pd.DataFrame, coders: int, origin: str) -> Exhibit:
    """Show how many spoke, by group and language: `group, language, participants, turns, coded`."""
    sums = people[["participants", "turns", "coded"]].sum()
    said = chosen(HEARD, origin, people=sums["participants"], coders=coders, **sums[["turns", "coded"]])
    return Exhibit(
        "participants", people.replace({"group": GROUPS, "language": LANGUAGES}), said, origin=origin,
        headings={"group": N_("Group"), "language": N_("Language"), "participants": N_("Participants"),
                  "turns": N_("Turns"), "coded": N_("Turns with a code")},
    )  # fmt: skip


def searched(documents: int, names: int, findings: pd.DataFrame) -> Said:
    """Say what was searched for what could identify somebody, and what was found (all of it waived in writing)."""
    places = findings["finding"].nunique()
    return chosen(SEARCHED, "waived" if places else "none", documents=documents, names=names, places=places)


def tree(themes: pd.DataFrame, definitions: pd.Series, origin: str) -> Exhibit:
    """Show the codes in their themes (`code, label_en, depth, segments, participants`) and what each means."""
    frame = themes.assign(label=["— " * row.depth + row.label_en for row in themes.itertuples()],
                          definition=themes["code"].map(definitions))  # fmt: skip
    said = Said(N_("The codebook as a tree: {themes} themes and {codes} codes; a theme counts each "
                   "turn of its codes once."),
                {"themes": (themes["depth"] == 0).sum(), "codes": (themes["depth"] > 0).sum()})  # fmt: skip
    return Exhibit(
        "tree", frame, said, within=None, origin=origin, supplement=True,
        headings={"label": N_("Theme or code"), "definition": N_("What it means"), "segments": N_("Turns"),
                  "participants": N_("Participants")},
    )  # fmt: skip


def quotations(quotes: pd.DataFrame, origin: str) -> Exhibit:
    """Show two quotations per code, the clearest first."""
    text = N_("At most two quotations per code: first those that most coders gave it to, then a new voice.")
    return Exhibit(
        "quotations", quotes.groupby("code", sort=False).head(2), Said(text), within=None, origin=origin,
        headings={"label_en": N_("Code"), "text": N_("In their words"), "quote_id": N_("Participant: turn"),
                  "group": N_("Group"), "coders": N_("Coders")}, supplement=True,
    )  # fmt: skip


MET = {
    "some": N_("“{first}” and “{second}” share most turns, {segments:,}; {apart:,} of {pairs:,} pairs never meet."),
    "none": N_("No two codes share a turn."),
}  # fmt: skip
PAIRS = 10


def together(pairs: pd.DataFrame, labels: pd.Series, origin: str) -> Exhibit:
    """Show the ten pairs that share most turns: `code_1, code_2, segments, segments_1, segments_2, jaccard`."""
    met = pairs[pairs["segments"] > 0].sort_values(["segments", "jaccard"], ascending=False, kind="stable")
    frame = met.head(PAIRS).assign(first=met["code_1"].map(labels), second=met["code_2"].map(labels))
    top = frame[["first", "second", "segments"]].iloc[0].to_dict() if len(met) else {}
    said = chosen(MET, "some" if len(met) else "none", apart=len(pairs) - len(met), pairs=len(pairs), **top)
    return Exhibit(
        "together", frame, said, within=None, origin=origin, supplement=True,
        headings={"first": N_("Code"), "second": N_("and code"), "segments": N_("Turns with both"),
                  "segments_1": N_("with the first"), "segments_2": N_("with the second"),
                  "jaccard": N_("Jaccard index")}, formats={"jaccard": ".2f"},
    )  # fmt: skip


LIMITS = (N_("Participants were chosen, not drawn: shares describe them and nobody else."),
          N_("Coders used one codebook; agreement says that they read it alike, not that the codes are right."),
          N_("The order of the documents need not be the order of the interviews."))  # fmt: skip


COUNTED = {
    "any": N_(
        "A code counts when any coder gave it; counts may change when coders settle what differs in [[coefficients]]."
    ),
    "settled": N_("A code counts when the coders agreed on it, or kept it after talking; see [[resolved]]."),
}


def limits_of_interviews(settled: pd.DataFrame) -> list[Said]:
    """Return what the page cannot say; `settled` as for `resolved`, empty where nothing was decided."""
    *first, last = LIMITS
    return [Said(text) for text in (*first, COUNTED["settled" if len(settled) else "any"], last)]
