"""The server for other programs: docs/api.md as it stands, against the program as a person starts
it, and what a stranger may not do.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from builders import disc_clip
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from core.media import open_clip

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
TOKEN = secrets.token_urlsafe()
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
PATIENT = {"timeout": 120}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """The address of a server that others can reach, on a workspace of its own."""
    workspace = tmp_path_factory.mktemp("workspace")
    command = [
        sys.executable,
        "-m",
        "app.commands.cli",
        "ui",
        "--port",
        "18570",
        "--host",
        "0.0.0.0",
        "--no-browser",
        "--workspace",
        str(workspace),
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "VIVID_TOKEN": TOKEN}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        found = re.search(r"http://[^/\s]+", process.stdout.readline())
        try:
            assert found
            yield found[0]
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(120)


@pytest.fixture
def client(server: str, tmp_path: Path) -> Client:
    return Client(server, headers=HEADERS, verbose=False, download_files=tmp_path / "downloads", httpx_kwargs=PATIENT)


def refused(server: str, name: str, *arguments: Any) -> bool:
    """Whether a call made without gradio_client, which would look at the arguments first, is
    refused.
    """
    call = httpx.post(f"{server}/gradio_api/call/{name}", json={"data": list(arguments)}, headers=HEADERS, **PATIENT)
    if call.status_code != 200:
        return True
    return "event: error" in httpx.get(f"{server}/gradio_api/call/{name}/{call.json()['event_id']}", headers=HEADERS, **PATIENT).text


def test_the_guides_program_makes_a_whole_edit(server: str, tmp_path: Path) -> None:
    environment = os.environ | {"VIVID_TOKEN": TOKEN}
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    (tmp_path / "edit.py").write_text(code.replace("http://127.0.0.1:7860", server).replace("assets/", f"{ROOT}/assets/"))
    done = subprocess.run(
        [sys.executable, "edit.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    difference, video, recipe = (line for line in done.stdout.splitlines() if not re.search(r": .*%$", line))
    assert difference == "0"
    with open_clip(video) as result, open_clip(ROOT / "assets/clips/street.mp4") as source:
        assert (len(result), result.info.size) == (len(source), source.info.size), "the whole clip comes back"
        assert np.abs(result.frame(3).astype(int) - source.frame(3)).max() > 40
        assert np.abs(result.frame(30).astype(int) - source.frame(30)).mean() < 2
    assert json.loads(Path(recipe).read_text())["vivid_recipe"] == 1


def test_every_endpoint_is_told_of(client: Client) -> None:
    from app.contract.operations import operations_of_clients

    described = client.view_api(return_format="dict", print_info=False)
    assert isinstance(described, dict)
    assert not described["unnamed_endpoints"]
    endpoints = {name.strip("/"): about for name, about in described["named_endpoints"].items()}
    assert set(endpoints) == {operation.name for operation in operations_of_clients(shared=True)}
    at_the_machine = {operation.name for operation in operations_of_clients(shared=False)} - set(endpoints)
    own = {"start_fetch", "start_verify", "remove_model", "use_segmenter", "use_video_model", "workspace_use", "remove_unneeded"}
    assert at_the_machine == own, "others can reach this server"
    assert [name for name, about in endpoints.items() if not about["description"]] == []
    table = GUIDE[GUIDE.index("## Endpoints") :]
    assert [name for name in endpoints if f"`{name}`" not in table] == []
    told = {name.split("(")[0] for name in re.findall(r"`([a-z_]+)`", table)}
    assert told == set(endpoints) | at_the_machine


def test_masks_go_in_and_pictures_come_back(client: Client, tmp_path: Path) -> None:
    def studio(operation: str, **arguments: Any) -> Any:
        return client.predict(api_name=f"/{operation}", **arguments)

    clip = disc_clip(tmp_path / "disc.mp4", frames=6)
    project = studio("open_file", file=handle_file(clip), name="Disc")
    assert (project["name"], project["clip"]["frames"]) == ("Disc", 6)
    drawn = np.zeros((120, 160), np.uint8)
    drawn[40:80, 35:75] = 255
    Image.fromarray(drawn).save(tmp_path / "mask.png")
    _, disc = studio("add_object", project_id=project["id"])
    marked = studio("set_mask", project_id=project["id"], object_id=disc, frame=2, source=handle_file(tmp_path / "mask.png"))
    assert marked["objects"][0]["prompts"] == [{"kind": "mask", "frame": 2}]
    shown = np.asarray(Image.open(studio("overlay_png", project_id=project["id"], frame=2)).convert("RGBA"))
    assert ((shown[..., 3] > 0) == (drawn > 0)).all()
    more = studio("import_masks", project_id=project["id"], source=handle_file(tmp_path / "mask.png"), frame=4)
    assert [one["name"] for one in more["objects"]] == ["Object 1", "mask"]
    assert more["notes"] == []
    merged = studio("merge_objects", project_id=project["id"], object_id=disc, other_id=2)
    assert [one["present"] for one in merged["lanes"]] == [[[2, 3], [4, 5]]]
    job = studio("wait", job_id=studio("start_mask_export", project_id=project["id"], form="ids"))
    assert job["state"] == "done", job
    assert Path(studio("download", project_id=project["id"], file=job["result"]["file"])).read_bytes()[:2] == b"PK"
    assert studio("history", project_id=project["id"]) == ["Merge objects", None]
    assert len(studio("undo", project_id=project["id"])["objects"]) == 2
    (known,) = studio("list_projects", known=[project["id"]])
    assert known["name"] == "Disc"


def test_what_is_wrong_comes_back_as_one_sentence(client: Client, tmp_path: Path) -> None:
    project_id = client.predict("meadow", api_name="/open_example")["id"]
    (tmp_path / "notes.mp4").write_text("no video")
    for name, arguments, words in (
        ("trim", {"project_id": project_id, "start": 5, "stop": 2}, "not a part of"),
        ("trim", {"project_id": project_id, "start": "five", "stop": 9}, "start can't be used"),
        ("accept", {"project_id": project_id, "edit_id": "x"}, "no keyframe try x"),
        ("start_tries", {"project_id": project_id, "frame": 0, "task": "paint", "caption": "x", "seeds": [1]}, "task can't be used"),
        ("set_adjustment", {"project_id": project_id, "form": "box", "feather": 999}, "feather of 999"),
        ("set_layers", {"project_id": project_id, "layers": [{"propagation_id": "x"}]}, "no propagation x"),
        ("job", {"job_id": "x"}, "no job x"),
        ("open_file", {"file": handle_file(tmp_path / "notes.mp4")}, r"^notes\.mp4 is a text file"),
        ("download", {"project_id": project_id, "file": "project.json"}, "sends no file"),
    ):
        with pytest.raises(AppError, match=words):
            client.predict(api_name=f"/{name}", **arguments)


def test_a_stranger_gets_nothing(client: Client, server: str, tmp_path: Path) -> None:
    project_id = client.predict("meadow", api_name="/open_example")["id"]
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    assert client.predict(api_name="/list_projects") == []
    with pytest.raises(AppError, match="open_file instead"):
        client.predict(str(ROOT / "assets/clips/street.mp4"), api_name="/open_path")
    named = {"path": str(secret), "meta": {"_type": "gradio.FileData"}}
    for arguments in ((named, None), ({"path": str(secret)}, None)):
        assert refused(server, "open_file", *arguments)
    assert refused(server, "project", named)
    for wanted in ("../" + project_id, "files/../project.json", "/etc/passwd"):
        assert refused(server, "download", project_id, wanted)
    for path in (secret, ROOT / "README.md"):
        assert httpx.get(f"{server}/gradio_api/file={path}", headers=HEADERS, **PATIENT).status_code in (403, 404)
    elsewhere = HEADERS | {"origin": "http://elsewhere.example", "content-type": "text/plain"}
    call = httpx.post(f"{server}/gradio_api/call/list_examples", content=b'{"data": []}', headers=elsewhere, **PATIENT)
    assert call.status_code == 403, "a page of another site can send plain text without asking, and no more"
