"""A real server in a process of its own, a real browser, and a page that notices everything that
goes wrong on it.
"""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hub import serve_hub
from studio_page import environment, FLAGS, new_context, Problems, ROOT, Server


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    """The folder of what the server's model hub has, as OWNER/REPOSITORY/FILE: nothing is fetched
    from elsewhere.
    """
    folder = tmp_path_factory.mktemp("hub")
    with serve_hub(folder) as (url, _), pytest.MonkeyPatch.context() as environment:
        environment.setenv("HF_ENDPOINT", url)
        environment.setenv("HF_HOME", str(tmp_path_factory.mktemp("cache")))
        environment.setenv("HF_HUB_DISABLE_XET", "1")
        environment.setenv("NO_PROXY", "127.0.0.1")
        yield folder


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, hub: Path) -> Generator[Server]:
    """The program as a person starts it, on a workspace of its own; at the end Ctrl-C has to stop
    it.
    """
    workspace = tmp_path_factory.mktemp("workspace")
    command = [sys.executable, "-m", "app.commands.cli", "ui", "--port", "17860", "--no-browser", "--workspace", str(workspace)]
    with subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        found = re.search(r"http://[^/\s]+", line)
        assert found, f"the program printed no address but {line!r}"
        try:
            yield Server(found[0], workspace, process)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                code = process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        assert code in (0, 130)


@pytest.fixture(scope="session")
def browser(chromium: str) -> Generator[Any]:
    """One Chromium for all tests; every test has a context of its own in it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


@pytest.fixture
def problems() -> Problems:
    return Problems()


@pytest.fixture
def page(browser: Any, server: Server, problems: Problems) -> Generator[Any]:
    """A fresh browser window of 1366x768.

    After the test it must not have complained, nor talked to anyone else.
    """
    context = new_context(browser)
    opened = context.new_page()
    problems.watch(opened)
    yield opened
    context.close()
    problems.assert_none()
