"""R4: what the loan data say about each hypothesis, and how they meet the survey and the interviews.

The quantity, the constructs and the themes of each hypothesis were fixed in `hypotheses.csv` before the results.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from research.collect import datasets
from research.collect import worth as worths
from research.errors import UserError
from research.fieldwork import integration
from research.fieldwork.gramms import integration_statement
from research.manage import benefits
from research.parameters import Study
from research.steps import step
from research.study.collect import about
from research.study.compare import comparison, titles, verdict
from research.study.customers import customers, outcome
from research.study.interviews import interviews
from research.study.manage import policy_detail, unseen_tiers
from research.study.monitor import premium_potential
from research.study.survey import survey_quality, survey_scales
from research.study.testable import answers, why_not

NOTHING = {"estimate": np.nan, "ci_low": np.nan, "ci_high": np.nan, "n": 0}
NEED = "cramers_v"


@step(comparison, unseen_tiers, policy_detail, premium_potential, answers)
def loan_evidence(study: Study, name: str) -> pd.DataFrame:
    """Return the result of the loan data on H1 to H5 with a model's tiers as practised.

    Returns:
        `hypothesis`, `quantity`, `estimate`, `ci_low`, `ci_high`, `n`, `reason` (why there is none), `source` (what
        the numbers rest on besides the data), `depends_on` (data; assumption or condition: can refute, not support).
    """
    rows = [
        {"hypothesis": "H1", "quantity": "default_rate_ratio", **_risk(study, name)},
        {"hypothesis": "H2", "quantity": "premium_value_lift", **_value(study, name)},
        {"hypothesis": "H3", "quantity": "need_separation", **_need(study, name)},
        {"hypothesis": "H4", "quantity": "officer_hours_ratio", **_hours(study, name)},
        {"hypothesis": "H5", "quantity": "potential_premium_lift", **_growth(study, name)},
    ]
    table = pd.DataFrame(rows, columns=["hypothesis", "quantity", *NOTHING, "reason", "source", "depends_on"])
    own = "simulated" if study.dataset == datasets.SIMULATED else ""
    table["source"] = table["source"].fillna(own)
    return table.fillna({"reason": "", "depends_on": "data"})


@step(loan_evidence, verdict, survey_scales, interviews)
def synthesis(study: Study) -> dict[str, Any]:
    """Return the joint display of the leading model's tiers, the same under other choices, and the integration.

    The leading model is the one with the best mean rank as practised. `variants` repeats the verdicts with the tiers
    of the other models and with codes that all coders applied.
    """
    found = verdict(study)
    leader, hypotheses = found.leader, integration.read_hypotheses()
    asked = survey_scales(study)["means"] if study.fieldwork.survey else pd.DataFrame()
    heard = {rule: _themes(study, hypotheses, rule) for rule in ("any", "all")}
    models = [leader, *(row for row in found.ranking["model"] if row != leader)]
    displays = {
        titles()[name]: integration.joint_display(loan_evidence(study, name), asked, heard["any"], hypotheses)
        for name in models
    }
    display = displays[titles()[leader]]
    strict = integration.joint_display(loan_evidence(study, leader), asked, heard["all"], hypotheses)
    variants = {f"tiers of {name}": part for name, part in displays.items()} | {
        "only codes that all coders applied": strict
    }
    counts = _counts(study)
    return {
        "leader": titles()[leader],
        "display": display,
        "page": _page(display, asked, heard["any"]),
        "asked": asked[asked["criterion"].isin(display["hypothesis"])] if len(asked) else asked,
        "evidence": pd.concat([loan_evidence(study, name).assign(model=titles()[name]) for name in models]),
        "themes": heard["any"],
        "variants": pd.DataFrame(
            {name: part.set_index("hypothesis").apply(_said, axis=1) for name, part in variants.items()}
        ).reset_index(),
        "statement": integration_statement(display, counts),
        "counts": counts,
    }


def _page(display: pd.DataFrame, asked: pd.DataFrame, heard: pd.DataFrame) -> pd.DataFrame:
    """The joint display as narrow as a page: the survey as a mean with its interval, quotations below the voices."""
    means = {} if asked.empty else asked[asked["group"] == "both"].set_index("criterion")
    quoted = dict.fromkeys(display["hypothesis"], "")
    for row in heard.to_dict("records"):
        sides = [(side, row[f"quote_{side}"], row[f"quote_{side}_id"]) for side in ("for", "against")]
        quoted[row["hypothesis"]] = " ".join(
            f"{side.capitalize()}: “{text}” ({place})." for side, text, place in sides if text
        )
    spoken = display["interviews"] + ". " + display["hypothesis"].map(quoted)
    return pd.DataFrame(
        {
            "hypothesis": display["hypothesis"],
            "verdict": display["verdict"],
            "loan_data": display["loan_data"],
            "survey": [
                "{estimate:.2f} [{ci_low:.2f}, {ci_high:.2f}]".format(**means.loc[name])
                if len(means) and name in means.index
                else "no result"
                for name in display["hypothesis"]
            ],
            "interviews": spoken.str.strip(),
        }
    )


def verdicts_in_words(display: pd.DataFrame) -> str:
    """Return the verdicts on the hypotheses in one sentence: `H1 Risk management: convergence, supported; …`."""
    return "; ".join(f"{row.hypothesis} {row.label_en.lower()}: {_said(row)}" for row in display.itertuples())


def strand_in_words(display: pd.DataFrame, strand: str = "loan_data") -> str:
    """Return what one strand alone says: `for H1 and H2; against H3; undecided on H4; silent on H5`."""
    words = {
        "supports": "for",
        "contradicts": "against",
        "inconclusive": "undecided on",
        "absent": "silent on",
    }
    outcomes = display.set_index("hypothesis")[f"{strand}_outcome"]
    said = {word: outcomes.index[outcomes == outcome].tolist() for outcome, word in words.items()}
    return "; ".join(
        f"{word} {', '.join(names[:-1])}{' and ' if len(names) > 1 else ''}{names[-1]}"
        for word, names in said.items()
        if names
    )


def _said(row: Any) -> str:
    return row.verdict if row.direction == "open" else f"{row.verdict} ({row.direction})"


def _counts(study: Study) -> dict[str, int]:
    found = interviews(study) if study.fieldwork.interviews else None
    return {
        "loans": about(study)["known"],
        "respondents": len(survey_quality(study)["kept"]) if study.fieldwork.survey else 0,
        "participants": found["units"]["participant"].nunique() if found else 0,
        "coders": found["assignments"]["coder"].nunique() if found else 0,
    }


def _themes(study: Study, hypotheses: pd.DataFrame, coders: str) -> pd.DataFrame:
    if not study.fieldwork.interviews:
        return pd.DataFrame()
    found = interviews(study)
    return integration.theme_evidence(found["codings"], found["units"], found["codebook"], hypotheses, coders)


def _risk(study: Study, name: str) -> dict[str, Any]:
    if reason := outcome(study).no_default_rate:
        return NOTHING | {"reason": reason}
    placed, table = unseen_tiers(study), customers(study)
    if name not in placed:
        return NOTHING | {"reason": "the model cannot be used on these data"}
    high = placed[name].astype(object) == "high"
    found = benefits.ratio_of_rates(table["default"].reindex(high.index), high)
    return _given(*found, reason="too few defaults, or an empty tier")


def _value(study: Study, name: str) -> dict[str, Any]:
    placed, (worth, worth_is) = unseen_tiers(study), worths.worth(customers(study))
    if name not in placed or worth is None:
        return NOTHING | {"reason": "the data set measures no value"}
    premium = placed[name].astype(object) == "premium"
    found = benefits.value_lift(worth.reindex(premium.index), premium)
    return _given(*found, reason="value is negative or nil for some") | {"source": f"value: {worth_is}"}


def _need(study: Study, name: str) -> dict[str, Any]:
    rows = comparison(study)["criteria"].query(
        "measure == @NEED and model == @name and arm == 'as practised'"
    )
    if rows.empty:
        return NOTHING | {"reason": "the data set measures no need"}
    row = rows.iloc[0]
    found = _given(row["estimate"], row["ci_low"], row["ci_high"], int(row["n"]), reason="need does not vary")
    return found | {"depends_on": "condition"}


def _hours(study: Study, name: str) -> dict[str, Any]:
    if reason := why_not(study, "06_strategies"):
        return NOTHING | {"reason": f"no policy simulation: {reason}"}
    try:
        evidence = policy_detail(study, name)["evidence"].set_index("quantity")
    except UserError as error:
        return NOTHING | {"reason": f"no policy simulation: {error}"}
    row = evidence.loc["officer_hours_ratio"]
    found = _given(row["estimate"], row["ci_low"], row["ci_high"], int(row["n"]), reason="no hours")
    return found | {"source": "policy simulation, assumed hours", "depends_on": "assumption"}


def _growth(study: Study, name: str) -> dict[str, Any]:
    quality = premium_potential(study, name)["quality"].set_index("measure").loc["lift"]
    found = _given(
        quality["estimate"], quality["ci_low"], quality["ci_high"], int(quality["n"]), reason="no moves"
    )
    if study.dataset == datasets.SIMULATED:
        return found
    return found | {"source": "the simulated bank, not these loans", "depends_on": "assumption"}


def _given(estimate: float, low: float, high: float, n: int, reason: str) -> dict[str, Any]:
    found = {"estimate": estimate, "ci_low": low, "ci_high": high, "n": n}
    return found | {"reason": "" if np.isfinite(estimate) else reason}
