"""R2 and R3: the survey with its expert judgements, and the interviews."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from research.collect import datasets
from research.errors import UserError
from research.fieldwork.instruments import codebook
from research.fieldwork.instruments import items as instruments
from research.fieldwork.intake.coding import read_coding
from research.fieldwork.intake.judgements import read_ahp
from research.fieldwork.intake.survey import read_survey
from research.fieldwork.interviews import coder_agreement, coding, deidentify, saturation, transcripts
from research.fieldwork.survey import ahp, factors, group_comparison, reliability, response_quality
from research.fieldwork.survey import scales as surveys
from research.fieldwork.survey import vignettes as judgements
from research.fingerprint import fingerprint
from research.parameters import Fieldwork
from research.segment import registry, tiers
from research.steps import step
from research.study.collect import customers
from research.study.compare import practitioner_agreement, vignettes
from research.study.segment import not_testable
from research.study.weighting import located, survey_weights

CRITERIA = [f"C{number}" for number in range(1, 8)]
CODINGS = (".xlsx", ".xlsm")


def fieldwork_banner(study: Any) -> tuple[str, str]:
    """Return kind and text of the banner that says whether anybody was asked."""
    if not any(
        (study.fieldwork.survey, study.fieldwork.ahp, study.fieldwork.vignettes, study.fieldwork.interviews)
    ):
        return "real", "No fieldwork in this study: nobody was asked, and nothing here says that anybody was."
    if study.fieldwork.provenance == "invented":
        parts = "Answers, comparisons, judgements and interviews were made up for demonstration."
        return "invented", f"Invented fieldwork: nobody was asked. {parts}"
    return "real", "Fieldwork of this study: answers and interviews as returned."


def survey_key(study: Any) -> str:
    """Return the fingerprint of the questionnaires."""
    return _files(study, "survey", "items")


def ahp_key(study: Any) -> str:
    """Return the fingerprint of the comparisons."""
    return _files(study, "ahp")


def interviews_key(study: Any) -> str:
    """Return the fingerprint of transcripts, codings, codebook, names and waivers."""
    own = [located(path, "codings") for path in study.fieldwork.codings]
    return _files(study, "interviews", "codebook", "names", "waivers") + fingerprint(own)


@step("fieldwork", data=survey_key)
def survey(study: Any) -> dict[str, Any]:
    """Return the questionnaires with consent (`returned`), the `instrument`, and what was unusual (`faults`)."""
    return read_answers(study.fieldwork)


def read_answers(given: Fieldwork) -> dict[str, Any]:
    """Read the questionnaires, see `survey`. Raises UserError for every fault."""
    instrument = instruments.survey_items(_optional(given.items, "items"))
    returned, faults = read_survey(located(given.survey, "survey"), instrument=instrument)
    return {"returned": returned, "instrument": instrument, "faults": faults}


@step(survey)
def survey_quality(study: Any) -> dict[str, pd.DataFrame]:
    """Return the quality marks of the respondents, their summary, the flow of exclusions, and the answers kept."""
    found = survey(study)
    marks = response_quality.response_quality(found["returned"], found["instrument"])
    kept, flow = response_quality.usable(found["returned"], marks)
    return {
        "marks": marks,
        "summary": response_quality.quality_summary(marks),
        "flow": flow,
        "kept": kept,
        "missing": response_quality.item_missing(kept, found["instrument"]),
    }


@step(survey_quality, "bootstrap", "seed")
def survey_scales(study: Any) -> dict[str, pd.DataFrame]:
    """Return the scales: reliability, items, means of all and by group, and the comparison of the groups."""
    kept, instrument = survey_quality(study)["kept"], survey(study)["instrument"]
    options = {"resamples": study.bootstrap, "seed": study.seed}
    return {
        "reliability": reliability.reliability_table(kept, instrument, **options),
        "items": reliability.item_table(kept, instrument),
        "means": surveys.construct_summary(kept, instrument),
        "by_group": surveys.construct_summary(kept, instrument, by_group=True),
        "groups": group_comparison.compare_groups(kept, instrument, **options),
    }


@step(survey_quality)
def survey_answers(study: Any) -> dict[str, pd.DataFrame]:
    """Return the share of each answer to each item, of everybody (`all`) and by group (`by_group`)."""
    kept, instrument = survey_quality(study)["kept"], survey(study)["instrument"]
    return {
        "all": surveys.likert_distribution(kept, instrument),
        "by_group": surveys.likert_distribution(kept, instrument, by_group=True),
    }


@step(survey_quality, "seed")
def survey_factors(study: Any) -> dict[str, pd.DataFrame]:
    """Return the factor structure of the items on the criteria C1 to C7."""
    kept, instrument = survey_quality(study)["kept"], survey(study)["instrument"]
    asked = instrument.loc[instrument["criterion"].isin(CRITERIA) & (instrument["group"] == "both"), "item"]
    items = surveys.keyed(kept, instrument)[asked.tolist()]
    parallel = factors.parallel_analysis(items, seed=study.seed)
    loadings, correlations = factors.loadings(items, max(1, int(parallel["retained"].sum())), seed=study.seed)
    return {
        "factorability": factors.factorability(items),
        "parallel": parallel,
        "loadings": loadings,
        "correlations": correlations,
    }


@step(survey_quality, "bootstrap", "seed")
def criteria_ranking(study: Any) -> dict[str, pd.DataFrame]:
    """Return how the criteria C1 to C7 rank and Kendall's W of the respondents: everybody and each group."""
    kept, instrument = survey_quality(study)["kept"], survey(study)["instrument"]
    parts = {"all": kept, **{str(name): part for name, part in kept.groupby("group")}}
    options = {"resamples": study.bootstrap, "seed": study.seed}
    rankings, agreements = {}, {}
    for name, part in parts.items():
        rankings[name], agreements[name] = group_comparison.construct_ranking(
            part, instrument, CRITERIA, **options
        )
    stacked = (pd.concat(frames, names=["group"]).reset_index("group") for frames in (rankings, agreements))
    return dict(zip(("ranking", "concordance"), stacked, strict=True))


