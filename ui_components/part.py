"""How a part of the page is made: markup, the script of the same name in assets/js, and the handlers the script may call."""

from __future__ import annotations

import functools
import hashlib
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from core.errors import StudioError

log = logging.getLogger(__name__)

ASSETS = Path(__file__).resolve().parent.parent / "assets"
SCRIPTS: tuple[str, ...] = (
    *("store", "pictures", "toast", "lens", "pointing", "canvas", "compare", "player", "steps", "transport", "timeline", "job"),
    *("video", "select", "adjust", "gallery", "keyframe", "propagate", "keyboard"),
)
STYLES = ("tokens", "layout", "controls", "stage", "timeline", "panels")

Answer = dict[str, Any]
Handler = Callable[..., Answer]


def bundle(kind: str) -> str:
    """All of the page's scripts (`js`) or styles (`css`), in the order they need."""
    names = SCRIPTS if kind == "js" else STYLES
    return "\n".join((ASSETS / kind / f"{name}.{kind}").read_text(encoding="utf-8") for name in names)


@functools.cache
def head() -> str:
    """Tags that load the bundles; the hash makes a browser fetch them anew when they changed, and only then."""
    marks = {kind: hashlib.sha256(bundle(kind).encode()).hexdigest()[:12] for kind in ("css", "js")}
    return f'<link rel="stylesheet" href="/studio/page.css?v={marks["css"]}"><script src="/studio/page.js?v={marks["js"]}"></script>'


def handler(function: Handler) -> Handler:
    """Let the page call `function` with named arguments. A StudioError, or a fault of ours, comes back as one sentence."""

    @functools.wraps(function)
    def answer(arguments: dict[str, Any]) -> Answer:
        try:
            return function(**arguments)
        except StudioError as error:
            return {"error": str(error)}
        except Exception as error:  # a fault of ours: the log has all of it, the person gets a sentence
            log.exception("%s failed", function.__name__)
            return {"error": f"Something went wrong inside the program ({type(error).__name__}); the log has the details."}

    # gradio looks at the signature to see what to pass; the wrapped one would mislead it
    del answer.__wrapped__
    answer.__annotations__ = {}
    return answer


def part(name: str, markup: str, handlers: Sequence[Handler] = ()) -> gr.HTML:
    """One part of the page: `markup` under the id `studio-NAME`, driven by `studio.parts.NAME` of assets/js."""
    return gr.HTML(
        html_template=markup,
        js_on_load=f"studio.mount('{name}', element, server)",
        apply_default_css=False,
        elem_id=f"studio-{name}",
        elem_classes=["studio-part"],
        head=head(),
        server_functions=[handler(function) for function in handlers],
    )


def icon_button(name: str, label: str, title: str = "", *, icon: str = "", classes: str = "") -> str:
    """A button that shows a picture: `name` is what the script calls it and, unless `icon` says otherwise, the picture's name."""
    return (
        f'<button type="button" class="vs-icon-button {classes}" data-ref="{name}" data-icon="{icon or name}"'
        f' aria-label="{label}" title="{title or label}"></button>'
    )
