"""Page 10: invented interviews reach no answer, and each result picks one whole sentence."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from research.exhibits import interviews as exhibits
from research.exhibits.style import mark_origin, theme
from research.exhibits.words import Words
from research.fieldwork.interviews.coder_agreement import bars, readings
from research.pages.picture import picture
from research.pages.show import ANSWER_NUMBERS, ANSWER_WORDS
from research.pages.worded import count_of

LABELS = pd.Series({"speed": "Speed", "trust": "Trust", "rate": "Rate"})
DEFAULTS = {"base": 4, "run": 2, "threshold": 0.05, "interviews": 24, "codes": 27}
STOPS = {
    "few": {"interviews": 5, "enough": np.nan, "checked": np.nan, "later": np.nan, "new_information": np.nan},
    "open": {"enough": np.nan, "checked": np.nan, "later": np.nan, "new_information": 0.136},
    "held": {"enough": 9, "checked": 11, "later": 0, "new_information": 0.0},
    "missed": {"enough": 6, "checked": 8, "later": 2, "new_information": 0.045},
}


def stop(result: str) -> pd.Series:
    return pd.Series(DEFAULTS | STOPS[result] | {"result": result})


def alpha(
    reading: str = "tentative", estimate: float = 0.79, codes: tuple[str, ...] = ("open",)
) -> pd.DataFrame:
    rows = [{"scope": "overall", "code": "all codes", "estimate": estimate, "ci_low": estimate - 0.05,
             "ci_high": estimate + 0.05, "reading": reading, "applied": 50, "n": 90, "note": ""}]  # fmt: skip
    rows += [row | {"scope": "code", "code": code, "reading": said} for row in rows[:1]
             for code, said in zip(LABELS.index, codes, strict=False)]  # fmt: skip
    return pd.DataFrame(rows)


def counts(*shares: tuple[str, str, int]) -> pd.DataFrame:
    given = shares or (("speed", "customer", 5), ("speed", "practitioner", 1), ("trust", "customer", 2),
                       ("trust", "practitioner", 2))  # fmt: skip
    rows = pd.DataFrame(given, columns=["code", "group", "participants"])
    everybody = (
        rows.groupby("code", sort=False)["participants"].sum().reset_index().assign(group="all", of=12)
    )
    table = pd.concat([rows.assign(of=6), everybody], ignore_index=True)
    table["share"] = table["participants"] / table["of"]
    return table.assign(label_en=table["code"].map(LABELS), segments=table["participants"])


def evidence(*said: str) -> pd.DataFrame:
    return pd.DataFrame(
        {"label_en": [f"Benefit {i}" for i in range(len(said))], "side": said, "participants": 12, "voices_for": 6,
         "voices_against": 5, "quote_for": "Yes.", "quote_for_id": "A:1", "quote_against": "No.",
         "quote_against_id": "B:2"}
    )  # fmt: skip


def test_invented_interviews_reach_no_answer() -> None:
    made = exhibits.answer(counts(), alpha(), "missed", "demonstration")
    assert count_of(made)[1] == 0
    assert str(made[0]).startswith("These interviews are invented: the page shows the method")


@pytest.mark.parametrize(
    ("reading", "result", "text"),
    [
        ("reliable", "held",
         "The coders agree well enough to rely on (α 0.79). The last interviews brought no new code."),
        ("tentative", "missed",
         "The coders agree well enough for tentative conclusions (α 0.79). New codes came even after the rule for "
         "stopping was met."),
        ("low", "open",
         "The coders agree too little for any conclusion (α 0.79). The last interviews still brought new codes."),
        ("open", "few",
         "Whether the coders agree enough for conclusions is open (α 0.79). The interviews are too few to tell whether "
         "more would bring new codes."),
        ("undefined", "held",
         "How far the coders agree cannot be computed. The last interviews brought no new code."),
    ],
)  # fmt: skip
def test_the_answer_of_real_interviews_follows_agreement_and_stopping(reading, result, text) -> None:
    made = exhibits.answer(counts(), alpha(reading), result, "reported")
    said = " ".join(map(str, made))
    assert said == f"Of 12 participants, 6 speak to “Speed”, more than to any other code. {text}"
    words, numbers = count_of(made)
    assert words <= ANSWER_WORDS and numbers <= ANSWER_NUMBERS


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("few", "5 interviews and 27 codes are too few for the stopping rule."),
        ("open", "The stopping rule is not met: the last 2 of 24 interviews brought 14% new codes, and it allows 5%."),
        ("held", "The stopping rule is met after 9 of 24 interviews; no new code came later."),
        ("missed", "The stopping rule is met after 6 of 24 interviews, but stopping there would have missed 2 of 27 "
                   "codes."),
    ],
)  # fmt: skip
def test_a_rule_that_is_met_is_not_called_confirmed_when_codes_still_came(result, text) -> None:
    curve = pd.DataFrame(
        {"interview": [1, 2], "document": ["A", "B"], "codes": 1, "new_codes": [1, 0], "cumulative": 1}
    )
    band = pd.DataFrame({"interview": [1, 2], "mean": 1.0, "low": 1.0, "high": 1.0})
    made = exhibits.saturation(curve, band, stop(result), "demonstration")
    assert str(made.caption) == text
    assert "document" not in made.frame


@pytest.mark.parametrize(
    ("shares", "text"),
    [
        ({4.0: 0.9, 8.0: 0.1},
         "In other orders of the people it would have stopped after 4 to 8 interviews."),
        ({5.0: 0.6, 6.0: 0.1, np.nan: 0.3},
         "In other orders of the people it would have stopped after 5 to 6 interviews, and never in 30.0% "
         "of the orders."),
        ({5.0: 1.0}, "In any order of the people it stops after 5 interviews."),
        ({np.nan: 1.0}, "In no order of the people would it have stopped."),
    ],
)  # fmt: skip
def test_the_order_of_the_interviews_is_chance(shares, text) -> None:
    table = pd.DataFrame({"enough": list(shares), "share": list(shares.values())})
    rule, orders = exhibits.stopping(stop("held"), table)
    assert str(orders) == text
    assert "the next 2 interviews bring at most 5% new codes" in str(rule)


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (("for", "against", "even"),
         "More participants speak for the benefit than against it on 1 of 3; more speak against it on 1, and as many "
         "on 1."),
        (("even",),
         "More participants speak for the benefit than against it on 0 of 1; more speak against it on 0, and as many "
         "on 1."),
    ],
)  # fmt: skip
def test_the_sides_are_counted(said, text) -> None:
    assert str(exhibits.sides(evidence(*said), "reported").caption) == text


@pytest.mark.parametrize(
    ("shares", "text"),
    [
        ((), "The groups lie furthest apart on “Speed”: 83% of customers against 17% of practitioners; with so few "
             "people a lead, not a test."),
        ((("speed", "customer", 2), ("speed", "officer", 2)), "Most participants, 4 of 12, speak to “Speed”."),
        ((("speed", "customer", 5),), "Most participants, 5 of 12, speak to “Speed”."),
    ],
)  # fmt: skip
def test_groups_are_compared_where_they_differ(shares, text) -> None:
    made = exhibits.frequencies(counts(*shares), "demonstration")
    assert str(made.caption) == text
    assert "all" not in set(made.frame["group"])


@pytest.mark.parametrize(
    ("codes", "text"),
    [
        (("reliable", "low", "open"),
         "Of 3 codes, the coders agree reliably on 1, tentatively on 0 and too little on 1; on 1 the interval leaves "
         "it open."),
        (("open", "open"),
         "Of 2 codes, the coders agree reliably on 0, tentatively on 0 and too little on 0; on 2 the interval leaves "
         "it open."),
    ],
)  # fmt: skip
def test_codes_are_counted_by_what_their_interval_allows(codes, text) -> None:
    made = exhibits.agreement(alpha(codes=codes), bars(), LABELS, "demonstration")
    assert str(made.caption) == text
    assert made.frame["label"].tolist()[0] == exhibits.ALL_CODES


def test_an_alpha_is_read_by_its_whole_interval() -> None:
    """The bars of Krippendorff (2004): 0.8, and 0.667 for tentative conclusions."""
    table = pd.DataFrame({"ci_low": [0.8, 0.7, 0.5, 0.2, np.nan], "ci_high": [1, 0.9, 0.9, 0.6, np.nan]})
    assert readings(table).tolist() == ["reliable", "tentative", "open", "low", "undefined"]


def test_what_differs_stands_beside_every_coefficient() -> None:
    rows = [
        {"scope": "overall" if code == "all codes" else "code", "code": code, "base": base, "measure": measure,
         "estimate": 0.8, "ci_low": 0.7, "ci_high": 0.9, "applied": 30 if code == "all codes" else 10}
        for code in ("trust", "speed", "all codes") for base in ("coded", "all")
        for measure in ("percent_agreement", "krippendorff_alpha")
    ]  # fmt: skip
    whole = pd.DataFrame([{"measure": "krippendorff_alpha", "base": "coded", "ci_low": 0.6, "ci_high": 0.95}])
    agreed = {"codes": pd.DataFrame(rows), "by_document": whole, "settled": pd.DataFrame(),
              "disagreements": pd.DataFrame({"code": ["speed", "speed", "trust"]})}  # fmt: skip
    made = exhibits.coefficients(agreed, LABELS, "demonstration")
    assert made.frame["label"].tolist() == ["Speed", "Trust", exhibits.ALL_CODES]
    assert made.frame["differ"].tolist() == [2, 1, 3]
    assert "krippendorff_alpha_all_low" in made.frame
    assert str(made.caption).startswith("On 3 of 30 codings a second coder does not follow")
    assert "(95 % interval 0.70 to 0.90; 0.60 to 0.95 when whole interviews vary)" in str(
        exhibits.overall(agreed)[0]
    )


@pytest.mark.parametrize(
    ("found", "end"),
    [([], "nothing was found."), (["a", "a"], "found and kept, each with a written reason: 1.")],
)
def test_what_was_searched_for_names_is_said(found, end) -> None:
    said = str(exhibits.searched(24, 6, pd.DataFrame({"finding": found})))
    assert said == f"24 transcripts were searched for 6 names and for patterns; {end}"


def test_at_most_ten_pairs_of_codes_are_listed() -> None:
    pairs = pd.DataFrame({"code_1": "speed", "code_2": "trust", "segments": range(15), "segments_1": 20,
                          "segments_2": 20, "jaccard": 0.1})  # fmt: skip
    made = exhibits.together(pairs, LABELS, "demonstration")
    assert len(made.frame) == 10 and made.frame["segments"].is_monotonic_decreasing
    assert str(made.caption) == "“Speed” and “Trust” share most turns, 14; 1 of 15 pairs never meet."
    assert (
        str(exhibits.together(pairs.head(1), LABELS, "demonstration").caption) == "No two codes share a turn."
    )


@pytest.mark.parametrize(("width", "pixels"), [(7.6, 740), (3.6, 400)])
def test_pictures_fit_page_and_phone_with_their_mark(width, pixels) -> None:
    curve = pd.DataFrame({"interview": range(1, 9), "codes": 3, "new_codes": 1, "cumulative": range(3, 11)})
    band = pd.DataFrame({"interview": range(1, 9), "mean": 4.0, "low": 3.0, "high": 9.0})
    for made in (
        exhibits.frequencies(counts(), "demonstration"),
        exhibits.agreement(alpha(codes=("open", "low")), bars(), LABELS, "demonstration"),
        exhibits.saturation(curve, band, stop("missed"), "demonstration"),
    ):
        with theme():
            words = Words(width=width)
            figure = made.draw(made.frame, words)
            mark_origin(figure, made.origin, words)
            assert any(axes.get_xlabel() for axes in figure.axes)
            assert picture(figure).width <= pixels
