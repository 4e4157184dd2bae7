"""The page's scripts and styles: the files, the version that names their state, and the tags that
load them.

Scripts are native modules. A browser gets them put together as one, under an address that holds the
version: it keeps that for good, and fetches it anew when anything in one of them, or in the styles,
has changed.
"""

from __future__ import annotations

import functools
import hashlib
import re
from pathlib import PurePosixPath

from core.assets import ASSETS

STYLES = ("tokens", "layout", "controls", "stage", "timeline", "panels", "adjust", "keyframe", "touch", "phone")
ENTRY = "main.js"

_IMPORT = re.compile(r'^import \{[^}]*\} from "([^"]+)";\n', re.M)
_EXPORT = re.compile(r"^export (?=(async )?(const|let|function|class)\b)", re.M)

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
def whole_script() -> str:
    """All modules as one, each after those that it imports.

    Seventy requests would cost a server with many visitors more than everything else of the page.
    Their top-level names are different from each other (a rule of eslint sees to that), so they can
    share one scope.
    """
    done: dict[str, str] = {}

    def add(name: str) -> None:
        text = scripts()[name]
        for found in _IMPORT.finditer(text):
            needed = _joined(PurePosixPath(name).parent, found[1])
            if needed not in done:
                add(needed)
        done[name] = f"// {name}\n{_EXPORT.sub('', _IMPORT.sub('', text))}"

    add(ENTRY)
    return "\n".join(done.values())


def _joined(folder: PurePosixPath, relative: str) -> str:
    """The path of what a module in `folder` imports."""
    parts = list(folder.parts)
    for part in relative.split("/"):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


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


def script_url() -> str:
    """The address of the script that has all others in it."""
    return f"/studio/js/{page_version()}/{ENTRY}"


@functools.cache
def inline_script() -> str:
    """The script in the head that starts all others."""
    return f'{QUEUE} import("{script_url()}");'


@functools.cache
def head() -> str:
    """Tags that every part of the page brings along; a browser takes them once."""
    style = f'<link rel="stylesheet" href="/studio/page.css?v={page_version()}">'
    return f"{style}<script>{inline_script()}</script>"


@functools.cache
def preload_tag() -> str:
    """The tag that fetches the scripts at once, not when gradio's own have run."""
    return f'<link rel="modulepreload" href="{script_url()}">'
