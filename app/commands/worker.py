"""`worker`: makes this machine one of a Ray cluster, with the program and its models."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from app.settings import Settings
from core.clusters import TOKEN
from core.errors import InputError, StudioError

PORT, CLIENTS = 6379, 10001
"""Where other machines join, and where `--workers ray://HOST:PORT` goes."""


def run_worker(head: str | None, settings: Settings) -> int:
    """Run Ray until Ctrl-C.

    Args:
        head: HOST:PORT of the first machine; None for this being the first.
        settings: Workspace and device of the models here.

    Returns:
        The exit code.

    Raises:
        InputError: Ray is not installed, or the first machine's token is not here.
        StudioError: No token could be made.
    """
    tool = Path(sys.executable).with_name("ray.exe" if os.name == "nt" else "ray")
    if not tool.exists():
        raise InputError("Ray is not installed: install the group `data`")
    # without a token, everybody who reaches the ports could run programs here
    environment = {**os.environ, "RAY_AUTH_MODE": os.environ.get("RAY_AUTH_MODE") or "token"}
    paths = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment |= {"PYTHONPATH": os.pathsep.join(paths), "VIVID_WORKSPACE": str(settings.workspace), "VIVID_DEVICE": settings.device}
    if environment["RAY_AUTH_MODE"] == "token" and not (os.environ.get("RAY_AUTH_TOKEN") or TOKEN.exists()):
        if head is not None:
            raise InputError(f"copy the file .ray/auth_token of the first machine's home folder to {TOKEN}: it lets this one in")
        if subprocess.run([tool, "get-auth-token", "--generate"], env=environment, stdout=subprocess.DEVNULL, check=False).returncode:
            raise StudioError("Ray could not make a token: see what it says above")
        TOKEN.chmod(0o600)
    if head is None:
        role = ["--head", f"--port={PORT}", f"--ray-client-server-port={CLIENTS}", "--include-dashboard=false"]
        print(f"Other machines join with `worker HOST:{PORT}`, the page uses them with --workers ray://HOST:{CLIENTS}", flush=True)
        print(f"Each of them needs a copy of {TOKEN}", flush=True)
    else:
        role = [f"--address={head}"]
    return subprocess.run([tool, "start", "--block", "--disable-usage-stats", *role], env=environment, check=False).returncode