@step("fieldwork", "bootstrap", "seed", data=ahp_key)
def expert_comparisons(study: Any) -> dict[str, pd.DataFrame]:
    """Return the experts' weights, the group's by both ways of joining them, and the least consistent judgements."""
    pairs, judged = instruments.comparison_pairs(), read_ahp(located(study.fieldwork.ahp, "ahp"))
    options = {"resamples": study.bootstrap, "seed": study.seed}
    labels = pd.concat(
        [
            pairs[["set", side, f"{side}_en", f"{side}_zh"]].set_axis(
                ["set", "element", "label", "label_zh"], axis=1
            )
            for side in ("left", "right")
        ]
    ).drop_duplicates(["set", "element"])
    variants = [
        ahp.group_weights(judged, pairs, **options),
        ahp.group_weights(judged, pairs, aggregate="priorities", **options),
        ahp.group_weights(judged, pairs, consistent_only=False, **options),
    ]
    return {
        "labels": labels,
        "experts": ahp.expert_weights(judged, pairs),
        "group": variants[0],
        "variants": pd.concat(
            [part.assign(experts_used=used) for part, used in zip(variants, USED, strict=True)],
            ignore_index=True,
        ),
        "worst": ahp.worst_judgements(judged, pairs),
    }


USED = ("consistent", "consistent", "all complete")


