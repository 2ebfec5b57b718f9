"""Kernels of a run: warm through Jupyter's own doors, steady, and gone when their run is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Lock

import nbformat
import pytest

import demo
from command import until
from research.runs import kernels, processes
from research.runs.execute import ExecutionFailed, execute
from research.runs.imported import imports

linux = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")
ABOUT = "import os, sys, multiprocessing\nprint(os.getpid(), multiprocessing.parent_process() is not None)"


def printed(path: Path) -> str:
    cells = nbformat.read(path, as_version=4).cells
    return "".join(output.text for cell in cells for output in cell.get("outputs", []) if "text" in output)


def book(folder: Path, code: str) -> Path:
    return demo.write(
        folder, "01_book", [("text", "# What?"), ("parameters", demo.PARAMETERS), ("code", code)]
    )


def executed(tmp_path: Path, code: str) -> str:
    execute(book(tmp_path / "books", code), tmp_path / "out" / "01_book.ipynb", {})
    return printed(tmp_path / "out" / "01_book.ipynb")


@linux
def test_a_kernel_is_forked_and_has_its_libraries_already(tmp_path):
    if kernels.kernel_name() != kernels.WARM or not processes.warm():
        pytest.skip(
            "the entry point is not installed, or the folder for temporary files lies too deep for sockets"
        )
    said = executed(
        tmp_path,
        f"import sys\nbefore = 'seaborn' in sys.modules or 'matplotlib' in sys.modules\n{ABOUT}\nprint(before)",
    )
    assert "True" in said.split()
    assert said.split()[-1] == "True"


@linux
def test_kernels_started_side_by_side_leave_the_environment_as_it_was(monkeypatch):
    monkeypatch.delenv("RESEARCH_PAGES", raising=False)
    monkeypatch.setattr(processes, "warm", lambda: True)
    second = Event()

    def slowly() -> None:
        if lock.acquire(blocking=False):  # the first waits for the second to come in, and leaves before it
            second.wait(0.3)
        else:
            second.set()
            time.sleep(0.3)

    lock = Lock()
    monkeypatch.setattr(processes.forkserver, "ensure_running", slowly)
    before = dict(os.environ)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: processes.begin(), range(2)))
    assert dict(os.environ) == before


def test_where_kernels_cannot_be_forked_a_plain_one_starts(tmp_path, monkeypatch):
    monkeypatch.setattr(kernels, "warm", lambda: False)
    assert executed(tmp_path, ABOUT).split()[1] == "False"


def test_where_the_entry_point_is_not_installed_a_plain_one_starts(tmp_path, monkeypatch):
    kernels.kernel_name()  # tells Jupyter where the kernels are
    monkeypatch.setattr("research.runs.execute.kernel_name", lambda: kernels.PLAIN)
    assert executed(tmp_path, ABOUT).split()[1] == "False"


def test_settings_of_a_kernel_are_steady(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    said = executed(tmp_path, "import os\nprint(os.environ['OMP_NUM_THREADS'], os.environ['PYTHONHASHSEED'])")
    assert said.split() == ["1", "0"]


def test_a_kernel_that_dies_is_told(tmp_path):
    with pytest.raises(ExecutionFailed, match="the kernel died"):
        executed(tmp_path, "import os\nos.kill(os.getpid(), 9)")


@linux
def test_a_kernel_ends_with_its_run(tmp_path):
    """The run is killed, so that it cannot end anything itself."""
    place = tmp_path / "pid"
    source = book(
        tmp_path / "books",
        f"import os, time\nopen({str(place)!r}, 'w').write(str(os.getpid()))\ntime.sleep(120)",
    )
    script = tmp_path / "run.py"
    script.write_text(
        "from pathlib import Path\nfrom research.runs.execute import execute\n"
        f"if __name__ == '__main__':\n    execute(Path({str(source)!r}), Path({str(tmp_path / 'o.ipynb')!r}), {{}})\n"
    )
    process = subprocess.Popen([sys.executable, script])
    until(lambda: place.exists() and place.read_text() != "")
    kernel = int(place.read_text())
    process.send_signal(signal.SIGKILL)
    process.wait()

    def gone() -> bool:
        try:
            os.kill(kernel, 0)
        except ProcessLookupError:
            return True
        return Path(f"/proc/{kernel}/stat").read_text().rpartition(")")[2].split()[0] == "Z"

    until(gone)


def test_modules_of_the_steps_that_a_notebook_names_are_among_its_imports(tmp_path):
    path = book(tmp_path, "import json\nfrom research.study import contents as steps\nsteps.out_of_fold")
    assert {"json", "research.study.contents", "research.study.folds"} <= set(imports(path))
    assert imports(book(tmp_path, "this is no python")) == []
