"""Time Krippendorff's α with 1,000 bootstrap resamples on 10 coders × 500 units: `python bench/agreement.py`."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
from record import record

from research.fieldwork.interviews.agreement import LEVELS, agreement_table
from research.fieldwork.interviews.coder_agreement import code_agreement


def main() -> None:
    rng, measured = np.random.default_rng(1), []
    truth = rng.integers(1, 6, size=(500, 1))
    ratings = pd.DataFrame(np.clip(truth + rng.integers(-1, 2, size=(500, 10)), 1, 5).astype(float))
    ratings = ratings.mask(rng.random(ratings.shape) < 0.1)
    for level in LEVELS:
        start = time.perf_counter()
        row = (
            agreement_table(ratings, level=level, resamples=1000)
            .set_index("measure")
            .loc["krippendorff_alpha"]
        )
        seconds = time.perf_counter() - start
        interval = f"{row['estimate']:.3f} [{row['ci_low']:.3f}, {row['ci_high']:.3f}]"
        print(
            f"10 coders × 500 units, 1,000 resamples, {level:8}: α {interval} and five more in {seconds:.2f} s"
        )
        measured.append(
            {
                "claim": f"Krippendorff's α ({level}) and five more, 1,000 resamples",
                "ours": "resampled coincidences",
                "ours_seconds": seconds,
                "n": "10 coders × 500 units",
            }
        )
    record("agreement", measured)
    units = pd.DataFrame(
        {"document": np.repeat([f"I{i:02}" for i in range(24)], 25), "segment": list(range(25)) * 24}
    )
    marked = [
        (coder, units["document"][i], units["segment"][i], f"code{rng.integers(30):02}")
        for coder in ("A", "B")
        for i in range(len(units))
        if rng.random() < 0.6
    ]
    codings = pd.DataFrame(marked, columns=["coder", "document", "segment", "code"])
    start = time.perf_counter()
    table = code_agreement(codings, units, resamples=1000)
    seconds = time.perf_counter() - start
    print(f"24 interviews × 25 segments, 2 coders, 30 codes: {len(table)} coefficients in {seconds:.2f} s")


if __name__ == "__main__":
    main()
