"""Models are listed, fetched, chosen and removed in the page, from a hub on this machine."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from hub import COMMIT
from studio_page import open_page, Server, SLOW

from core.models.model import APACHE
from core.models.record import HubFile, Record

pytestmark = pytest.mark.browser


def begin_download(server: Server, hub: Path) -> None:
    """Leave a download of base-plus behind, as a program does that ended in its middle."""
    body, name = bytes(15_000_000), "sam2.1_hiera_base_plus.pt"
    published = hub / "facebook/sam2.1-hiera-base-plus" / name
    published.parent.mkdir(parents=True)
    published.write_bytes(body)
    files = {name: HubFile(len(body), hashlib.sha256(body).hexdigest(), True)}
    folder = server.workspace / "models/.base-plus"
    Record("facebook/sam2.1-hiera-base-plus", COMMIT, str(APACHE), "2026-01-01", files).write(folder)
    (folder / f"{name}.part").write_bytes(body[:12_000_000])


def accept_and_fetch(row: Any, size: str) -> None:
    """Fetch a model of the list: its licence is shown with a link, and has to be accepted first."""
    row.get_by_role("button", name=f"Fetch {size}").click()
    fetch = row.get_by_role("button", name=f"Fetch {size}")
    assert fetch.is_disabled()
    assert row.get_by_role("link", name="Apache-2.0").get_attribute("href").startswith("https://")
    row.get_by_role("checkbox", name="I accept the licence").check()
    fetch.click()


def test_a_model_is_fetched_chosen_and_removed(page: Any, server: Server, hub: Path) -> None:
    begin_download(server, hub)
    weights = hub / "facebook/sam2.1-hiera-tiny/sam2.1_hiera_tiny.pt"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(bytes(3_000_000))
    open_page(page, server.url)
    page.locator("#studio-steps [data-ref=model]").click()
    dialog = page.get_by_role("dialog", name="Models")
    tiny, ours = dialog.locator("[data-model=tiny]"), dialog.locator("[data-model=embedded]")
    ours.get_by_text("in use").wait_for()
    assert Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"] == []
    gated = dialog.locator("[data-model=sam3]")
    assert "accept the licence on huggingface.co/facebook/sam3" in gated.inner_text()
    assert "SAM License" in gated.inner_text()
    for name, words in {
        "small": "the first help when masks fail",
        "wan-vace-1.3b": "Needs a GPU with 8 GB or more",
        "void": "Removes things, by no caption. Needs a GPU with",
    }.items():
        assert words in dialog.locator(f"[data-model='{name}']").inner_text()
    assert dialog.get_by_text("take this first").count() >= 1
    dialog.get_by_text("No full-size video engine fits this machine").wait_for()
    begun = dialog.locator("[data-model=base-plus]")
    assert "12 MB of 324 MB are here" in begun.inner_text()
    begun.get_by_role("button", name="Resume").click()
    begun.get_by_role("button", name="Use", exact=True).wait_for(timeout=SLOW)
    begun.get_by_role("button", name="Verify").click()
    dialog.get_by_text("base-plus is as the hub has it: 1 file checked.").wait_for(timeout=SLOW)
    (server.workspace / "models/base-plus/sam2.1_hiera_base_plus.pt").write_bytes(bytes(15_000_000 - 1) + b"1")
    begun.get_by_role("button", name="Verify").click()
    begun.get_by_role("button", name="Fetch 324 MB").wait_for(timeout=SLOW)
    assert not (server.workspace / "models/base-plus/sam2.1_hiera_base_plus.pt").exists()
    accept_and_fetch(tiny, "156 MB")
    tiny.get_by_role("button", name="Use", exact=True).click(timeout=SLOW)
    tiny.get_by_text("in use").wait_for()
    assert (server.workspace / "models/tiny/sam2.1_hiera_tiny.pt").stat().st_size == 3_000_000
    assert "in use" not in ours.inner_text()
    accept_and_fetch(dialog.locator("[data-model=small]"), "184 MB")
    told = page.get_by_text("the hub has no facebook/sam2.1-hiera-small")
    dialog.get_by_role("alert").filter(has=told).wait_for(timeout=SLOW)

    # what went wrong with a job stays where it can be seen: under the dialog, and when another
    # message has come and gone
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    told.wait_for()
    page.keyboard.press("4")
    page.locator(".vs-toast").get_by_text("Click an object in step 2 first.").wait_for()
    page.get_by_role("button", name="Dismiss").click()
    told.wait_for()
    page.locator("#studio-steps [data-ref=model]").click()
    tiny.get_by_role("button", name="Remove").click()
    ours.get_by_text("in use").wait_for()
    assert not (server.workspace / "models/tiny").exists()
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
