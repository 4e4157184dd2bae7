"""The server's own routes: a video under any name is taken, what is no video leaves nothing behind,
nor does who has gone.
"""

import asyncio
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from builders import counted_frames, disc_clip, slow_clip, video_file
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.editor.editor import Editor
from app.server.routes import studio_routes
from app.settings import Settings
from core.errors import Cancelled
from core.media.shown import READING
from ui_components.page_files import script_url


@pytest.fixture
def studio(tmp_path: Path):
    editor = Editor(Settings(workspace=tmp_path))
    yield editor
    editor.close()


@pytest.fixture
def client(studio: Editor):
    app = FastAPI()
    app.include_router(studio_routes(studio))
    return TestClient(app)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("my clip.mp4", "my clip"),
        ("..", r"Video, \d\d \S+ \d\d:\d\d"),
        ("../../etc/x.mp4", "x"),
        ("C:\\clips\\a:b.mp4", "a:b"),
        ("a\0b", "a\0b"),
        ("x" * 400, "x" * 200),
    ],
)
def test_a_clip_may_come_under_any_name(client: TestClient, tmp_path: Path, name: str, title: str) -> None:
    data = disc_clip(tmp_path / "disc.mp4", frames=3).read_bytes()
    answer = client.post("/studio/upload", params={"name": name}, content=data)
    assert answer.status_code == 200, answer.text
    assert answer.json()["view"]["clip"]["frames"] == 3
    assert re.fullmatch(title, answer.json()["view"]["name"])
    [stored] = (tmp_path / "uploads").glob("*/*")
    assert stored.read_bytes() == data


def test_what_is_no_video_is_told_by_its_own_name_and_not_kept(client: TestClient, tmp_path: Path) -> None:
    answer = client.post("/studio/upload", params={"name": "notes.mp4"}, content=b"just words\n" * 50)
    told = "notes.mp4 is a text file, not a video: choose an MP4, MOV, MKV, WebM or another video"
    assert (answer.status_code, answer.text) == (400, told)
    assert not list((tmp_path / "uploads").iterdir())


def test_a_frame_that_nobody_waits_for_is_not_decoded(client: TestClient, tmp_path: Path) -> None:
    clip = video_file(tmp_path / "one group.mp4", counted_frames(240), options={"g": "240", "bf": "0", "sc_threshold": "0"})
    answer = client.post("/studio/upload", params={"name": clip.name}, content=clip.read_bytes())
    path = f"/studio/{answer.json()['view']['id']}/frame/230.jpg"
    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"w=48", "headers": []}

    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        pass  # nobody listens

    with pytest.raises(Cancelled):
        asyncio.run(client.app(scope, gone, send))  # type: ignore[arg-type]
    assert client.get(path).status_code == 200, "who asks anew gets it"


def test_scripts_come_under_their_version_only(client: TestClient) -> None:
    answer = client.get(script_url())
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert "immutable" in answer.headers["cache-control"]
    for wrong in ("/studio/js/0123456789ab/main.js", f"{script_url()}x", script_url().replace("main.js", "../css/tokens.css")):
        assert client.get(wrong).status_code == 404
    version = client.get("/studio/alive").json()["page"]
    assert f"/{version}/" in script_url()


def test_a_mask_is_called_by_its_own_name(client: TestClient, tmp_path: Path) -> None:
    data = disc_clip(tmp_path / "disc.mp4", frames=3).read_bytes()
    project_id = client.post("/studio/upload", params={"name": "disc.mp4"}, content=data).json()["view"]["id"]
    answer = client.post(f"/studio/{project_id}/masks", files={"masks": ("my holiday.png", b"no picture")})
    assert (answer.status_code, "the mask 'my holiday.png' is not a readable picture" in answer.text.lower()) == (400, True), answer.text


def test_a_refusal_of_the_disk_tells_names_of_the_person_only(client: TestClient, tmp_path: Path) -> None:
    data = disc_clip(tmp_path / "disc.mp4", frames=3).read_bytes()
    project_id = client.post("/studio/upload", params={"name": "disc.mp4"}, content=data).json()["view"]["id"]
    shutil.rmtree(tmp_path / "uploads")
    (tmp_path / "uploads").write_text("in the way")
    (tmp_path / "projects" / project_id / "incoming").write_text("in the way")
    for answer in (
        client.post("/studio/upload", params={"name": "disc.mp4"}, content=data),
        client.post(f"/studio/{project_id}/masks", files={"masks": ("a.png", b"x")}),
        client.post(f"/studio/{project_id}/picture", params={"name": "a.png"}, content=b"x"),
    ):
        assert answer.status_code == 507
        assert "could not be written" in answer.text
        assert str(tmp_path) not in answer.text


def test_a_clip_that_has_to_be_read_through_is_watched_and_given_up(client: TestClient, studio: Editor, tmp_path: Path) -> None:
    data = slow_clip(tmp_path / "slow.webm").read_bytes()
    job = client.post("/studio/upload", params={"name": "slow.webm"}, content=data).json()["opening"]
    assert (job["kind"], job["stage"], job["total"]) == ("open", READING, 6000)
    later = next(now for _ in range(100) if (now := studio.projects.opening(job["id"])).done > job["done"])
    assert later.done < 6000
    studio.projects.stop_opening(job["id"])
    assert studio.runner.wait(job["id"], 60).state == "cancelled"
    assert not list((tmp_path / "uploads").iterdir()), "nothing is kept of it"
    assert not studio.projects.recent()
    assert studio.journal._known == {}, "it is no project's job"
