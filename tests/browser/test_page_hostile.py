"""A page of another site, in the browser that has the editor open: whatever it sends, nothing
changes, nothing is shown to it, nothing of the editor runs in a frame.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from studio_page import new_context, open_page, Server, SLOW

pytestmark = pytest.mark.browser

ATTACK = """async ({ target, calls, raw, reads, project }) => {
  const reached = [], body = JSON.stringify;
  const note = (what) => (answer) => { if (answer !== false) reached.push(`${what}: ${answer?.status ?? answer}`); };
  const none = () => {};
  const send = (path, options, what) => fetch(target + path, { credentials: 'include', ...options }).then(
    async (answer) => { if (answer.type !== 'opaque') note(what)(`${answer.status} ${(await answer.text()).slice(0, 60)}`); }, none);
  const form = (values) => { const made = new FormData(); for (const [k, v] of Object.entries(values)) made.append(k, v); return made; };
  const file = () => new File(['<script>1</script>'], 'a.html', { type: 'text/html' });

  // every endpoint that takes JSON, in every type that a page may send without asking, and in JSON
  const all = [];
  for (const [path, values] of calls) {
    const text = body(values);
    all.push(() => send(path, { method: 'POST', mode: 'no-cors', headers: { 'Content-Type': 'text/plain' }, body: text }, `text ${path}`));
    all.push(() => send(path, { method: 'POST', mode: 'no-cors', headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: text }, `urlencoded ${path}`));
    all.push(() => send(path, { method: 'POST', mode: 'no-cors', body: form({ ...values, data: text, file: file() }) }, `form ${path}`));
    for (const type of ['application/json', 'text/plain']) {
      all.push(() => send(path, { method: 'POST', mode: 'cors', headers: { 'Content-Type': type }, body: text }, `cors ${type} ${path}`));
    }
  }
  for (const path of raw) {
    all.push(() => send(path, { method: 'POST', mode: 'no-cors', body: form({ files: file(), masks: file() }) }, `form ${path}`));
    all.push(() => send(path, { method: 'POST', mode: 'no-cors', body: 'x' }, `raw ${path}`));
    all.push(() => send(path, { method: 'POST', mode: 'cors', headers: { 'X-Vivid-Studio': '1' }, body: 'x' }, `own header ${path}`));
    all.push(() => Promise.resolve(navigator.sendBeacon(target + path, file())));
  }
  for (const method of ['PUT', 'DELETE', 'PATCH']) all.push(() => send('/config', { method }, method));
  for (const path of reads) {
    all.push(() => send(path, { mode: 'cors' }, `get ${path}`));
    all.push(() => send(path, { mode: 'no-cors' }, `no-cors get ${path}`));
  }
  while (all.length) await Promise.all(all.splice(0, 24).map((one) => one()));

  // elements that need no permission to load, and streams
  const element = (tag, name, value) => new Promise((done) => {
    const made = document.createElement(tag);
    made.onload = made.onloadedmetadata = () => { note(`${tag} ${value}`)('loaded'); done(); };
    made.onerror = () => done();
    if (tag === 'link') made.rel = 'stylesheet';
    made[name] = target + value;
    document.body.append(made);
    setTimeout(done, 4000);
  });
  await Promise.all([
    element('img', 'src', `/studio/${project}/frame/0.jpg`), element('video', 'src', `/studio/${project}/source`),
    element('script', 'src', '/config'), element('script', 'src', '/gradio_api/info'), element('link', 'href', '/studio/page.css'),
  ]);
  const stream = (Kind, address) => new Promise((done) => {
    const made = new Kind(address);
    made.onopen = () => { note(address)('open'); made.close(); done(); };
    made.onerror = () => { made.close(); done(); };
  });
  await stream(WebSocket, target.replace('http', 'ws') + '/gradio_api/queue/join');
  await stream(EventSource, target + '/gradio_api/queue/data?session_hash=s');
  await stream(EventSource, target + '/gradio_api/heartbeat/s');

  // forms and frames: what they bring stands in a frame that this page can't read; count what runs
  const forms = { [calls[0][0]]: 'text/plain', [raw[0]]: 'multipart/form-data', '/studio/sign-in': 'application/x-www-form-urlencoded' };
  for (const [path, kind] of Object.entries(forms)) {
    const sent = document.createElement('form'), frame = document.createElement('iframe'), field = document.createElement('textarea');
    frame.name = `frame${path}`;
    Object.assign(sent, { method: 'POST', action: target + path, enctype: kind, target: frame.name });
    field.name = body(calls[0][1]).slice(0, -1) + ',"x":"';
    field.value = '"}';
    sent.append(field);
    document.body.append(frame, sent);
    sent.submit();
  }
  for (const path of ['/', `/?project=${project}`, '/config', `/studio/${project}/source`]) {
    const frame = document.createElement('iframe');
    frame.src = target + path;
    document.body.append(frame);
  }
  const boxed = document.createElement('iframe');
  boxed.sandbox = 'allow-scripts';
  boxed.srcdoc = `<script>fetch('${target}${calls[0][0]}', { method: 'POST', mode: 'no-cors', body: ${body(body(calls[0][1]))} })</script>`;
  document.body.append(boxed);
  await new Promise((done) => setTimeout(done, 1500));
  return reached;
}"""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[int]:
    """The port of another server of this machine, which has an empty page."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(b"<!doctype html><title>elsewhere</title><body>")

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()


