"""The project uses what its dependencies offer everybody: nothing with an underscore, nothing replaced."""

from __future__ import annotations

import ast
import importlib
import inspect

import pytest

from research.paths import ROOT

SOURCES = sorted((ROOT / "src" / "research").rglob("*.py"))
OWN = "research"
DOCUMENTED = ("os._exit", "etree._Element")  # their manuals name them


def private(name: str) -> bool:
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def imported(tree: ast.Module) -> dict[str, str]:
    """Return the names under which a module knows other modules and what they hold: name → dotted name."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.asname or name.name.partition(".")[0]: name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {name.asname or name.name: f"{node.module}.{name.name}" for name in node.names}
    return found


def foreign(name: str) -> bool:
    top = name.partition(".")[0]
    return top not in (OWN, "__future__")


def uses(code: str) -> list[str]:
    """Return what a text of code does with its dependencies that they do not offer, one line each."""
    tree = ast.parse(code)
    names = imported(tree)
    found = [
        f"imports {name}" for name in names.values() if foreign(name) and any(map(private, name.split(".")))
    ]
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name | ast.Attribute):
            root = ast.unparse(node).split(".")
            outside = root[0] in names and foreign(names[root[0]])
            if outside and any(map(private, root[1:])) and ast.unparse(node) not in DOCUMENTED:
                found.append(f"uses {ast.unparse(node)}")
            if outside and isinstance(node.ctx, ast.Store | ast.Del) and is_module(names[root[0]]):
                found.append(f"assigns {ast.unparse(node)}")
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            found += [f"assigns {ast.unparse(node)}"] if ast.unparse(node.value) == "sys.modules" else []
        if isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "sys.modules.setdefault", "sys.modules.update", "sys.modules.pop", "gc.freeze",
        ):  # fmt: skip
            found.append(f"calls {ast.unparse(node.func)}")
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "setattr" and node.args:
            root = ast.unparse(node.args[0]).split(".")[0]
            found += [f"sets {root}"] if root in names and is_module(names[root]) else []
        if isinstance(node, ast.ClassDef):
            found += overrides(node, names)
    return found


def is_module(name: str) -> bool:
    try:
        return inspect.ismodule(thing(name))
    except (ImportError, AttributeError):
        return False


def thing(name: str) -> object:
    """Return a module, or what a module holds, by its dotted name."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:end]))
        except ImportError:
            continue
        for part in parts[end:]:
            found = getattr(found, part)
        return found
    raise ImportError(name)


def overrides(node: ast.ClassDef, names: dict[str, str]) -> list[str]:
    """Return the private methods and attributes of a dependency's class that a class replaces."""
    own = {child.name for child in node.body if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)}
    for child in node.body:
        targets = child.targets if isinstance(child, ast.Assign) else [getattr(child, "target", None)]
        own |= {target.id for target in targets if isinstance(target, ast.Name)}
    found = []
    for base in node.bases:
        root, *rest = ast.unparse(base).split(".")
        if root not in names or not foreign(names[root]):
            continue
        above = thing(".".join([names[root], *rest]))
        found += [
            f"overrides {ast.unparse(base)}.{name}" for name in own if private(name) and hasattr(above, name)
        ]
    return found


def test_modules_use_only_what_their_dependencies_offer() -> None:
    assert len(SOURCES) > 200
    found = {str(path.relative_to(ROOT)): uses(path.read_text(encoding="utf-8")) for path in SOURCES}
    assert {name: used for name, used in found.items() if used} == {}


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("from joblib._store_backends import CacheWarning", ["imports joblib._store_backends.CacheWarning"]),
        ("import pandas as pd\npd.core._config", ["uses pd.core._config"]),
        ("import sys\nsys.modules['x'] = None", ["assigns sys.modules['x']"]),
        ("import sys\nsys.modules.setdefault('x', None)", ["calls sys.modules.setdefault"]),
        ("import tempfile\ntempfile.tempdir = '/x'", ["assigns tempfile.tempdir"]),
        ("import json\nsetattr(json, 'x', 1)", ["sets json"]),
        (
            "from json import JSONEncoder\nclass A(JSONEncoder):\n    def _x(self): ...\n    def default(self): ...",
            [],
        ),
        (
            "from jupyter_client.manager import AsyncKernelManager\n"
            "class A(AsyncKernelManager):\n    async def _async_pre_start_kernel(self): ...",
            ["overrides AsyncKernelManager._async_pre_start_kernel"],
        ),
        ("from research.steps import _read\nimport os\nos.path.join", []),
    ],
)
def test_such_uses_are_found(code: str, found: list[str]) -> None:
    assert uses(code) == found
