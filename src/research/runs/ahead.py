"""The steps that a comparison takes longest for, computed beside the notebooks: one process per data set.

A notebook runs in one kernel, and would compute them one after another. Here they are computed and stored where the
notebook finds them.
"""

from __future__ import annotations

import os
from pathlib import Path

from research.parameters import Study

IMPORTS = (
    "optbinning",
    "sklearn.ensemble",
)  # slow to import: what each of these processes and page 04 would import


def beside(study: Study, name: str) -> None:
    """Compute the steps of one data set in a process of their own, where kernels are forked, and wait for it.

    What fails there is not told: it fails again in the notebook, which says where.
    """
    from research.runs import kernels

    if kernels.warm():
        environment = {**os.environ, **kernels.steady_environment()}
        kernels.forked(compute, (study, name), environment, str(Path.cwd())).join()


def compute(study: Study, name: str) -> None:
    """Compute what the comparison shows of one data set of a study: more of the study's own."""
    from research.study.customers import real
    from research.study.purposes import by_data_set, unaided
    from research.study.specification import specification_curve

    if name == study.dataset:
        unaided(study)  # at once after the folds, whose bins of columns it shares
        specification_curve(study)
    if real(name):
        by_data_set(study.with_dataset(name))
