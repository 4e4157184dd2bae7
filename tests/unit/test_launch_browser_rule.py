"""CI's promise that the page was really tested: where VIVID_REQUIRE_BROWSER=1, a browser test that
is skipped is a failure.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"
BROWSER_TESTS = """
import pytest

@pytest.mark.browser
def test_needs_a_browser(chromium):
    assert chromium

@pytest.mark.browser
def test_gives_up():
    pytest.skip("no mood")

def test_of_something_else():
    pytest.skip("fine to skip")
"""


def run_pytest(folder: Path, required: bool, path: str) -> str:
    environment = {**os.environ, "VIVID_REQUIRE_BROWSER": "1" if required else "", "PATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment["PYTHONPATH"] = str(CONFTEST.parents[1])  # conftest imports the program
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "--rootdir", str(folder), str(folder)]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return done.stdout.splitlines()[-1].split(" in ")[0]


@pytest.fixture
def tests(tmp_path: Path) -> Path:
    folder = tmp_path / "browser"
    folder.mkdir()
    shutil.copy(CONFTEST, folder)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = browser\n")
    (folder / "test_page.py").write_text(BROWSER_TESTS)
    return folder


def test_without_a_browser_its_tests_are_skipped(tests: Path) -> None:
    assert run_pytest(tests, required=False, path="") == "3 skipped"


def test_where_one_is_required_every_skip_of_them_fails(tests: Path) -> None:
    assert run_pytest(tests, required=True, path="") == "1 failed, 1 skipped, 1 error"
    (tests / "test_page.py").write_text("import pytest\npytest.importorskip('there_is_no_such_module')\n")
    assert run_pytest(tests, required=True, path="") == "1 error"


def test_the_browser_that_is_there_is_used(tests: Path) -> None:
    (tests.parent / "chromium").touch(mode=0o755)
    assert run_pytest(tests, required=True, path=str(tests.parent)) == "1 failed, 1 passed, 1 skipped"
