"""Long work and the page: nothing jumps or freezes while it runs, people don't meet, and a program
that was gone is found again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from studio_page import new_context, newest_job, open_page, point, prepared, Problems, program, Server, SLOW, wait_for_job

pytestmark = pytest.mark.browser

WATCH_SHIFTS = """() => {
  window.shifts = [];
  new PerformanceObserver((list) => {
    const shown = ({ node }) => node?.outerHTML?.slice(0, 90);
    for (const one of list.getEntries()) shifts.push([one.value, one.startTime, ...one.sources.map(shown)]);
  }).observe({ type: 'layout-shift' });
}"""

WATCH_WORDS = """() => {
  const line = document.querySelector('#studio-job [data-ref=text]');
  window.words = [];
  new MutationObserver(() => words.push(line.textContent)).observe(line, { childList: true, characterData: true, subtree: true });
}"""
# What the line of the job says, however briefly.

UNANSWERED_STOP = """() => {
  const server = studio.servers.job, { stop_job } = server;
  server.stop_job = async () => {
    server.stop_job = stop_job;
    return null;
  };
}"""
# The next call is lost on its way.

FAULT = """
from app.editor.history import HistoryOperations

def undo(self, project_id: str) -> None:
    raise ZeroDivisionError("nonsense")

HistoryOperations.undo = undo
"""
# What no input should bring about: an operation that fails.

LONG = {"seed": 1, "steps": 1000, "guidance": None, "draft": False}
"""A propagation that nobody waits for."""


def start(page: Any, settings: dict[str, Any]) -> None:
    """Propagate without a key or a click: what moves right after one doesn't count as a shift."""
    page.evaluate("settings => studio.change(studio.servers.propagate, 'start_propagation', settings)", settings)


def test_a_running_job_moves_nothing_and_scrubbing_goes_on(page: Any, server: Server, tmp_path: Path) -> None:
    from builders import disc_clip

    project_id = prepared(server.workspace, disc_clip(tmp_path / "disc.mp4", frames=9))
    open_page(page, f"{server.url}/?project={project_id}#adjust")
    page.evaluate(WATCH_SHIFTS)
    start(page, LONG)
    page.wait_for_selector("#studio-job [data-state=running]")
    for frame in range(1, 8):
        page.keyboard.press("ArrowRight")
        page.wait_for_selector(f"#studio-canvas canvas[data-frame='{frame}']")
    assert page.evaluate("studio.activeJob().state") == "running"
    page.wait_for_function("studio.state.view.result && studio.state.view.result.windows.length", timeout=SLOW)
    page.evaluate(UNANSWERED_STOP)
    stop = page.get_by_role("button", name="Stop", exact=True)
    stop.click()
    page.get_by_text("The program did not take that").wait_for()
    assert stop.is_enabled(), "it goes on, and can be stopped again"
    page.evaluate(WATCH_WORDS)
    stop.click()
    page.wait_for_function("words.includes('Stopping, no window of 1 is finished yet')")
    page.wait_for_function("!studio.activeJob()", timeout=SLOW)
    page.get_by_text("Stopped. Resume in step 5 makes only what is missing").wait_for()
    page.evaluate("studio.openStep('propagate')")
    assert page.locator("#studio-propagate").get_by_role("button", name="Resume").is_enabled()

    # here the picture makes room for the tools beside it, which no job does
    opened = page.evaluate("performance.now()")
    page.evaluate("studio.openStep('select')")
    point(page, 0, 0)
    rested = page.evaluate("performance.now()")
    stopped = newest_job(page)
    mark = {"object_id": 1, "frame": 0, "x": 55, "y": 61, "positive": True}
    page.evaluate("mark => studio.change(studio.servers.canvas, 'add_point', mark)", mark)
    page.evaluate("studio.change(studio.servers.select, 'start_tracking', {})")
    wait_for_job(page, "track", after=stopped)
    shifts = [shift for shift in page.evaluate("shifts") if not opened <= shift[1] <= rested]
    assert sum(value for value, *_ in shifts) < 0.01, sorted(shifts)[-3:]  # a word that grows; 0.1 is what people notice


def test_two_people_share_a_server_and_it_may_go_and_come_back(browser: Any, tmp_path: Path) -> None:
    from builders import disc_clip, tiny_vivid_package

    workspace = tmp_path / "workspace"
    package = str(tiny_vivid_package(tmp_path / "tiny", layers=24))
    projects = [prepared(workspace, disc_clip(tmp_path / f"{name}.mp4", frames=9), package) for name in ("one", "two")]
    problems = Problems(expected=["ERR_CONNECTION", "Failed to fetch", "net::"])
    people = [new_context(browser) for _ in projects]
    with program(workspace, "--host", "0.0.0.0", "--model", package) as (url, process):
        one, two = (person.new_page() for person in people)
        for page, project_id in zip((one, two), projects, strict=True):
            problems.watch(page)
            open_page(page, f"{url}/?project={project_id}#propagate")
            page.wait_for_function("!studio.activeJob()", timeout=SLOW)
        start(one, LONG)
        start(two, LONG | {"steps": 1})
        two.get_by_text("Propagating: 2nd in line").wait_for()
        for page, mine, other in ((one, projects[0], projects[1]), (two, projects[1], projects[0])):
            assert page.evaluate("studio.state.view.jobs.filter((job) => job.kind === 'propagate').length") == 1
            listed = page.evaluate("studio.ask(studio.servers.video, 'list_projects', { known: studio.knownProjects() })")
            ids = [project["id"] for project in listed["recent"]]
            assert mine in ids
            assert other not in ids
        refused = "([id, job]) => studio.servers.job.stop_job({ project_id: id, job_id: job })"
        assert "another project" in two.evaluate(refused, [projects[1], newest_job(one)])["error"]

        # the tab is closed; the job goes on, and the bare address brings all of it back
        waiting = newest_job(two)
        two.close()
        one.get_by_role("button", name="Stop", exact=True).click()
        two = people[1].new_page()
        problems.watch(two)
        open_page(two, f"{url}/?")
        found = two.evaluate("[studio.state.view.id, studio.state.step, studio.state.view.jobs[0].id]")
        assert found == [projects[1], "propagate", waiting]
        two.wait_for_function("id => studio.state.view.jobs.find((job) => job.id === id).state === 'done'", arg=waiting, timeout=SLOW)

        process.kill()
        process.wait()
        two.get_by_text("The program doesn't answer").wait_for()
    (tmp_path / "sitecustomize.py").write_text(FAULT)
    words = ("--host", "0.0.0.0", "--model", package)
    with program(workspace, *words, port=int(url.rsplit(":", 1)[1]), start_up=tmp_path) as (again, _):
        assert again == url
        two.get_by_text("The program answers again").wait_for()
        assert not two.get_by_text("The program doesn't answer").is_visible()
        two.evaluate("studio.change(studio.servers.select, 'add_object')")
        two.wait_for_function("studio.state.view.objects.length === 2")

        # an internal error: one sentence, and a report that can be kept
        two.get_by_role("button", name="Undo").first.click()
        two.get_by_text("Something went wrong inside the program").wait_for()
        with two.expect_download() as download:
            two.get_by_role("link", name="Save report").click()
        assert "nonsense" in Path(download.value.path()).read_text(encoding="utf-8")
        assert len(list((workspace / "logs").iterdir())) == 1
    for person in people:
        person.close()
    problems.assert_none()
