"""How a part of the page is made: markup, a script that mounts it, and the handlers that the script
may call.
"""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Sequence
from typing import Any

import gradio as gr

from app.contract.arguments import Arguments
from app.contract.error_text import error_text
from app.contract.program import Answer, Handler
from core.errors import error_record, InputError, internal_error_message, StudioError
from ui_components.page_files import head

log = logging.getLogger(__name__)


def handler(function: Handler) -> Handler:
    """Let the page call `function` with named arguments.

    A StudioError comes back as one sentence, an internal error with the id of its crash report.
    """

    # One that passes its arguments on leaves it to where they go to check them.
    passes_on = any(one.kind is one.VAR_KEYWORD for one in inspect.signature(function).parameters.values())
    known = None if passes_on else Arguments.of(function)

    @functools.wraps(function)
    def answer(arguments: dict[str, Any]) -> Answer:
        try:
            if not isinstance(arguments, dict):
                raise InputError("arguments are sent by their names: reload the page")
            return function(**(arguments if known is None else known.checked(arguments)))
        except StudioError as error:
            return {"error": error_text(error)}
        except Exception as error:  # an internal error: the report has the details, the person gets one sentence
            told = error_record({function.__name__: arguments}, error)
            log.exception("%s failed", function.__name__, extra=told)
            return {"error": internal_error_message(error), "report": told["report_id"]}

    # gradio looks at the signature to see what to pass; the wrapped one would mislead it
    del answer.__wrapped__
    answer.__annotations__ = {}
    return answer


def part(name: str, markup: str, handlers: Sequence[Handler] = ()) -> gr.HTML:
    """One part of the page, mounted by what assets/js/main.js has for `name`.

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
