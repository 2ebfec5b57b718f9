"""The steps that a comparison takes longest for, computed ahead of the notebooks, several at the same time.

A notebook runs in one kernel, and would compute them one after another. Here they are computed wherever there is a
process for them, and stored where the notebook finds them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass

from threadpoolctl import threadpool_limits

from research.parameters import Study
from research.runs.plan import kinds

IMPORTS = ("optbinning", "sklearn.ensemble")  # slow to import: what these steps and page 04 would import
OWN_READINGS = ("other_readings", "later_loans")
OWN_MEASURES = ("specification_curve", "unaided", "contrasts", "measured")


@dataclass(frozen=True)
class Unit:
    """Steps of one data set, or of one `split` of it, computed one after another in one process, after `needs`."""

    name: str
    study: Study
    steps: tuple[str, ...]
    needs: tuple[str, ...] = ()
    split: int | None = None


def units(study: Study) -> Iterator[Unit]:
    """Yield the units of a study, those of its own data set first: it is shown on more pages than the others."""
    for name in dict.fromkeys([study.dataset, *study.compare_datasets]):
        of, own, real = study.elsewhere(name), name == study.dataset, kinds().get(name) != "simulated"
        if not (own or real):
            continue
        made = []
        if own:
            made = [Unit(f"refits {name}", of, ("refits",)), Unit(f"readings {name}", of, OWN_READINGS)]
        for split in range(study.folds * study.repeats):
            # choices, of the first repeat only, share the trees of a fold, `unaided` the bins of its scorecard
            chosen = ("chosen_fold",) if split < study.folds else ()
            steps = ("fold", *chosen, "unaided_fold") if own else ("fold",)
            made.append(Unit(f"fold {split + 1} {name}", of, steps, split=split))
        yield from made
        steps = (*(OWN_MEASURES if own else ()), *(("by_data_set",) if real else ()))
        yield Unit(f"measures {name}", of, steps, tuple(unit.name for unit in made))


def beside(submit: Callable[..., Future[None]], unit: Unit) -> None:
    """Submit a unit to other processes, and wait for it.

    What fails there is not told: it fails again in the notebook, which says where.
    """
    with suppress(Exception):
        submit(compute, unit).result()


def compute(unit: Unit) -> None:
    """Compute and store the steps of a unit in this process."""
    from research.study import contents

    os.environ.setdefault("RESEARCH_JOBS", "1")  # the other processors have units of their own
    with threadpool_limits(1):  # sums of several threads have no fixed order
        for name in unit.steps:
            getattr(contents, name)(unit.study, *([] if unit.split is None else [unit.split]))
