"""A matplotlib figure as a picture in a page: SVG with text as outlines, a bitmap when that would be heavy."""

from __future__ import annotations

import base64
import io
import re
import sys
from typing import TYPE_CHECKING, Literal

from research.pages.markup import Picture
from research.pages.svg import slim

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PRINT_DPI = 300
NOTHING = {  # format → what matplotlib would say of itself and of the time
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"Creator": None, "Producer": None, "CreationDate": None},
}
# Text as outlines: a machine without the Chinese font would show boxes otherwise.
STEADY = {"svg.fonttype": "path", "svg.hashsalt": "research", "pdf.fonttype": 42}
HEAVY = 400_000  # bytes of SVG above which a figure becomes a bitmap
BITMAP_DPI = 192  # twice the 96 dpi of a CSS pixel


def picture(fig: Figure) -> Picture:
    """Return a figure as a picture; same figure, same bytes."""
    try:
        svg = slim(saved(fig, "svg").decode("utf-8")).encode("utf-8")
        if len(svg) <= HEAVY:
            return Picture(f"data:image/svg+xml;base64,{encode(svg)}", *svg_size(svg))
        png = saved(fig, "png", BITMAP_DPI)
    finally:
        if "matplotlib.pyplot" in sys.modules:  # only figures that pyplot made are kept by it
            sys.modules["matplotlib.pyplot"].close(fig)
    scale = BITMAP_DPI // 96
    width, height = (int.from_bytes(png[at : at + 4], "big") // scale for at in (16, 20))
    return Picture(f"data:image/png;base64,{encode(png)}", width, height)


def saved(fig: Figure, ending: str, dpi: float | Literal["figure"] = "figure") -> bytes:
    """Return a figure as an `svg`, `png` or `pdf` file; same figure, same bytes."""
    import matplotlib as mpl

    stream = io.BytesIO()
    with mpl.rc_context(STEADY):
        fig.savefig(
            stream, format=ending, dpi=dpi, metadata=NOTHING[ending], bbox_inches="tight", pad_inches=0.06
        )
    return stream.getvalue()


def svg_size(svg: bytes) -> tuple[int, int]:
    """Return the size of an SVG in CSS pixels; matplotlib writes it in points (72 per inch)."""
    sizes = re.findall(rb'<svg[^>]*?\b(?:width|height)="[\d.]+pt"[^>]*>', svg)[0]
    points = {key: float(size) for key, size in re.findall(rb'\b(width|height)="([\d.]+)pt"', sizes)}
    return round(points[b"width"] * 96 / 72), round(points[b"height"] * 96 / 72)


def encode(content: bytes) -> str:
    """Return bytes as base64 text."""
    return base64.b64encode(content).decode("ascii")
