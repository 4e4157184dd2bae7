"""Cases in a process of their own, which may crash, hang or take too much memory."""

from __future__ import annotations

import importlib
import multiprocessing
import time
import traceback
from collections.abc import Callable, Iterable
from multiprocessing.connection import Connection
from pathlib import Path

from core.errors import StudioError
from core.machine import peak_memory_mb
from scripts.campaign.ledger import Finding

LONGEST = 10.0
"""Seconds that a case may take."""
MOST_MEMORY = 2 * 2**30
"""Bytes that the process of the cases may hold."""

Attempt = Callable[[], object]


class Worker:
    """Runs the function `attempts(name, folder)` of a module, case after case; a process that died
    or hangs is replaced.
    """

    def __init__(self, module: str, folder: Path) -> None:
        self._module = module
        self._folder = folder
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._module, self._folder), daemon=True)
        self._process.start()
        theirs.close()
        if not self._pipe.poll(120):
            raise RuntimeError("the process of the cases does not start")
        self._pipe.recv()

    def run(self, name: str) -> Finding:
        """Try one case."""
        began = time.monotonic()
        faults: tuple[str, ...]
        self._pipe.send(name)
        if not self._pipe.poll(LONGEST):
            faults = (f"no answer after {LONGEST:g} s",)
            self._process.kill()
        else:
            try:
                faults = tuple(self._pipe.recv())
            except EOFError:
                self._process.join()
                faults = (f"the process ended with {self._process.exitcode}",)
        if (faults and not self._process.is_alive()) or (faults and faults[0].startswith("no answer")):
            self._process.join()
            self._start()
        return Finding(name, faults, seconds=round(time.monotonic() - began, 2))

    def stop(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.kill()
        self._process.join()


def _serve(pipe: Connection, module: str, folder: Path) -> None:
    attempts = importlib.import_module(module).attempts
    pipe.send("ready")
    while True:
        try:
            name = pipe.recv()
        except EOFError:
            return
        faults = faults_of(attempts(name, folder))
        peak = peak_memory_mb()
        pipe.send([*faults, f"{peak:.0f} MB of memory"] if peak > MOST_MEMORY / 1e6 else faults)


def faults_of(attempts: Iterable[tuple[str, Attempt]]) -> list[str]:
    """What went wrong in some attempts, each with its name: anything but success, or an error that
    is one sentence.
    """
    faults: list[str] = []
    for what, attempt in attempts:
        try:
            attempt()
        except StudioError as error:
            text = str(error)
            if "\n" in text or not text.strip() or len(text) > 2000:
                faults.append(f"{what}: no sentence: {text[:200]!r}")
        except Exception as error:
            at = traceback.extract_tb(error.__traceback__)[-1]
            said = " ".join(str(error).split())[:160]
            faults.append(f"{what}: {type(error).__name__}: {said} ({Path(at.filename).name}:{at.lineno})")
    return faults
