"""Agreement: published tables, independent implementations, undefined cases and the reading of plain tables."""

from __future__ import annotations

import tracemalloc

import krippendorff
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa

from research.errors import UserError
from research.fieldwork.interviews.agreement import (
    LEVELS,
    agreement_table,
    masi,
    set_alpha,
)
from research.fieldwork.interviews.coder_agreement import (
    code_agreement,
    code_sets,
    disagreements,
    presence_table,
)
from research.fieldwork.interviews.ratings import (
    codings_from_table,
    columns_of,
    ratings_from_table,
)
from research.verification.fieldwork import ratings_of

# Krippendorff's "C" data (2011, "Computing Krippendorff's alpha-reliability"), the raw4raters data of R irrCAC.
C_DATA = pd.DataFrame(
    {
        "Rater1": [1, 2, 3, 3, 2, 1, 4, 1, 2, np.nan, np.nan, np.nan],
        "Rater2": [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, np.nan, np.nan],
        "Rater3": [np.nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 3],
        "Rater4": [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, np.nan],
    }
)
# Fleiss (1971) as reproduced in the worked example of 10 subjects and 14 raters.
FLEISS = pd.DataFrame(
    [
        [0, 0, 0, 0, 14],
        [0, 2, 6, 4, 2],
        [0, 0, 3, 5, 6],
        [0, 3, 9, 2, 0],
        [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0],
        [3, 2, 6, 3, 0],
        [2, 5, 3, 2, 2],
        [6, 5, 2, 1, 0],
        [0, 2, 2, 3, 7],
    ],
    columns=[1, 2, 3, 4, 5],
)


def estimates(table: pd.DataFrame) -> pd.Series:
    return table.set_index("measure")["estimate"]


def krippendorff_alpha(ratings: pd.DataFrame, level: str = "nominal", resamples: int = 1000) -> pd.Series:
    table = agreement_table(ratings, level=level, resamples=resamples)
    return table.set_index("measure").loc["krippendorff_alpha"]


def taken(table: pd.DataFrame) -> pd.DataFrame:
    return ratings_from_table(table, columns_of(table))


def random_ratings(seed: int = 3, units: int = 60, raters: int = 4) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    truth = rng.integers(1, 6, size=(units, 1))
    ratings = np.clip(truth + rng.integers(-1, 2, size=(units, raters)), 1, 5).astype(float)
    return pd.DataFrame(ratings).mask(rng.random((units, raters)) < 0.15)


