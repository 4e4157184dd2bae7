"""Jobs one after the other, for a long time: the memory of the server has to stay flat."""

from __future__ import annotations

import argparse
import shutil
import time
from pathlib import Path
from statistics import median

import psutil

from scripts.campaign.ledger import Finding, Ledger
from scripts.campaign.server import Refused, Server
from scripts.campaign.session import make_clip, Session

WARM = 0.25
"""Share of the sessions after which nothing should be loaded any more."""
STEEPEST = 0.5
"""Megabytes that a session may add, in the middle."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This campaign is asked for nothing more."""


def run(options: argparse.Namespace) -> int:
    """Sessions until the time is over (120 minutes), each with a project that is then deleted;
    returns 1 when memory grows, or anything was refused.
    """
    ledger = Ledger(options.folder, f"soak-{int(time.time())}")
    clip = make_clip(options.folder / "clip.mp4")
    workspace = options.folder / "workspace"
    shutil.rmtree(workspace, ignore_errors=True)
    end = time.monotonic() + 60 * (options.minutes or 120)
    held: list[float] = []
    server = Server(workspace)
    try:
        server.ready()
        process = psutil.Process(server.process.pid)
        while time.monotonic() < end and (options.sample is None or len(held) < options.sample):
            began = time.monotonic()
            faults = _one_session(server, clip, workspace)
            held.append(process.memory_info().rss / 1e6)
            finding = Finding(f"session-{len(held)}", tuple(faults), seconds=round(time.monotonic() - began, 2))
            ledger.add(finding)
            open_ = f"{process.num_fds()} files, {process.num_threads()} threads"
            print(f"{finding.name} ({finding.seconds:.1f} s): {held[-1]:.0f} MB, {open_}", flush=True)
    finally:
        server.stop()
    rate, steepest = slope(held[round(WARM * len(held)) :])
    print(f"{len(held)} sessions; {held[0]:.0f} MB after the first, {max(held):.0f} MB at most, {held[-1]:.0f} MB after the last")
    print(f"after the first {WARM:.0%}: {rate:+.2f} MB a session (at most {steepest:+.2f} with 95 % confidence; goal: at most {STEEPEST})")
    return ledger.report(list(ledger.findings)) or int(rate > STEEPEST)


def _one_session(server: Server, clip: Path, workspace: Path) -> list[str]:
    session = Session(clip)
    try:
        while not session.over:
            session.step(server)
    except Refused as error:
        session.faults.append(str(error))
    try:  # whatever became of the session, or the next ones would run beside its project
        for one in server.call("list_projects"):
            server.call("delete_project", project_id=one["project_id"])
    except Refused as error:
        session.faults.append(str(error))
    left = [path.name for folder in ("projects", "uploads") for path in (workspace / folder).glob("*")]
    return session.faults + [f"{name} was left" for name in left]


def slope(values: list[float]) -> tuple[float, float]:
    """How much each value adds to the one before, in the middle, by the lines through all pairs of
    values (Theil and Sen), and the upper end of its interval of 95 % confidence.
    """
    count = len(values)
    if count < 3:
        return 0.0, 0.0
    rises = sorted((values[b] - values[a]) / (b - a) for a in range(count) for b in range(a + 1, count))
    spread = 1.96 * (count * (count - 1) * (2 * count + 5) / 18) ** 0.5
    upper = min(len(rises) - 1, round((len(rises) + spread) / 2))
    return median(rises), rises[upper]
