"""The places that name dependencies agree, and the lock is portable."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

from research.cli import load
from research.errors import UserError
from research.files.textfiles import read_csv
from research.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = {path.name: path.read_text() for path in ROOT.glob("requirements*.lock")}


def pins(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([A-Za-z0-9][\w.-]*)==(\S+)", LOCKS[lock], flags=re.MULTILINE))


PINNED = pins("requirements.lock")
GROUPS = PROJECT["dependency-groups"]
EXTRAS = [name for names in PROJECT["project"]["optional-dependencies"].values() for name in names]


def canonical(requirement: str) -> str:
    name = re.match(r"[\w.-]+", requirement).group()
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_dependency_tool_and_extra_is_locked() -> None:
    tools = [need for need in GROUPS["dev"] if isinstance(need, str)]
    for requirements, lock in (
        (PROJECT["project"]["dependencies"] + GROUPS["build"], "requirements.lock"),
        (tools, "requirements-dev.lock"),
        (EXTRAS, "requirements-extras.lock"),
    ):
        assert set(map(canonical, requirements)) - set(map(canonical, pins(lock))) == set()
    assert set(map(canonical, tools)) & set(map(canonical, PINNED)) == set()  # only for those who test


@pytest.mark.parametrize("lock", ["requirements-dev.lock", "requirements-extras.lock"])
def test_tools_and_extras_change_no_version(lock: str) -> None:
    extended = pins(lock)
    assert {name: extended.get(name) for name in PINNED} == PINNED


def test_the_lock_of_the_study_has_nothing_that_no_default_page_imports() -> None:
    large = read_csv(ROOT / "docs" / "data" / "large_packages.csv")
    others = {canonical(name) for name in large.loc[large["on default pages"] == "no", "package"]}
    assert not others & {canonical(name) for name in PINNED}


def test_a_verb_of_an_extra_that_is_not_installed_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [
        name
        for name in sys.modules
        if name.startswith(("research.collect.events", "research.commands.events"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "ibis", None)
    with pytest.raises(UserError, match=r"`research events` needs the extra 'events'.*make extras"):
        load("events")


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock: str) -> None:
    blocks = re.split(r"^(?=[A-Za-z0-9])", LOCKS[lock], flags=re.MULTILINE)[1:]
    assert len(blocks) > 100
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_names_no_address(lock: str) -> None:
    assert not re.search(r"https?://|file://|--index|--find-links", LOCKS[lock])


def test_the_conda_environment_installs_the_same_lock() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip = environment["dependencies"][0], environment["dependencies"][-1]
    assert python.removeprefix("python ") == PROJECT["project"]["requires-python"]
    assert pip == {"pip": ["--require-hashes", "-r requirements.lock"]}


def test_the_given_packages_are_direct_dependencies() -> None:
    named = {canonical(requirement) for requirement in PROJECT["project"]["dependencies"]}
    assert {
        "jupyterlab", "pandas", "statsmodels", "scikit-learn", "seaborn", "papermill", "openpyxl",
    } <= named  # fmt: skip


def test_installed_versions_are_the_locked_ones() -> None:
    wrong = {
        name: (metadata.version(name), PINNED[name])
        for name in ("pandas", "scikit-learn", "statsmodels", "papermill", "openpyxl")
        if metadata.version(name) != PINNED[name]
    }
    assert wrong == {}


def test_version_is_the_same_everywhere() -> None:
    import research

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert research.__version__ == PROJECT["project"]["version"] == citation["version"]


def test_the_check_of_a_clone_runs_on_every_version_that_is_supported() -> None:
    supported = SpecifierSet(PROJECT["project"]["requires-python"])
    versions = [f"3.{minor}" for minor in range(8, 20) if f"3.{minor}" in supported]
    (named,) = re.findall(r"for version in ([\d. ]+); do", (ROOT / ".ci" / "run").read_text(encoding="utf-8"))
    assert named.split() == versions


def test_no_test_reads_the_width_of_the_terminal(tmp_path: Path) -> None:
    place = ROOT / "tests" / "test_fieldwork_commands.py::test_import_of_a_platform"
    folder = tmp_path / ("a" * 90)
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp", folder, place]
    strange = {"COLUMNS": "40", "LC_ALL": "C", "TZ": "Asia/Shanghai", "FORCE_COLOR": "1"}
    done = subprocess.run(
        words, env=os.environ | strange, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert done.returncode == 0, done.stdout