@step(customers, "fieldwork", "tier_shares", "seed", data=ahp_key)
def weight_shift(study: Any, name: str) -> dict[str, Any]:
    """Return how a model's tiers move from equal weights to those of the experts; `reason` where not testable."""
    if reason := not_testable(study, name):
        return {"reason": reason}
    table, shares = customers(study), study.tier_shares.model_dump()
    weighed = {"equal": None, "survey": survey_weights(study.fieldwork.ahp)}
    placed = {}
    for label, given in weighed.items():
        made = registry.make(name, seed=study.seed, shares=shares, weights=given)
        placed[label] = tiers.as_tiers(made.fit(table, table["default"]).predict(table))
    equal, survey_ = (pd.Series(placed[label], index=table.index) for label in weighed)
    counts = pd.crosstab(equal.rename("from"), survey_.rename("to"), dropna=False).stack().rename("count")
    matrix = counts.reset_index().astype({"from": str, "to": str})
    matrix["n"] = matrix.groupby("from")["count"].transform("sum")
    matrix["estimate"] = matrix["count"] / matrix["n"]
    steps = survey_.cat.codes - equal.cat.codes
    return {
        "reason": "",
        "matrix": matrix,
        "n": len(table),
        "moved": int((steps != 0).sum()),
        "safer": int((steps < 0).sum()),
        "riskier": int((steps > 0).sum()),
        "far": int((steps.abs() > 1).sum()),
        "rates": _rates(table["default"], {"equal": equal, "survey": survey_}),
    }


@step(practitioner_agreement, "bootstrap", "seed")
def vignette_agreement(study: Any) -> dict[str, Any]:
    """Return the experts' agreement on vignettes, their consensus, and each model against them; `reason` if untestable.

    `models` holds quadratic κ against every judgement (criterion 10) and against the consensus.
    """
    judged, found = vignettes(study), practitioner_agreement(study)
    options = {"resamples": study.bootstrap, "seed": study.seed}
    shown: dict[str, Any] = {"judged": judged, "reason": found["reason"]}
    if len(judged):
        own = judged.assign(customer_id=judged["dataset"] + " " + judged["customer_id"])
        shown |= {
            "experts": judgements.expert_agreement(own, **options),
            "pairs": judgements.expert_pairs(own, resamples=0),
            "consensus": judgements.consensus_tiers(own),
        }
    if found["reason"]:
        return shown
    tables = [found["rows"].assign(against="every judgement")]
    for arm in registry.ARMS:
        placed = pd.DataFrame({model: part for (model, here), part in found["tiers"].items() if here == arm})
        settled = judgements.model_agreement(
            found["judged"], placed, arm=arm, dataset=datasets.shown(study.dataset), **options
        )
        tables.append(settled.assign(against="consensus"))
    crosstabs = {
        model: judgements.tier_crosstab(found["judged"], part)
        for (model, arm), part in found["tiers"].items()
        if arm == registry.ARMS[0] and model in study.models
    }
    columns = ["model", "arm", "against", "estimate", "ci_low", "ci_high", "n", "exact"]
    return shown | {
        "models": pd.concat(tables, ignore_index=True)[columns],
        "crosstabs": crosstabs,
    }


@step("fieldwork", data=interviews_key)
def interviews(study: Any) -> dict[str, pd.DataFrame]:
    """Return the coded interviews: units, codings, assignments, memos, codebook, and the waived findings.

    Raises:
        UserError: a text could identify somebody and no waiver covers it, so that nothing may be shown; or the coders
            read other texts than the transcripts.
    """
    return read_interviews(study.fieldwork)


def read_interviews(given: Fieldwork) -> dict[str, pd.DataFrame]:
    """Read transcripts and codings, see `interviews`."""
    folder = located(given.interviews, "interviews")
    book = codebook.read_codebook(_optional(given.codebook, "codebook"))
    read = transcripts.transcripts(folder)
    units = transcripts.units_of(read)
    names = _optional(given.names, "names") or _beside(folder, "names.txt")
    waivers = _optional(given.waivers, "waivers") or _beside(folder, "waivers.csv")
    listed = deidentify.read_names(names) if names else []
    findings = deidentify.require_clean(
        deidentify.scan(transcripts.searched_texts(read), listed, units),
        deidentify.read_waivers(waivers) if waivers else None,
    )
    coded = read_coding([located(path, "codings") for path in given.codings] or folder, codebook=book)
    _same_texts(units, coded.units)
    return {
        "units": units,
        "codings": coded.codings,
        "assignments": coded.assignments,
        "memos": coded.memos,
        "codebook": book,
        "findings": findings,
        "names": pd.DataFrame({"names": [len(listed)]}),
    }


