"""The key of a step: whatever its module can import decides it, down to a constant, a definition and a library."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from research.closure import named_definitions, project
from research.parameters import load
from research.paths import DEFINITIONS, ROOT
from step_codes import STEPS, codes

PACKAGE = ROOT / "src" / "research"
FAMILIES = ("collect", "explain", "segment", "compare", "manage", "fieldwork")
MODULES = {name: step.__module__ for name, step in STEPS.items()}


class Copy:
    """A copy of the project in another folder, with a process that tells the codes of its steps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(PACKAGE, folder / "src" / "research")
        shutil.copytree(DEFINITIONS, folder / "data" / "definitions")
        place = {"PYTHONPATH": str(folder / "src"), "RESEARCH_CACHE": str(folder / "cache")}
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("step_codes.py")],
            env=os.environ | place,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.before = self.codes()

    def codes(self) -> dict[str, str]:
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def moved(self, path: Path, text: str) -> set[str]:
        """Return the steps whose code moves when a file of the project says something else."""
        target = self.folder / path.relative_to(ROOT)
        original = target.read_bytes()
        target.write_text(text, encoding="utf-8")
        now = self.codes()
        target.write_bytes(original)
        return {name for name in now if now[name] != self.before[name]}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copy]:
    made = Copy(tmp_path_factory.mktemp("copy"))
    yield made
    made.process.stdin.close()
    made.process.wait()


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def constants(path: Path) -> dict[str, ast.expr]:
    """Return the constants of a module: name in capitals → value."""
    found = {}
    for node in parsed(path).body:
        targets = getattr(node, "targets", None) or [getattr(node, "target", None)]
        if len(targets) == 1 and isinstance(targets[0], ast.Name) and targets[0].id.strip("_").isupper():
            found[targets[0].id] = node.value
    return found


def functions(path: Path) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(parsed(path)) if isinstance(node, ast.FunctionDef)]


def with_value(path: Path, value: ast.expr) -> str:
    """Return the text of a module in which a constant has no value."""
    lines = path.read_text(encoding="utf-8").splitlines()
    start, end = value.lineno - 1, value.end_lineno
    before = lines[start].encode()[: value.col_offset].decode()
    after = lines[end - 1].encode()[value.end_col_offset :].decode()
    return "\n".join([*lines[:start], f"{before}None{after}", *lines[end:]]) + "\n"


def with_body(path: Path, function: ast.FunctionDef) -> str:
    """Return the text of a module in which the last statement of a function is another one."""
    lines, last = path.read_text(encoding="utf-8").splitlines(), function.body[-1]
    return (
        "\n".join(
            [*lines[: last.lineno - 1], f"{' ' * last.col_offset}raise ValueError", *lines[last.end_lineno :]]
        )
        + "\n"
    )


def imported(module: str) -> set[str]:
    """Return the modules of the project that a module imports, read from its syntax tree; an own, simple reading."""
    path = closure_file(module)
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in found if name.startswith("research.") and closure_file(name).is_file()}


def closure_file(module: str) -> Path:
    path = PACKAGE.parent.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def reach(module: str) -> set[str]:
    """Return a module with all it can import."""
    found, waiting = set(), {module}
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            packages = {name.rsplit(".", count)[0] for count in range(1, name.count(".") + 1)}
            waiting |= imported(name) | packages
    return found


@pytest.fixture(scope="module")
def reached() -> dict[str, set[str]]:
    """Step → the modules it can import, by this file's own reading."""
    by_module = {module: reach(module) for module in set(MODULES.values())}
    return {name: by_module[module] for name, module in MODULES.items()}


def dependants(path: Path, reached: dict[str, set[str]]) -> set[str]:
    module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    return {name for name, modules in reached.items() if module in modules}


CONSTANTS = {"CARD", "CHOICES", "SEASONS", "ABSORBING", "CRITERIA"}
STUDY = [path for path in sorted((PACKAGE / "study").glob("*.py")) if CONSTANTS & constants(path).keys()]


