"""The logic of the page's scripts that needs no page - geometry, selection, timeline, words - case
by case in the browser.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from studio_page import ROOT

pytestmark = pytest.mark.browser

FOLDERS = {"js": ROOT / "assets" / "js", "unit": Path(__file__).parent / "unit"}
FILES = sorted(FOLDERS["unit"].glob("*.test.js"))
CASES = [(file.name, name) for file in FILES for name in re.findall(r'^test\("(.+?)",', file.read_text(encoding="utf-8"), re.M)]

RUN = """async (file) => {
  const { runAll } = await import('/unit/harness.js');
  await import(`/unit/${file}`);
  return runAll();
}"""


def _serve(route: Any) -> None:
    """Serve the modules and the tests as they lie on the disk; anything else is an empty page."""
    found = re.fullmatch(r"http://logic\.test/(js|unit)/([\w/.]+\.js)", route.request.url)
    if found is None:
        route.fulfill(body="<!doctype html><title>logic</title>", content_type="text/html")
    else:
        route.fulfill(path=FOLDERS[found[1]] / found[2], content_type="text/javascript")


@pytest.fixture(scope="module")
def outcomes(browser: Any) -> dict[tuple[str, str], str | None]:
    """The message of every case that failed, None for those that passed."""
    found: dict[tuple[str, str], str | None] = {}
    for file in FILES:
        context = browser.new_context()
        page = context.new_page()
        page.route("http://logic.test/**", _serve)
        page.goto("http://logic.test/")
        found.update({(file.name, name): message for name, message in page.evaluate(RUN, file.name)})
        context.close()
    return found


def test_every_case_is_found(outcomes: dict[tuple[str, str], str | None]) -> None:
    assert len(CASES) == len(set(CASES))
    assert set(CASES) == set(outcomes)


@pytest.mark.parametrize(("file", "name"), CASES, ids=[f"{file.removesuffix('.test.js')}: {name}" for file, name in CASES])
def test_case(outcomes: dict[tuple[str, str], str | None], file: str, name: str) -> None:
    assert outcomes.get((file, name), "the case did not run") is None
