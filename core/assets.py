"""Where the files lie that come with the program: models, example clips, the page's scripts and
styles; and how a page that is a file of its own begins with them.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

ASSETS = Path(__file__).resolve().parents[1] / "assets"
"""Beside `core`, in a checkout and where the program is installed alike: setuptools treats `assets`
as one of the packages.
"""


def page_head(title: str, style: str) -> str:
    """The beginning of a page that is a file of its own, up to its body; `style` is CSS."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)} · VIVID Studio</title>
<style>
{style}</style>
</head>
"""
