"""Who may come in: those who know the token or the password, and browsers that have shown one.

The token is made at each start and is part of the address that is printed. A browser that brings it
gets a cookie, which outlives a restart: it is signed with a secret that only the account that runs
the program can read.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
import time
from pathlib import Path

from starlette.requests import Request

from app.server.attempts import Attempts
from app.server.refusals import RefusedError
from app.settings import Settings
from core.errors import InputError
from core.files import is_full, storage_error

LASTS = 30 * 24 * 3600
"""Seconds that a browser stays signed in."""

OPENS_FOR = 600
"""Seconds for which the key in the address that the program opens by itself is good, once."""

SECRET = "server.key"
"""File of the workspace with what cookies are signed with; without it every browser signs in
anew.
"""

_LEAST = 8
"""Characters of a password."""


class Access:
    """What lets people and programs in. Without token and password everyone is let in."""

    def __init__(self, token: str, password: str, secret: bytes) -> None:
        self.token = token
        self.has_password = bool(password)
        self._password = _digest(password)
        # another password, or another token of one's own choice, signs every browser out
        self._key = hmac.digest(secret, self._password, "sha256")
        self._once: dict[bytes, float] = {}
        self._attempts = Attempts()

    @classmethod
    def of(cls, settings: Settings) -> Access:
        """What the settings say; InputError for a password file that can't be used."""
        password = "" if settings.password_file is None else _read_password(settings.password_file)
        secret = _secret(settings.workspace)
        if settings.token:
            secret += settings.token.encode()
        return cls(secrets.token_urlsafe(24) if settings.token is None else settings.token, password, secret)

    @property
    def is_open(self) -> bool:
        """Whether nothing is asked for."""
        return not self.token and not self.has_password

    @property
    def needed(self) -> str:
        """What a program is told that was not let in."""
        if not self.token:
            return (
                "sign in: this needs the header 'Authorization: Bearer PASSWORD', with the server's password (curl --user studio:PASSWORD)"
            )
        more = ", or the password" if self.has_password else ""
        return f"sign in: this needs the header 'Authorization: Bearer TOKEN', with the token of the address that the program printed{more}"

    def one_time_token(self) -> str:
        """A token that is good once and soon ends: other accounts of the machine can read the
        command that opens a browser.
        """
        token = secrets.token_urlsafe(24)
        self._once[_digest(token)] = time.monotonic() + OPENS_FOR
        return token

    def takes_token(self, given: str) -> bool:
        """Whether `given` is the token, or one that is good once; that one is used up."""
        if self.token and _same(given, self.token):
            return True
        return self._once.pop(_digest(given), 0.0) > time.monotonic()

    def takes_secret(self, given: str, client: str) -> bool:
        """Whether what somebody typed is the token or the password.

        RefusedError when too much that was wrong came before.
        """
        self._check_tries(client)
        return self.takes_token(given) or self._takes_password(given, client)

    def _takes_password(self, given: str, client: str) -> bool:
        self._check_tries(client)
        if self.has_password and hmac.compare_digest(_digest(given), self._password):
            return True
        self._attempts.note(client, _digest(given))
        return False

    def _check_tries(self, client: str) -> None:
        wait = self._attempts.wait(client)
        if wait:
            raise RefusedError(429, f"too many wrong tries: wait {-(-wait // 60)} minutes, then try again", {"Retry-After": str(wait)})

    def visitor(self, request: Request) -> str | None:
        """Who is asking, as a name for its share of the server; None for somebody who was not let
        in.

        RefusedError for a password after too many that were wrong.
        """
        until, _, rest = request.cookies.get(cookie_name(request), "").partition(".")
        nonce, _, mark = rest.partition(".")
        if until.isdecimal() and len(until) < 13 and int(until) > time.time() and _same(self._mark(until, nonce), mark):
            return f"browser {nonce}"
        given, client = _in_header(request.headers.get("authorization", "")), client_address(request)
        # only now: the header may also be one that a proxy asked for and passes on
        if given and ((self.token and _same(given, self.token)) or (self.has_password and self._takes_password(given, client))):
            return f"program {client}"
        return f"anyone {client}" if self.is_open else None

    def new_cookie(self) -> str:
        """The value of a cookie for one more browser."""
        until, nonce = str(int(time.time()) + LASTS), secrets.token_hex(8)
        return f"{until}.{nonce}.{self._mark(until, nonce)}"

    def _mark(self, until: str, nonce: str) -> str:
        return hmac.new(self._key, f"{until}.{nonce}".encode("utf-8", "replace"), "sha256").hexdigest()


def cookie_name(request: Request) -> str:
    """The name of the cookie. Browsers keep the cookies of all ports of a machine together, so each
    port has its own.
    """
    port = request.headers.get("host", "").rpartition(":")[2]
    return f"vivid-{port}" if port.isdecimal() else "vivid"


def client_address(request: Request) -> str:
    """The address of who is asking."""
    return request.client.host if request.client else ""


def _in_header(value: str) -> str:
    """The token or password that a program sends: as it is (Bearer), or with a name that counts for
    nothing (Basic, as of `curl --user`).
    """
    scheme, _, given = value.partition(" ")
    try:
        sent = given.strip().encode("latin-1")
        if scheme.lower() == "basic":
            return base64.b64decode(sent, validate=True).decode().partition(":")[2].strip()
        return sent.decode() if scheme.lower() == "bearer" else ""
    except ValueError:  # no base64, or no text
        return ""


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


def _same(one: str, other: str) -> bool:
    """Whether two texts are the same, in a time that tells nothing about either."""
    return hmac.compare_digest(_digest(one), _digest(other))


def _secret(workspace: Path) -> bytes:
    """The secret that cookies are signed with. Where the disk is full it is one for this start:
    people sign in again at the next.
    """
    path, made = workspace / SECRET, secrets.token_bytes(32)
    try:
        with contextlib.suppress(FileNotFoundError):
            if len(found := path.read_bytes()) >= 32:
                return found
            path.unlink()
        workspace.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(made)
    except OSError as error:
        if not is_full(error):
            raise storage_error(path, error) from error
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
    return made


def _read_password(path: Path) -> str:
    try:
        password = path.read_text(encoding="utf-8").split("\n")[0].strip()
    except (OSError, UnicodeError) as error:
        raise InputError(f"the password file {path} can't be read ({getattr(error, 'strerror', None) or 'it is not text'})") from None
    if len(password) < _LEAST:
        raise InputError(f"the first line of the password file {path} is not a password of {_LEAST} characters or more: write one there")
    return password
