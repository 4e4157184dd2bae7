"""What every test can rely on: where the browser is, and what happens to browser tests when there
is none.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import sys
from collections.abc import Generator

import pytest

import app  # noqa: F401  (first: it says how torch's threads wait, before torch is loaded)

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it runs in the background deaf to Ctrl-C, and the programs that tests
    # start and stop would be so too.
    signal.signal(signal.SIGINT, signal.default_int_handler)


settled = 0
"""How many modules there were when the collector was last told to pass over what there is."""


def pytest_runtest_setup() -> None:
    """Let the collector pass over what the libraries have made so far: every job that ends collects
    everything, which takes a third of a second with half a million objects.
    """
    global settled
    if len(sys.modules) > settled + 100:
        gc.collect()
        gc.freeze()
        settled = len(sys.modules)


def browser_required() -> bool:
    """Whether VIVID_REQUIRE_BROWSER=1 says that a skipped browser test is a failure, as CI does."""
    return os.environ.get("VIVID_REQUIRE_BROWSER") == "1"


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the installed Chromium; the test is skipped when there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser on PATH (looked for {', '.join(BROWSERS)})")
    return found


@pytest.fixture(scope="module")
def one_thread() -> Generator[None]:
    """Toy networks run faster on one thread, most of all on a busy machine. For whole files, since
    what a network computes differs in the last bit with the number of threads.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and browser_required() and item.get_closest_marker("browser") and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, which VIVID_REQUIRE_BROWSER=1 forbids: {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped and browser_required() and "browser" in collector.path.parts:
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} was skipped whole, which VIVID_REQUIRE_BROWSER=1 forbids: {report.longrepr}"
    return report
