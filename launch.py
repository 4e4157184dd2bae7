#!/usr/bin/env python3
"""Starts VIVID Studio: `python3 launch.py [ui | track | edit | train | evaluate | bench | models | test] [options]`.

The first use makes the environment `.venv` beside this file and installs into it what the program needs, as pinned in requirements/; later
starts find it done. Uses uv where it is installed, else venv and pip. Standard library only.
"""

import hashlib
import importlib.util
import json
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

# All the above exists in Python 3.6 and the rest of this file parses there, so that an old Python gets a sentence instead of a traceback.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("VIVID Studio needs Python 3.11 or newer, and this is {}.{}: start launch.py with a newer one.".format(*sys.version_info[:2]))

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "vivid-setup.json"  # says what was installed completely; written last
WORK = ROOT / ".venv-setup"  # lock and log: outside .venv, which may have to be remade
LOG = WORK / "setup.log"
REQUIREMENTS = ROOT / "requirements"
PROGRAM = ("build", "torch-cpu", "torch", "cuda", "main")
USAGE = (
    "python3 launch.py [ui | track | edit | train | evaluate | bench | models | test] [options]; the default is ui, which opens the editor."
)


class SetupError(Exception):
    """The set-up can't go on; the message is the one line that the person sees."""


# --- what is there, and what is wanted ------------------------------------------------------------------------------------------------


def venv_python() -> Path:
    """The environment's interpreter, there or not."""
    return VENV / "Scripts" / "python.exe" if os.name == "nt" else VENV / "bin" / "python"


def pins_hash(parts: tuple[str, ...]) -> str:
    """SHA-256 over the pinned requirements files of these parts."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() + b"\0" + (REQUIREMENTS / f"{part}.txt").read_bytes() + b"\0")
    return digest.hexdigest()


def read_stamp() -> dict[str, str]:
    """What the last complete set-up installed, by part; empty when there was none or its Python has been replaced since."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) and stamp.get("python") == os.path.realpath(venv_python()) and venv_python().exists() else {}


def write_stamp(stamp: dict[str, str]) -> None:
    written = STAMP.with_suffix(".new")
    written.write_text(json.dumps(stamp), encoding="utf-8")
    written.replace(STAMP)


def missing_parts(with_tests: bool) -> list[str]:
    """Which of "program" and "test" are not installed as pinned now."""
    stamp = read_stamp()
    wanted = {"program": pins_hash(PROGRAM)}
    if with_tests:
        wanted["test"] = pins_hash(("test",))
    return [part for part, pins in wanted.items() if stamp.get(part) != pins]


# --- the set-up -----------------------------------------------------------------------------------------------------------------------


