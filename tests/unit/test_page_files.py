"""The page's scripts: modules that find one another, in layers, and addresses that change when
anything in them does.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import pytest
from fastapi.testclient import TestClient
from starlette.types import Receive, Scope, Send

from app.server.head_tags import HeadTags
from ui_components import page_files

IMPORT = re.compile(r"""^(?:import|export)\b[^"']*?\bfrom\s+"([^"]+)";|^import\s+"([^"]+)";""", re.M)


def imports(name: str) -> set[str]:
    """Paths of the modules that a module imports."""
    found = set()
    for match in IMPORT.finditer(page_files.scripts()[name]):
        parts: list[str] = []
        for part in (PurePosixPath(name).parent / (match[1] or match[2])).parts:
            if part == "..":
                parts.pop()
            else:
                parts.append(part)
        found.add("/".join(parts))
    return found


def test_every_import_is_a_module_of_the_page() -> None:
    for name in page_files.scripts():
        assert imports(name) <= set(page_files.scripts()), name


def test_no_module_imports_itself_by_way_of_others() -> None:
    left = {name: imports(name) for name in page_files.scripts()}
    while ready := [name for name, needed in left.items() if not needed & left.keys()]:
        for name in ready:
            del left[name]
    assert not left


def test_every_module_is_loaded() -> None:
    reached, waiting = set(), [page_files.ENTRY]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += imports(name)
    assert reached == set(page_files.scripts())
    headings = re.findall(r"^// ([a-z_/]+\.js)$", page_files.whole_script(), re.M)
    assert sorted(headings) == sorted(reached)
    assert all(headings.index(needed) < headings.index(name) for name in reached for needed in imports(name))
    assert not re.search(r"^(im|ex)port\b", page_files.whole_script(), re.M)


@pytest.mark.parametrize("changed", ["scripts", "stylesheet"])
def test_the_version_changes_with_every_script_and_with_the_styles(changed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = page_files.page_version()
    page_files.page_version.cache_clear()
    if changed == "scripts":
        scripts = page_files.scripts()
        monkeypatch.setattr(page_files, "scripts", lambda: {**scripts, "main.js": scripts["main.js"] + "\n"})
    else:
        styles = page_files.stylesheet()
        monkeypatch.setattr(page_files, "stylesheet", lambda: styles + "\n")
    try:
        assert page_files.page_version() != before
    finally:
        page_files.page_version.cache_clear()
    monkeypatch.undo()
    assert page_files.page_version() == before


def test_the_served_page_names_the_script_and_other_answers_stay_as_they_are() -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        page = b"<html><head><title>t</title></head></html>"
        headers = [(b"content-type", b"text/html"), (b"content-length", str(len(page)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": page[:20], "more_body": True})
        await send({"type": "http.response.body", "body": page[20:]})

    client = TestClient(HeadTags(answer, page_files.preload_tag()))
    served = client.get("/")
    assert served.text == f"<html><head>{page_files.preload_tag()}<title>t</title></head></html>"
    assert int(served.headers["content-length"]) == len(served.content)
    assert client.get("/other").text == "<html><head><title>t</title></head></html>"