def test_the_constants_that_are_changed_here_are_in_the_study() -> None:
    assert {name for path in STUDY for name in constants(path)} >= CONSTANTS


@pytest.mark.parametrize("path", STUDY, ids=lambda path: path.stem)
def test_a_changed_constant_of_the_study_moves_every_key_that_depends_on_it(copy, reached, path) -> None:
    """One of a module: its key is that of the file, whichever constant of it changes."""
    found = constants(path)
    moved = copy.moved(path, with_value(path, found[min(CONSTANTS & found.keys())]))
    own = {step for step, module in MODULES.items() if module == f"research.study.{path.stem}"}
    assert own <= moved
    assert moved == dependants(path, reached)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_changed_constant_and_a_changed_function_of_a_family_move_the_keys_that_depend_on_them(
    copy, reached, family
) -> None:
    used = {module for modules in reached.values() for module in modules}
    files = [closure_file(module) for module in sorted(used) if module.startswith(f"research.{family}.")]
    path = next(path for path in files if constants(path) and len(dependants(path, reached)) < len(STEPS))
    assert copy.moved(path, with_value(path, next(iter(constants(path).values())))) == dependants(
        path, reached
    )
    path = next(path for path in reversed(files) if functions(path))
    moved = copy.moved(path, with_body(path, functions(path)[-1]))
    assert moved == dependants(path, reached) != set()


def test_the_init_of_a_package_moves_the_keys_of_what_is_imported_from_it(copy, reached) -> None:
    path = PACKAGE / "compare" / "__init__.py"
    moved = copy.moved(path, path.read_text(encoding="utf-8") + "SHARE = 0.5\n")
    assert moved == dependants(path, reached)
    assert {"out_of_fold", "contrasts"} <= moved
    assert "customers" not in moved


def test_a_module_that_a_step_cannot_import_moves_nothing(copy) -> None:
    path = PACKAGE / "pages" / "render.py"
    assert copy.moved(path, path.read_text(encoding="utf-8") + "# changed\n") == set()


def test_words_and_pictures_of_a_page_move_no_key() -> None:
    shown = ("exhibits", "pages", "desk", "runs", "commands")
    behind = project().modules(*set(MODULES.values()))
    assert [name for name in behind if name.startswith(tuple(f"research.{folder}" for folder in shown))] == []


def test_a_new_step_in_the_table_of_contents_moves_nothing(copy) -> None:
    path = PACKAGE / "study" / "contents.py"
    assert copy.moved(path, path.read_text(encoding="utf-8") + "# changed\n") == set()


READ = {
    "constructs.csv": "customers", "crosswalks/lendingclub2018.csv": "customers", "criteria.csv": "measured",
    "sensitivity.yml": "specification_curve", "survey_items.csv": "survey", "ahp.csv": "weights",
    "codebook.csv": "interviews", "agreement_bars.csv": "coders_agreement", "hypotheses.csv": "synthesis",
    "strategies.csv": "policy", "loan_quality_policy.yml": "loan_quality", "rfm_components.csv": "model",
    "abc_cells.csv": "model", "simulation.yml": "months", "retiering_rule.yml": "triggers",
    "early_warning_rules.yml": "warnings", "classification.yml": "classification",
    "checklists/gramms.yml": "synthesis",
}  # fmt: skip


def test_every_definition_is_known_to_the_steps_that_read_it() -> None:
    for name, step in READ.items():
        named = [project().imports.definitions[module] for module in project().modules(MODULES[step])]
        assert {name.partition("/")[0]} <= {path.partition("/")[0] for paths in named for path in paths}, name


@pytest.mark.parametrize(
    "name", ["constructs.csv", "crosswalks/lendingclub2018.csv", "checklists/gramms.yml"]
)
def test_a_definition_without_its_last_entry_moves_the_keys_of_the_steps_that_read_it(copy, name) -> None:
    path = DEFINITIONS / name
    shorter = path.read_text(encoding="utf-8").rstrip().rsplit("\n", 1)[0] + "\n"
    assert READ[name] in copy.moved(path, shorter)


