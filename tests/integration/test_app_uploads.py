"""Uploads through the server's own routes: any name will do, and what is no video leaves nothing behind."""

from pathlib import Path

import pytest
from builders import disc_clip
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.editor import Editor
from app.page_routes import page_routes
from app.settings import Settings

OURS = {"x-vivid-studio": "1"}


@pytest.fixture
def client(tmp_path: Path):
    editor = Editor(Settings(workspace=tmp_path))
    app = FastAPI()
    app.include_router(page_routes(editor))
    yield TestClient(app)
    editor.close()


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("my clip.mp4", "my clip"),
        ("..", "video"),
        ("../../etc/x.mp4", "x"),
        ("C:\\clips\\a:b.mp4", "a:b"),
        ("a\0b", "a\0b"),
        ("x" * 400, "x" * 200),
    ],
)
def test_a_clip_may_come_under_any_name(client: TestClient, tmp_path: Path, name: str, title: str) -> None:
    data = disc_clip(tmp_path / "disc.mp4", frames=3).read_bytes()
    answer = client.post("/studio/upload", params={"name": name}, content=data, headers=OURS)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["view"]["name"], answer.json()["view"]["clip"]["frames"]) == (title, 3)
    [stored] = (tmp_path / "uploads").glob("*/*")
    assert stored.read_bytes() == data


def test_what_is_no_video_is_told_by_its_own_name_and_not_kept(client: TestClient, tmp_path: Path) -> None:
    answer = client.post("/studio/upload", params={"name": "notes.mp4"}, content=b"just words\n" * 50, headers=OURS)
    told = "notes.mp4 is a text file, not a video: choose an MP4, MOV, MKV, WebM or another video"
    assert (answer.status_code, answer.text) == (400, told)
    assert not list((tmp_path / "uploads").iterdir())
