"""Many browsers on one shared server: how long the page takes, and whether projects stay apart.

Each client signs in, fetches all that the page loads in a browser, over six connections as browsers
have, opens the example as its own project and gets its first picture. Then it asks for what the
page asks for next, renames the project and sees that the server lists to it that project and no
other. Clients come evenly spread over some seconds (`--within 0`: all in the same moment). They
share the machine with the server: the processor time of both is told.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gzip
import json
import os
import re
import secrets
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
GOAL = 1.0
"""Seconds that the median client may wait for its first picture."""

IDLE = 0.05
"""Processor seconds in a second of a server at rest: the first visit lets it load its models.
"""

CONNECTIONS = 6
AHEAD = 8
"""Frames that the page fetches after the first."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CALL = "/gradio_api/component_server/"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this campaign has."""
    parser.add_argument("--within", type=float, default=20.0, help="seconds in which the clients come (20)")
    parser.add_argument("--port", type=int, default=18790)
    parser.add_argument("--first", action="store_true", help="run before all other work of the machine, as if it were quiet (Linux, root)")


def run(options: argparse.Namespace) -> int:
    """Start a server, let the clients come, print what they met; returns the exit code."""
    token, count = secrets.token_urlsafe(), options.sample or 50
    with _server(options.folder / "workspace", options.port, token) as (server, host, port):
        files = _page_files(host, port, token)
        _settle(server)
        if options.first:
            _go_first(server)
        crowd = _Crowd(host, port, token, files)
        before, own = sum(server.cpu_times()[:2]), time.process_time()
        asyncio.run(crowd.come(count, options.within))
        cost, own = sum(server.cpu_times()[:2]) - before, time.process_time() - own
    first, usable = statistics.median(crowd.first), statistics.median(crowd.usable)
    slow = sorted(crowd.usable)[int(0.95 * (len(crowd.usable) - 1))]
    print(f"{count} clients within {options.within:g} s, {len(files)} files each, {os.cpu_count()} cores")
    print(f"the page itself        median {first:.2f} s")
    print(f"until the first frame  median {usable:.2f} s, 95th percentile {slow:.2f} s (goal: median under {GOAL:g} s)")
    print(f"processor time of a client: {1000 * cost / count:.0f} ms of the server, {1000 * own / count:.0f} ms of this program")
    for fault in crowd.faults:
        print(f"fault: {fault}")
    print(f"projects apart: {'no' if crowd.faults else 'yes'}")
    return int(bool(crowd.faults) or usable >= GOAL)


@contextlib.contextmanager
def _server(workspace: Path, port: int, token: str) -> Iterator[tuple[psutil.Process, str, int]]:
    command = [sys.executable, "-m", "app.commands.cli", "ui", "--no-browser", "--host", "0.0.0.0", "--device", "cpu"]
    command += ["--port", str(port), "--workspace", str(workspace)]
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, "VIVID_TOKEN": token}, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://([\d.]+):(\d+)", process.stdout.readline())
            if found is None:
                raise SystemExit("the server did not start")
            yield psutil.Process(process.pid), found[1], int(found[2])
        finally:
            process.terminate()


def _settle(server: psutil.Process) -> None:
    """Wait until the server has nothing to do."""
    worked = float("inf")
    while worked > IDLE:
        before = sum(server.cpu_times()[:2])
        time.sleep(1)
        worked = sum(server.cpu_times()[:2]) - before


def _go_first(server: psutil.Process) -> None:
    """Let the server and this program run whenever they can, for the few seconds that are left."""
    for thread in (*(one.id for one in server.threads()), os.getpid()):
        os.sched_setscheduler(thread, os.SCHED_RR, os.sched_param(1))


def _page_files(host: str, port: int, token: str) -> list[str]:
    """What a browser fetches for the page, besides the page itself and what is of a project."""
    from playwright.sync_api import sync_playwright

    browser_path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser_path is None:
        raise SystemExit(f"no browser on PATH (looked for {', '.join(BROWSERS)})")
    seen: list[str] = []
    url = f"http://{host}:{port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("request", lambda request: seen.append(request.url.removeprefix(url)) if request.method == "GET" else None)
        page.goto(f"{url}/?token={token}")
        page.wait_for_selector("#studio-canvas canvas[data-frame]")
        browser.close()
    return [path for path in seen if re.match(r"/(assets|static|theme|studio/(js|page|alive))", path)]


