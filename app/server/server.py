"""The server: the page, its pictures and the endpoints for other programs, on one address."""

from __future__ import annotations

import logging
import os
import threading
import webbrowser
from typing import TYPE_CHECKING

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")

import gradio as gr
import uvicorn
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import PlainTextResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from app.contract.error_text import error_text
from app.contract.program import Program
from app.server.access import Access
from app.server.addresses import address, with_token, words_for_others
from app.server.crash_reports import crash_reports, LOGS
from app.server.endpoint_calls import EndpointCalls
from app.server.fixed_files import FixedFiles
from app.server.gate import Gate
from app.server.head_tags import HeadTags
from app.server.limits import GIGABYTE, Limits
from app.server.page_calls import add_page_calls
from app.server.responses import error_response, is_broken_off
from app.server.routes import studio_routes
from app.server.rpc import add_endpoints, endpoints_of
from app.server.same_site import HostNames, LOOPBACK
from app.server.sockets import listen
from app.server.transfers import prepare_transfers
from core.assets import ASSETS
from core.errors import error_record, InputError, internal_error_message, StorageError, StudioError
from core.files import is_full
from ui_components.page import build_page
from ui_components.page_files import inline_script, preload_tag

if TYPE_CHECKING:
    from app.editor.editor import Editor

log = logging.getLogger(__name__)


def build_app(editor: Editor, access: Access | None = None) -> Gate:
    """The page at /, pictures under /studio, all of it behind the gate.

    Without `access` it is what the editor's settings say.

    A server that others can reach lists nobody's projects to them.
    """
    settings = editor.settings
    shared = settings.host not in LOOPBACK
    app = FastAPI(title="VIVID Studio", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(HeadTags, tags=preload_tag(), also_run=[inline_script()])

    @app.exception_handler(StudioError)
    def as_one_line(_: Request, error: StudioError) -> PlainTextResponse:
        return error_response(404 if isinstance(error, InputError) else 507 if isinstance(error, StorageError) else 503, error_text(error))

    @app.exception_handler(ClientDisconnect)
    def as_gone(_: Request, __: ClientDisconnect) -> PlainTextResponse:
        return error_response(400, "the request broke off: send it again")

    @app.exception_handler(OSError)
    def as_refused_by_the_disk(_: Request, error: OSError) -> PlainTextResponse:
        if not is_full(error):
            raise error
        return error_response(507, "the disk is full: free some space, then send it again")

    @app.exception_handler(RequestValidationError)
    def as_unfit(_: Request, error: RequestValidationError) -> PlainTextResponse:
        wrong = error.errors()[0]
        name = next((part for part in reversed(wrong["loc"][1:]) if isinstance(part, str)), "this call")
        return error_response(422, f"{name} can't be used ({wrong['msg']}): see docs/api.md")

    @app.exception_handler(HTTPException)
    def as_refused(_: Request, error: HTTPException) -> PlainTextResponse:
        return error_response(error.status_code, error.detail)

    @app.exception_handler(Exception)
    def as_a_report(request: Request, error: Exception) -> PlainTextResponse:
        told = error_record({"request": f"{request.method} {request.url.path}", "query": dict(request.query_params)}, error)
        if not (is_broken_off(error) or getattr(error, "reported", False)):
            error.reported = True  # type: ignore[attr-defined]  # gradio's part of the server comes here, too
            log.error("%s failed", request.url.path, exc_info=error, extra=told)
        answer = error_response(500, internal_error_message(error))
        answer.headers["X-Vivid-Report"] = told["report_id"]
        return answer

    app.include_router(studio_routes(editor))
    prepare_transfers(editor.settings)
    page = build_page(Program(editor, shared=shared), also=lambda: add_endpoints(editor, shared=shared))
    page.has_launched = True  # else gradio lets a client name any file of this machine as one that it has sent
    add_page_calls(app, page)
    gr.mount_gradio_app(
        app,
        page,
        path="/",
        app_kwargs={"exception_handlers": dict(app.exception_handlers)},
        theme=gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
        favicon_path=str(ASSETS / "icon.svg"),
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        show_error=False,
        pwa=False,
    )
    limits = Limits(upload=settings.max_upload * GIGABYTE)
    answered = EndpointCalls(FixedFiles(app), endpoints_of(page))
    return Gate(answered, HostNames(settings.host, settings.names), access or Access.of(settings), settings.workspace, limits)


def serve(editor: Editor) -> None:
    """Run as the editor's settings say, until Ctrl-C, which is raised.

    The address is printed on one line. The one that a browser is opened with is good once: while it
    starts, other accounts of the machine can read its command.
    """
    settings = editor.settings
    access = Access.of(settings)
    listener = listen(settings.host, settings.port)
    app = build_app(editor, access)
    url = address(settings.host, listener.getsockname()[1])
    # A page holds a connection open for as long as it is on the screen: don't wait for it when
    # stopping. It asks whether the program is there every ten seconds: keep the connection until
    # then. h11, since it bounds the head of a request; the quicker httptools takes any size.
    config = uvicorn.Config(
        app, http="h11", ws="none", log_level="error", access_log=False, timeout_keep_alive=75, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    print(f"VIVID Studio is at {with_token(url, access.token)} (Ctrl-C stops it)", flush=True)
    for line in words_for_others(settings, access, url):
        print(line, flush=True)
    if settings.open_browser:
        opened = url if access.is_open else with_token(url, access.one_time_token())
        threading.Timer(0.3, webbrowser.open, (opened,)).start()
    try:
        with crash_reports(editor.settings.workspace / LOGS):
            server.run(sockets=[listener])
    finally:
        listener.close()
        editor.close()
