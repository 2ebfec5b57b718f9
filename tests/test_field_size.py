"""`research fieldwork size`: each formula against a published value or another implementation; inputs told."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import yaml
from openpyxl import load_workbook
from scipy import stats
from typer.testing import CliRunner

from research.commands.fieldwork import app
from research.errors import UserError
from research.fieldwork import size
from research.paths import DEFINITIONS, EXAMPLES

INPUTS = size.read_inputs()
TIERS = (0.1, 0.5, 0.3, 0.1)


def needed(quantity: str, **given: object) -> int:
    """Return how many answers of a simple random sample a quantity needs."""
    chosen = {f"{quantity}.{name}": value for name, value in given.items()}
    table = size.sizes(size.read_inputs(None, chosen | {"common.response": 1}))
    return int(table["least"].iloc[list(size.MEASURES).index(quantity)])


def test_the_size_is_the_smallest_that_gives_what_was_asked():
    for quantity in ("mean", "proportion", "alpha", "kappa", "concordance", "themes", "groups"):
        measure, given = size.MEASURES[quantity], INPUTS[quantity]
        n = needed(quantity)
        enough, one_less = measure(n, given, 0.95), measure(n - 1, given, 0.95)
        if "half_width" in given:
            assert enough <= given["half_width"] < one_less, quantity
        else:
            assert one_less < 0.8 <= enough, quantity


def test_a_mean_is_the_t_interval_of_scipy():
    low, high = stats.t.interval(0.95, 143, loc=3, scale=0.8 / math.sqrt(144))
    assert size.half_width_of_mean(144, {"sd": 0.8}, 0.95) == pytest.approx((high - low) / 2)


def test_a_share_is_the_wilson_interval_of_statsmodels():
    from statsmodels.stats.proportion import proportion_confint

    for events, n in ((30, 60), (2, 50), (0, 40)):
        low, high = proportion_confint(events, n, method="wilson")
        found = size.half_width_of_share(n, {"expected": events / n}, 0.95)
        assert found == pytest.approx((high - low) / 2)


def test_alpha_is_the_interval_of_pingouin_and_close_to_those_of_bonett():
    """R statpsych: ci.cronbach(.05, .85, 7, 89); R presize: prec_cronb(k=5, calpha=0.7, conf.width=0.1) gives 349."""
    import pingouin

    data = pd.DataFrame(np.random.default_rng(5).standard_normal((60, 4))).add(np.arange(60) % 7, axis=0)
    alpha, (low, high) = pingouin.cronbach_alpha(data)
    found = size.half_width_of_alpha(60, {"expected": alpha, "items": 4}, 0.95)
    assert found == pytest.approx((high - low) / 2, abs=1e-3)  # its ends are rounded to three digits
    found = size.half_width_of_alpha(89, {"expected": 0.85, "items": 7}, 0.95)
    assert found == pytest.approx((0.8931436 - 0.7971254) / 2, abs=1e-4)
    assert needed("alpha", expected=0.7, items=5, half_width=0.05) == pytest.approx(349, abs=2)


def test_two_groups_have_the_power_of_pingouin_and_of_simulated_mann_whitney_tests():
    import pingouin

    given = {"effect": 0.5, "tests": 1, "ratio": 1}
    by_t = pingouin.power_ttest(d=0.5, n=67 * 3 / math.pi, alpha=0.05)
    assert size.power_of_groups(67, given, 0.95) == pytest.approx(by_t, abs=1e-6)
    rng = np.random.default_rng(1)
    first, second = rng.standard_normal((2000, 67)), rng.standard_normal((2000, 67)) + 0.5
    found = (stats.mannwhitneyu(first, second, axis=1).pvalue < 0.05).mean()
    assert size.power_of_groups(67, given, 0.95) == pytest.approx(found, abs=0.025)
    # Cohen (1988), table 2.4.1: 64 in each group for d = 0.5, power 0.8, two-sided 0.05, by the t test
    assert 63 * math.pi / 3 < needed("groups", tests=1) <= math.ceil(64 * math.pi / 3)


@pytest.mark.parametrize(("people", "objects", "w"), [(22, 7, 0.1), (12, 5, 0.2), (40, 7, 0.05)])
def test_concordance_has_the_power_of_simulated_rankings(people, objects, w):
    """Rankings of normal opinions whose mean rank correlation is W, tested by χ²."""
    effects = stats.norm.ppf((np.arange(1, objects + 1) - 0.5) / objects)
    noise = np.random.default_rng(2).standard_normal((1500 * people, objects))

    def ranks(strength: float) -> np.ndarray:
        return np.argsort(np.argsort(strength * effects + noise, axis=1), axis=1) + 1.0

    low, high = 0.0, 3.0
    for _ in range(12):
        middle = (low + high) / 2
        too_weak = ranks(middle).mean(axis=0).var() / ((objects**2 - 1) / 12) < w
        low, high = (middle, high) if too_weak else (low, middle)
    sums = ranks(low).reshape(1500, people, objects).sum(axis=1)
    found = 12 * sums.var(axis=1) * objects / (people**2 * (objects**3 - objects))
    significant = people * (objects - 1) * found > stats.chi2.isf(0.05, objects - 1)
    expected = size.power_of_concordance(people, {"objects": objects, "expected": w}, 0.95)
    assert expected == pytest.approx(significant.mean(), abs=0.04)


def test_kappa_of_two_coders_has_the_variance_of_bloch_and_kraemer_1989_and_of_statsmodels():
    from statsmodels.stats.inter_rater import cohens_kappa

    for p, k in ((0.3, 0.6), (0.1, 0.8), (0.5, 0.2)):
        published = (1 - k) * ((1 - k) * (1 - 2 * k) + k * (2 - k) / (2 * p * (1 - p)))
        assert size.kappa_variance((p, 1 - p), k, 2) == pytest.approx(published)
        off = (1 - k) * p * (1 - p)
        table = 1000 * np.array([[p * p + k * p * (1 - p), off], [off, (1 - p) ** 2 + k * p * (1 - p)]])
        assert size.kappa_variance((p, 1 - p), k, 2) == pytest.approx(1000 * cohens_kappa(table).var_kappa)


@pytest.mark.parametrize(("shares", "kappa", "coders"), [((0.2, 0.8), 0.7, 4), ((0.2, 0.3, 0.5), 0.5, 3)])
def test_kappa_of_several_coders_spreads_as_in_simulated_studies(shares, kappa, coders):
    """Fleiss' κ by statsmodels over 1,000 studies of 400 units."""
    from statsmodels.stats.inter_rater import fleiss_kappa

    rng = np.random.default_rng(3)
    opinions = rng.dirichlet(np.array(shares) * (1 - kappa) / kappa, (1000, 400))
    found = [fleiss_kappa(rng.multinomial(coders, study)) for study in opinions]
    assert np.mean(found) == pytest.approx(kappa, abs=0.01)
    assert size.kappa_variance(shares, kappa, coders) == pytest.approx(400 * np.var(found), rel=0.12)


