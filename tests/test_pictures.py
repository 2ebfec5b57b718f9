"""Pictures of figures: the same bytes each time, small, sharp, and nothing left open."""

from __future__ import annotations

import base64

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from research.pages import svg
from research.pages.picture import picture


def line() -> Figure:
    fig = Figure(figsize=(4, 3))
    fig.subplots().plot([0, 1], [0, 1])
    return fig


def test_a_picture_is_the_same_each_time_and_needs_no_fonts():
    first = picture(line())
    assert first == picture(line())
    assert first.source.startswith("data:image/svg+xml;base64,")
    assert 300 < first.width <= 4 * 96 + 20
    inside = base64.b64decode(first.source.partition(",")[2])
    assert b"<dc:date>" not in inside
    assert b"<text" not in inside


def test_a_figure_is_slimmed_without_moving_anything():
    raw = (
        '<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="72pt">\n <metadata>x</metadata>\n'
        ' <defs>\n  <path id="DejaVuSans-14" d="M 794 531 \nL 1825.123456 531 \nz\n" transform="scale(0.015625)"/>\n'
        ' </defs>\n <g id="text_1">\n  <!-- secret -->\n'
        '  <g transform="translate(93.610078 -0.001) scale(0.085 -0.085)">'
        '<use xlink:href="#DejaVuSans-14" transform="translate(63.623047 0)"/></g></g>'
        '<g clip-path="url(#p953bc9f88b)"/><clipPath id="p953bc9f88b"/></svg>'
    )
    thin = svg.slim(raw)
    assert thin == (
        '<svg xmlns="http://www.w3.org/2000/svg" width="72pt"><defs>'
        '<path id="a0" d="M794 531L1825.12 531z" transform="scale(0.015625)"/></defs><g>'
        '<g transform="translate(93.61 0) scale(0.085 -0.085)"><use xlink:href="#a0" x="63.62"/></g></g>'
        '<g clip-path="url(#a1)"/><clipPath id="a1"/></svg>'
    )


def test_heavy_figure_becomes_a_sharp_bitmap():
    fig = Figure(figsize=(4, 3))
    fig.subplots().scatter(*np.random.default_rng(1).normal(size=(2, 20_000)))
    made = picture(fig)
    png = base64.b64decode(made.source.removeprefix("data:image/png;base64,"))
    assert int.from_bytes(png[16:20], "big") // 2 == made.width
    assert b"matplotlib" not in png[:400]


def test_closed_pyplot_figures():
    mpl.use("agg")
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    fig, _ = plt.subplots()
    picture(fig)
    assert plt.get_fignums() == before
