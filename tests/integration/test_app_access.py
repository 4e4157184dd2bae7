"""Who may come in: by the token, the password or a cookie, and nobody else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.responses import PlainTextResponse

from app.server.access import Access, SECRET
from app.server.attempts import ONE
from app.server.gate import Gate
from app.server.same_site import HostNames
from app.settings import Settings
from core.errors import InputError

HERE = "http://127.0.0.1:7860"
TOKEN = "t0ken-t0ken-t0ken"
PASSWORD = "correct horse"


def guarded(access: Access) -> Gate:
    return Gate(PlainTextResponse("the editor"), HostNames("127.0.0.1"), access, Path())


def browser(access: Access) -> TestClient:
    return TestClient(guarded(access), base_url=HERE, follow_redirects=False)


def with_password(folder: Path, text: str = PASSWORD + "\n", token: str | None = "") -> Access:
    file = folder / "password.txt"
    file.write_text(text, encoding="utf-8")
    return Access.of(Settings(workspace=folder / "workspace", token=token, password_file=file))


def test_without_the_token_nobody_sees_anything(tmp_path: Path) -> None:
    client = browser(Access.of(Settings(workspace=tmp_path)))
    for path in (
        "/",
        "/?project=x",
        "/config",
        "/studio/alive",
        "/assets/x.js",
        "/gradio_api/info",
        "/gradio_api/file=x",
        f"/?token={TOKEN}",
    ):
        answer = client.get(path, follow_redirects=True)
        assert (answer.status_code, "the editor" in answer.text) == (401, False), path
    assert client.post("/gradio_api/component_server/", json={}).status_code == 401
    assert client.post("/studio/upload?name=x", content=b"x", headers={"x-vivid-studio": "1"}).status_code == 401
    for wrong in (f"Bearer {TOKEN}", "Bearer ", f"Basic {TOKEN}"):
        assert client.get("/config", headers={"authorization": wrong}).status_code == 401


def test_the_token_in_the_address_becomes_a_cookie_that_outlives_a_restart(tmp_path: Path) -> None:
    access = Access.of(Settings(workspace=tmp_path))
    client = browser(access)
    answer = client.get(f"/?project=abc&token={access.token}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/?project=abc")
    kept = answer.headers["set-cookie"]
    assert re.match(r"vivid-7860=\d+\.\w+\.\w+; HttpOnly; Max-Age=\d+; Path=/; SameSite=strict$", kept), kept
    assert client.get("/").text == "the editor"

    again = Access.of(Settings(workspace=tmp_path))
    assert again.token != access.token
    assert TestClient(guarded(again), base_url=HERE, cookies=client.cookies).get("/").text == "the editor"
    assert (tmp_path / SECRET).stat().st_mode & 0o077 == 0
    name, value = kept.split(";")[0].split("=", 1)
    until, nonce, mark = value.split(".")
    for forged in (f"{int(until) + 1}.{nonce}.{mark}", f"0.{nonce}.{mark}", f"{until}.x.{mark}", "", "..", "9" * 40 + "..", value + "é"):
        assert browser(again).get("/config", headers={"cookie": f"{name}={forged}".encode()}).status_code == 401, forged
    (tmp_path / SECRET).unlink()
    other = Access.of(Settings(workspace=tmp_path))
    assert TestClient(guarded(other), base_url=HERE, cookies=client.cookies).get("/config").status_code == 401


def test_a_program_sends_the_token_as_a_header(tmp_path: Path) -> None:
    client = browser(Access.of(Settings(workspace=tmp_path, token=TOKEN)))
    assert client.get("/config", headers={"authorization": f"Bearer {TOKEN}"}).text == "the editor"
    assert "Authorization: Bearer" in client.get("/config").text, "what is missing is told"


def test_the_address_that_a_browser_is_opened_with_is_good_once(tmp_path: Path) -> None:
    access = Access.of(Settings(workspace=tmp_path))
    key = access.one_time_token()
    assert browser(access).get(f"/?token={key}").status_code == 303
    assert browser(access).get(f"/?token={key}", follow_redirects=True).status_code == 401
    assert browser(access).get("/config", headers={"authorization": f"Bearer {access.one_time_token()}"}).status_code == 401


def test_a_password_opens_the_editor_and_guessing_has_an_end(tmp_path: Path) -> None:
    access = with_password(tmp_path)
    client = browser(access)
    form = client.get("/?project=a%22b&again=")
    assert (form.status_code, 'value="a&quot;b"' in form.text, "password" in form.text) == (401, True, True)
    sent = client.post("/studio/sign-in", data={"secret": PASSWORD, "project": "abc"}, headers={"origin": HERE})
    assert (sent.status_code, sent.headers["location"]) == (303, "/?project=abc")
    assert client.get("/").text == "the editor"
    guesser = browser(access)
    for number in range(ONE):
        assert guesser.post("/studio/sign-in", data={"secret": f"wrong {number}"}).status_code == 401
    locked = guesser.post("/studio/sign-in", data={"secret": PASSWORD})
    assert (locked.status_code, locked.text) == (429, "too many wrong tries: wait 5 minutes, then try again")
    assert client.get("/").text == "the editor", "who is in stays in"
    elsewhere = TestClient(guarded(access), base_url=HERE, client=("10.1.1.1", 5), follow_redirects=False)
    assert elsewhere.post("/studio/sign-in", data={"secret": PASSWORD}).status_code == 303, "others may still come in"
    from_other_site = {"origin": "http://elsewhere.example"}
    assert elsewhere.post("/studio/sign-in", data={"secret": PASSWORD}, headers=from_other_site).status_code == 403

    changed = with_password(tmp_path, "another password\n")
    assert TestClient(guarded(changed), base_url=HERE, cookies=client.cookies).get("/config").status_code == 401


@pytest.mark.parametrize("password", [PASSWORD, "früh: am Morgen"])
def test_a_program_sends_the_password_as_a_header_and_its_guesses_count(tmp_path: Path, password: str) -> None:
    access = with_password(tmp_path, password)
    client = browser(access)
    told = client.get("/config")
    assert "curl --user studio:PASSWORD" in told.text
    assert told.headers["www-authenticate"] == "Bearer", "no browser asks in a window of its own"
    assert client.get("/config", auth=("studio", password)).text == "the editor"
    right = {"authorization": f"Bearer {password}".encode()}
    assert client.get("/config", headers=right).text == "the editor"
    assert client.get("/config", headers=right | {"origin": "http://elsewhere.example"}).status_code == 403
    for wrong in (f"Bearer {access.one_time_token()}", "Basic !", "Basic OnhA", *(f"Bearer wrong {number}" for number in range(ONE))):
        assert client.get("/config", headers={"authorization": wrong}).status_code in (401, 429)
    locked = client.get("/config", headers=right)
    assert (locked.status_code, locked.text) == (429, "too many wrong tries: wait 5 minutes, then try again")
    assert client.post("/studio/sign-in", data={"secret": password}).status_code == 429, "the form counts the same tries"
    elsewhere = TestClient(guarded(access), base_url=HERE, client=("10.1.1.1", 5))
    assert elsewhere.get("/config", auth=("any", password)).text == "the editor"
    both = with_password(tmp_path, password, TOKEN)
    for number in range(ONE):
        browser(both).get("/config", auth=("studio", f"wrong {number}"))
    assert browser(both).get("/config", headers={"authorization": f"Bearer {TOKEN}"}).text == "the editor", "the token is no guess"


def test_a_header_that_a_proxy_adds_locks_nobody_out(tmp_path: Path) -> None:
    client = browser(with_password(tmp_path))
    client.headers["authorization"] = "Basic cHJveHk6aXRzIG93bg=="
    for _ in range(ONE + 1):
        assert client.get("/", follow_redirects=True).status_code == 401
    assert client.post("/studio/sign-in", data={"secret": PASSWORD}, headers={"origin": HERE}).status_code == 303
    for number in range(ONE + 1):
        assert client.get("/", headers={"authorization": f"Bearer {number}"}).text == "the editor", "who has the cookie guesses nothing"
    client.cookies.clear()
    assert client.get("/config", headers={"authorization": f"Bearer {PASSWORD}"}).text == "the editor", "nor has it counted"


def test_without_a_token_everyone_is_let_in(tmp_path: Path) -> None:
    client = browser(Access.of(Settings(workspace=tmp_path, token="")))
    assert client.get("/config").text == "the editor"
    assert client.get("/?token=old&project=x").headers["location"] == "/?project=x"


@pytest.mark.parametrize(("text", "words"), [("short\n", "8 characters"), ("", "8 characters"), (None, "can't be read")])
def test_a_password_file_that_is_none_is_told(tmp_path: Path, text: str | None, words: str) -> None:
    if text is None:
        with pytest.raises(InputError, match=words):
            Access.of(Settings(workspace=tmp_path, password_file=tmp_path / "nothing"))
        return
    with pytest.raises(InputError, match=words):
        with_password(tmp_path, text)


@pytest.mark.parametrize("token", ["short", "sixteen letters !", "é" * 20])
def test_a_token_that_can_be_guessed_or_typed_wrong_is_refused(tmp_path: Path, token: str) -> None:
    with pytest.raises(InputError, match="VIVID_TOKEN"):
        Settings(workspace=tmp_path, token=token)
