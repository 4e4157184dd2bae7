"""Ray on this machine, or a cluster that it reaches, whose machines run the same program."""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import warnings
from functools import cache
from pathlib import Path
from typing import Any

from core.errors import InputError

TOKEN = Path.home() / ".ray" / "auth_token"
"""What lets a machine into a cluster."""
_PATIENCE = 10.0
"""Seconds to wait for a machine to answer."""


def start_ray(where: str, option: str) -> Any:
    """Start or reach Ray.

    Args:
        where: `local` for this machine, `local:N` for N of its processors, `auto` or `HOST:PORT`
            for a cluster that it is part of, `ray://HOST:PORT` for any.
        option: What asked for it, as it is written on the command line.

    Returns:
        The package ray.

    Raises:
        InputError: It is not installed, or can't be started or reached.
    """
    leave = f"or leave {option} out"
    local = where.partition(":")[0] == "local"
    if not local and "RAY_AUTH_MODE" not in os.environ and (os.environ.get("RAY_AUTH_TOKEN") or TOKEN.exists()):
        os.environ["RAY_AUTH_MODE"] = "token"  # Ray shows none to a cluster unless this is said before it is loaded
    try:
        import ray
    except ImportError as error:
        raise InputError(f"Ray can't be loaded ({error}): install the group `data`, {leave}") from None
    given: dict[str, Any] = {"address": where}
    if local:  # not a cluster that happens to run here
        given = {"address": "local", "include_dashboard": False, "num_cpus": int(where[6:] or 0) or None}
    elif where != "auto":
        _check_listens(where, leave)
    # what Ray starts here has to find the program, wherever it was started from
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[1]), *([before] if before else [])])
    try:
        with warnings.catch_warnings(action="ignore"):  # what went wrong is said once
            ray.init(log_to_driver=False, logging_level=logging.ERROR, **given)
    except (ConnectionError, RuntimeError, ValueError) as error:
        if where == "auto":
            raise InputError(f"this machine is part of no Ray cluster: say where one is with HOST:PORT, {leave}") from None
        raise InputError(f"Ray can't be started or reached at {where} ({_short(error)}): see to it, {leave}") from None
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    return ray


@cache
def code_digest() -> str:
    """Names the program's own source, as far as work depends on it."""
    root = Path(__file__).parents[1]
    whole = hashlib.sha256()
    for path in sorted((*(root / "core").rglob("*.py"), *(root / "app").rglob("*.py"))):
        whole.update(f"{path.relative_to(root).as_posix()}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return whole.hexdigest()


def _check_listens(where: str, leave: str) -> None:
    """Raise InputError unless somebody listens there: where nobody does, Ray waits for half a
    minute, and then ends the whole program.
    """
    host, _, port = where.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), _PATIENCE).close()
    except (OSError, OverflowError, ValueError) as error:
        raise InputError(f"no Ray cluster answers at {where} ({_short(error)}): start it, {leave}") from None


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
