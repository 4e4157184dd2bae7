"""The set-up: an environment, and what is pinned installed into it by uv or pip, going on from
wherever an earlier one was cut off.
"""

from __future__ import annotations

import importlib.util
import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any, BinaryIO

from app.bootstrap.lock import SetupLock
from app.bootstrap.pins import (
    GROUPS,
    LOG,
    missing_parts,
    pins_hash,
    PROGRAM,
    read_stamp,
    REQUIREMENTS,
    ROOT,
    running_inside,
    STAMP,
    VENV,
    venv_python,
    write_stamp,
)
from app.bootstrap.progress import Progress, say


class SetupError(Exception):
    """The set-up can't go on; the message is the one line that the person sees."""


class Setup:
    """One run of the set-up, under the lock."""

    def __init__(self, lock: SetupLock, log: BinaryIO) -> None:
        self.lock = lock
        self.log = log
        self.uv = shutil.which("uv")
        self.environment = {
            **os.environ,
            "PIP_USER": "0",
            "SAM2_BUILD_CUDA": "0",  # its CUDA extension only fills holes in masks, and building it needs a compiler
        }
        # uv doesn't read pip's settings; a folder of wheels that pip is told of holds for both.
        if "UV_FIND_LINKS" not in self.environment and self.environment.get("PIP_FIND_LINKS"):
            self.environment["UV_FIND_LINKS"] = ",".join(self.environment["PIP_FIND_LINKS"].split())

    def run(self, missing: list[str]) -> None:
        """Brings the environment to the pins, continuing from what an earlier set-up left."""
        stamp = {name: value for name, value in read_stamp().items() if name not in missing}
        if STAMP.exists():
            write_stamp(stamp)
        packages = self.healthy_packages()
        if packages is None:
            self.make_environment()
        else:
            drop_half_installed(packages)
        if "program" in missing or packages is None:
            self.install("build", "pip, setuptools, wheel")
            self.install("torch-cpu" if self.is_offered("torch-cpu") else "torch", "PyTorch (the largest part)")
            if self.torch_wants_cuda():
                self.install("cuda", "CUDA libraries for PyTorch (several GB)")
            self.install("main", "everything else the program needs")
            stamp["program"] = pins_hash(PROGRAM)
        for group, label in GROUPS.items():
            if group in missing:
                self.install(group, label)
                stamp[group] = pins_hash((group,))
            elif packages is None:
                stamp.pop(group, None)
        self.check()
        write_stamp({**stamp, "python": os.path.realpath(venv_python())})

    def healthy_packages(self) -> Path | None:
        """The environment's site-packages, or None when there is no environment that an installer
        could go on with.
        """
        needs = "sys, sysconfig" if self.uv else "sys, sysconfig, pip"
        probe = (
            f"import {needs}; print(sysconfig.get_path('purelib') if sys.version_info >= (3, 11) and sys.prefix != sys.base_prefix else '')"
        )
        try:
            answer = subprocess.run([str(venv_python()), "-c", probe], capture_output=True, text=True, check=True).stdout.strip()
        except (OSError, subprocess.CalledProcessError):
            return None
        return Path(answer) if answer and Path(answer).is_dir() else None

    def make_environment(self) -> None:
        if running_inside():
            raise SetupError(
                "The environment .venv is broken and runs this very command: start launch.py with another Python to remake it."
            )
        if not self.uv and importlib.util.find_spec("ensurepip") is None:
            raise SetupError(
                "This Python can't make environments (no ensurepip): install your system's python3-venv package, or uv, then start again."
            )
        if VENV.exists():
            shutil.rmtree(VENV)
        command = [self.uv, "venv", "--python", sys.executable, str(VENV)] if self.uv else [sys.executable, "-m", "venv", str(VENV)]
        self.step("Python environment in .venv", command)

    def install_command(self, part: str, *options: str) -> list[str]:
        """Exactly the packages of one requirements file, each checked against its hash, built
        against what is installed already.
        """
        exact = ["--no-deps", "--require-hashes", "--no-build-isolation", *options, "-r", str(REQUIREMENTS / f"{part}.txt")]
        if self.uv:
            return [self.uv, "pip", "install", "--python", str(venv_python()), *exact]
        return [str(venv_python()), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off", *exact]

    def install(self, part: str, label: str) -> None:
        self.step(label, self.install_command(part))

    def is_offered(self, part: str) -> bool:
        """Whether the packages of one requirements file can be had here, from wherever the person's
        pip or uv looks.
        """
        command = self.install_command(part, "--dry-run")
        result = subprocess.run(command, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.log.write(f"\n$ {' '.join(command)}\n".encode() + result.stdout)
        return result.returncode == 0

    def torch_wants_cuda(self) -> bool:
        """Whether the build of torch that was installed depends on the packages in cuda.txt: the
        CPU builds don't.
        """
        probe = "import importlib.metadata as m; print(*(m.requires('torch') or []), sep='\\n')"
        requires = subprocess.run([str(venv_python()), "-c", probe], capture_output=True, text=True, check=True).stdout
        wanted = {re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in requires.splitlines()}
        pinned = re.findall(r"^[\w.-]+(?===)", (REQUIREMENTS / "cuda.txt").read_text(encoding="utf-8"), re.MULTILINE)
        return not wanted.isdisjoint(pinned)

    def check(self) -> None:
        """Says so when installed packages contradict each other: after a complete set-up only what
        was added by hand can.
        """
        command = [self.uv, "pip", "check", "--python", str(venv_python())] if self.uv else [str(venv_python()), "-m", "pip", "check"]
        result = subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.log.write(result.stdout)
        if result.returncode:
            say(f"  note: packages in .venv disagree with each other ({LOG} says which); if something fails, remove .venv and start again.")

    def step(self, label: str, command: list[str]) -> None:
        """Runs one installer command into the log, showing its latest line and the time; SetupError
        when it fails.
        """
        self.log.write(f"\n$ {' '.join(command)}\n".encode())
        options: dict[str, Any] = {} if os.name == "nt" else {"pass_fds": (self.lock.file.fileno(),)}
        start, lines, latest = time.monotonic(), queue.Queue[bytes | None](), ""
        progress = Progress(label)
        with subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options
        ) as process:
            threading.Thread(target=_forward_lines, args=(process.stdout, lines), daemon=True).start()
            try:
                complaint = ""
                while True:
                    try:
                        line = lines.get(timeout=1)
                    except queue.Empty:
                        line = b""
                    if line is None:
                        break
                    if line:
                        self.log.write(line)
                        self.log.flush()
                        latest = line.decode(errors="replace").strip() or latest
                        if re.match(r"(error|fatal)\b", latest, re.IGNORECASE):
                            complaint = complaint or latest
                    progress.show(latest)
            except BaseException:
                process.terminate()
                process.wait()
                progress.end("stopped")
                raise
        if process.returncode:
            progress.end("failed")
            reason = (complaint or latest or f"exit code {process.returncode}").rstrip(".")
            raise SetupError(f"Set-up failed at '{label}': {reason}. Start again to go on from here; the whole log is in {LOG}")
        progress.end(f"{time.monotonic() - start:.0f} s")


def _forward_lines(stream: BinaryIO, lines: queue.Queue[bytes | None]) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)


def drop_half_installed(packages: Path) -> None:
    """Forgets packages whose installation was cut off, so that they are installed again; installers
    write these two files at the end.
    """
    for info in packages.glob("*.dist-info"):
        if not ((info / "INSTALLER").is_file() and (info / "RECORD").is_file()):
            shutil.rmtree(info)


def set_up(*groups: str) -> None:
    """Makes sure that everything pinned is installed, these groups of GROUPS too; returns at once
    when it is.
    """
    if not missing_parts(*groups):
        return
    with SetupLock() as lock:
        missing = missing_parts(*groups)  # another start may have done it while we waited
        if not missing:
            return
        say("Setting up VIVID Studio in .venv; the first time downloads PyTorch and about a hundred packages and takes some minutes.")
        signal.signal(signal.SIGTERM, _stop)
        with LOG.open("ab") as log:
            Setup(lock, log).run(missing)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        say("Set-up is complete.")


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
