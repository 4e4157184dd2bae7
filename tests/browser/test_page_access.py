"""Anybody can use the page: on a laptop, a large screen and a tablet, with a mouse, keys or
fingers, and with a screen reader.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from studio_page import DRAWN, new_context, open_page, prepared, Problems, Server

pytestmark = pytest.mark.browser

STEPS = ("video", "select", "adjust", "keyframe", "propagate")

NAMELESS = """() => [...document.querySelectorAll(
  '#studio :is(button, input:not([type=file]), select, textarea, a[href], summary, [role=slider])')]
  .filter((node) => {
    const labels = [...node.labels || []].map((label) => label.textContent.trim()).join('');
    const name = node.getAttribute('aria-label') || labels || node.textContent.trim();
    const tip = node.title || node.closest('[title]')?.title;
    return !name || !tip && node.getAttribute('role') !== 'slider';
  }).map((node) => node.outerHTML.slice(0, 160))"""
"""Controls of all steps without a name, or without words that come up under the pointer.

A slider's are its value.
"""

OUTSIDE = """() => [...document.querySelectorAll('#studio *')].filter((node) => {
  const box = node.getBoundingClientRect();
  const inside = box.right <= innerWidth + 1 && box.bottom <= innerHeight + 1;
  if (inside || !box.width || getComputedStyle(node).visibility === 'hidden') return false;
  for (let up = node.parentElement; up && up.id !== 'studio'; up = up.parentElement)
    if (/auto|scroll|hidden/.test(getComputedStyle(up).overflow)) return false;
  return true;
}).map((node) => node.outerHTML.slice(0, 120))"""
"""What can't be seen, nor scrolled to."""

SMALL = """least => [...document.querySelectorAll('#studio :is(button, input, select, summary, a[href])')].filter((node) => {
  const { width, height } = (node.closest('label') || node).getBoundingClientRect();
  return node.offsetParent && getComputedStyle(node).visibility !== 'hidden' && width && Math.min(width, height) < least;
}).map((node) => node.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def edited(server: Server, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A project with an object, its masks and an accepted keyframe: every step is open."""
    from builders import disc_clip

    return prepared(server.workspace, disc_clip(tmp_path_factory.mktemp("clips") / "disc.mp4", frames=12))


def opened(browser: Any, url: str, **how: Any) -> Iterator[Any]:
    context = new_context(browser, **how)
    page = context.new_page()
    problems = Problems()
    problems.watch(page)
    open_page(page, url)
    yield page
    context.close()
    problems.assert_none()


def show(page: Any, step: str) -> None:
    page.evaluate("step => studio.openStep(step)", step)
    page.wait_for_selector(f"#studio[data-step={step}]")


def test_no_step_has_a_finding_of_axe(browser: Any, server: Server, edited: str) -> None:
    axe = Axe()
    for page in opened(browser, f"{server.url}/?project={edited}", color_scheme="light"):
        assert page.evaluate(NAMELESS) == []
        for scheme, step in itertools.product(("light", "dark"), STEPS):
            if scheme == "dark" and step == STEPS[0]:
                page.get_by_label("Light or dark").click()
            assert page.evaluate("document.body.classList.contains('dark')") == (scheme == "dark")
            show(page, step)
            found = axe.run(page, options={"resultTypes": ["violations"]}).response["violations"]
            told = [(rule["impact"], rule["id"], [node["html"][:120] for node in rule["nodes"]]) for rule in found]
            assert told == [], (step, scheme)


@pytest.mark.parametrize(
    ("sizes", "touch"), [(((1366, 768, 14), (3840, 2160, 24)), False), (((820, 1180, 15), (1180, 820, 15)), True)], ids=["mouse", "fingers"]
)
def test_every_step_fits_the_screen(
    browser: Any, server: Server, edited: str, sizes: tuple[tuple[int, int, float], ...], touch: bool
) -> None:
    url = f"{server.url}/?project={edited}"
    for page in opened(browser, url, has_touch=touch):
        for width, height, letters in sizes:
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)") >= letters
            for step in STEPS:
                show(page, step)
                page.evaluate(DRAWN)
                assert page.evaluate(OUTSIDE) == [], (width, step)
                assert page.evaluate("document.documentElement.scrollWidth") == width
                # fingers need more room than a mouse
                assert page.evaluate(SMALL, 24 if touch else 16) == [], (width, step)
                stage = page.locator("#studio-stage").bounding_box()
                assert stage["width"] * stage["height"] > 0.35 * width * height, "the picture is the largest thing"