@step(interviews, "bootstrap", "seed")
def coders_agreement(study: Any) -> dict[str, pd.DataFrame]:
    """Return the coders' agreement per code and overall, by segments and by whole interviews, and where they differ."""
    found = interviews(study)
    parts = (found["codings"], found["units"], _assignable(found["codebook"]))
    options = {"assignments": found["assignments"], "resamples": study.bootstrap, "seed": study.seed}
    by_document = coder_agreement.code_agreement(*parts, resample="document", **options)
    return {
        "codes": coder_agreement.code_agreement(*parts, **options),
        "by_document": by_document[by_document["scope"] == "overall"],
        "disagreements": coder_agreement.disagreements(*parts, found["assignments"]),
    }


@step(interviews)
def themes(study: Any) -> dict[str, pd.DataFrame]:
    """Return what was said: theme tree, frequencies by group, codes that meet, quotations; any coder's code counts."""
    found = interviews(study)
    parts = (found["codings"], found["units"], found["codebook"])
    return {
        "tree": coding.theme_tree(*parts),
        "frequencies": coding.code_frequencies(*parts),
        "cooccurrence": coding.cooccurrence(found["codings"], codebook.assignable(found["codebook"])),
        "quotations": coding.quotations(*parts),
    }


@step(interviews, "bootstrap", "seed")
def theme_saturation(study: Any) -> dict[str, pd.DataFrame]:
    """Return the saturation curve, where the rule stops, the band over random orders, and how often it stops where."""
    found = interviews(study)
    parts = (found["codings"], found["units"])
    curve = saturation.saturation_curve(*parts)
    options = {"permutations": study.bootstrap, "seed": study.seed}
    groups = []
    for name, units in found["units"].groupby("group"):
        codings = parts[0][parts[0]["document"].isin(units["document"])]
        own = saturation.saturation_curve(codings, units)
        groups.append(saturation.stopping_point(own).assign(group=name))
    return {
        "curve": curve,
        "stop": saturation.stopping_point(curve),
        "by_group": pd.concat(groups, ignore_index=True),
        "band": saturation.permutation_band(*parts, **options),
        "stops": saturation.stopping_points(*parts, **options),
    }


def _rates(default: pd.Series, placed: dict[str, pd.Series]) -> pd.DataFrame:
    """Bad rate of each tier under each set of weights."""
    parts = [
        default.groupby(tier, observed=False).agg(n="count", rate="mean").assign(weights=label)
        for label, tier in placed.items()
    ]
    return pd.concat(parts).rename_axis("tier").reset_index()[["weights", "tier", "n", "rate"]]


def _assignable(book: pd.DataFrame) -> pd.DataFrame:
    """The codes that may be given to a segment; a theme is never applied itself."""
    return book[book["code"].isin(codebook.assignable(book))]


def _same_texts(units: pd.DataFrame, coded: pd.DataFrame) -> None:
    """Stop when coders read a text that is not in the transcripts as they are now."""
    keys = ["document", "segment"]
    both = coded.merge(units[[*keys, "text"]], on=keys, how="left", suffixes=("", "_now"))
    other = both[both["text"].map(_plain) != both["text_now"].map(_plain)]
    if len(other):
        first = other.iloc[0]
        raise UserError(
            f"document {first['document']}, segment {first['segment']}: the coding workbooks hold another text than "
            "the transcript; expected codings of the transcripts as they are"
        )


def _plain(text: object) -> str:
    return "".join(str(text).split())


def _optional(path: str, parameter: str) -> Path | None:
    return located(path, parameter) if path else None


def _beside(folder: Path, name: str) -> Path | None:
    return folder / name if (folder / name).is_file() else None


def _files(study: Any, *parameters: str) -> str:
    given = [(getattr(study.fieldwork, name), name) for name in parameters]
    return fingerprint([located(path, name) for path, name in given if path])
