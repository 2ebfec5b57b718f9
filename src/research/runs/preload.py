"""What the fork server of kernels imports: what every kernel needs, and what the notebooks of the run import."""

from __future__ import annotations

import atexit
import importlib
import os
import shutil

MODULES = (
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "research.cli",  # each forked process loads the command that started the run
    "research.pages.show",
    "matplotlib.backends.backend_svg",
)

for name in [*MODULES, *os.environ.get("RESEARCH_PRELOAD", "").split()]:
    try:
        importlib.import_module(name)
    except Exception:  # missing or broken: the notebook's to report
        continue

# the run removes the folder of the server's socket as it ends, unless it was killed
if folder := os.environ.get("RESEARCH_FORK_FOLDER"):
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
