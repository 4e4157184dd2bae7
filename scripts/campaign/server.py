"""The program as a person starts it, driven through its endpoints, ended at any moment."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx
from gradio_client import Client

ROOT = Path(__file__).resolve().parents[2]
LONGEST_CALL = 300.0
"""Seconds that a call may take; a job is waited for within one."""


class Killed(Exception):
    """The server ended while something was asked of it."""


class Refused(Exception):
    """The server's answer was an error; the text is what it said."""


class Server:
    """A server on a workspace. `kill_after` ends it with SIGKILL; every call then raises Killed."""

    def __init__(self, workspace: Path, environment: dict[str, str] | None = None) -> None:
        token = secrets.token_urlsafe()
        command = [sys.executable, "-m", "app.commands.cli", "ui", "--no-browser", "--device", "cpu"]
        command += ["--port", "18900", "--workspace", str(workspace)]
        own = {**os.environ, "OMP_NUM_THREADS": "1", "VIVID_TOKEN": token, **(environment or {})}
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  (closed by `stop`)
        self.process = subprocess.Popen(command, cwd=ROOT, env=own, stdout=subprocess.PIPE, stderr=self._log, text=True)
        self._headers = {"Authorization": f"Bearer {token}"}
        self._downloads = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._client: Client | None = None
        self._timer: threading.Timer | None = None

    def kill_after(self, seconds: float) -> None:
        """End the process with SIGKILL so much later; an earlier appointment counts no more."""
        self.keep()
        self._timer = threading.Timer(seconds, self.process.kill)
        self._timer.daemon = True
        self._timer.start()

    def keep(self) -> None:
        """Don't end it after all."""
        if self._timer is not None:
            self._timer.cancel()

    def ready(self) -> None:
        """Wait until it answers."""
        assert self.process.stdout is not None
        found = re.search(r"http://[^/\s]+", self.process.stdout.readline())
        if found is None:
            self._ended()
            raise Refused(f"the server did not start: {self._said()}")
        try:
            patient = {"timeout": LONGEST_CALL}
            self._client = Client(found[0], headers=self._headers, verbose=False, download_files=self._downloads.name, httpx_kwargs=patient)
        except Exception as error:
            self._ended()
            raise Refused(f"the server does not answer: {error}") from error

    def call(self, operation: str, **arguments: Any) -> Any:
        """The answer of an operation. Raises Refused with what the server said, and Killed."""
        assert self._client is not None
        call = None
        until = time.monotonic() + LONGEST_CALL
        try:
            call = self._client.submit(api_name=f"/{operation}", **arguments)
            while not call.done():
                if self.process.poll() is not None:
                    raise Killed
                if time.monotonic() > until:
                    raise Refused(f"{operation} is not answered within {LONGEST_CALL:g} s")
                time.sleep(0.005)
            return call.result()
        except (Killed, Refused):
            raise
        except Exception as error:
            self._ended()
            said = error.response.text if isinstance(error, httpx.HTTPStatusError) else str(error)
            raise Refused(f"{operation}: {said}") from error

    def finished(self, job_id: str) -> dict[str, Any]:
        """How a job ended."""
        job: dict[str, Any] = self.call("wait", job_id=job_id)
        while not job["finished"]:
            job = self.call("wait", job_id=job_id)
        return job

    def stop(self) -> None:
        """End it, however it is."""
        self.keep()
        self.process.kill()
        self.process.wait()
        if self._client is not None:
            self._client.close()
        self._downloads.cleanup()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._log.close()

    def _ended(self) -> None:
        """Raise Killed if the process is gone, or goes at once."""
        try:
            code = self.process.wait(2)
        except subprocess.TimeoutExpired:
            return
        if code == -9:
            raise Killed
        raise Refused(f"the server ended by itself with {code}: {self._said()}")

    def _said(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-500:]
