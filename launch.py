#!/usr/bin/env python3
"""Starts VIVID Studio: `python3 launch.py [ui | track | edit | data | train | evaluate | bench |
models | test] [options]`.

The first use makes the environment `.venv` beside this file and installs into it what the program
needs, as pinned in requirements/; later starts find it done. Uses uv where it is installed, else
venv and pip. Standard library only.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from typing import IO

# All of this file parses in Python 3.6, so that an old Python gets a sentence instead of a
# traceback; app.bootstrap wants a newer one.
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("VIVID Studio needs Python 3.11 or newer, and this is {}.{}: start launch.py with a newer one.".format(*sys.version_info[:2]))

from app.bootstrap.pins import missing_parts, ROOT, running_inside, venv_python
from app.bootstrap.progress import say
from app.bootstrap.setup import set_up, SetupError

USAGE = (
    "python3 launch.py [ui | track | edit | data | train | evaluate | bench | models | test] [options]; "
    "the default is ui, which opens the editor."
)


def run_child(command: list[str]) -> int:
    """Runs a command in the foreground and returns its exit code.

    Ctrl-C reaches it from the terminal; it decides, we wait for it.
    """
    with subprocess.Popen(command) as process:
        return wait_for(process)


def wait_for(process: "subprocess.Popen[bytes]") -> int:
    """Waits for a command that runs, whoever presses Ctrl-C, and returns its exit code."""
    while True:
        try:
            code = process.wait()
            return code if code >= 0 else 128 - code
        except KeyboardInterrupt:
            continue


def script_checks() -> dict[str, list[str]]:
    """Commands that check the page's scripts: none, and a line that says so, where node or the
    tools are not installed.
    """
    tools = ROOT / ".ci" / "js"
    eslint, prettier = tools / "node_modules/eslint/bin/eslint.js", tools / "node_modules/prettier/bin/prettier.cjs"
    if shutil.which("node") is None or not eslint.is_file() or not prettier.is_file():
        say("The page's scripts are not checked. To check them, install node, then run: npm ci --prefix .ci/js")
        return {}
    scripts = ["assets/js", "tests/browser/unit", ".ci/js"]
    return {
        "eslint": ["node", str(eslint), "--config", str(tools / "eslint.config.js"), *scripts],
        "prettier": ["node", str(prettier), "--config", str(tools / "prettier.config.js"), "--check", *scripts],
    }


def begin(command: list[str]) -> "tuple[subprocess.Popen[bytes], IO[bytes]]":
    """Starts a command beside others; what it says is kept for `end`."""
    said = tempfile.TemporaryFile()  # noqa: SIM115  (closed by `end`)
    return subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT), said


def end(name: str, process: "subprocess.Popen[bytes]", said: IO[bytes]) -> int:
    """Waits for a command that was begun, prints what it said and returns its exit code."""
    code = wait_for(process)
    said.seek(0)
    print(f"== {name}\n{said.read().decode(errors='replace')}", end="", flush=True)
    said.close()
    return code


def run_tests(arguments: list[str]) -> int:
    """With arguments, pytest with these.

    Without, all that CI wants: lint, format, types, imports between the rooms, then every test.
    """
    os.chdir(ROOT)
    python = sys.executable
    if arguments:
        return run_child([python, "-m", "pytest", *arguments])
    checks = {
        "ruff check": [python, "-m", "ruff", "check", "."],
        "ruff format": [python, "-m", "ruff", "format", "--check", "."],
        "mypy": [python, "-m", "mypy"],
        "import-linter": [python, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache", "--no-logo"],
        "advisories": [python, "-m", "scripts.check_advisories"],
        "structure": [python, "-m", "scripts.check_structure", "files", "parameters", "arguments", "duplicates"],
    }
    begun = {name: begin(command) for name, command in {**checks, **script_checks()}.items()}
    failed = [name for name, (process, said) in begun.items() if end(name, process, said)]
    if failed:
        print(f"Failed: {', '.join(failed)}. The tests did not run; `python3 launch.py test tests` runs them alone.", flush=True)
        return 1
    # A test in the browser leaves much of two cores idle, which the others use meanwhile: two at a
    # time, whole files in the order of the folders, so that the short ones of tests/unit come last
    # and both are busy to the end.
    browser = begin([python, "-m", "pytest", "tests/browser"])
    others = ["tests", "--ignore", "tests/browser", "--numprocesses", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
    print(f"== pytest {' '.join(others)}", flush=True)
    code = run_child([python, "-m", "pytest", *others])
    return end("pytest tests/browser", *browser) or code


def groups_for(arguments: list[str]) -> list[str]:
    """What has to be installed besides the program for a command."""
    if arguments[0] == "test":
        return ["test", "data"]
    if arguments[0] == "data":
        return ["data"] if "--executor=ray" in "=".join(arguments) else []
    if arguments[0] == "worker":
        return ["data"]
    workers = os.environ.get("VIVID_WORKERS") or any(word.split("=")[0] == "--workers" for word in arguments)
    return ["data"] if arguments[0] in ("ui", "edit") and workers else []


def main(arguments: list[str]) -> int:
    """Sets up if needed, then does what was asked, in the environment; returns the exit code."""
    if arguments[:1] in (["-h"], ["--help"]) and missing_parts():
        print(f"usage: {USAGE}\nNot set up yet: the first start installs what is needed, which takes some minutes.")
        return 0
    if arguments[:1] == ["--version"]:
        from app.version import version

        print(version())
        return 0
    if not arguments or (arguments[0].startswith("-") and arguments[0] not in ("-h", "--help")):
        arguments = ["ui", *arguments]
    try:
        set_up(*groups_for(arguments))
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
        from app.commands.cli import main as run_app

        return run_app(arguments)
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
