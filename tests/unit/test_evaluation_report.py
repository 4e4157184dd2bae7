"""The report as a page: everything in one file, and what people wrote escaped."""

from __future__ import annotations

import re

import numpy as np
import pytest

from core.evaluation.results import Exhibit
from core.evaluation.strips import as_strip, GAP, panel_size, video_uri
from tests.builders import counted_frames, report_page


@pytest.fixture(scope="module")
def page() -> str:
    return report_page()


def test_a_page_is_complete_in_itself(page: str) -> None:
    assert "data:video/webm;base64," in page
    assert page.count("data:image/jpeg;base64,") == 2
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", page)
    assert "http" not in re.sub(r"base64,[A-Za-z0-9+/=]+", "", page)


def test_a_page_says_every_figure_and_escapes_words(page: str) -> None:
    figures = ("1.23 dB", "≥ 1", ">pass<", ">miss<", "<b>1</b> of 2", "20.46")
    words = ("of &lt;things&gt;", "a&lt;b", "inpaint &amp; co", "nothing &lt;else&gt;")
    assert [piece for piece in (*figures, *words) if piece not in page] == []
    assert "named right" in page
    assert "named a heart" in page


def test_a_strip_holds_its_panels_side_by_side() -> None:
    frames = counted_frames(4)  # 96x64
    strip = as_strip(Exhibit("", (("one", frames), ("two", frames[:2]))))
    width, height = panel_size(64, 96)
    assert (width, height) == (320, 214)
    assert strip.shape == (4, height, 2 * width + GAP, 3)
    assert np.array_equal(strip[1, :, :width], strip[1, :, width + GAP :])
    assert np.array_equal(strip[1, :, width + GAP :], strip[3, :, width + GAP :])  # the shorter one stays on its last frame
    assert (strip[:, :, width : width + GAP] == 128).all()
    assert video_uri(strip, 12).startswith("data:video/webm;base64,")
