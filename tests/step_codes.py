"""Tell the code of every step, of the project that PYTHONPATH names, whenever a line is read."""

from __future__ import annotations

import json
import sys

from research import closure
from research.steps import Step
from research.study import contents

STEPS = {name: found for name in contents.__all__ if isinstance(found := getattr(contents, name), Step)}


def codes() -> dict[str, str]:
    """Return the code of every step, from the files as they are now."""
    closure.project.cache_clear()
    return {name: step.code for name, step in STEPS.items()}


if __name__ == "__main__":
    for _ in sys.stdin:
        print(json.dumps(codes()), flush=True)