def test_a_definition_that_no_step_reads_moves_nothing(copy) -> None:
    path = DEFINITIONS / "published_values.csv"
    assert copy.moved(path, path.read_text(encoding="utf-8").rsplit("\n", 2)[0]) == set()


@pytest.mark.parametrize(
    ("name", "moves"), [("survey_items.csv", "survey_scales"), ("classification.yml", "classification")]
)
def test_what_one_page_asks_or_sorts_by_does_not_move_the_models(copy, name, moves) -> None:
    path = DEFINITIONS / name
    moved = copy.moved(path, path.read_text(encoding="utf-8") + "\n")
    assert moves in moved
    assert not moved & {"customers", "weights", "model", "out_of_fold", "specification_curve"}


def test_another_version_of_a_library_moves_the_keys_of_the_steps_that_use_it(tmp_path, monkeypatch) -> None:
    before = codes()
    (tmp_path / "scikit_learn-0.0.dist-info").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    project.cache_clear()
    assert project().libraries("research.segment.tree")["scikit-learn"] == "0.0"
    now = codes()
    monkeypatch.undo()
    project.cache_clear()
    moved = {name for name in now if now[name] != before[name]}
    assert {"model", "out_of_fold", "contrasts"} <= moved
    assert not moved & {"customers", "survey", "interviews"}


def test_the_whole_key_moves_with_code_parameters_arguments_and_data(monkeypatch) -> None:
    step, study = STEPS["model"], load()
    key = step.key(study, "rfm")
    assert step.key(study.model_copy(update={"folds": 3}), "rfm") == key
    assert len({key, step.key(study, "abc"), step.key(study.model_copy(update={"seed": 1}), "rfm"),
                step.key(study.with_dataset("credit_data"), "rfm")}) == 4  # fmt: skip
    monkeypatch.setattr(type(project()), "code", lambda *_: "other code")
    assert step.key(study, "rfm") != key


def in_closures() -> dict[str, ast.Module]:
    """Return the syntax trees of all modules that a step can import."""
    names = project().modules(*set(MODULES.values()))
    return {name: parsed(closure_file(name)) for name in names if name != "research.closure"}


def test_no_module_behind_a_step_imports_under_a_computed_name() -> None:
    found = [
        f"{name}, line {node.lineno}"
        for name, tree in in_closures().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).split(".")[-1]
        in ("import_module", "__import__", "exec", "eval", "find_spec")
        and not (node.args and isinstance(node.args[0], ast.Constant))
    ]
    assert found == []
    assert "research.study.contents" not in in_closures()


def test_modules_behind_a_step_name_their_definitions() -> None:
    """`DEFINITIONS / "its name"`, and the name is that of a file or folder."""
    for name, tree in in_closures().items():
        if name == "research.paths":
            continue
        named = [
            node.right.value
            for node in ast.walk(tree)
            if isinstance(node, ast.BinOp) and isinstance(node.right, ast.Constant)
            if ast.unparse(node.left) == "DEFINITIONS"
        ]
        used = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "DEFINITIONS"]
        assert len(named) == len(used), name
        assert not [
            node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "DEFINITIONS"
        ]
        assert not [
            node for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value == "definitions"
        ]
        assert all((DEFINITIONS / part).exists() for part in named), name
        assert {path.partition("/")[0] for path in project().imports.definitions[name]} == set(named)


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ('FILE = DEFINITIONS / "a.csv"', ["a.csv"]),
        ('read(DEFINITIONS / "folder" / "b.yml")', ["folder/b.yml"]),
        ("from research.paths import DEFINITIONS, ROOT\n", []),
        ("from research.paths import (\n    DEFINITIONS,\n    ROOT,\n)\n", []),
        ('DEFINITIONS / f"{name}.csv"', [""]),
        ("DEFINITIONS.glob('*.csv')", [""]),
    ],
)
def test_a_computed_name_of_a_definition_stands_for_all_of_them(code, named) -> None:
    assert named_definitions(code) == named
