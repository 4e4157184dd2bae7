"""Coming in: by the address with the token, by a form, and the way back to the page."""

from __future__ import annotations

import html
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response

from app.server.access import Access, client_address, cookie_name, LASTS
from app.server.response_headers import PLAIN
from app.server.same_site import READING, SIGN_IN

ONLY = {"Cache-Control": "no-store"}

_AGAIN = "again"
"""In the address of a page that was opened a second time, from itself."""

_STYLE = """
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center }
  main { width: min(24rem, 90vw) } h1 { font-size: 1.25rem; margin: 0 0 .5rem }
  input, button { font: inherit; padding: .5rem .75rem; border-radius: .375rem; border: 1px solid GrayText; box-sizing: border-box }
  input { width: 100%; margin: .75rem 0 } button { cursor: pointer } .wrong { color: light-dark(#b3261e, #ff8a80) }
"""

_FORM = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>VIVID Studio</title><style>{style}</style>
<main><h1>VIVID Studio</h1><form method="post" action="{action}">
<label for="secret">{ask}</label>
<input type="hidden" name="project" value="{project}"><input type="hidden" name="user" autocomplete="username" value="studio">
<input id="secret" name="secret" type="password" autocomplete="current-password" required autofocus>
<button>Open the editor</button>{wrong}</form></main></html>"""

_TOKEN_WORDS = (
    "This editor is private. Open it by the address that the program printed where it was started,"
    " or enter the token that this address ends with."
)
_PASSWORD_WORDS = "This editor is private. Enter its password."


class SignIn:
    """Answers what somebody is told who is not in yet."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def answer(self, request: Request, *, inside: bool) -> Response | None:
        """What to answer instead of what was asked for; None for somebody who is `inside` already.

        RefusedError after too many wrong tries.
        """
        if request.scope["path"] == SIGN_IN:
            return await self._take_form(request)
        at_page = request.scope["path"] == "/" and request.method in READING
        query = dict(parse_qsl(request.url.query, keep_blank_values=True))
        if at_page and "token" in query:
            taken = self._access.takes_token(query["token"])
            if taken or inside:
                return self._lead_in(request, new=taken and not self._access.is_open)
        if inside:
            return self._lead_in(request, new=False) if at_page and _AGAIN in query else None
        if at_page and _AGAIN not in query:
            # a browser does not send the cookie with the link of another site, but does so when
            # the page leads to itself
            return _onward(f"/?{urlencode({**query, _AGAIN: ''})}", 401)
        if at_page:
            return self._form(query.get("project", ""), "That address is not valid any more." if "token" in query else "")
        return PlainTextResponse(self._access.needed, 401, {**ONLY, "WWW-Authenticate": "Bearer"})

    async def _take_form(self, request: Request) -> Response:
        if request.method in READING:
            return self._form("", "")
        async with request.form(max_files=0, max_fields=4) as form:
            given, project = str(form.get("secret", "")).strip(), str(form.get("project", ""))
        if not self._access.is_open and not self._access.takes_secret(given, client_address(request)):
            return self._form(project, "That is not right: try again.")
        return self._lead_in(request, new=not self._access.is_open, query={"project": project} if project else {})

    def _lead_in(self, request: Request, *, new: bool, query: dict[str, str] | None = None) -> Response:
        """To the page by an address without the token, with a cookie for a `new` browser."""
        if query is None:
            query = {name: value for name, value in parse_qsl(request.url.query, keep_blank_values=True) if name not in ("token", _AGAIN)}
        clean = f"/?{urlencode(query)}" if query else "/"
        linked = request.headers.get("sec-fetch-site", "none") in ("cross-site", "same-site")
        answer: Response = _onward(clean, 200) if linked else RedirectResponse(clean, 303, ONLY)
        if new:
            secure = request.url.scheme == "https"
            answer.set_cookie(cookie_name(request), self._access.new_cookie(), LASTS, httponly=True, samesite="strict", secure=secure)
        return answer

    def _form(self, project: str, wrong: str) -> Response:
        ask = _PASSWORD_WORDS if self._access.has_password else _TOKEN_WORDS
        said = f'<p class="wrong" role="alert">{wrong}</p>' if wrong else ""
        text = _FORM.format(style=_STYLE, action=SIGN_IN, ask=ask, project=html.escape(project), wrong=said)
        return HTMLResponse(text, 401, {**ONLY, "Content-Security-Policy": PLAIN, "WWW-Authenticate": "Bearer"})


def _onward(address: str, status: int) -> Response:
    """A page that leads on by itself: the browser then comes from this server, and brings the
    cookie.
    """
    text = f'<!doctype html><title>VIVID Studio</title><meta http-equiv="refresh" content="0; url={html.escape(address)}">'
    return HTMLResponse(text, status, {**ONLY, "Content-Security-Policy": PLAIN})
