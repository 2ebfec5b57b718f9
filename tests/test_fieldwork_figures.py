"""Figures of the fieldwork, drawn from the invented example: no text is cut off, no input is changed."""

from __future__ import annotations

import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from research.fieldwork.instruments.items import survey_items
from research.fieldwork.instruments.pairs import comparison_pairs
from research.fieldwork.intake.comparisons import read_ahp
from research.fieldwork.intake.survey import read_survey
from research.fieldwork.survey import ahp, group_comparison
from research.fieldwork.survey import scales as survey
from research.fieldwork.survey.factors import parallel_analysis
from research.fieldwork.survey.reliability import reliability_table
from research.figures import survey as survey_figures
from research.paths import EXAMPLES


def fits(figure: Figure) -> bool:
    """Whether everything drawn, texts and ticks included, lies on the page."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    drawn = figure.get_tightbbox(renderer)  # inches
    width, height = figure.get_size_inches()
    return min(drawn.x0, drawn.y0) > -0.02 and drawn.x1 < width + 0.02 and drawn.y1 < height + 0.02


@pytest.fixture(scope="module")
def asked() -> tuple[pd.DataFrame, pd.DataFrame]:
    return read_survey(EXAMPLES / "survey_clean.xlsx")[0], survey_items()


def test_survey_figures(asked: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    responses, items = asked
    some = items[items["criterion"].isin(["H1", "H4"])]
    tables = {
        survey_figures.likert: survey.likert_distribution(responses, some),
        survey_figures.construct_means: survey.construct_summary(responses, items, by_group=True),
        survey_figures.reliability: reliability_table(responses, some, resamples=50),
        survey_figures.scree: parallel_analysis(
            responses[items.loc[items["group"] == "both", "item"]], samples=5
        ),
    }
    for draw, table in tables.items():
        before = table.copy()
        assert fits(draw(table))
        pd.testing.assert_frame_equal(table, before)
    by_group = survey.likert_distribution(responses, some, by_group=True)
    assert fits(survey_figures.likert(by_group))


def test_weights_figure() -> None:
    judged, pairs = read_ahp(EXAMPLES / "ahp.xlsx"), comparison_pairs()
    labels = dict(
        zip([*pairs["left"], *pairs["right"]], [*pairs["left_en"], *pairs["right_en"]], strict=True)
    )
    group = ahp.group_weights(judged, pairs, resamples=50)
    assert fits(survey_figures.ahp_weights(group, ahp.expert_weights(judged, pairs), labels))


def test_example_answers_rank_the_criteria(asked: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    responses, items = asked
    ranking, concordance = group_comparison.construct_ranking(
        responses, items, [f"C{i}" for i in range(1, 8)]
    )
    assert ranking["mean_rank"].is_monotonic_increasing
    assert ranking["mean_rank"].sum() == pytest.approx(28)
    assert 0 < concordance["estimate"].iloc[0] < 1
