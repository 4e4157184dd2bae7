"""The page's scripts and styles: the files, the version that names their state, and the tags that
load them.

Scripts are native modules and are served one by one, under an address that holds the version: a
browser keeps them for good, and fetches all of them anew when anything in one of them, or in the
styles, has changed.
"""

from __future__ import annotations

import functools
import hashlib

from core.assets import ASSETS

STYLES = ("tokens", "layout", "controls", "stage", "timeline", "panels", "adjust", "keyframe", "touch", "phone")
ENTRY = "main.js"

QUEUE = "if (!window.studio?.mounts) window.studio = { mounts: [], mount(...part) { this.mounts.push(part); } };"
"""gradio may mount a part before the modules are there: this keeps it until they are. (At first the
name stands for the element with that id.)
"""


@functools.cache
def scripts() -> dict[str, str]:
    """The text of every module, by its path below assets/js."""
    folder = ASSETS / "js"
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.js"))}


@functools.cache
def stylesheet() -> str:
    """All of the page's styles, in the order they need."""
    return "\n".join((ASSETS / "css" / f"{name}.css").read_text(encoding="utf-8") for name in STYLES)


@functools.cache
def page_version() -> str:
    """Names the state of the scripts and styles together."""
    digest = hashlib.sha256(stylesheet().encode())
    for name, text in scripts().items():
        digest.update(f"\0{name}\0{text}".encode())
    return digest.hexdigest()[:12]


def script_url(name: str) -> str:
    """The address of a module; relative imports in it lead to others of the same version."""
    return f"/studio/js/{page_version()}/{name}"


@functools.cache
def inline_script() -> str:
    """The script in the head that starts all others."""
    return f'{QUEUE} import("{script_url(ENTRY)}");'


@functools.cache
def head() -> str:
    """Tags that every part of the page brings along; a browser takes them once."""
    style = f'<link rel="stylesheet" href="/studio/page.css?v={page_version()}">'
    return f"{style}<script>{inline_script()}</script>"


@functools.cache
def preload_tags() -> str:
    """Tags that fetch all modules at once, so that none has to wait until another that imports it
    is there.
    """
    return "".join(f'<link rel="modulepreload" href="{script_url(name)}">' for name in scripts())