@dataclass
class _Crowd:
    """All clients, and what they met."""

    host: str
    port: int
    token: str
    files: list[str]
    first: list[float] = field(default_factory=list)
    usable: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    async def come(self, count: int, within: float) -> None:
        async def one(index: int) -> None:
            await asyncio.sleep(index * within / count)
            try:
                await self._visit(f"client {index}")
            except (OSError, EOFError, AssertionError, ValueError) as error:
                self.faults.append(f"client {index}: {error}")

        await asyncio.gather(*(one(index) for index in range(count)))

    async def _visit(self, name: str) -> None:
        lines = [await _Line.open(self.host, self.port) for _ in range(CONNECTIONS)]
        status, head, _ = await lines[0].ask("GET", f"/?token={self.token}")
        assert status == 303, f"signing in is answered by {status}"
        cookie = re.search(r"set-cookie: ([^;]+)", head, re.IGNORECASE)
        assert cookie, "signing in brings no cookie"
        for line in lines:
            line.cookie = cookie[1]
        started = time.perf_counter()
        page = gzip.decompress(await lines[0].get("/")).decode()
        self.first.append(time.perf_counter() - started)
        left = list(self.files)

        async def pull(line: _Line) -> None:
            while left:
                await line.get(left.pop())

        await asyncio.gather(*map(pull, lines))
        config = json.loads(page.partition("window.gradio_config = ")[2].partition(";</script>")[0])
        part = next(one["id"] for one in config["components"] if one["props"].get("elem_id") == "studio-video")

        async def call(handler: str, **values: Any) -> Any:
            return await lines[0].call({"component_id": part, "fn_name": handler, "session_hash": name, "data": values})

        view = (await call("open_page", project_id=None, known=[]))["view"]
        frames = f"/studio/{view['id']}/frame"
        await asyncio.gather(lines[0].get(f"{frames}/0.jpg"), lines[1].get(f"/studio/{view['id']}/entries.json"))
        self.usable.append(time.perf_counter() - started)
        await call("page_ready")
        left = [f"{frames}/{1 + number}.jpg" for number in range(AHEAD)]
        await asyncio.gather(*map(pull, lines))
        await call("rename_project", wanted=view["id"], name=name, known=[view["id"]])
        listed = (await call("list_projects", known=[view["id"]]))["recent"]
        assert [one["name"] for one in listed] == [name], f"it is listed {[one['name'] for one in listed]}"
        assert (await call("list_projects", known=[]))["recent"] == [], "it is listed projects of others"
        for line in lines:
            line.writer.close()


@dataclass
class _Line:
    """A connection that is kept; just enough of HTTP to cost the machine little."""

    host: str
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    cookie: str = ""

    @classmethod
    async def open(cls, host: str, port: int) -> _Line:
        return cls(f"{host}:{port}", *await asyncio.open_connection(host, port))

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, str, bytes]:
        origin = f"Origin: http://{self.host}\r\nContent-Type: application/json\r\n" if body else ""
        cookie = f"Cookie: {self.cookie}\r\n" if self.cookie else ""
        headers = f"Host: {self.host}\r\nAccept-Encoding: gzip\r\n{cookie}{origin}Content-Length: {len(body)}"
        self.writer.write(f"{method} {path} HTTP/1.1\r\n{headers}\r\n\r\n".encode() + body)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
        answer = await self.reader.readexactly(int(length[1])) if length else b""
        return int(head.split()[1]), head, answer

    async def get(self, path: str) -> bytes:
        status, _, body = await self.ask("GET", path)
        assert status == 200, f"{path[:60]} is answered by {status}"
        return body

    async def call(self, values: dict[str, Any]) -> Any:
        status, _, body = await self.ask("POST", CALL, json.dumps(values).encode())
        answer = json.loads(body)
        assert (status, "error" in answer) == (200, False), f"{values['fn_name']} is answered by {answer}"
        return answer
