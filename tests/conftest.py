"""Shared fixtures."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from research.paths import ROOT


@pytest.fixture(scope="session")
def verification_data() -> Callable[[str], Path]:
    """Return the folder of a verification data set, or skip with the reason when it is not there."""
    home = Path(os.environ.get("RESEARCH_VERIFICATION_DATA", ROOT.parent / "shared" / "data"))

    def folder(name: str) -> Path:
        place = home / name
        if not place.exists():
            pytest.skip(
                f"verification data '{name}' is not at {home}; set RESEARCH_VERIFICATION_DATA to its folder"
            )
        return place

    return folder
