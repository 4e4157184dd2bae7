"""A server and commands that are killed at any moment: what they acknowledged has to be there.

One half of the kills hits the server during a scripted session, the other commands. After each, a
new server goes on with the session, and the same command runs again. In the end each picture has to
be equal to that of a run that nobody disturbed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from core.errors import StudioError
from scripts.campaign.ledger import Finding, Ledger
from scripts.campaign.server import Killed, Refused, ROOT, Server
from scripts.campaign.session import FRAMES, frames_of, make_clip, Session

CASES = 200
COMMANDS = {
    "edit": ("--box", "32,38,78,84", "--task", "modify", "--caption", "a red ball", "--adjust", "box+expand:4", "--steps", "1", "--png"),
    "track": ("--box", "32,38,78,84", "--also", "ids", "--also", "webm"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this campaign is asked for."""
    parser.add_argument("--only", choices=("server", "command"), help="one half of the kills")


def run(options: argparse.Namespace) -> int:
    """Do the kills that have not been done; returns 1 when any has faults."""
    half = max(1, (options.sample or CASES) // 2)
    kinds = [options.only] if options.only else ["server", "command"]
    number, parts = options.part
    names = [f"{kind}-{index}" for kind in kinds for index in range(half)[number - 1 :: parts]]
    ledger = Ledger(options.folder, "kill")
    clip = make_clip(options.folder / "clip.mp4")
    end = time.monotonic() + 60 * options.minutes if options.minutes else float("inf")
    plays: dict[str, Sessions | Commands] = {
        "server": Sessions(clip, options.folder / "server"),
        "command": Commands(clip, options.folder / "command"),
    }
    while left := [name for name in names if name not in ledger.findings]:
        if time.monotonic() > end:
            print(f"the {options.minutes:g} minutes are over: the same command goes on")
            break
        kind = random.choice(left).partition("-")[0]
        left = [name for name in left if name.startswith(kind)]
        chance = random.Random(f"{options.seed} {left[0]}")
        for finding in plays[kind].play(left[: chance.randint(4, 10)], chance):
            ledger.add(finding)
            print(f"{finding.name} ({finding.seconds:.1f} s): {'; '.join(finding.faults) or 'well'}", flush=True)
    return ledger.report(names)


class Sessions:
    """Sessions with a server."""

    def __init__(self, clip: Path, folder: Path) -> None:
        self._clip, self._folder = clip, folder
        self._whole: dict[str, str] = {}
        self._length = 0.0

    def play(self, names: list[str], chance: random.Random) -> list[Finding]:
        """A session that is killed as often as there are names, or until it is over.

        A kill comes while the program starts, a moment after something was asked of it, or any
        time.
        """
        if not self._whole:
            self._undisturbed()
        workspace = _emptied(self._folder / "workspace")
        session, found = Session(self._clip), []
        for name in names:
            began, known = time.monotonic(), len(session.faults)
            with contextlib.suppress(Killed):
                self._until_killed(session, workspace, chance)
                if session.over:
                    break
            found.append(Finding(name, tuple(session.faults[known:]), seconds=round(time.monotonic() - began, 2)))
        faults = session.faults[sum(len(one.faults) for one in found) :] + self._rest(session, workspace)
        if found and faults:
            found[-1] = Finding(found[-1].name, (*found[-1].faults, *faults), seconds=found[-1].seconds)
        return found

    def _undisturbed(self) -> None:
        server, session = Server(_emptied(self._folder / "undisturbed")), Session(self._clip)
        try:
            server.ready()
            began = time.monotonic()
            while not session.over:
                session.step(server)
            self._length = time.monotonic() - began
            self._whole = session.pixels(server)
        finally:
            server.stop()
        print(f"a session takes {self._length:.1f} s and makes {len(self._whole)} pictures", flush=True)

    def _until_killed(self, session: Session, workspace: Path, chance: random.Random) -> None:
        server = Server(workspace)
        how = chance.choice(("start", "asked", "asked", "asked", "any", "any", "any"))
        try:
            if how == "start":
                server.kill_after(chance.uniform(0, 5))
            server.ready()
            if how == "any":
                server.kill_after(chance.expovariate(4 / self._length))
            session.look(server)
            wait = chance.randrange(6)
            while not session.over:
                if how == "asked" and wait == 0:
                    server.kill_after(chance.uniform(0, 0.1))
                wait -= 1
                session.step(server)
            if how == "asked":
                server.keep()
        except Refused as error:
            session.faults.append(str(error))
        finally:
            server.stop()
        session.faults += _left(workspace)

    def _rest(self, session: Session, workspace: Path) -> list[str]:
        """Bring the session to its end; what is wrong with it."""
        known = len(session.faults)
        server = Server(workspace)
        try:
            server.ready()
            session.look(server)
            unfinished = sorted(path.name for path in workspace.rglob(".*.part"))
            while not session.over:
                session.step(server)
            made = session.pixels(server)
        except Refused as error:
            return [*session.faults[known:], str(error)]
        finally:
            server.stop()
        faults = [f"{name} is another picture" for name, pixels in self._whole.items() if made.get(name) != pixels]
        faults += [f"{name} was not removed at the start" for name in unfinished]
        return [*session.faults[known:], *faults]


class Commands:
    """Commands of the command line."""

    def __init__(self, clip: Path, folder: Path) -> None:
        self._clip, self._folder = clip, folder
        self._whole: dict[str, dict[str, str]] = {}
        self._length: dict[str, float] = {}

    def play(self, names: list[str], chance: random.Random) -> list[Finding]:
        """A command that is killed as often as there are names, then left to its end."""
        command = chance.choice(list(COMMANDS))
        if command not in self._whole:
            began = time.monotonic()
            out = _emptied(self._folder / f"{command}-undisturbed")
            said = self._run(command, out, None)
            assert said == "", said
            self._length[command] = time.monotonic() - began
            self._whole[command] = _pictures_in(out)
            print(f"{command} takes {self._length[command]:.1f} s and makes {len(self._whole[command])} pictures", flush=True)
        out, found = _emptied(self._folder / command), []
        for name in names:
            began = time.monotonic()
            said = self._run(command, out, chance.uniform(0, self._length[command]))
            found.append(Finding(name, tuple(_torn(out) if said == "killed" else []), seconds=round(time.monotonic() - began, 2)))
            if said != "killed":
                break
        faults = [said] if (said := self._run(command, out, None)) else []
        made = _pictures_in(out)
        faults += [f"{name} is another picture" for name, pixels in self._whole[command].items() if made.get(name) != pixels]
        faults += [f"{name} was left" for name in sorted(made.keys() - self._whole[command].keys())]
        if faults:
            found[-1] = Finding(found[-1].name, (*found[-1].faults, *faults), seconds=found[-1].seconds)
        return found

    def _run(self, command: str, out: Path, kill_after: float | None) -> str:
        """What was wrong; "killed" when it was killed."""
        words = [sys.executable, "-m", "app.commands.cli", command, str(self._clip), "--out", str(out), *COMMANDS[command]]
        words += ["--frames", f"0:{FRAMES}", "--device", "cpu", "--workspace", str(self._folder / "workspace")]
        try:
            done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=kill_after or 600, check=False)
        except subprocess.TimeoutExpired:  # `run` has killed it
            return "killed"
        return "" if done.returncode == 0 else f"{command} ended with {done.returncode}: {done.stderr[-300:]}"


