"""The page's calls of its parts' handlers, answered without gradio's sessions.

gradio would copy the state of the whole page for every browser, and keep it: the most that a visit
would cost. Nothing of the page changes on the server, so there is nothing to keep.
"""

from __future__ import annotations

from typing import Any

import gradio as gr
from anyio import to_thread
from fastapi import FastAPI
from gradio.routes import ORJSONResponse
from pydantic import BaseModel

from app.server.responses import error_response, FRESH

PATH = "/gradio_api/component_server"


class _Call(BaseModel):
    """What gradio's script in the browser sends, without the session."""

    component_id: int
    fn_name: str
    data: Any


def add_page_calls(app: FastAPI, page: gr.Blocks) -> None:
    """Answer calls of the parts of `page`; before it is mounted, or gradio answers them."""
    parts = {number: part for number, part in page.blocks.items() if isinstance(part, gr.HTML)}
    handlers = {(number, one.__name__): one for number, part in parts.items() for one in part.server_fns}

    @app.post(PATH)
    @app.post(f"{PATH}/")
    async def call(asked: _Call) -> Any:
        handler = handlers.get((asked.component_id, asked.fn_name))
        if handler is None:
            return error_response(404, f"the page has no '{asked.fn_name[:100]}' here: reload it")
        return ORJSONResponse(await to_thread.run_sync(handler, asked.data), headers=FRESH)
