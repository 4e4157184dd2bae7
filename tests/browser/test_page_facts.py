"""What must hold for the page as such: it fits, it is quiet, it talks to nobody else, it opens
without the heavy libraries.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from studio_page import DRAWN, environment, new_context, open_page, Problems, ROOT, Server, TOKEN

OPEN_PAGE = """
import sys, pathlib
from app.editor.editor import Editor
from app.server.server import build_app
from app.settings import Settings
build_app(Editor(Settings(workspace=pathlib.Path(sys.argv[1]))))
heavy = {"torch", "diffusers", "transformers", "sam2"} & set(sys.modules)
assert not heavy, heavy
"""

AT_WORK = """
import sys, threading
from app.commands.cli import main
def work():
    import torch
    layer, values = torch.nn.Conv2d(64, 64, 3), torch.zeros(4, 64, 128, 128)
    with torch.inference_mode():
        layer(values)
        print("working", flush=True)
        while True:
            layer(values)
threading.Thread(target=work, daemon=True).start()
sys.exit(main(sys.argv[1:]))
"""
"""The program, with a model at a step that takes forever."""

SCROLLS = """() => {
  const root = document.documentElement;
  const panel = [...document.querySelectorAll('.vs-body')].find((body) => body.offsetParent);
  return [root.scrollWidth > innerWidth, root.scrollHeight > innerHeight, panel.scrollHeight > panel.clientHeight + 1];
}"""

SPILLS = """() => [...document.querySelectorAll('#studio button, #studio input, #studio select, #studio label')]
  .filter((node) => node.offsetParent && !node.closest('.vs-timeline'))
  .map((node) => [node.getBoundingClientRect(), node.outerHTML.slice(0, 120)])
  .filter(([box]) => box.right > innerWidth + 1 || box.bottom > innerHeight + 1 || box.left < -1).map(([, html]) => html)"""


COVERED = """() => {
  const { left, right, top, bottom } = document.querySelector('.vs-toast').getBoundingClientRect();
  return [...document.querySelectorAll('#studio :is(button, input, select, label, summary, a[href])')]
    .filter((node) => node.offsetParent && !node.closest('.vs-toast') && getComputedStyle(node).visibility !== 'hidden')
    .map((node) => [node.getBoundingClientRect(), node.outerHTML.slice(0, 120)])
    .filter(([box]) => box.width && box.left < right && box.right > left && box.top < bottom && box.bottom > top).map(([, html]) => html);
}"""
"""The controls that lie under the message."""


def test_building_the_page_imports_no_model_library(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", OPEN_PAGE, str(tmp_path)], cwd=ROOT, check=True, timeout=120)


@pytest.mark.browser
def test_nothing_scrolls_or_spills(page: Any, server: Server) -> None:
    open_page(page, server.url)
    for width, height in ((1366, 768), (1920, 1080), (3840, 2160)):
        page.set_viewport_size({"width": width, "height": height})
        for step in ("video", "select", "adjust", "keyframe", "propagate"):
            # panels that are still locked have to fit as well
            page.evaluate("step => studio.set({ step })", step)
            page.evaluate(DRAWN)
            assert page.evaluate(SCROLLS) == [False, False, False], (width, step)
            assert page.evaluate(SPILLS) == [], (width, step)


@pytest.mark.browser
def test_dark_and_light_follow_the_system_and_the_button(browser: Any, server: Server) -> None:
    ground = "getComputedStyle(document.getElementById('studio')).backgroundColor"
    context = new_context(browser, color_scheme="dark")
    page = context.new_page()
    open_page(page, server.url)
    dark = page.evaluate(ground)
    page.get_by_label("Light or dark").click()
    light = page.evaluate(ground)
    assert sum(map(int, dark.strip("rgb()").split(","))) < 150 < 600 < sum(map(int, light.strip("rgb()").split(",")))
    page.reload()
    page.wait_for_selector("#studio[data-ready=true]")
    assert page.evaluate(ground) == light
    context.close()


@pytest.mark.browser
def test_what_is_drawn_follows_the_system_while_nobody_chose(page: Any, server: Server) -> None:
    # a column through the lane of no object
    lane = """scheme => {
      const canvas = document.querySelector('#studio-timeline canvas'), { height } = canvas;
      const copy = studio.make('canvas', { width: 1, height }).getContext('2d', { willReadFrequently: true });
      copy.drawImage(canvas, -(canvas.width >> 1), 0);
      const row = copy.getImageData(0, 0, 1, height).data;
      const wanted = getComputedStyle(document.body).getPropertyValue('--vs-lane').trim();
      const hex = (y) => '#' + [0, 1, 2].map((i) => row[4 * y + i].toString(16).padStart(2, '0')).join('');
      const found = Array.from({ length: height }, (_, y) => hex(y));
      return document.body.classList.contains('dark') === (scheme === 'dark') && found.includes(wanted);
    }"""
    page.emulate_media(color_scheme="light")
    open_page(page, server.url)
    for scheme in ("light", "dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(lane, arg=scheme)
    page.get_by_label("Light or dark").click()
    page.wait_for_function(lane, arg="dark")
    for scheme in ("dark", "light"):  # which is another than the one that was chosen
        page.emulate_media(color_scheme=scheme)
    page.evaluate(DRAWN)
    assert page.evaluate(lane, "dark"), "what a person chose holds"


@pytest.mark.browser
def test_a_new_workspace_opens_with_an_example_that_steps_and_plays(page: Any, server: Server) -> None:
    open_page(page, server.url)
    assert page.url == f"{server.url}/?example=meadow", "the address tells neither the token nor the project"
    assert page.locator("#studio-video [data-ref=name]").inner_text()
    assert page.locator("#studio-video .vs-facts").inner_text().count("frames") == 1
    page.keyboard.press("4")  # a step that is locked says why
    assert page.locator(".vs-toast.vs-on").inner_text().startswith("Click an object in step 2 first.")
    assert page.evaluate("studio.state.step") == "video"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_selector("#studio-canvas canvas[data-frame='11']")
    page.keyboard.press("Home")
    page.wait_for_selector("#studio-canvas canvas[data-frame='0']")
    page.keyboard.press("Space")
    page.wait_for_function("studio.state.frame > 3")
    page.keyboard.press("Space")
    assert page.evaluate("studio.state.playing") is False
    page.keyboard.press("?")
    assert page.get_by_text("Keys, mouse and fingers").is_visible()


@pytest.mark.browser
def test_a_file_that_is_no_video_gets_one_sentence(page: Any, server: Server, problems: Problems, tmp_path: Path) -> None:
    problems.expected.append("400 (Bad Request)")  # the browser itself notes the refusal
    open_page(page, server.url)
    before = page.evaluate("studio.state.view.id")
    letter = tmp_path / "letter.mp4"
    letter.write_text("Dear Sir or Madam,\n" * 200)
    page.set_input_files("#studio-video [data-ref=file]", letter)
    toast = page.locator(".vs-toast.vs-on[data-kind=error] span").first
    toast.wait_for()
    said = toast.inner_text()
    assert "letter.mp4" in said
    assert "\n" not in said
    assert "Traceback" not in said
    assert page.evaluate("studio.state.view.id") == before, "what was open stays open"
    assert not list((server.workspace / "uploads").glob("*/*")), "what can't be used is not kept"

    # the message lies over no control, and goes with what it was about
    page.locator("#studio-video").get_by_text("Open", exact=True).first.click()
    page.evaluate("studio.set({ step: 'select' })")  # whose tools are on the picture
    for width, height in ((390, 844), (1920, 1080), (1366, 768)):
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("words => studio.showMessage(words, 'error', { about: 'upload' })", f"{said} And so long a sentence takes two lines.")
        page.wait_for_function("document.querySelector('.vs-toast').getBoundingClientRect().width")
        assert page.evaluate(COVERED) == [], width
        last_step = page.locator(".vs-tab[data-step=propagate]").bounding_box()
        assert last_step["x"] + last_step["width"] <= width
    page.evaluate("studio.set({ step: 'video' })")
    toast.wait_for(state="hidden")
    page.set_input_files("#studio-video [data-ref=file]", letter)
    toast.wait_for()
    page.get_by_title("Open the example Street").click()
    page.wait_for_function("studio.state.view.name === 'Street'")
    toast.wait_for(state="hidden")


def asked(url: str) -> urllib.request.Request:
    return urllib.request.Request(url, headers={"Authorization": f"Bearer {TOKEN}"})


def test_addresses_answer_faults_with_one_line(server: Server) -> None:
    with urllib.request.urlopen(asked(server.url), timeout=60) as page:
        assert b'rel="manifest" crossorigin="use-credentials"' in page.read(), "asked for with the cookie"
    nobody = "0" * 32
    for path, status in [
        (f"/studio/{nobody}/frame/0.jpg", 404),
        (f"/studio/{nobody}/overlay/0.png?kind=secrets", 400),
        (f"/studio/{nobody}/file/../../../etc/passwd.png", 404),
        (f"/studio/{nobody}/result/none.mp4", 404),
    ]:
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(asked(server.url + path), timeout=60)
        assert caught.value.code == status, path
        assert b"\n" not in caught.value.read().strip()


def test_a_port_that_is_taken_leads_to_the_next_one() -> None:
    from app.server.sockets import listen

    with listen("127.0.0.1", 0) as first:
        taken = first.getsockname()[1]
        with listen("127.0.0.1", taken) as second:
            assert second.getsockname()[1] > taken


def test_an_answer_is_sent_without_waiting_for_more_of_it() -> None:
    # the server writes head and body apart: with Nagle's algorithm on, every picture of a page
    # comes 40 ms late
    from app.server.sockets import listen

    async def answers_at_once() -> bool:
        connected: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        class Answering(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                sock = transport.get_extra_info("socket")
                connected.set_result(bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
                transport.close()

        listener = listen("127.0.0.1", 0)
        async with await asyncio.get_running_loop().create_server(Answering, sock=listener):  # as uvicorn does
            _, writer = await asyncio.open_connection(*listener.getsockname()[:2])
            writer.close()
            return await connected

    with ThreadPoolExecutor(1) as other:  # the browser's own loop runs in this thread
        assert other.submit(asyncio.run, answers_at_once()).result()


def test_ctrl_c_in_the_middle_of_model_work_ends_the_program_well(tmp_path: Path) -> None:
    command = [sys.executable, "-c", AT_WORK, "ui", "--port", "17990", "--no-browser", "--workspace", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = sorted(process.stdout.readline() for _ in range(2))
        assert [line.split()[0] for line in lines] == ["VIVID", "working"]
        address = lines[0].split()[4].partition("/?")[0]
        urllib.request.urlopen(asked(f"{address}/studio/alive"), timeout=60)  # by now it listens to Ctrl-C too
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(60) == 0
        finally:
            process.kill()