def stored(workspace: Path) -> dict[str, tuple[int, int]]:
    """Everything in the workspace, once it rests."""

    def now() -> dict[str, tuple[int, int]]:
        return {
            str(path.relative_to(workspace)): (path.stat().st_size, path.stat().st_mtime_ns)
            for path in workspace.rglob("*")
            if path.is_file()
        }

    for _ in range(60):
        before = now()
        time.sleep(1)
        if now() == before:
            return before
    raise AssertionError("the workspace does not come to rest")


def test_a_page_of_another_site_reaches_nothing(browser: Any, server: Server, elsewhere: int) -> None:
    port = server.url.rpartition(":")[2]
    context = new_context(browser)
    editor = context.new_page()
    # signed in under both names
    for url in (f"http://localhost:{port}", server.url):
        open_page(editor, url)
        editor.evaluate("studio.change(studio.servers.select, 'add_object', {})")  # the example becomes a project
        editor.wait_for_function("!studio.state.view.draft && studio.state.view.preflight.done", timeout=SLOW)
    assert {cookie["domain"] for cookie in context.cookies()} == {"localhost", "127.0.0.1"}
    project = editor.evaluate("studio.state.view.id")
    parts = editor.evaluate("gradio_config.components.map(({ id, props }) => [id, props.server_fns || []])")
    operations = editor.evaluate("Object.keys(gradio_api_info.named_endpoints)")
    video = editor.evaluate("gradio_config.components.find(({ props }) => props.elem_id === 'studio-video').id")
    arguments = {"wanted": project, "known": [], "name": "taken over"}
    rename = {"data": arguments, "fn_name": "rename_project", "component_id": video, "session_hash": "s"}
    calls = [("/gradio_api/component_server/", rename)]
    calls += [
        ("/gradio_api/component_server/", rename | {"data": {"project_id": project}, "fn_name": name, "component_id": part})
        for part, names in parts
        for name in names
    ]
    assert len(calls) > 40
    for name in (name.strip("/") for name in operations):
        calls.append((f"/gradio_api/call/{name}", {"data": [project, "taken over"]}))
    calls += [(f"/gradio_api/call/v2/{name}", arguments) for name in ("rename_project", "delete_project", "open_path")]
    calls += [("/gradio_api/queue/join", {"data": [project], "fn_index": index, "session_hash": "s"}) for index in range(3)]
    calls += [(f"/gradio_api/{path}", {"session_hash": "s", "fn_index": 0, "event_id": "x"}) for path in ("cancel", "reset", "run/predict")]
    raw = [
        "/studio/upload?name=a.mp4",
        f"/studio/{project}/masks",
        f"/studio/{project}/picture?name=a.png",
        "/studio/fault",
        "/gradio_api/upload",
    ]
    reads = ["/", "/config", "/gradio_api/info", "/gradio_api/startup-events", "/studio/alive", f"/studio/{project}/frame/0.jpg"]
    named = editor.evaluate("studio.state.view.name")
    before = stored(server.workspace)
    for page_host, target_host in (("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("localhost", "localhost")):
        hostile = context.new_page()
        hostile.goto(f"http://{page_host}:{elsewhere}/")
        target = f"http://{target_host}:{port}"
        asked = calls if page_host == target_host == "127.0.0.1" else [*calls[:9], *calls[-9:]]
        reached = hostile.evaluate(ATTACK, {"target": target, "calls": asked, "raw": raw, "reads": reads, "project": project})
        assert reached == [], (page_host, target_host)
        framed = [
            frame.evaluate("Boolean(window.studio || document.body?.innerText)") for frame in hostile.frames[1:] if target in frame.url
        ]
        assert not any(framed), "nothing of the editor stands in a frame"
        hostile.close()
    assert stored(server.workspace) == before
    # what might get into the page's markup runs no script
    editor.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = true\">')")
    editor.wait_for_timeout(300)
    assert not editor.evaluate("Boolean(window.ran)")
    # and the same call from the editor's own page does something
    send = """call => fetch('/gradio_api/component_server/',
      { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(call) }).then((answer) => answer.status)"""
    name_now = "studio.ask(studio.servers.video, 'look_again', { project_id: studio.state.view.id }).then(({ view }) => view.name)"
    assert editor.evaluate(name_now) == named
    assert editor.evaluate(send, rename) == 200
    assert editor.evaluate(name_now) == "taken over"
    context.close()
