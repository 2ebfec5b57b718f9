"""What a module of the project can import, and so what a result computed in it depends on.

The closure of a module is every project file that it can import, directly or through others, with the `__init__` of
their packages; the definitions that these files name; and the libraries that they import. It is found by reading
the files, not by running them: an import inside a function counts like one at the top. Two habits make that complete,
and tests hold the project to them: a definition is named as `DEFINITIONS / "its name"`, and no module is imported under
a computed name.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import sys
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

from research.errors import UserError
from research.files.fingerprint import files
from research.files.wholefiles import whole
from research.paths import DEFINITIONS, cache_folder

PACKAGE = Path(__file__).parent
BEGAN = time.time_ns()  # code that was changed later may not be the code in memory
# `DEFINITIONS / "folder" / "file"`; the group is empty where no literal follows.
_NAMED = re.compile(r"""\bDEFINITIONS\b((?:\s*/\s*(?:"[^"]*"|'[^']*'))*)""")
_IMPORTED = re.compile(r"^\s*(?:from\s[^\n]*\simport\s+\([^)]*\)|(?:from|import)\s[^\n]*)", re.MULTILINE)
_LITERAL = re.compile(r"""["']([^"']*)["']""")


@dataclass(frozen=True)
class Imports:
    """Who imports what, read from all files of the project at once: name of a module → what it names itself."""

    modules: dict[str, list[str]]  # modules of the project
    libraries: dict[str, list[str]]  # distributions
    definitions: dict[str, list[str]]  # paths below data/definitions; "" is all of them


class Project:
    """The project as its files are now; read once per process, see `project`."""

    def __init__(self) -> None:
        self.contents = {path: _content(path) for path in sorted(files([PACKAGE, DEFINITIONS]))}
        self._installed = _installed()
        self._codes: dict[tuple[str, ...], str] = {}
        self._versions: dict[str, str] = {}
        self.imports = self._imports()

    def modules(self, *names: str) -> list[str]:
        """Return the closure: the modules of the project that these modules can import, themselves included.

        A module from outside the project, which was not read, may import all of it.
        """
        if not self.imports.modules.keys() >= set(names):
            return sorted(self.imports.modules)
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            for name in _with_packages(waiting.pop()):
                if name in self.imports.modules and name not in found:
                    found.add(name)
                    waiting += self.imports.modules[name]
        return sorted(found)

    def files(self, *names: str) -> list[Path]:
        """Return the files that decide what these modules compute: those of their closure, and named definitions."""
        modules = self.modules(*names)
        named = {DEFINITIONS / path for module in modules for path in self.imports.definitions[module]}
        outside = [
            Path(str(sys.modules[name].__file__)) for name in names if name not in self.imports.modules
        ]
        return [
            *outside,
            *map(_file, modules),
            *sorted(path for path in files(named) if path in self.contents),
        ]

    def libraries(self, *names: str) -> dict[str, str]:
        """Return the distributions that the closure of these modules imports, with their installed versions."""
        found = {library for module in self.modules(*names) for library in self.imports.libraries[module]}
        self._versions |= {name: self._version(name) for name in found - self._versions.keys()}
        return {name: self._versions[name] for name in sorted(found)}

    def code(self, *names: str) -> str:
        """Return the fingerprint of all code, definitions and libraries behind these modules, and of Python."""
        if names not in self._codes:
            read = [[_place(path), self.contents.get(path) or _content(path)] for path in self.files(*names)]
            parts = [read, self.libraries(*names), platform.python_version_tuple()[:2]]
            self._codes[names] = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
        return self._codes[names]

    def is_in_memory(self, *names: str) -> bool:
        """Return whether the files behind these modules are still those that this process has imported."""
        return all(path.exists() and path.stat().st_mtime_ns < BEGAN for path in self.files(*names))

    def _version(self, distribution: str) -> str:
        # metadata of thirty libraries take 35 of the 500 ms of an unchanged run
        start = f"{re.sub(r'[-_.]+', '_', distribution)}-".lower()
        for name in self._installed:
            if name.lower().startswith(start) and name.endswith(".dist-info"):
                return name[len(start) :].removesuffix(".dist-info")
        try:
            return metadata.version(distribution)
        except metadata.PackageNotFoundError:
            return "not installed"

    def _imports(self) -> Imports:
        """Find who imports what; that takes a second, so that it is kept until code or environment change."""
        code = {_place(path): content for path, content in self.contents.items() if path.suffix == ".py"}
        state = hashlib.sha256(json.dumps([code, self._installed, sys.version]).encode()).hexdigest()
        kept = cache_folder() / "imports.json"
        with suppress(OSError, ValueError, TypeError, KeyError):
            known = json.loads(kept.read_text(encoding="utf-8"))
            if known.pop("state") == state:
                return Imports(**known)
        found = _read_imports()
        with suppress(OSError), whole(kept) as new:
            new.write_text(json.dumps({"state": state, **asdict(found)}), encoding="utf-8")
        return found


@cache
def project() -> Project:
    """Return the project as it was when this process first asked."""
    return Project()


def named_definitions(code: str) -> list[str]:
    """Return the paths below data/definitions that the text of a module names; "" is all: a name is computed."""
    return sorted({"/".join(_LITERAL.findall(chain)) for chain in _NAMED.findall(_IMPORTED.sub("", code))})


def _read_imports() -> Imports:
    import grimp  # only where the code has changed

    try:
        graph = grimp.build_graph(PACKAGE.name, include_external_packages=True, cache_dir=None)
    except grimp.exceptions.SourceSyntaxError as error:
        raise UserError(f"what a step can import cannot be read: {error}") from None
    providers = _providers()
    found = Imports({}, {}, {})
    for name in sorted(filter(_of_project, graph.modules)):
        imported = graph.find_modules_directly_imported_by(name)
        outside = {other.partition(".")[0] for other in imported if not _of_project(other)}
        distributions = {
            each for top in outside - sys.stdlib_module_names for each in providers.get(top, [top])
        }
        found.modules[name] = sorted(filter(_of_project, imported))
        found.libraries[name] = sorted(distributions)
        # these two hold the folder, and name nothing in it
        names_none = name in (__name__, "research.paths")
        found.definitions[name] = (
            [] if names_none else named_definitions(_file(name).read_text(encoding="utf-8"))
        )
    return found


@cache
def _providers() -> Mapping[str, list[str]]:
    return metadata.packages_distributions()


def _installed() -> list[str]:
    """Return the folders that say what is installed, such as `scikit_learn-1.7.2.dist-info`, by place on the path."""
    folders, ends = [path for path in map(Path, sys.path) if path.is_dir()], (".dist-info", ".egg-info")
    return [found.name for path in folders for found in sorted(path.iterdir()) if found.suffix in ends]


def _with_packages(name: str) -> Iterable[str]:
    parts = name.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def _of_project(name: str) -> bool:
    return name.partition(".")[0] == PACKAGE.name


def _file(module: str) -> Path:
    path = PACKAGE.parent.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _place(path: Path) -> str:
    bases = [base for base in (PACKAGE.parent, DEFINITIONS.parent) if path.is_relative_to(base)]
    return path.relative_to(bases[0]).as_posix() if bases else path.name


def _content(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