def _torn(out: Path) -> list[str]:
    """The files of a folder that have their final names and are not whole."""
    faults = []
    for path in out.rglob("*"):
        if any(part.startswith(".") for part in path.relative_to(out).parts):
            continue
        try:
            if path.suffix == ".png":
                Image.open(path).load()
            elif path.suffix == ".json":
                json.loads(path.read_text(encoding="utf-8"))
            elif path.suffix in (".mp4", ".webm") and len(frames_of(path, "")) != FRAMES:
                faults.append(f"{path.name} is not whole")
        except (OSError, ValueError, StudioError) as error:
            faults.append(f"{path.name} is not whole: {error}")
    return faults


def _pictures_in(out: Path) -> dict[str, str]:
    """A hash of each picture and frame of a folder."""
    found: dict[str, str] = {}
    for path in sorted(out.rglob("*")):
        name = str(path.relative_to(out))
        if path.suffix == ".png":
            found[name] = str(hash(np.asarray(Image.open(path)).tobytes()))
        elif path.suffix in (".mp4", ".webm"):
            found |= frames_of(path, name)
    return found


def _left(workspace: Path) -> list[str]:
    """Crash reports, which no kill should leave."""
    return [f"a crash report: {path.name}" for path in (workspace / "logs").glob("*crash*")]


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