def test_vignettes_agree_as_wanted_and_spread_as_in_other_simulated_studies():
    """Opinions drawn and cut anew; quadratic κ of two experts by scikit-learn."""
    from sklearn.metrics import cohen_kappa_score

    cuts = stats.norm.ppf(np.cumsum(TIERS)[:-1])
    r = size.latent_correlation(cuts, 0.6)
    rng = np.random.default_rng(4)

    def study(customers: int) -> float:
        seen = math.sqrt(r) * rng.standard_normal(customers)
        first, second = (
            np.searchsorted(cuts, seen + math.sqrt(1 - r) * rng.standard_normal(customers)) for _ in "ab"
        )
        return cohen_kappa_score(first, second, weights="quadratic")

    assert study(200_000) == pytest.approx(0.6, abs=0.01)
    low, high = np.quantile([study(60) for _ in range(400)], [0.025, 0.975])
    found = size.half_width_of_vignettes(60, {"shares": TIERS, "expected": 0.6, "experts": 2}, 0.95)
    assert found == pytest.approx((high - low) / 2, rel=0.15)


def test_themes_are_those_of_fugard_and_potts_2015():
    """Their abstract: two instances of a theme that 10 % hold, with 80 % power: 29 people."""
    assert needed("themes", prevalence=0.1, times=2) == 29


def test_answers_become_invitations():
    """By hand: 144 · 1.45 = 208.8; with 1,200 people 208.8 / 1.174 = 177.9; of whom 30 % answer."""
    common = INPUTS["common"] | {"cluster": 10, "icc": 0.05, "population": 1200, "response": 0.3}
    everything = ("cluster", "population", "response")
    assert size.design_effect(common) == pytest.approx(1.45)
    assert size.invitations(144, common, everything) == (178, 594)
    assert size.invitations(144, common, ("response",)) == (144, 480)
    assert size.effective(177.853, common, everything) == pytest.approx(144, abs=0.01)


def test_a_census_is_never_asked_for_more_people_than_there_are():
    table = size.sizes(size.read_inputs(None, {"common.population": 90, "mean.half_width": 0.02}))
    assert table["least"].iloc[0] <= 90
    assert "there are not so many to invite" in table["unit"].iloc[0]


def test_the_number_at_hand_is_told():
    table = size.sizes(size.read_inputs(None, {"common.at_hand": 60})).set_index("question")
    told = table["at_hand"].iloc[0]
    assert told == f"± {size.half_width_of_mean(60, INPUTS['mean'], 0.95):.3g}"
    assert size.sizes(INPUTS)["at_hand"].isna().all()


