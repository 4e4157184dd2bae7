"""Where the files lie that come with the program: models, example clips, the page's scripts and
styles.
"""

from __future__ import annotations

from pathlib import Path

ASSETS = Path(__file__).resolve().parents[1] / "assets"
"""Beside `core`, in a checkout and where the program is installed alike: setuptools treats `assets`
as one of the packages.
"""
