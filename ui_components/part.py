"""How a part of the page is made: markup, the script of the same name in assets/js, and the
handlers the script may call.
"""

from __future__ import annotations

import functools
import hashlib
import logging
from collections.abc import Sequence
from typing import Any

import gradio as gr

from app.contract.error_text import error_text
from app.contract.program import Answer, Handler
from core.assets import ASSETS
from core.errors import error_record, internal_error_message, StudioError

log = logging.getLogger(__name__)

SCRIPTS: tuple[str, ...] = (
    *("store", "pictures", "toast", "connection", "arrivals", "lens", "pointing", "canvas", "compare", "player", "steps", "trim"),
    *("transport", "timeline", "job", "video", "select", "adjust", "tries", "keyframe", "bringing", "propagate", "models", "keyboard"),
)
STYLES = ("tokens", "layout", "controls", "stage", "timeline", "panels", "adjust", "keyframe", "touch", "phone")


def bundle(kind: str) -> str:
    """All of the page's scripts (`js`) or styles (`css`), in the order they need."""
    names = SCRIPTS if kind == "js" else STYLES
    return "\n".join((ASSETS / kind / f"{name}.{kind}").read_text(encoding="utf-8") for name in names)


@functools.cache
def bundle_mark(kind: str) -> str:
    """Names the state of a bundle: a browser fetches it anew when it changed, and only then."""
    return hashlib.sha256(bundle(kind).encode()).hexdigest()[:12]


@functools.cache
def head() -> str:
    """Tags that load the bundles."""
    css, js = bundle_mark("css"), bundle_mark("js")
    return f'<link rel="stylesheet" href="/studio/page.css?v={css}"><script src="/studio/page.js?v={js}"></script>'


def handler(function: Handler) -> Handler:
    """Let the page call `function` with named arguments.

    A StudioError comes back as one sentence, an internal error with the id of its crash report.
    """

    @functools.wraps(function)
    def answer(arguments: dict[str, Any]) -> Answer:
        try:
            return function(**arguments)
        except StudioError as error:
            return {"error": error_text(error)}
        except Exception as error:  # an internal error: the report has the details, the person gets one sentence
            told = error_record({function.__name__: arguments})
            log.exception("%s failed", function.__name__, extra=told)
            return {"error": internal_error_message(error), "report": told["report_id"]}

    # gradio looks at the signature to see what to pass; the wrapped one would mislead it
    del answer.__wrapped__
    answer.__annotations__ = {}
    return answer


def part(name: str, markup: str, handlers: Sequence[Handler] = ()) -> gr.HTML:
    """One part of the page, driven by `studio.parts.NAME` of assets/js.

    Args:
        name: Its name; the markup has the id `studio-NAME`.
        markup: What it shows at first.
        handlers: What its script may call, by the functions' names.

    Returns:
        The part, to be placed in the page.
    """
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
    """A button that shows a picture.

    Args:
        name: What the script calls it, and the picture's name unless `icon` says otherwise.
        label: What a screen reader says.
        title: The tooltip; the label when empty.
        icon: The picture's name.
        classes: Further classes for the styles.

    Returns:
        The markup.
    """
    return (
        f'<button type="button" class="vs-icon-button {classes}" data-ref="{name}" data-icon="{icon or name}"'
        f' aria-label="{label}" title="{title or label}"></button>'
    )