@pytest.mark.parametrize(
    ("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849), ("ratio", 0.797)]
)
def test_alpha_of_krippendorffs_data(level: str, published: float) -> None:
    assert krippendorff_alpha(C_DATA, level)["estimate"] == pytest.approx(published, abs=5e-4)


def test_irrcac_raw_four_raters() -> None:
    found = estimates(agreement_table(C_DATA))
    assert found["gwet_ac1"] == pytest.approx(0.77544, abs=5e-6)
    assert found["fleiss_kappa"] == pytest.approx(0.76117, abs=5e-6)
    assert found["krippendorff_alpha"] == pytest.approx(0.74342, abs=5e-6)
    assert found["conger_kappa"] == pytest.approx(0.76282, abs=5e-6)
    assert found["brennan_prediger"] == pytest.approx(0.77273, abs=5e-6)
    assert found["percent_agreement"] == pytest.approx(0.81818, abs=5e-6)


def test_irrcac_two_abstractors() -> None:
    table = np.array([[13, 0, 0], [0, 20, 7], [0, 4, 56]])  # ectopic, abnormal and normal intrauterine
    found = estimates(agreement_table(pd.DataFrame(np.argwhere(table >= 0).repeat(table.ravel(), axis=0))))
    assert found["cohen_kappa"] == pytest.approx(0.79641, abs=5e-6)
    assert found["fleiss_kappa"] == pytest.approx(0.79624, abs=5e-6)
    assert found["gwet_ac1"] == pytest.approx(0.84933, abs=5e-6)
    assert found["brennan_prediger"] == pytest.approx(0.835, abs=5e-4)
    assert found["krippendorff_alpha"] == pytest.approx(0.79726, abs=5e-6)


def test_fleiss_table() -> None:
    found = estimates(agreement_table(ratings_of(FLEISS)))
    assert found["fleiss_kappa"] == pytest.approx(0.2099, abs=5e-5)
    assert found["fleiss_kappa"] == pytest.approx(fleiss_kappa(FLEISS.to_numpy()), abs=1e-12)


def test_irrcac_distribution_and_irr_diagnoses(verification_data) -> None:
    folder = verification_data("oracles")
    six = estimates(
        agreement_table(ratings_of(pd.read_csv(folder / "irrCAC_distrib.6raters.csv", index_col=0)))
    )
    assert six["gwet_ac1"] == pytest.approx(0.4448007, abs=5e-7)
    assert six["fleiss_kappa"] == pytest.approx(0.4139265, abs=5e-7)
    assert six["krippendorff_alpha"] == pytest.approx(0.4204384, abs=5e-7)
    diagnoses = agreement_table(pd.read_csv(folder / "irr_diagnoses.csv"))
    assert estimates(diagnoses)["fleiss_kappa"] == pytest.approx(0.4302, abs=5e-5)


def test_quadratic_kappa_of_irr(verification_data) -> None:
    anxiety = pd.read_csv(verification_data("oracles") / "irr_anxiety.csv")
    found = estimates(agreement_table(anxiety[["rater1", "rater2"]], level="ordinal"))
    assert found["cohen_kappa"] == pytest.approx(0.297, abs=5e-4)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_alpha_equals_the_krippendorff_package(level: str, seed: int) -> None:
    ratings = random_ratings(seed)
    expected = krippendorff.alpha(ratings.to_numpy().T, level_of_measurement=level)
    assert krippendorff_alpha(ratings, level, resamples=0)["estimate"] == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize(("level", "power"), [("nominal", None), ("interval", "quadratic")])
def test_kappa_equals_statsmodels_and_scikit_learn(level: str, power: str | None) -> None:
    pair = random_ratings(5, raters=2).dropna()
    found = estimates(agreement_table(pair, level=level, resamples=0))["cohen_kappa"]
    cross = pd.crosstab(pair[0], pair[1]).reindex(index=range(1, 6), columns=range(1, 6), fill_value=0)
    assert found == pytest.approx(cohens_kappa(cross.to_numpy(), wt=power, return_results=False), abs=1e-10)
    assert found == pytest.approx(cohen_kappa_score(pair[0], pair[1], weights=power), abs=1e-10)


def test_bootstrap_equals_recomputing_each_resample() -> None:
    ratings = random_ratings(7, units=20)
    table = agreement_table(ratings, level="ordinal", resamples=200, seed=11)
    times = np.random.default_rng(11).multinomial(20, np.full(20, 1 / 20), size=200)
    slow = [
        krippendorff.alpha(
            ratings.loc[np.repeat(np.arange(20), t)].to_numpy().T, level_of_measurement="ordinal"
        )
        for t in times
    ]
    row = table.set_index("measure").loc["krippendorff_alpha"]
    assert [row["ci_low"], row["ci_high"]] == pytest.approx(np.quantile(slow, [0.025, 0.975]), abs=1e-10)


def test_same_seed_same_table_and_clusters_widen() -> None:
    ratings = pd.concat(
        [random_ratings(9, units=6)] * 8, ignore_index=True
    )  # eight copies: 6 units' worth of facts
    copies = pd.Series(np.tile(np.arange(6), 8))
    first, again = agreement_table(ratings, seed=4), agreement_table(ratings, seed=4)
    pd.testing.assert_frame_equal(first, again)
    clustered = agreement_table(ratings, clusters=copies, seed=4)
    width = first["ci_high"] - first["ci_low"]
    assert ((clustered["ci_high"] - clustered["ci_low"]) > 1.5 * width).all()


def test_no_variation_is_undefined_not_one() -> None:
    same = agreement_table(pd.DataFrame({"a": ["x"] * 9, "b": ["x"] * 9})).set_index("measure")
    assert same.loc["percent_agreement", "estimate"] == 1
    for measure in ["cohen_kappa", "fleiss_kappa", "gwet_ac1", "krippendorff_alpha"]:
        assert np.isnan(same.loc[measure, "estimate"])
        assert "same category" in same.loc[measure, "note"]
    declared = agreement_table(pd.DataFrame({"a": [0.0] * 9, "b": [0.0] * 9}), categories=[0.0, 1.0])
    ac1 = declared.set_index("measure").loc["gwet_ac1"]
    assert ac1["estimate"] == 1
    assert "says nothing" in ac1["note"]


def test_kappa_paradox_by_hand() -> None:
    # 9 of 10 agree, but one rater never says "yes": κ = 0 while AC1 stays high (Feinstein & Cicchetti 1990).
    pair = pd.DataFrame({"a": ["no"] * 10, "b": ["no"] * 9 + ["yes"]})
    found = estimates(agreement_table(pair))
    assert found["cohen_kappa"] == pytest.approx(0)
    share = 0.05
    assert found["gwet_ac1"] == pytest.approx((0.9 - 2 * share * (1 - share)) / (1 - 2 * share * (1 - share)))


def test_set_alpha_by_hand() -> None:
    a, ab = frozenset("a"), frozenset("ab")
    sets = pd.DataFrame({"p": [a, a, ab], "q": [a, ab, ab]}, dtype=object)
    d = 1 - 1 / 2 * 2 / 3  # one set contains the other, Jaccard 1/2
    observed = 2 * d / 6  # one unit of three differs, ordered pairs over ratings
    expected = 2 * 3 * 3 * d / (6 * 5)
    assert set_alpha(sets, resamples=0)["estimate"].iloc[0] == pytest.approx(1 - observed / expected)


def test_user_mistakes_name_what_was_found() -> None:
    with pytest.raises(UserError, match="two raters"):
        agreement_table(pd.DataFrame({"a": [1, 2]}))
    with pytest.raises(UserError, match="did you mean 'ordinal'"):
        agreement_table(C_DATA, level="ordinall")
    with pytest.raises(UserError, match="lowest to highest"):
        agreement_table(pd.DataFrame({"a": ["low"], "b": ["high"]}), level="ordinal")
    with pytest.raises(UserError, match="outside the scale: 9"):
        agreement_table(pd.DataFrame({"a": [1, 9], "b": [1, 2]}), categories=[1, 2, 3])
    with pytest.raises(UserError, match="no unit was rated by two"):
        agreement_table(pd.DataFrame({"a": [1, np.nan], "b": [np.nan, 2]}))


def test_interviews_of_two_coders_all_codes(verification_data) -> None:
    folder = verification_data("interviews_millon_two_coders")
    long = pd.read_excel(folder / "INE_VE_PresenciaBinaria.xlsx", sheet_name="presencia_largo")
    codings = long.set_axis(["document", "question", "coder", "code", "presence", "segment"], axis=1)
    units = codings[["document", "segment"]].drop_duplicates()
    published = pd.read_csv(folder / "Reporte_Kappa_Extendido.csv").set_index("Code_full")["Kappa"]
    table = code_agreement(codings, units)
    kappa = table[table["measure"].eq("cohen_kappa") & table["base"].eq("all") & table["scope"].eq("code")]
    found = kappa.set_index("code")["estimate"]
    assert len(published) == 38
    assert found.reindex(published.index).to_numpy() == pytest.approx(published.to_numpy(), abs=5e-4)


def test_codes_on_coded_and_on_all_units() -> None:
    units = pd.DataFrame({"document": "d", "segment": range(1, 9), "text": [f"t{i}" for i in range(1, 9)]})
    marks = [("A", 1, "x"), ("A", 2, "x"), ("A", 3, "y"), ("B", 1, "x"), ("B", 2, "y"), ("B", 3, "y")]
    codings = pd.DataFrame(marks, columns=["coder", "segment", "code"]).assign(document="d")
    codebook = pd.DataFrame({"code": ["x", "y", "z"], "definition": ["ex", "why", "zed"]})
    table = code_agreement(codings, units, codebook, resamples=100).set_index(["code", "base", "measure"])
    # Code x: A on 1 and 2, B on 1. All 8 units: 7 agree; the 3 coded units: 2 agree.
    assert table.loc[("x", "all", "percent_agreement"), "estimate"] == pytest.approx(7 / 8)
    assert table.loc[("x", "coded", "percent_agreement"), "estimate"] == pytest.approx(2 / 3)
    assert table.loc[("x", "all", "cohen_kappa"), "estimate"] == pytest.approx(
        (7 / 8 - 44 / 64) / (1 - 44 / 64)
    )
    assert table.loc[("x", "coded", "cohen_kappa"), "estimate"] == pytest.approx(
        (2 / 3 - 4 / 9) / (1 - 4 / 9)
    )
    assert np.isnan(table.loc[("z", "all", "cohen_kappa"), "estimate"])
    assert table.loc[("z", "all", "cohen_kappa"), "note"] == "no coder applied the code"
    assert table.loc[("all codes", "all", "percent_agreement"), "estimate"] == pytest.approx(22 / 24)
    split = disagreements(codings, units, codebook)
    assert split[["segment", "code", "applied_by", "not_applied_by"]].to_numpy().tolist() == [
        [2, "x", "A", "B"],
        [2, "y", "B", "A"],
    ]
    assert split["definition"].tolist() == ["ex", "why"]


def test_unseen_documents_are_missing_not_absent() -> None:
    units = pd.DataFrame({"document": ["d", "d", "e", "e"], "segment": [1, 2, 1, 2]})
    codings = pd.DataFrame(
        [("A", "d", 1, "x"), ("A", "e", 1, "x"), ("B", "d", 1, "x")],
        columns=["coder", "document", "segment", "code"],
    )
    presence = presence_table(codings, units)
    assert presence.loc["e", "B"].isna().all()
    everyone = pd.DataFrame([(c, d) for c in "AB" for d in "de"], columns=["coder", "document"])
    assert presence_table(codings, units, assignments=everyone).loc[("e", 1, "x"), "B"] == 0
    with pytest.raises(UserError, match="not in the codebook; did you mean 'xx'"):
        presence_table(codings, units, pd.DataFrame({"code": ["xx"]}))
    with pytest.raises(UserError, match="not among the units"):
        presence_table(codings, units[:2])


def test_plain_tables_long_and_wide() -> None:
    long = pd.DataFrame({"Unit": [1, 1, 2, 2], "Coder": list("ABAB"), "Rating": ["３", "3", "-", " 2 "]})
    wide = pd.DataFrame({"单元": [1, 2], "A": [3, None], "B": ["3", "2"]})
    expected = np.array([[3, 3], [np.nan, 2]])
    np.testing.assert_array_equal(taken(long).to_numpy(), expected)
    np.testing.assert_array_equal(taken(wide).to_numpy(), expected)
    assert taken(pd.DataFrame({"r1": ["1", "x"], "r2": [1, "x"]})).to_numpy().tolist() == [
        ["1", "1"],
        ["x", "x"],
    ]
    with pytest.raises(UserError, match="2 ratings of rater 'A'"):
        taken(pd.DataFrame({"unit": [1, 1, 1], "coder": list("AAB"), "code": list("xyx")}))
    with pytest.raises(UserError, match="two raters"):
        taken(pd.DataFrame({"unit": [1, 2], "A": [1, 2]}))
    several = pd.DataFrame({"unit": [1, 1, 1], "coder": ["A", "A", "B"], "code": ["x", "y", "x"]})
    codings, units, assigned = codings_from_table(several, columns_of(several))
    assert codings["code"].tolist() == ["x", "y", "x"]
    assert (len(units), len(assigned)) == (1, 2)


def test_sets_of_codes_by_hand() -> None:
    """{a} ⊂ {a, b}: 1 − ½·⅔; {a, b} and {b, c}: 1 − ⅓·⅓; nothing shared: 1. A unit seen by one rater counts nowhere."""
    a, ab, bc, c = (frozenset(codes) for codes in ("a", "ab", "bc", "c"))
    known = [a, ab, bc, c]

    def distance(first: frozenset, second: frozenset) -> float:
        return masi(known)[known.index(first), known.index(second)]

    assert distance(a, ab) == distance(ab, a) == pytest.approx(2 / 3)
    assert distance(ab, bc) == pytest.approx(8 / 9)
    assert distance(a, c) == 1 and distance(ab, ab) == 0
    sets = pd.DataFrame({"x": [a, ab, c], "y": [ab, ab, bc]})
    row = set_alpha(sets, resamples=200).iloc[0]
    # Observed: 2·(2/3 + 0 + 1 − ½·⅔)/6 = 4/9; expected: all ordered pairs of the six sets over 6·5.
    pooled = [a, ab, c, ab, ab, bc]
    expected = sum(distance(s, t) for s in pooled for t in pooled) / 30
    assert row["estimate"] == pytest.approx(1 - (4 / 9) / expected)
    assert row["ci_low"] <= row["estimate"] <= row["ci_high"]
    more = pd.concat([sets, pd.DataFrame({"x": [bc], "y": [np.nan]})], ignore_index=True)
    assert set_alpha(more, resamples=0)["estimate"].iloc[0] == pytest.approx(row["estimate"])


def test_a_table_must_name_its_columns_and_units_once() -> None:
    long = pd.DataFrame({"unit": [1, 1, 1, 2, 2], "rater": list("xxyyy"), "rating": [1, 2, 1, 1, 1]})
    for table in (long, pd.concat([long, long[:2].assign(unit=3)])):
        with pytest.raises(UserError, match="unit '1' has 2 ratings of rater 'x'"):
            taken(table)
    with pytest.raises(UserError, match="column 'x' is there twice"):
        taken(pd.DataFrame([[1, 2, 1]], columns=["x", "y", "x"]))


def test_near_misses_count_in_part() -> None:
    """1, 2, 3: a miss by one counts ¾, by two nothing; on a nominal level neither counts."""
    table = pd.DataFrame({"x": [1, 1, 2, 3], "y": [1, 2, 3, 1]})
    for level, expected in (("nominal", 1 / 4), ("interval", (1 + 0.75 + 0.75 + 0) / 4)):
        found = agreement_table(table, level=level, resamples=50).set_index("measure")
        assert found.loc["percent_agreement", "estimate"] == pytest.approx(expected)
        assert (found["note"] == "").all()


def test_raters_are_those_of_the_table_not_those_of_a_unit() -> None:
    a, b = frozenset("a"), frozenset("ab")
    sets = pd.DataFrame({"x": [a, b, np.nan], "y": [a, np.nan, b], "z": [np.nan, b, a]})
    row = set_alpha(sets, resamples=0).iloc[0]
    assert (row["raters"], row["n"]) == (3, 3)


def test_sets_and_disagreements_of_a_small_table() -> None:
    units = pd.DataFrame({"document": ["d", "d", "e"], "segment": [1, 2, 1]})
    codings = pd.DataFrame(
        [("x", "d", 1, "a"), ("x", "d", 1, "b"), ("y", "d", 1, "a"), ("y", "e", 1, "b")],
        columns=["coder", "document", "segment", "code"],
    )
    sets = code_sets(presence_table(codings, units))
    assert sets.loc[("d", 1)].tolist() == [frozenset("ab"), frozenset("a")]
    assert sets.loc[("d", 2)].tolist() == [frozenset(), frozenset()]
    assert np.isnan(sets.loc[("e", 1), "x"])
    for codebook in (None, pd.DataFrame({"code": ["a", "b"]})):
        rows = disagreements(codings, units, codebook)
        assert rows.to_numpy().tolist() == [["d", 1, "b", "x", "y"]]
    told = disagreements(codings, units, pd.DataFrame({"code": ["a", "b"], "definition": ["A", "B"]}))
    assert told["definition"].tolist() == ["B"]


def test_segments_or_whole_interviews_are_resampled() -> None:
    rng = np.random.default_rng(4)
    units = pd.DataFrame({"document": np.repeat(list("abcd"), 6), "segment": np.tile(range(6), 4)})
    made = units.assign(code="k")
    first = made[np.repeat([True, False, True, True], 6) | (rng.random(24) < 0.2)].assign(coder="x")
    second = made[np.repeat([True, False, False, True], 6) | (rng.random(24) < 0.2)].assign(coder="y")
    codings, seen = pd.concat([first, second]), units[["document"]].drop_duplicates()
    given = pd.concat([seen.assign(coder=who) for who in "xy"])
    presence = presence_table(codings, units, assignments=given)
    whole = {}
    for resample, clusters in (
        ("segment", pd.Series(range(24), index=presence.index)),
        ("document", pd.Series(np.repeat(range(4), 6), index=presence.index)),
    ):
        table = code_agreement(codings, units, assignments=given, resample=resample, resamples=200)
        row = table.query("scope == 'code' and base == 'all'").set_index("measure").loc["cohen_kappa"]
        direct = agreement_table(presence, categories=[0.0, 1.0], clusters=clusters, resamples=200)
        expected = direct.set_index("measure").loc["cohen_kappa"]
        assert (row["ci_low"], row["ci_high"]) == (expected["ci_low"], expected["ci_high"])
        whole[resample] = row["ci_high"] - row["ci_low"]
    assert whole["document"] > whole["segment"]


@pytest.mark.parametrize("word", ["NA", "none", "null", "nan", "N/A"])
def test_a_code_may_be_called_like_a_missing_value(word: str) -> None:
    """By hand: 3 of 4 agree; expected 0.5·0.75 + 0.5·0.25 = 0.5, so κ = 0.5; read as missing, κ would be undefined."""
    wide = pd.DataFrame({"unit": range(4), "A": [word, word, "x", "x"], "B": [word, word, word, "x"]})
    ratings = taken(wide)
    assert ratings.notna().all(axis=None)
    assert estimates(agreement_table(ratings, resamples=0))["cohen_kappa"] == pytest.approx(0.5)
    long = wide.melt("unit", var_name="coder", value_name="code").assign(document="d")
    long = long.rename(columns={"unit": "segment"})
    codings, units, _ = codings_from_table(long, columns_of(long))
    assert (codings["code"] == word).sum() == 5 and len(units) == 4


def test_a_unit_that_has_no_code_was_seen_all_the_same() -> None:
    rows = [
        ("A", "d", 1, "x"),
        ("A", "d", 1, "y"),
        ("A", "d", 2, None),
        ("B", "d", 1, "x"),
        ("B", "d", 2, "x"),
    ]
    table = pd.DataFrame(rows, columns=["coder", "document", "segment", "code"])
    codings, units, assigned = codings_from_table(table, columns_of(table))
    presence = presence_table(codings, units, assignments=assigned)
    assert presence.loc[("d", 2, "x")].to_dict() == {"A": 0, "B": 1}


def test_the_words_that_mean_not_rated_can_be_named() -> None:
    wide = pd.DataFrame({"A": [1, "NA", 3], "B": [1, 2, 99]})
    ratings = ratings_from_table(wide, columns_of(wide, missing=["NA", "99"]))
    np.testing.assert_array_equal(ratings.to_numpy(), [[1, 1], [np.nan, 2], [3, np.nan]])


def coded_table(rows: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(2)
    truth = rng.choice(list("xyz"), rows)
    other = np.where(rng.random(rows) < 0.2, rng.choice(list("xyz"), rows), truth)
    return pd.DataFrame({"no": range(rows), "Ana": truth, "Bo": other})


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("remarks", [f"she said that number {k} was nothing to speak of at all, and left it there" for k in range(40)],
         "free text"),
        ("case code", [f"K-{k:04}" for k in range(40)], "40 different values"),
        ("when", pd.date_range("2024-05-01", periods=40).to_pydatetime(), "dates or times"),
        ("seconds", [61.5 + 7 * k for k in range(40)], "durations"),
        ("office", ["north", "south"] * 20, "none of which another column has"),
        ("left empty", [None] * 40, "nothing"),
    ],
)  # fmt: skip
def test_a_column_that_is_no_coders_is_refused_with_the_reason(name: str, values: list, told: str) -> None:
    table = coded_table().assign(**{name: values})
    with pytest.raises(UserError, match=f"--coders Ana,Bo\ncolumn '{name}' holds .*{told}"):
        columns_of(table)
    columns = columns_of(table, coders=["ana", "Bo"])
    assert (columns.coders, columns.unit, columns.aside) == (("Ana", "Bo"), ("no",), (name,))


