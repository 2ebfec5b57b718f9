"""Time the whole comparison of one large real data set: ten folds, five repeats, all models, both arms.

`python bench/comparison.py [--dataset taiwan]`; the data set must be at hand (`research datasets fetch taiwan`, or a
folder of local copies in RESEARCH_DATA). The steps run in this process and its workers, with an empty cache.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time

from record import record


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default="taiwan")
    dataset = parser.parse_args().dataset
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RESEARCH_CACHE"] = folder
        from research import parameters
        from research.study.customers import customers
        from research.study.folds import out_of_fold, refits, workers
        from research.study.measured import measured

        study = parameters.load("full", dataset=dataset)
        loans = len(customers(study))
        seconds = {}
        for step in (out_of_fold, refits, measured):
            began = time.perf_counter()
            step(study)
            seconds[step.__name__] = time.perf_counter() - began
            print(f"{step.__name__}: {seconds[step.__name__]:.1f} s")
        pairs = len(out_of_fold(study).pairs)
    note = ", ".join(f"{name} {value:.0f} s" for name, value in seconds.items())
    fits = study.folds * study.repeats
    record(
        "comparison",
        [
            {
                "claim": f"out-of-fold predictions of {pairs} models and arms, {fits} fits each",
                "ours": f"{workers()} processes over the folds",
                "ours_seconds": seconds["out_of_fold"],
                "target": "at most 120 s",
                "n": f"{dataset}, {loans:,} loans",
                "note": note + f" ({study.stability_refits} refits, {study.bootstrap:,} resamples)",
            }
        ],
    )


if __name__ == "__main__":
    main()
