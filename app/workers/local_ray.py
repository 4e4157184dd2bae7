"""Ray on this machine, or a cluster that it reaches."""

from __future__ import annotations

import logging
import os
import socket
import warnings
from pathlib import Path
from typing import Any

from core.errors import InputError

_PATIENCE = 10.0
"""Seconds to wait for a machine to answer."""


def start(where: str) -> Any:
    """Start or reach Ray.

    Args:
        where: As `Settings.workers` knows it.

    Returns:
        The package ray.

    Raises:
        InputError: It is not installed, or can't be started or reached.
    """
    try:
        import ray
    except ImportError as error:
        raise InputError(f"Ray can't be loaded ({error}): install the group `data`, or leave --workers out") from None
    local = where.startswith("local:")
    if ":" in where and not local:
        _check_listens(where)
    given: dict[str, Any] = {"address": "local", "include_dashboard": False, "num_cpus": int(where[6:])} if local else {"address": where}
    # what Ray starts here has to find the program, wherever it was started from
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[2]), *([before] if before else [])])
    try:
        with warnings.catch_warnings(action="ignore"):  # what went wrong is said once
            ray.init(log_to_driver=False, logging_level=logging.ERROR, **given)
    except (ConnectionError, RuntimeError, ValueError) as error:
        if where == "auto":
            raise InputError("this machine is part of no Ray cluster: say where one is with --workers HOST:PORT, or leave it out") from None
        raise InputError(f"Ray can't be started or reached at {where} ({_short(error)}): see to it, or leave --workers out") from None
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    return ray


def _check_listens(where: str) -> None:
    """Raise InputError unless somebody listens there: where nobody does, Ray waits for half a
    minute, and then ends the whole program.
    """
    host, _, port = where.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), _PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise InputError(f"no Ray cluster answers at {where} ({_short(error)}): start it, or leave --workers out") from None


def threads_for(count: int) -> int:
    """Threads of each of so many workers that share this machine's processors."""
    return max(1, (os.cpu_count() or 1) // count)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
