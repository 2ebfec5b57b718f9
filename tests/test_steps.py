"""The cache of steps: same inputs are read back, anything that decides a result changes its key."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from research import closure
from research.parameters import load
from research.steps import Step, step
from research.study import contents

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


@step("folds")
def whole(study):
    return study.model_dump()


@step("dataset")
def elsewhere(study):
    return study.with_dataset("credit_data").seed


@step("seed")
def either(study, name, arm="one"):
    calls.append("either")
    return f"{name} {arm}"


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESEARCH_CACHE", str(tmp_path))
    calls.clear()


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
    folder = next(tmp_path.glob("**/doubled/*.pickle")).parent
    old, new = (folder / f".{name}.pickle.1-1.tmp" for name in ("old", "new"))
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


def test_a_step_has_no_other_way_to_a_parameter_than_to_declare_it() -> None:
    for undeclaring in (whole, elsewhere):
        with pytest.raises(AttributeError):
            undeclaring(load())


def test_an_argument_left_at_its_default_is_the_same_argument() -> None:
    plan = load()
    assert either(plan, "a") == either(plan, "a", "one") == either(plan, name="a", arm="one") == "a one"
    assert calls == ["either"]
    assert either(plan, "a", "two") == "a two"


@pytest.mark.parametrize(
    "damage",
    [lambda stored: b"", lambda stored: stored[:-1], lambda stored: stored[:-9] + b"x" + stored[-8:]],
)
def test_a_damaged_result_is_computed_again(tmp_path, damage) -> None:
    plan = load()
    either(plan, "a long name that ends up in the file")
    (path,) = tmp_path.glob("results/either/*.pickle")
    sound = path.read_bytes()
    path.write_bytes(damage(sound))
    assert either(plan, "a long name that ends up in the file") == "a long name that ends up in the file one"
    assert (calls, path.read_bytes()) == (["either", "either"], sound)


def test_processes_at_once_compute_a_step_once(tmp_path) -> None:
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); import slow_step; from research.parameters import load\n"
        "assert slow_step.slow(load()) == 1"
    )
    (tmp_path / "slow_step.py").write_text(
        "import time\nfrom pathlib import Path\nfrom research.steps import step\n"
        "@step('seed')\ndef slow(study):\n"
        f"    with Path({str(tmp_path / 'computed')!r}).open('a') as file: file.write('x')\n"
        "    time.sleep(1)\n    return 1\n"
    )
    started = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(3)]
    assert [process.wait() for process in started] == [0, 0, 0]
    assert (tmp_path / "computed").read_text() == "x"


def test_what_code_changed_after_it_was_imported_computes_is_not_kept(tmp_path, monkeypatch) -> None:
    """The files say the new code, the process holds the old: its result must not be found under the new key."""
    monkeypatch.setattr(closure, "BEGAN", 0)
    plan = load()
    assert either(plan, "a") == either(plan, "a")
    assert calls == ["either", "either"]
    assert not list(tmp_path.glob("results/**/*.pickle"))


def test_an_unknown_parameter_cannot_be_declared() -> None:
    with pytest.raises(TypeError, match="nonsense"):
        step("nonsense")


def test_the_table_of_contents_is_complete() -> None:
    listed = [name for names in contents.STAGES.values() for name in names]
    assert len(listed) == len(set(listed)), "two steps of one name"
    for stage, names in contents.STAGES.items():
        module = import_module(f"research.study.{stage}")
        own = {
            name for name, value in vars(module).items() if isinstance(value, Step) and is_from(value, module)
        }
        assert own <= set(names), f"{stage}: not listed in contents"
        assert all(hasattr(module, name) for name in names)
        assert [name for name in own if not getattr(module, name).__doc__.startswith("Return")] == []


def is_from(value: Step, module: ModuleType) -> bool:
    return value.__module__ == module.__name__
