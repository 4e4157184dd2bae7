"""What is too much is refused with one sentence, and leaves nothing behind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import disc_clip
from fastapi.testclient import TestClient
from starlette.responses import PlainTextResponse

from app.editor.editor import Editor
from app.editor.prompts import MOST_POINTS
from app.jobs.queue import LONGEST
from app.server.access import Access
from app.server.gate import Gate
from app.server.limits import Limits
from app.server.same_site import HostNames
from app.server.server import build_app
from app.settings import Settings
from core.errors import InputError

HERE = "http://127.0.0.1:7860"
SMALL = Limits(json=2000, form=100, upload=50_000)
CALL = "/gradio_api/component_server/"


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    made = Editor(Settings(workspace=tmp_path_factory.mktemp("workspace"), token="", device="cpu"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def client(editor: Editor) -> TestClient:
    workspace = editor.settings.workspace
    app = build_app(editor).app
    return TestClient(Gate(app, HostNames("127.0.0.1"), Access("", "", b""), workspace, SMALL), base_url=HERE)


@pytest.mark.parametrize("in_parts", [False, True])
@pytest.mark.parametrize(
    ("path", "size", "headers", "told"),
    [
        (CALL, 2001, {"content-type": "application/json"}, "this call is larger than 0.002 MB"),
        ("/studio/sign-in", 101, {"content-type": "application/x-www-form-urlencoded"}, "larger than 100 bytes"),
        ("/studio/fault", 101, {"x-vivid-studio": "1"}, "larger than 100 bytes"),
        ("/studio/upload?name=a.mp4", 50_001, {"x-vivid-studio": "1"}, "this file is larger than 0.05 MB"),
        ("/gradio_api/upload", 50_001, {"content-type": "multipart/form-data; boundary=x"}, "this file is larger than 0.05 MB"),
    ],
)
def test_a_body_has_an_end(
    client: TestClient, editor: Editor, path: str, size: int, headers: dict[str, str], told: str, in_parts: bool
) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n' if "multipart" in str(headers) else b""
    body = head + b"x" * (size - len(head))
    parts = (body[start : start + 900] for start in range(0, size, 900))
    answer = client.post(path, content=parts if in_parts else body, headers=headers)
    assert (answer.status_code, told in answer.text) == (413, True), answer.text
    assert "\n" not in answer.text
    workspace = editor.settings.workspace
    assert not list((workspace / "uploads").glob("*/*"))
    assert not list((workspace / "logs").glob("*")), "it is no internal error"


def test_a_video_that_the_disk_has_no_room_for_is_refused_before_it_is_sent(editor: Editor) -> None:
    workspace = editor.settings.workspace
    gate = Gate(PlainTextResponse("taken"), HostNames("127.0.0.1"), Access("", "", b""), workspace, Limits(upload=10**18))
    headers = {"x-vivid-studio": "1", "content-length": str(10**17)}
    answer = TestClient(gate, base_url=HERE).post("/studio/upload?name=a.mp4", headers=headers)
    assert answer.status_code == 507
    assert answer.text.startswith("the disk of the workspace has room for ")


def test_one_visitor_who_asks_too_often_waits_and_others_do_not(tmp_path: Path) -> None:
    limits = Limits(per_second=0.001, at_once=3)
    gate = Gate(PlainTextResponse("here"), HostNames("127.0.0.1"), Access("", "", b""), tmp_path, limits)
    one, other = (TestClient(gate, base_url=HERE, client=(f"10.0.0.{n}", 5)) for n in (1, 2))
    answers = [one.get("/studio/alive") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert (answers[3].text, answers[3].headers["retry-after"]) == ("too many requests at once: wait a second, then go on", "1")
    assert other.get("/studio/alive").status_code == 200


def test_a_project_has_so_many_jobs_and_a_stroke_so_many_points(editor: Editor, tmp_path: Path) -> None:
    project = editor.projects.create(disc_clip(tmp_path / "disc.mp4", frames=3)).project_id
    _, disc = editor.objects.add(project)
    with pytest.raises(InputError, match=f"at most {MOST_POINTS} points"):
        editor.prompts.paint(project, disc, 0, [(1.0, 1.0)] * (MOST_POINTS + 1), 3)
    editor.prompts.paint(project, disc, 0, [(1.0 + n % 90, 50.0) for n in range(500)], 3)
    free = threading.Event()
    try:
        held = [editor.runner.submit("held", project, lambda _: {"done": free.wait(60)}, device="cpu") for _ in range(LONGEST)]
        with pytest.raises(InputError, match=f"^{LONGEST} jobs of this project have not ended yet"):
            editor.masks.start_export(project, "ids")
    finally:
        free.set()
    assert editor.runner.wait(held[-1], 60).state == "done"
