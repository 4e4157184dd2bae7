"""The gate in front of the server: what other sites ask for changes nothing and shows nothing, and
programs and the page's own requests go on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from builders import disc_clip
from fastapi.testclient import TestClient
from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse

from app.editor.editor import Editor
from app.server.access import Access
from app.server.gate import Gate
from app.server.response_headers import secure
from app.server.same_site import HostNames
from app.server.served_files import media_type_of
from app.server.server import build_app
from app.settings import Settings

HERE = "http://127.0.0.1:7860"
CALL = {"data": {"wanted": "x", "known": []}, "fn_name": "delete_project", "session_hash": "s"}


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    made = Editor(Settings(workspace=tmp_path_factory.mktemp("workspace"), token=""))
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(editor: Editor) -> Iterator[TestClient]:
    with TestClient(build_app(editor), base_url=HERE) as made:
        yield made


def component(client: TestClient) -> int:
    """Id of the part of the page that answers `delete_project`."""
    config = client.get("/config").json()
    return next(one["id"] for one in config["components"] if one["props"].get("elem_id") == "studio-video")


def other_sites() -> list[dict[str, str]]:
    own = {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}
    return [
        {"origin": "http://elsewhere.example", "sec-fetch-site": "cross-site"},
        {"origin": "http://127.0.0.1:7861", "sec-fetch-site": "same-site", **own},
        {"origin": "http://localhost:7860", "sec-fetch-site": "cross-site", **own},
        {"origin": "null", "sec-fetch-site": "cross-site"},
        {"origin": "http://127.0.0.1"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"},
        {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe"},
        {"referer": "http://elsewhere.example/page"},
        {"referer": "http://[::1"},
    ]


def told(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.text


@pytest.mark.parametrize("headers", other_sites(), ids=lambda headers: " ".join(headers.values()))
def test_other_sites_reach_nothing(client: TestClient, headers: dict[str, str]) -> None:
    call = CALL | {"component_id": component(client)}
    for path in ("/gradio_api/component_server/", "/gradio_api/call/open_path", "/gradio_api/queue/join", "/gradio_api/reset"):
        answer = client.post(path, json=call, headers=headers)
        assert answer.status_code == 403, path
        assert "another site" in answer.text
        assert not [name for name in answer.headers if name.startswith("access-control")]
    ours = headers | {"x-vivid-studio": "1"}
    for path in ("/studio/upload?name=a.mp4", "/studio/0/masks", "/studio/fault", "/gradio_api/upload"):
        assert client.post(path, content=b"x", headers=ours).status_code == 403, path
    for path in ("/studio/alive", "/config", "/theme.css", "/gradio_api/info", "/studio/0/frame/0.jpg"):
        assert client.get(path, headers=headers).status_code == 403, path
    if "origin" in headers:
        asks_first = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
        answer = client.options("/gradio_api/component_server/", headers=headers | asks_first)
        assert answer.status_code == 403
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_the_page_and_programs_are_answered_as_before(client: TestClient) -> None:
    call = CALL | {"component_id": component(client)}
    page = {"origin": HERE, "sec-fetch-site": "same-origin", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}
    for headers in (page, {}):
        assert "is not a project" in client.post("/gradio_api/component_server/", json=call, headers=headers).json()["error"]
        assert client.get("/studio/alive", headers=headers).status_code == 200
    link = {
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
        "referer": "http://elsewhere.example/",
    }
    answer = client.get("/", headers=link)
    assert answer.status_code == 200, "a link may lead to the page"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "'unsafe-inline'" not in answer.headers["content-security-policy"].split("script-src")[1].split(";")[0]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data; boundary=x", 415),
        ("text/plain; application/json", 415),
        ("", 415),
        ("application/json; charset=utf-8", 200),
    ],
)
def test_a_body_is_json_by_its_header_too(client: TestClient, sent: str, status: int) -> None:
    call = json.dumps(CALL | {"component_id": component(client)}).encode()
    answer = client.post("/gradio_api/component_server/", content=call, headers={"content-type": sent})
    assert answer.status_code == status, answer.text


def test_a_call_that_no_endpoint_can_take_is_told_in_a_line(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    endpoints = {one["api_name"]: (one["id"], len(one["inputs"])) for one in client.get("/config").json()["dependencies"]}
    assert len(endpoints) > 80
    for name, (number, takes) in endpoints.items():
        wrong = [["x"] * (takes + 1)] + [[]] * (takes > 0)
        calls = [(f"{how}/{name}", {"data": data}) for data in wrong for how in ("run", "call")]
        calls += [("queue/join", {"data": data, "fn_index": number, "session_hash": "s"}) for data in wrong]
        for path, call in [*calls, (f"call/v2/{name}", {"nothing": 1})]:
            answer = client.post(f"/gradio_api/{path}", json=call)
            assert (answer.status_code, f"{name} takes " in answer.text, "\n" in answer.text) == (422, True, False), (path, answer.text)
    other = {"data": ["x"], "fn_index": endpoints["list_examples"][0]}
    for path, call in (("run/nothing", {"data": []}), ("run/project", other), ("queue/join", {"data": [], "fn_index": 10**6})):
        answer = client.post(f"/gradio_api/{path}", json=call)
        assert (answer.status_code, "there is no endpoint" in answer.text) == (404, True), answer.text
    assert told(client.post("/gradio_api/run/project", json={"data": ["x"]})) == (
        400,
        "'x' is not a project; open a video or another project",
    )
    assert client.post("/gradio_api/run/list_examples", json={"data": []}).json()["data"][0][0]["name"] == "meadow"
    assert "session_not_found" in client.get("/gradio_api/queue/data?session_hash=nobody").text
    assert told(client.post("/gradio_api/component_server/", json=CALL | {"component_id": -1}))[0] == 404
    deep = "[" * 100_000 + "]" * 100_000
    for path, sent in (
        ("component_server/", deep),
        ("run/project", '{"data": [' + deep + "]}"),
        ("run/project", '{"data": [' + "9" * 9999 + "]}"),
    ):
        answer = client.post(f"/gradio_api/{path}", content=sent, headers={"content-type": "application/json"})
        assert (answer.status_code, answer.text) == (400, "There was an error parsing the body")
    assert not caplog.records, "none of it is an internal error"


@pytest.mark.parametrize("sent", [b'{"session_hash": NaN}', b"{", b"[]"])
def test_a_call_that_is_none_is_told_in_a_line(client: TestClient, sent: bytes) -> None:
    answer = client.post("/gradio_api/cancel", content=sent, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.text.endswith("see docs/api.md")
    assert "\n" not in answer.text


def test_what_nobody_needs_is_not_served(client: TestClient) -> None:
    for path in (
        "/gradio_api/proxy=http://elsewhere.example/",
        "/gradio_api/vibe-code/",
        "/monitoring",
        "/login",
        "/gradio_api/dev/reload",
    ):
        assert client.get(path).status_code == 404, path
    for path in ("/gradio_api/vibe-edit/", "/gradio_api/process_recording", "/login", "/"):
        assert client.post(path, json={}).status_code in (404, 405), path
    sent = client.post("/studio/upload?name=a.mp4", content=b"x")
    assert told(sent) == (403, "this comes from the editor's page only"), "a form can't send the page's header"
    assert told(client.delete("/config")) == (405, "DELETE is nothing that this server does")


@pytest.mark.parametrize(
    ("host", "asked", "status"),
    [
        ("127.0.0.1", "localhost:7860", 200),
        ("127.0.0.1", "[::1]:7860", 200),
        ("127.0.0.1", "192.168.0.9:7860", 421),
        ("127.0.0.1", "elsewhere.example", 421),
        ("127.0.0.1", "localhost.elsewhere.example", 421),
        ("127.0.0.1", "", 421),
        ("127.0.0.1", "127.0.0.1/studio/sign-in?", 421),
        ("127.0.0.1", "elsewhere.example@127.0.0.1", 421),
        ("0.0.0.0", "192.168.0.9:7860", 200),
        ("::", "[fe80::1]:7860", 200),
        ("0.0.0.0", "elsewhere.example", 421),
        ("0.0.0.0", "studio.example:443", 200),
    ],
)
def test_a_server_answers_by_its_own_names_only(host: str, asked: str, status: int) -> None:
    gate = Gate(PlainTextResponse("here"), HostNames(host, ["studio.example"]), Access("", "", b""), Path())
    answer = TestClient(gate).get("/studio/alive", headers={"host": asked})
    assert answer.status_code == status, answer.text


def test_every_answer_says_what_a_browser_may_do_with_it(client: TestClient, tmp_path: Path) -> None:
    for path in ("/studio/alive", "/studio/page.css", "/studio/nothing/source", "/nothing", "/config"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in headers["content-security-policy"], path
        assert headers["cross-origin-resource-policy"] == "same-origin"
    page = b"<script>alert(1)</script>"
    [sent] = client.post("/gradio_api/upload", files={"files": ("clip.html", page, "text/html")}).json()
    answer = client.get(f"/gradio_api/file={sent}")
    assert answer.content == page
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("name", ["clip.html", "clip.svg", "clip.mp4"])
def test_a_video_is_served_as_what_it_is_whatever_its_name(client: TestClient, tmp_path: Path, name: str) -> None:
    data = disc_clip(tmp_path / "disc.mp4", frames=2).read_bytes()
    ours = {"x-vivid-studio": "1", "origin": HERE}
    sent = client.post("/studio/upload", params={"name": name}, content=data + b"<script>alert(1)</script>", headers=ours)
    answer = client.get(f"/studio/{sent.json()['view']['id']}/source", headers={"range": "bytes=0-99"})
    assert (answer.status_code, answer.content) == (206, data[:100]), "a browser may still jump in it"
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"<html><script>alert(1)</script>", "application/octet-stream"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "application/octet-stream"),
        (b"%PDF-1.7", "application/octet-stream"),
        (b"", "application/octet-stream"),
        (b"\x1aE\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x1fB\x86\x81\x01B\x82\x84webm", "video/webm"),
        (b"\x1aE\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x1fB\x86\x81\x01B\x82\x88matroska", "video/x-matroska"),
        (b"\x00\x00\x00\x14ftypqt  ", "video/quicktime"),
        ((b"G" + bytes(187)) * 3, "video/mp2t"),
        (b"GIF89a", "image/gif"),
    ],
)
def test_the_first_bytes_say_what_a_file_is(tmp_path: Path, head: bytes, kind: str) -> None:
    path = tmp_path / "file.html"
    path.write_bytes(head)
    assert media_type_of(path) == kind


@pytest.mark.parametrize(("path", "name"), [("/a/b/50%20 off.mp4", "50%2520%20off.mp4"), ("C:\\a\\b.mp4", "b.mp4")])
def test_a_download_is_called_as_its_file_and_no_more(path: str, name: str) -> None:
    headers = MutableHeaders()
    secure(headers, f"/gradio_api/file={path}")
    assert headers["content-disposition"] == f"attachment; filename*=UTF-8''{name}"
