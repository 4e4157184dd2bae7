"""The headers that tell a browser what an answer may do: the page what it needs, all else
nothing.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from urllib.parse import quote

from starlette.datastructures import MutableHeaders

_INLINE = re.compile(rb"<script(?![^>]*\ssrc=)[^>]*>(.*?)</script>", re.S)

SEALED = "default-src 'none'; sandbox; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""For what is no page: opened by itself it runs no script, loads nothing and is nobody's origin."""

PLAIN = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
"""For a page with a form and no script."""


def page_policy(page: bytes, also_run: Sequence[bytes] = ()) -> str:
    """The content security policy of the editor's page.

    Inline scripts run only where the page was served with them, or are in `also_run`. gradio builds
    its parts from text (`new Function`) and puts styles on elements, so 'unsafe-eval' and inline
    styles have to stay.
    """
    digests = sorted({base64.b64encode(hashlib.sha256(text).digest()).decode() for text in (*_INLINE.findall(page), *also_run)})
    scripts = " ".join(f"'sha256-{digest}'" for digest in digests)
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' 'unsafe-eval' {scripts}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' blob: data:",
            "media-src 'self' blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


def secure(headers: MutableHeaders, path: str) -> None:
    """Put the headers of every answer on this one, and take off those that let other sites read it.

    Args:
        headers: The answer's headers, changed in place; a content security policy that is there
            stays.
        path: What was asked for.
    """
    for name in [name for name in headers if name.lower().startswith("access-control-")]:
        del headers[name]
    headers.setdefault("Content-Security-Policy", SEALED)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "DENY"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if path.startswith("/gradio_api/file="):
        # whatever its name says, a file on its way to a client is nothing to look at here
        headers["Content-Type"] = "application/octet-stream"
        headers["Content-Disposition"] = _as_attachment(re.split(r"[/\\]", path)[-1])


def _as_attachment(name: str) -> str:
    return f"attachment; filename*=UTF-8''{quote(name)}"
