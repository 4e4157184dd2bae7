"""A disk that is full at every step of a session: nothing acknowledged is lost, and it is said.

The folder has to lie on a small disk of its own, as `mount -t tmpfs -o size=64m tmpfs F` makes one.
Before each step the disk is filled up to so many bytes, from none on. A step that is refused has to
say so in one sentence, and to leave the project as it was; then it gets more room.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from scripts.campaign.ledger import Finding, Ledger
from scripts.campaign.server import Refused, Server
from scripts.campaign.session import make_clip, Session, STEPS

LARGEST = 2**30
"""Bytes of a disk that this program fills."""
PAGE = 4096


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This campaign is asked for nothing more."""


def run(options: argparse.Namespace) -> int:
    """One session; returns 1 when any step has faults."""
    options.folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(options.folder).total > LARGEST:
        raise SystemExit(f"{options.folder} is on a large disk: mount a small one there, such as a tmpfs of 64 MB")
    for path in options.folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    return FullDisk(options.folder).session()


class FullDisk:
    """A session on a small disk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._filler = folder / "filler"
        self._session = Session(make_clip(folder / "clip.mp4"))
        self._refusals = 0

    def session(self) -> int:
        """All steps; prints what came of each."""
        ledger = Ledger(self._folder, "disk")
        server = self._server()
        names = []
        try:
            while not self._session.over:
                name = f"{self._session.at} {STEPS[self._session.at].operation}" if self._session.project else "open_file"
                names.append(name)
                known, room = len(self._session.faults), 0
                while not self._tried(server, room):
                    if room == 0:  # a server that starts on a full disk
                        server.stop()
                        server = self._server()
                    self._look(server)
                    room = max(PAGE, 2 * room)
                self._free()
                finding = Finding(name, tuple(self._session.faults[known:]))
                ledger.add(finding)
                print(f"{name}: done with {room} bytes; {'; '.join(finding.faults) or 'well'}", flush=True)
            print(f"{self._refusals} refusals")
        finally:
            self._free()
            server.stop()
        return ledger.report(names)

    def _server(self) -> Server:
        server = Server(self._folder / "workspace", {"TMPDIR": str(self._folder)})
        server.ready()
        return server

    def _tried(self, server: Server, room: int) -> bool:
        """Whether the next step succeeds with so many bytes of the disk left."""
        self._fill(room)
        try:
            self._session.step(server)
        except Refused as error:
            self._refusals += 1
            text = str(error)
            if "disk" not in text or "\n" in text:
                self._session.faults.append(f"with {room} bytes: no sentence about the disk: {text[:300]}")
            return False
        return True

    def _look(self, server: Server) -> None:
        """See that the project is listed, and as it was, while the disk is full."""
        at, step = self._session.at, STEPS[self._session.at]
        self._session.asked = ""
        self._session.look(server)
        if self._session.at != at and not step.job:
            self._session.faults.append(f"{step.operation} was refused, and is done")

    def _fill(self, room: int) -> None:
        self._free()
        with self._filler.open("wb") as file:
            left = shutil.disk_usage(self._folder).free - room
            while left > 0:
                try:
                    left -= file.write(bytes(min(left, 2**20)))
                    file.flush()
                except OSError:
                    break

    def _free(self) -> None:
        self._filler.unlink(missing_ok=True)
