"""A server that is killed: what it acknowledged is there, and the work goes on."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from builders import disc_clip

from scripts.campaign.server import Killed, Server
from scripts.campaign.session import Session, STEPS


def work_on(session: Session, server: Server) -> None:
    """Do step after step."""
    while not session.over:
        session.step(server)


def test_a_killed_server_has_lost_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    session = Session(disc_clip(tmp_path / "disc.mp4", frames=8))
    workspace = tmp_path / "workspace"
    chance = random.Random(0)
    tracking = next(number for number, step in enumerate(STEPS) if step.operation == "start_tracking")
    for last in (3, tracking, None):
        server = Server(workspace)
        try:
            server.ready()
            session.look(server)
            assert session.faults == []
            assert not list(workspace.rglob(".*.part"))
            if last is None:
                if session.at == tracking:  # killed before it knew the job
                    session.step(server)
                break
            while session.at < last:
                session.step(server)
            server.kill_after(chance.uniform(0, 0.1))
            with pytest.raises(Killed):
                work_on(session, server)
        finally:
            server.stop()
    assert session.at == tracking + 1
    assert session.faults == []