def test_columns_are_taken_by_name_and_told() -> None:
    table = coded_table().rename(columns={"no": "passage"}).assign(memo="m", text="t")
    assert (
        str(columns_of(table, unit=["passage"])) == "coders: Ana, Bo · unit: passage · not used: memo, text"
    )
    with pytest.raises(UserError, match="column 'Anna' is not in the table; did you mean 'Ana'"):
        columns_of(table, coders=["Anna", "Bo"])
    long = coded_table().melt("no", var_name="coder", value_name="code")
    third = pd.concat([long, long[:40].assign(coder="Cy")])
    assert columns_of(third, coders=["Ana", "Cy"]).coders == ("Ana", "Cy")
    assert ratings_from_table(third, columns_of(third, coders=["Ana", "Cy"])).columns.tolist() == [
        "Ana",
        "Cy",
    ]
    with pytest.raises(UserError, match="coder 'Di' is not in the table"):
        columns_of(third, coders=["Ana", "Di"])


def test_measures_may_differ_in_every_row() -> None:
    rng = np.random.default_rng(5)
    length = rng.normal(170, 10, 60)
    table = pd.DataFrame({"A": length, "B": length + rng.normal(0, 1, 60)})
    with pytest.raises(UserError, match="60 different values"):
        columns_of(table)
    ratings = ratings_from_table(table, columns_of(table, level="interval"))
    expected = krippendorff.alpha(ratings.to_numpy().T, level_of_measurement="interval")
    found = krippendorff_alpha(ratings, "interval", resamples=0)["estimate"]
    assert found == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_many_values_need_no_table_of_pairs(level: str) -> None:
    """1,900 values of 3 coders: a table of pairs per unit would take 170 GB; the oracle takes a part of the units."""
    rng = np.random.default_rng(6)
    truth = rng.integers(0, 1900, size=(6000, 1))
    ratings = pd.DataFrame(truth + (rng.random((6000, 3)) < 0.2) * rng.integers(0, 900, size=(6000, 3)))
    ratings = ratings.clip(upper=1899).astype(float)
    tracemalloc.start()
    row = krippendorff_alpha(ratings, level, resamples=20)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert row["ci_low"] < row["estimate"] < row["ci_high"] and most < 400e6
    few = ratings[:60]
    expected = krippendorff.alpha(few.to_numpy().T, level_of_measurement=level)
    assert krippendorff_alpha(few, level, resamples=0)["estimate"] == pytest.approx(expected, abs=1e-9)


def test_more_values_than_a_rating_has_are_refused() -> None:
    with pytest.raises(UserError, match="3,000 different ratings of a table, expected at most 2,000"):
        agreement_table(pd.DataFrame({"a": range(3000), "b": range(3000)}))
    marks = pd.DataFrame({"coder": ["A", "B"], "document": "d", "segment": "1"}).merge(
        pd.DataFrame({"code": range(2500)}), how="cross"
    )
    with pytest.raises(UserError, match="2,500 codes of a codebook, expected at most 2,000"):
        code_agreement(marks, marks[["document", "segment"]].drop_duplicates())
