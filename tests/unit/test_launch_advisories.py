"""Pins with a known severe advisory are found, and those that are here have none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scripts.check_advisories import findings, main, pins, REQUIREMENTS

ADVISORIES = json.loads((REQUIREMENTS / "advisories.json").read_text(encoding="utf-8"))["advisories"]


def test_no_pin_has_a_severe_advisory(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0, capsys.readouterr().out


def test_every_advisory_is_of_a_pinned_package() -> None:
    names = {name for name, _ in pins()}
    assert {one["package"] for one in ADVISORIES} <= names
    assert {one["severity"] for one in ADVISORIES} <= {"low", "medium", "high", "critical"}


@pytest.mark.parametrize(
    ("pin", "more", "found"),
    [
        (("starlette", "1.0.0"), {}, True),
        (("starlette", "1.3.1"), {}, False),
        (("other", "1.0.0"), {}, False),
        (("starlette", "1.0.0"), {"severity": "medium"}, False),
        (("starlette", "1.0.0+cpu"), {}, True),
        (("starlette", "1.0.1rc1"), {"vulnerable": "<1.1"}, True),
        (("pillow", "12.3.0"), {"package": "pillow", "vulnerable": "<13.0.0", "held_by": "gradio"}, False),
        (("pillow", "12.1.0"), {"package": "pillow", "vulnerable": "<12.2.0", "held_by": "gradio"}, True),
    ],
)
def test_a_pin_is_found_unless_its_mended_version_is_kept_away(pin: tuple[str, str], more: dict[str, Any], found: bool) -> None:
    advisory = {"id": "X-1", "package": "starlette", "vulnerable": "<1.0.1", "severity": "high", "about": "a test"} | more
    assert bool(list(findings([pin], [advisory]))) == found


def test_the_ffmpeg_that_reads_files_is_a_mended_one() -> None:
    import av

    assert tuple(int(part) for part in av.ffmpeg_version_info.split("-")[0].lstrip("n").split(".")) >= (8, 1, 2)
