"""A model hub on this machine: real fetching, without the network."""

from __future__ import annotations

import hashlib
import json
import socket
import struct
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextmanager
def serve_hub(published: Path, drops: Sequence[int] = (), gated: Collection[str] = ()) -> Iterator[tuple[str, list[str]]]:
    """Serve the files PUBLISHED/OWNER/REPOSITORY/FILE with as much of the hub's protocol as
    fetching takes.

    Args:
        published: The folder of repositories.
        drops: After how many bytes the first files that are asked for break off, in order; later
            ones come whole.
        gated: Repositories whose files nobody gets.

    Yields:
        The address, and the list of what is asked for.

    """
    asked: list[str] = []
    left = list(drops)

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(False)

        def do_GET(self) -> None:
            asked.append(self.path)
            self.answer(True)

        def answer(self, with_body: bool) -> None:
            path = self.path.split("?")[0]
            repository, _, name = path.strip("/").partition("/resolve/")
            if path.startswith("/api/models/"):
                repository = path.removeprefix("/api/models/").partition("/tree/")[0].partition("/revision/")[0]
                files = sorted((published / repository).iterdir())
                told = {"id": repository, "sha": COMMIT, "siblings": [{"rfilename": file.name} for file in files]}
                tree = [{"type": "file", "path": f.name, "size": f.stat().st_size, "oid": "0" * 40} for f in files]
                body = json.dumps(tree if "/tree/" in path else told).encode()
                kind = "application/json"
            elif repository in gated:
                self.send_response(401)
                self.send_header("X-Error-Code", "GatedRepo")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            elif (file := published / repository / name.partition("/")[2]).is_file():
                body, kind = file.read_bytes(), "application/octet-stream"
            else:
                self.send_response(404)
                self.send_header("X-Error-Code", "EntryNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            if with_body and left and kind != "application/json":
                self.wfile.write(body[: left.pop(0)])
                self.drop()
            elif with_body:
                self.wfile.write(body)

        def drop(self) -> None:
            """Break the connection off, as a network does that fails."""
            time.sleep(0.2)  # a reset overtakes what was sent and not yet read
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
