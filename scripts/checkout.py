"""The program as it was at a commit: its files in a folder of their own, and its command line."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Checkout:
    """The files of one commit in `folder`."""

    commit: str
    folder: Path

    def command(self, *arguments: object) -> list[str]:
        """The command line of this commit, run by the Python that runs this script."""
        module = "app.commands.cli" if (self.folder / "app" / "commands" / "cli.py").exists() else "app.cli"
        return [sys.executable, "-m", module, *map(str, arguments)]

    def run(self, *arguments: object) -> None:
        """Run a command of the program in its own folder; `subprocess.CalledProcessError` when it
        fails.
        """
        done = subprocess.run(self.command(*arguments), cwd=self.folder, env=self.environment(), text=True, capture_output=True)
        if done.returncode:
            sys.stderr.write(done.stderr)
            done.check_returncode()

    def environment(self) -> dict[str, str]:
        """This process's environment without a PYTHONPATH that could lead to another checkout."""
        return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def clip(self, name: str) -> Path:
        """An example clip, wherever this commit keeps its assets."""
        return next(self.folder.rglob(f"clips/{name}.mp4"))


def full_hash(commit: str) -> str:
    """The full hash of a branch, tag or abbreviated commit; exits with a message when there is
    none.
    """
    done = subprocess.run(["git", "rev-parse", "--verify", f"{commit}^{{commit}}"], cwd=ROOT, text=True, capture_output=True)
    if done.returncode:
        raise SystemExit(f"'{commit}' is not a commit of this repository")
    return done.stdout.strip()


@contextlib.contextmanager
def checkout(commit: str) -> Iterator[Checkout]:
    """Unpack a commit into a temporary folder, which goes at the end.

    The repository itself is only read.
    """
    with tempfile.TemporaryDirectory(prefix="vivid-checkout-") as folder:
        packed = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True).stdout
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(folder, filter="data")
        yield Checkout(commit, Path(folder))