def test_every_line_says_what_it_assumes_and_who_published_it():
    table = size.sizes(INPUTS)
    assert (table[["question", "assumes", "source"]] != "").all(axis=None)
    assert list(size.MEASURES) == list(size.definitions()["quantities"])
    computed = table.head(len(size.MEASURES))
    assert (computed["formula"] != "").all() and computed["least"].notna().all()
    ranges = table[table["most"].notna()]
    assert list(zip(ranges["least"], ranges["most"], strict=True)) == [(6, 12), (9, 17)]


def test_the_drafted_inputs_are_those_of_the_definitions():
    drafted = yaml.safe_load((EXAMPLES / "field_size.yml").read_text(encoding="utf-8"))
    assert drafted == INPUTS
    assert size.read_inputs(EXAMPLES / "field_size.yml") == INPUTS
    content = yaml.safe_load((DEFINITIONS / "field_size.yml").read_text(encoding="utf-8"))
    means = [one["means"] for part in (content["common"], *(q["inputs"] for q in content["quantities"].values()))
             for one in part.values()]  # fmt: skip
    assert all(said in (EXAMPLES / "field_size.yml").read_text(encoding="utf-8") for said in means)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mean: 3", "mean: found 3, expected `input: value` lines"),
        ("meen: {sd: 1}", "meen: no such quantity; did you mean 'mean'?"),
        ("mean: {sdd: 1}", "mean.sdd: no such input; did you mean 'sd'?"),
        ("mean: {sd: wide}", "mean.sd: found 'wide', expected a number from 0.001 to 1,000"),
        ("mean: {sd: .nan}", "mean.sd: found nan, expected a number"),
        ("common: {response: 0}", "common.response: found 0, expected a number from 0.01 to 1"),
        ("common: {population: 10.5}", "common.population: found 10.5, expected a whole number"),
        ("kappa: {coders: yes}", "kappa.coders: found True, expected a whole number from 2 to 20"),
        ("kappa: {shares: 0.1}", "kappa.shares: found 0.1, expected a list of 2 to 6 shares"),
        ("kappa: {shares: [0.5, 0.6]}", "expected a list of 2 to 6 shares above 0 that add up to 1"),
        ("[1, 2]", "found list, expected `quantity: {input: value}`"),
    ],
)
def test_a_bad_input_is_one_message(tmp_path, text, told):
    file = tmp_path / "mine.yml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        size.read_inputs(file)
    assert told in str(caught.value) and "mine.yml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("quantity", ["mean", "kappa", "vignettes"])
def test_what_nobody_can_have_is_told(quantity):
    impossible = {"mean.sd": 1000, "mean.half_width": 0.01} if quantity == "mean" else {
        f"{quantity}.half_width": 0.01, f"{quantity}.shares": [0.0001, 0.9999]}  # fmt: skip
    with pytest.raises(UserError, match=rf"^{quantity}: what is asked for needs more than"):
        size.sizes(size.read_inputs(None, impossible))


def run(*words: object) -> object:
    return CliRunner().invoke(app, [str(word) for word in words], env={"COLUMNS": "160"})


@pytest.mark.parametrize("name", ["size.csv", "size.xlsx"])
def test_the_table_is_written_with_assumptions_and_sources(tmp_path, name):
    out = tmp_path / name
    result = run("size", "-p", "mean.half_width=0.2", "--out", out)
    assert result.exit_code == 0, result.exception
    assert f"wrote {out}" in result.output.replace("\n", "")
    if name.endswith(".csv"):
        rows = pd.read_csv(out, dtype=str, keep_default_na=False).to_numpy().tolist()
    else:
        rows = [["" if v is None else str(v) for v in row] for row in load_workbook(out).active.values][1:]
    assert len(rows) == len(size.sizes(INPUTS))
    assert rows[0][0] == "The mean of a scale in one group, to within ± 0.2"
    assert rows[0][1] == str(needed("mean", half_width=0.2))
    assert "Cochran (1977)" in rows[0][-1] and "standard deviation 0.8" in rows[0][-3]
    first = out.read_bytes()
    assert run("size", "-p", "mean.half_width=0.2", "--out", out).exit_code == 0
    assert out.read_bytes() == first


def test_the_screen_shows_sizes_and_sources(tmp_path):
    told = " ".join(run("size", "-p", "common.at_hand=120").output.split())
    for words in (
        "6–12",
        "9–17",
        "with 120",
        "Guest, Bunce & Johnson (2006)",
        "Formula: t(n − 1) · sd / √n.",
    ):
        assert words in told
    wrong = run("size", "--out", tmp_path / "size.pdf")
    assert isinstance(wrong.exception, UserError) and "expected a file name ending in" in str(wrong.exception)
