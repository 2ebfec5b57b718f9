"""The cache of steps: same inputs are read back, anything that decides a result changes its key."""

from __future__ import annotations

import os
import re
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from research import fingerprint, study
from research.parameters import load
from research.steps import Step, reach, step

calls: list[str] = []


@step("seed")
def doubled(study):
    calls.append("doubled")
    return 2 * study.seed


@step(doubled, "folds")
def added(study, extra):
    calls.append("added")
    return doubled(study) + study.folds + extra


@step("seed")
def noisy(study):
    print("working")
    print("careful", file=sys.stderr)
    return study.seed


@step("folds")
def undeclared(study):
    return study.seed


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from research import steps

    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path))
    steps._memory.cache_clear()
    calls.clear()
    yield
    steps._memory.cache_clear()


def test_a_step_is_computed_once() -> None:
    plan = load(changes={"seed": 3, "folds": 4})
    assert added(plan, 10) == 20
    assert added(plan, 10) == 20
    assert calls == ["added", "doubled"]


def test_what_a_step_says_does_not_depend_on_the_cache(capsys) -> None:
    plan = load(changes={"seed": 3})
    assert noisy(plan) == noisy(plan) == 3
    assert capsys.readouterr() == ("", "")


def test_files_that_were_never_finished_are_removed(tmp_path) -> None:
    plan = load(changes={"seed": 3})
    doubled(plan)
    folder = next(tmp_path.glob("**/doubled/*/output.pkl")).parent
    old, new = (folder / f"output.pkl.{name}-1-1" for name in ("old", "new"))
    for path in (old, new):
        path.write_bytes(b"half")
    os.utime(old, (0, 0))
    doubled(plan.model_copy(update={"seed": 4}))
    assert not old.exists()
    assert new.exists()


def test_a_parameter_that_is_not_used_does_not_matter() -> None:
    plan = load(changes={"seed": 3})
    doubled(plan)
    doubled(plan.model_copy(update={"folds": 7, "title": "another"}))
    assert calls == ["doubled"]


def test_a_parameter_of_an_earlier_step_matters() -> None:
    plan = load(changes={"seed": 3, "folds": 4})
    assert added(plan, 0) == 10
    assert added(plan.model_copy(update={"seed": 4}), 0) == 12


def test_arguments_are_part_of_the_key() -> None:
    plan = load(changes={"seed": 3, "folds": 4})
    assert added(plan, 1) != added(plan, 2)


def test_reading_an_undeclared_parameter_is_refused() -> None:
    with pytest.raises(AttributeError, match="'seed' without declaring"):
        undeclared(load())


def test_an_unknown_parameter_cannot_be_declared() -> None:
    with pytest.raises(TypeError, match="nonsense"):
        step("nonsense")


def test_code_that_a_step_reaches_is_in_its_key() -> None:
    texts, families = reach(study.comparison.function)
    assert {"collect", "compare", "segment"} <= families
    assert any("def out_of_fold" in text for text in texts)
    assert "fieldwork" not in reach(study.customers.function)[1]


def test_what_every_family_rests_on_is_in_every_key() -> None:
    """A module below the families changes results too; only messages, paths and the way files are written do not."""
    package = Path(fingerprint.__file__).parent
    sources = "".join(
        p.read_text() for name in fingerprint.NUMERIC_CODE for p in (package / name).rglob("*.py")
    )
    used = set(re.findall(r"^(?:from|import) research\.(\w+)", sources, re.M))
    used |= {
        name for line in re.findall(r"^from research import (.+)", sources, re.M) for name in line.split(", ")
    }
    used -= {"errors", "paths", "wholefiles", *fingerprint.NUMERIC_CODE}
    assert {"intervals", "contingency", "tiers"} <= used
    assert used <= set(fingerprint.COMMON)


def test_the_table_of_contents_is_complete() -> None:
    for stage, names in study.STAGES.items():
        module = import_module(f"research.study.{stage}")
        own = {
            name for name, value in vars(module).items() if isinstance(value, Step) and is_from(value, module)
        }
        assert own <= set(names), f"{stage}: not listed in research.study"
        assert all(hasattr(module, name) for name in names)
        assert [name for name in own if not getattr(module, name).__doc__.startswith("Return")] == []


def is_from(value: Step, module: ModuleType) -> bool:
    return value.__module__ == module.__name__