class SetupLock:
    """Lets one start at a time set up. The system frees it when the holder ends, however it ends; installers that outlive us hold it on."""

    def __init__(self) -> None:
        WORK.mkdir(exist_ok=True)
        self.file: BinaryIO = (WORK / "lock").open("ab")

    def __enter__(self) -> "SetupLock":
        waiting = False
        while not self._try():
            if not waiting:
                say("Another start is setting up VIVID Studio; waiting for it.")
                waiting = True
            time.sleep(0.2)
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def _try(self) -> bool:
        try:
            if sys.platform == "win32":
                import msvcrt

                self.file.seek(0)
                msvcrt.locking(self.file.fileno(), msvcrt.LK_NBLCK, 1)
            else:
                import fcntl

                fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


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
        """Brings the environment to the pins, going on from whatever an earlier set-up left behind."""
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
        if "test" in missing:
            self.install("test", "what the tests need")
            stamp["test"] = pins_hash(("test",))
        elif packages is None:
            stamp.pop("test", None)
        self.check()
        write_stamp({**stamp, "python": os.path.realpath(venv_python())})

    def healthy_packages(self) -> Path | None:
        """The environment's site-packages, or None when there is no environment that an installer could go on with."""
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
        """Exactly the packages of one requirements file, each checked against its hash, built against what is installed already."""
        exact = ["--no-deps", "--require-hashes", "--no-build-isolation", *options, "-r", str(REQUIREMENTS / f"{part}.txt")]
        if self.uv:
            return [self.uv, "pip", "install", "--python", str(venv_python()), *exact]
        return [str(venv_python()), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--progress-bar", "off", *exact]

    def install(self, part: str, label: str) -> None:
        self.step(label, self.install_command(part))

    def is_offered(self, part: str) -> bool:
        """Whether the packages of one requirements file can be had here, from wherever the person's pip or uv looks."""
        command = self.install_command(part, "--dry-run")
        result = subprocess.run(command, cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.log.write(f"\n$ {' '.join(command)}\n".encode() + result.stdout)
        return result.returncode == 0

    def torch_wants_cuda(self) -> bool:
        """Whether the build of torch that was installed depends on the packages in cuda.txt: the CPU builds don't."""
        probe = "import importlib.metadata as m; print(*(m.requires('torch') or []), sep='\\n')"
        requires = subprocess.run([str(venv_python()), "-c", probe], capture_output=True, text=True, check=True).stdout
        wanted = {re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in requires.splitlines()}
        pinned = re.findall(r"^[\w.-]+(?===)", (REQUIREMENTS / "cuda.txt").read_text(encoding="utf-8"), re.MULTILINE)
        return not wanted.isdisjoint(pinned)

    def check(self) -> None:
        """Says so when installed packages contradict each other: after a complete set-up only what was added by hand can."""
        command = [self.uv, "pip", "check", "--python", str(venv_python())] if self.uv else [str(venv_python()), "-m", "pip", "check"]
        result = subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.log.write(result.stdout)
        if result.returncode:
            say(f"  note: packages in .venv disagree with each other ({LOG} says which); if something fails, remove .venv and start again.")

    def step(self, label: str, command: list[str]) -> None:
        """Runs one installer command into the log, showing its latest line and the time; SetupError when it fails."""
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


def _forward_lines(stream: BinaryIO, lines: "queue.Queue[bytes | None]") -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)


class Progress:
    """One step on the screen: a line that is rewritten in a terminal, else a line now and a sign of life every half minute."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.start = self.shown = time.monotonic()
        self.live = sys.stderr.isatty()
        self.show("") if self.live else say(f"  {label} ...")

    def show(self, detail: str) -> None:
        now = time.monotonic()
        if self.live:
            self._rewrite(f"  {self.label} ... {now - self.start:.0f} s  {detail}")
        elif now - self.shown >= 30:
            self.shown = now
            say(f"    {now - self.start:.0f} s: {detail[:100]}")

    def end(self, word: str) -> None:
        if self.live:
            self._rewrite(f"  {self.label}: {word}")
            say("")
        else:
            say(f"  {self.label}: {word}")

    def _rewrite(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        sys.stderr.write("\r" + text[:width].ljust(width))
        sys.stderr.flush()


def drop_half_installed(packages: Path) -> None:
    """Forgets packages whose installation was cut off, so that they are installed again; installers write these two files at the end."""
    for info in packages.glob("*.dist-info"):
        if not ((info / "INSTALLER").is_file() and (info / "RECORD").is_file()):
            shutil.rmtree(info)


def set_up(with_tests: bool) -> None:
    """Makes sure that everything pinned is installed; returns at once when it is."""
    if not missing_parts(with_tests):
        return
    with SetupLock() as lock:
        missing = missing_parts(with_tests)  # another start may have done it while we waited
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


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


# --- handing over ---------------------------------------------------------------------------------------------------------------------


def running_inside() -> bool:
    """Whether this very process runs on the environment's interpreter."""
    return Path(sys.prefix).resolve() == VENV.resolve()


def run_child(command: list[str]) -> int:
    """Runs a command in the foreground and returns its exit code. Ctrl-C reaches it from the terminal; it decides, we wait for it."""
    with subprocess.Popen(command) as process:
        while True:
            try:
                code = process.wait()
                return code if code >= 0 else 128 - code
            except KeyboardInterrupt:
                continue


def run_tests(arguments: list[str]) -> int:
    """With arguments, pytest with these. Without, all that CI wants: lint, format, types, imports between the rooms, then every test."""
    os.chdir(ROOT)
    python = sys.executable
    checks = {
        "ruff check": [python, "-m", "ruff", "check", "."],
        "ruff format": [python, "-m", "ruff", "format", "--check", "."],
        "mypy": [python, "-m", "mypy"],
        "import-linter": [python, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache", "--no-logo"],
    }
    if not arguments:
        failed = []
        for name, command in checks.items():
            print(f"== {name}", flush=True)
            if run_child(command):
                failed.append(name)
        if failed:
            print(f"Failed: {', '.join(failed)}. The tests did not run; `python3 launch.py test tests` runs them alone.", flush=True)
            return 1
        # Two at a time, which most tests leave room for; those in the browser want the machine for themselves.
        both = [["tests", "--ignore", "tests/browser", "--numprocesses", "2", "--dist", "loadfile"], ["tests/browser"]]
        code = 0
        for words in both:
            print(f"== pytest {' '.join(words)}", flush=True)
            code = run_child([python, "-m", "pytest", *words]) or code
        return code
    return run_child([python, "-m", "pytest", *arguments])


def main(arguments: list[str]) -> int:
    """Sets up if needed, then does what was asked, in the environment; returns the exit code."""
    if arguments[:1] in (["-h"], ["--help"]) and missing_parts(with_tests=False):
        print(f"usage: {USAGE}\nNot set up yet: the first start installs what is needed, which takes some minutes.")
        return 0
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help")):
        arguments = ["ui", *arguments]
    try:
        set_up(with_tests=arguments[0] == "test")
    except SetupError as error:
        say(str(error))
        return 1
    except OSError as error:
        say(f"Set-up failed: {error}.")
        return 1
    except KeyboardInterrupt:
        say("Stopped. The next start goes on from here.")
        return 130
    if not running_inside():
        command = [str(venv_python()), str(ROOT / "launch.py"), *arguments]
        if os.name == "nt":  # its execv returns to the shell at once
            return run_child(command)
        os.execv(command[0], command)
    if arguments[0] == "test":
        return run_tests(arguments[1:])
    try:
        from app.cli import main as run_app

        return run_app(arguments)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
