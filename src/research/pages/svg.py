"""Smaller SVG: the same picture without what only its maker needs."""

from __future__ import annotations

import re

PLACES = 2  # decimals of a point: a hundredth of 1/72 inch
NUMBER = r"-?\d+\.\d+(?:e-?\d+)?"
COORDINATES = re.compile(r'(?<=\s)(d|x|y|points)="([^"]*)"')
SHIFT = re.compile(rf"translate\(({NUMBER}|-?\d+) ({NUMBER}|-?\d+)\)")


def slim(svg: str) -> str:
    """Return an SVG of matplotlib with short names, short numbers and no metadata.

    Letters are drawn once and used many times, so that most of a figure is names and places of letters. Scales are left
    as they are: a glyph is drawn in units of 1/64.
    """
    svg = re.sub(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = COORDINATES.sub(lambda found: f'{found[1]}="{path(found[2])}"', svg)
    svg = SHIFT.sub(lambda found: f"translate({short(found[1])} {short(found[2])})", svg)
    svg = re.sub(r'(<use [^>]*?)transform="translate\((\S+) 0\)"', r'\1x="\2"', svg)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg)
    svg = re.sub(r">\s+<", "><", svg)
    return renamed(svg).strip()


def path(text: str) -> str:
    """Return path data, or a coordinate, with short numbers and no space that is not needed."""
    text = re.sub(NUMBER, lambda found: short(found[0]), text)
    return re.sub(r"\s*([A-Za-z])\s*", r"\1", re.sub(r"\s+", " ", text)).strip()


def short(number: str) -> str:
    """Return a number with few decimals."""
    text = f"{float(number):.{PLACES}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def renamed(svg: str) -> str:
    """Give everything that is referred to a short name."""
    names = {name: f"a{at}" for at, name in enumerate(dict.fromkeys(re.findall(r'\bid="([^"]*)"', svg)))}
    return re.sub(
        r'(\bid="|href="#|url\(#)([^")]*)', lambda found: found[1] + names.get(found[2], found[2]), svg
    )
