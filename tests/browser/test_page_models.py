"""Models are listed, fetched, chosen and removed in the page, from a hub on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hub import serve_hub
from studio_page import open_page, Problems, program, SLOW

pytestmark = pytest.mark.browser


def test_a_model_is_fetched_chosen_and_removed(browser: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = tmp_path / "hub/facebook/sam2.1-hiera-tiny/sam2.1_hiera_tiny.pt"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(bytes(3_000_000))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve_hub(tmp_path / "hub") as (hub, _):
        monkeypatch.setenv("HF_ENDPOINT", hub)
        with program(tmp_path / "workspace", port=17970) as (url, _):
            problems = Problems()
            page = browser.new_page(viewport={"width": 1366, "height": 768})
            problems.watch(page)
            open_page(page, url)
            page.locator("#studio-steps [data-ref=model]").click()
            dialog = page.get_by_role("dialog", name="Models")
            tiny, small = dialog.locator("[data-model=tiny]"), dialog.locator("[data-model=small]")
            ours = dialog.locator("[data-model=embedded]")
            assert "in use" in ours.inner_text()
            tiny.get_by_role("button", name="Fetch 156 MB").click()
            tiny.get_by_role("button", name="Use").click(timeout=SLOW)
            tiny.get_by_text("in use").wait_for()
            assert (tmp_path / "workspace/models/tiny/sam2.1_hiera_tiny.pt").stat().st_size == 3_000_000
            assert "in use" not in ours.inner_text()
            small.get_by_role("button", name="Fetch 184 MB").click()
            page.get_by_role("alert").get_by_text("see that the network is there").wait_for(timeout=SLOW)
            small.get_by_role("button", name="Fetch 184 MB").wait_for()
            tiny.get_by_role("button", name="Remove").click()
            ours.get_by_text("in use").wait_for()
            assert not (tmp_path / "workspace/models/tiny").exists()
            page.keyboard.press("Escape")
            dialog.wait_for(state="hidden")
            page.close()
            problems.assert_none()
