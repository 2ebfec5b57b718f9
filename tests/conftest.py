"""Shared fixtures."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# One thread each, as in kernels, which NumPy reads when it is imported: the tests of all workers share the processors.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# The tests start a hundred processes: what they import is compiled once, also where the environment has it otherwise.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

import command  # noqa: E402
from research import cli, parameters  # noqa: E402
from research.pages import provenance  # noqa: E402
from research.paths import ROOT  # noqa: E402

# The same examples at every run, and none that fails because the machine is busy.
settings.register_profile(
    "steady", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")

LONGEST = (
    "test_study_run", "test_cluster", "test_faults", "test_docs", "test_disclosure", "test_testable", "test_pipeline",
    "test_browser", "test_events",
)  # fmt: skip
FORCED = ("FORCE_COLOR", "CLICOLOR_FORCE", "PY_COLORS", "TTY_COMPATIBLE", "TTY_INTERACTIVE")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Read what commands print unwrapped and uncoloured, whatever terminal the tests are started from.

    Else the width of the window and the length of the temporary folder's name decide where a sentence breaks. Pytest's
    own lines keep the width of the terminal.
    """
    if config.pluginmanager.has_plugin("terminalreporter"):
        writer = config.get_terminal_writer()
        writer.fullwidth = writer.fullwidth
    for name in FORCED:
        os.environ.pop(name, None)
    os.environ.update(COLUMNS="1000", NO_COLOR="1")
    # Small data: starting processes would take longer than the work. Results do not depend on their number.
    os.environ["RESEARCH_JOBS"] = "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process is left alone with it at the end."""
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


@pytest.fixture(autouse=True)
def no_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test show what the plan of another one allows."""
    monkeypatch.setattr(parameters, "_read", {})


@pytest.fixture
def research(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Return a function that runs a command in this process: exit code, and what it printed on one line."""

    def call(*words: object) -> tuple[int, str]:
        code: Any = 0
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", ["research", *map(str, words)])
            try:
                cli.main()
            except SystemExit as end:
                code = end.code
        printed = capsys.readouterr()
        return int(code or 0), " ".join((printed.err + printed.out).split())

    return call


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


@pytest.fixture(scope="module")
def no_commit() -> Iterator[None]:
    """Give this process the environment of `command.start`: pages must not tell the commit, which can change."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in command.STEADY.items():
            patch.setenv(name, value)
        provenance.commit.cache_clear()
        yield
    provenance.commit.cache_clear()
