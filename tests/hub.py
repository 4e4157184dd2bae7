"""A model hub on this machine: real fetching, without the network."""

from __future__ import annotations

import hashlib
import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"


ELSEWHERE = "/elsewhere"
"""What the paths of the other host begin with."""


def _told(folder: Path, tree: bool, damaged: bool, size: int | None) -> Any:
    """What the hub says of a repository: its commit, or the list of its files."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder).as_posix() for path in files]
    if not tree:
        return {"id": "/".join(folder.parts[-2:]), "sha": COMMIT, "siblings": [{"rfilename": name} for name in names]}
    return [{"type": "file", "path": name, **_hashes(path, damaged, size)} for name, path in zip(names, files, strict=True)]


def _hashes(path: Path, damaged: bool, size: int | None) -> dict[str, Any]:
    """Size and hashes of a file: git's own for text, SHA-256 for weights."""
    body = path.read_bytes()
    told: dict[str, Any] = {"size": size or len(body), "oid": hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()}
    if path.suffix not in (".json", ".txt"):
        right = hashlib.sha256(body).hexdigest()
        told["lfs"] = {"size": len(body), "oid": "0" * 64 if damaged else right, "pointerSize": 130}
    return told


@contextmanager
def serve_hub(
    published: Path,
    drops: Sequence[int] = (),
    arrived: Callable[[], bool] = lambda: True,
    gated: Collection[str] = (),
    refuses: Mapping[str, int] | None = None,
    damaged: Collection[str] = (),
    claims: Mapping[str, int] | None = None,
    elsewhere: bool = False,
) -> Iterator[tuple[str, list[str]]]:
    """Serve the files PUBLISHED/OWNER/REPOSITORY/FILE with as much of the hub's protocol as
    fetching takes.

    Args:
        published: The folder of repositories.
        drops: After how many bytes the first files that are asked for break off, in order; later
            ones come whole.
        arrived: Whether as much has arrived as has to, before one breaks off.
        gated: Repositories whose files nobody gets.
        refuses: Repositories that are answered with this status, and nothing else.
        damaged: Repositories whose weights are told with a hash that is not theirs.
        claims: Repositories whose files are told with this size in bytes.
        elsewhere: Whether files are given by another host, as large ones are.

    Yields:
        The address, and the list of what is asked for; from where a file goes on is in it as
        "from N".

    """
    asked: list[str] = []
    left = list(drops)
    statuses, sizes = refuses or {}, claims or {}

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(False)

        def do_GET(self) -> None:
            asked.append(self.path + (" with a token" if self.headers["Authorization"] else ""))
            self.answer(True)

        def answer(self, with_body: bool) -> None:
            path = self.path.split("?")[0].removeprefix(ELSEWHERE)
            repository, _, name = path.strip("/").partition("/resolve/")
            listed = path.startswith("/api/models/")
            if listed:
                repository = path.removeprefix("/api/models/").partition("/tree/")[0].partition("/revision/")[0]
            file = published / repository / name.partition("/")[2]
            if repository in statuses:
                self.refuse(statuses[repository], "RepoNotFound" if statuses[repository] == 404 else "")
            elif listed and (published / repository).is_dir():
                self.send(
                    json.dumps(_told(published / repository, "/tree/" in path, repository in damaged, sizes.get(repository))).encode(),
                    "application/json",
                    with_body,
                )
            elif repository in gated:
                self.refuse(403 if self.headers["Authorization"] else 401, "GatedRepo")
            elif elsewhere and file.is_file() and not self.path.startswith(ELSEWHERE):
                self.send_response(302)
                self.send_header("Location", f"http://localhost:{self.server.server_address[1]}{ELSEWHERE}{self.path}")
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif not listed and file.is_file():
                self.send(file.read_bytes(), "application/octet-stream", with_body)
            else:
                self.refuse(404, "EntryNotFound" if (published / repository).is_dir() else "RepoNotFound")

        def refuse(self, status: int, code: str) -> None:
            self.send_response(status)
            if code:
                self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def send(self, body: bytes, kind: str, with_body: bool) -> None:
            whole = body
            start = int((self.headers["Range"] or "bytes=0-").removeprefix("bytes=").partition("-")[0])
            body = whole[start:]
            self.send_response(206 if start else 200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(whole) - 1}/{len(whole)}")
                asked.append(f"from {start}")
            self.send_header("ETag", f'"{hashlib.sha256(whole).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            if with_body and left and kind != "application/json":
                self.wfile.write(body[: left.pop(0)])
                self.drop()
            elif with_body:
                self.wfile.write(body)

        def drop(self) -> None:
            """Break the connection off, as a network does that fails."""
            until = time.monotonic() + 60
            while not arrived() and time.monotonic() < until:  # a reset overtakes what was not read yet
                time.sleep(0.01)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
