"""A process that has imported what every notebook imports, and forks a kernel from itself on request.

Importing the scientific libraries takes a kernel several seconds; a forked one has them already, and shares their
memory. The process speaks one JSON line per request on standard input: `expect` names modules that notebooks import,
`start` returns the process id of a new kernel, `poll` its exit code or null. It imports one module at a time while
nothing is asked of it, and what is left before it forks: the kernel would import the same, and the next one again.
It ends when its input is closed.

Nothing that is imported here is garbage, so that nobody looks for some until there are kernels.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import sys
from typing import Any, NoReturn

# What every kernel needs; `expect` adds what the notebooks import.
MODULES = (
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "research.report.exhibit",
    "matplotlib.backends.backend_svg",
)


def main() -> NoReturn:
    """Answer requests until standard input is closed."""
    gc.disable()
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a module prints while it is imported is not a reply
    pending = list(MODULES)
    prepare(pending)  # a kernel without this one could not start
    codes: dict[int, int] = {}
    buffer = b""
    while True:
        if pending and not select.select([0], [], [], 0)[0]:
            prepare(pending)
            continue
        received = os.read(0, 1 << 16)
        if not received:
            os._exit(0)  # taking two thousand modules apart would keep the run waiting
        *lines, buffer = (buffer + received).split(b"\n")
        for line in lines:
            replies.write(json.dumps(answer(json.loads(line), codes, pending)) + "\n")


def prepare(pending: list[str]) -> None:
    """Import the next module; one that is missing or broken is the notebook's to report."""
    name = pending.pop(0)
    try:
        importlib.import_module(name)
    except Exception:
        return


def answer(request: dict[str, Any], codes: dict[int, int], pending: list[str]) -> dict[str, Any]:
    """Note modules to import, start a kernel, or tell how one ended."""
    if request["do"] == "expect":
        pending += [name for name in request["modules"] if name not in sys.modules and name not in pending]
        return {"pending": len(pending)}
    if request["do"] == "start":
        while pending:
            prepare(pending)
        gc.freeze()
        process = os.fork()
        if process == 0:
            become_kernel(request)
        return {"process": process}
    wanted = request["process"]
    if wanted not in codes:
        try:
            ended, status = os.waitpid(wanted, os.WNOHANG)
        except ChildProcessError:
            ended, status = wanted, 1 << 8
        if ended:
            codes[wanted] = os.waitstatus_to_exitcode(status)
    return {"code": codes.get(wanted)}


def become_kernel(request: dict[str, Any]) -> NoReturn:
    """Turn this forked process into a kernel; it ends when the server does."""
    code = 1
    try:
        gc.enable()
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.closerange(3, 64)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["folder"])
        sys.argv = ["ipykernel_launcher", *request["arguments"]]
        from ipykernel.kernelapp import IPKernelApp

        IPKernelApp.launch_instance([*request["arguments"], f"--IPKernelApp.parent_handle={os.getppid()}"])
        code = 0
    except SystemExit as leave:
        code = leave.code if isinstance(leave.code, int) else 1
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
