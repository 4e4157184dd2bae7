"""Jobs: in order, with progress, cancelled within a step, and failures told in a sentence."""

import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import app.jobs.runner
from app.jobs.openings import Openings
from app.jobs.runner import Job, JobRunner, WORKERS
from core.errors import InputError
from core.progress import JobContext, PAUSED


def test_a_job_reports_and_ends_with_its_result() -> None:
    halfway, go_on = threading.Event(), threading.Event()

    def work(context: JobContext) -> dict:
        context.report("counting", 2, 4)
        halfway.set()
        go_on.wait(60)
        context.report("counting", 4, 4)
        return {"answer": 42}

    runner = JobRunner()
    job_id = runner.submit("count", "p", work, device="cpu")
    assert halfway.wait(60)
    status = runner.status(job_id)
    assert (status.state, status.stage, status.fraction) == ("running", "counting", 0.5)
    assert status.remaining is None, "the time that it was to take has passed"
    go_on.set()
    status = runner.wait(job_id, 60)
    assert (status.state, status.result, status.done, status.total) == ("done", {"answer": 42}, 4, 4)


def test_one_worker_per_device_runs_in_order_and_the_queue_tells_its_length() -> None:
    release, order = threading.Event(), []

    def blocker(context: JobContext) -> dict:
        release.wait(60)
        order.append("first")
        return {}

    def follower(context: JobContext) -> dict:
        order.append("second")
        return {}

    runner = JobRunner()
    first = runner.submit("a", "p", blocker, device="cpu")
    second = runner.submit("b", "p", follower, device="cpu")
    other = runner.submit("c", "q", lambda c: {"ran": True}, device="cuda:0")
    assert runner.wait(other, 60).state == "done"
    assert runner.status(second).ahead == 1
    assert runner.status(runner.submit("d", "q", lambda c: {}, device="cuda:0")).ahead == 0, "work of another device is not waited for"
    release.set()
    assert runner.wait(second, 60).state == "done"
    assert runner.wait(first, 60).state == "done"
    assert order == ["first", "second"]
    assert [s.job_id for s in runner.of_project("p")] == [second, first]


def test_jobs_for_workers_run_side_by_side_and_those_of_a_project_in_order() -> None:
    runner, meeting, states = JobRunner(), threading.Barrier(2, timeout=60), []

    def meet(context: JobContext) -> dict[str, Any]:
        meeting.wait()
        return {}

    def look(context: JobContext) -> dict[str, Any]:
        states.append(runner.status(first).state)
        return {}

    first = runner.submit("track", "one", meet, device=WORKERS)
    later = runner.submit("track", "one", look, device=WORKERS)
    other = runner.submit("track", "two", meet, device=WORKERS)
    assert [runner.wait(job, 60).state for job in (first, other, later)] == ["done"] * 3
    assert states == ["done"]


def test_cancel_stops_a_running_job_at_its_next_step_and_a_queued_one_at_once() -> None:
    started, steps = threading.Event(), []

    def endless(context: JobContext) -> dict:
        while True:
            steps.append(1)
            started.set()
            context.report("forever", 1, 2)

    runner = JobRunner()
    running = runner.submit("a", "p", endless, device="cpu")
    waiting = runner.submit("b", "p", endless, device="cpu")
    started.wait(60)
    runner.cancel(waiting)
    assert runner.status(waiting).state == "cancelled"
    runner.cancel(running)
    assert runner.wait(running, 60).state == "cancelled"
    after = runner.submit("c", "p", lambda c: {"ok": True}, device="cpu")
    assert runner.wait(after, 60).state == "done"


def test_shutting_down_lets_a_job_keep_what_it_has() -> None:
    started, kept = threading.Event(), []

    def endless(context: JobContext) -> dict:
        try:
            while True:
                started.set()
                context.report("forever", 1, 2)
        finally:
            threading.Event().wait(0.2)
            kept.append("frames")

    runner = JobRunner()
    running = runner.submit("a", "p", endless, device="cpu")
    waiting = runner.submit("b", "p", endless, device="cpu")
    started.wait(60)
    runner.shut_down()
    assert kept == ["frames"]
    assert [runner.status(job).state for job in (running, waiting)] == ["cancelled", "cancelled"]


def test_errors_become_sentences() -> None:
    def bad_input(context: JobContext) -> dict:
        raise InputError("the mask is empty everywhere")

    def our_fault(context: JobContext) -> dict:
        raise ZeroDivisionError("division by zero")

    runner = JobRunner()
    told = [runner.wait(runner.submit("a", "p", work, device="cpu"), 60) for work in (bad_input, our_fault)]
    assert [s.state for s in told] == ["failed", "failed"]
    assert told[0].message == "the mask is empty everywhere"
    assert "ZeroDivisionError" in told[1].message
    assert "\n" not in told[1].message


def test_an_unknown_job_is_an_input_error() -> None:
    with pytest.raises(InputError):
        JobRunner().status("nope")


def test_a_pause_says_so_and_so_does_the_end_of_the_program() -> None:
    started = threading.Event()

    def work(context: JobContext) -> dict:
        started.set()
        while True:
            context.report("working", 1, 2)

    runner = JobRunner()
    first = runner.submit("a", "p", work, device="cpu")
    assert started.wait(60)
    runner.cancel(first, PAUSED)
    runner.cancel(first)  # what was asked for first counts
    assert (runner.wait(first, 60).state, runner.status(first).message) == ("cancelled", PAUSED)
    second = runner.submit("b", "p", work, device="cpu")
    runner.shut_down()
    assert runner.status(second).message == PAUSED


def test_a_finished_job_holds_nothing_of_what_it_worked_on() -> None:
    class Masks:
        pass

    def job_with(masks: Masks) -> Job:
        return lambda context: {"kind": type(masks).__name__}

    runner, kept, release = JobRunner(), [], threading.Event()
    stopped = runner.submit("wait", "p", lambda context: {"waited": release.wait(60)}, device="gpu")
    for device in ("cpu", "gpu"):  # one that ends, and one that is cancelled while it waits
        masks = Masks()
        kept.append(weakref.ref(masks))
        ids = runner.submit("track", "p", job_with(masks), device=device)
        del masks
        if device == "gpu":
            runner.cancel(ids)
        else:
            assert runner.wait(ids, 60).result == {"kind": "Masks"}
    release.set()
    runner.wait(stopped, 60)
    runner.wait(runner.submit("next", "p", lambda context: {}, device="cpu"), 60)
    assert [ref() for ref in kept] == [None, None]


def test_an_opening_that_has_not_begun_is_undone_and_old_ones_are_in_nobodys_way(monkeypatch: pytest.MonkeyPatch) -> None:
    runner = JobRunner()
    openings = Openings(runner)
    release, undone = threading.Event(), threading.Event()

    def held(_: JobContext) -> dict:
        release.wait(60)
        return {}

    with ThreadPoolExecutor() as people:
        ids = [opening.result(60) for opening in [people.submit(openings.start, held, undone.set) for _ in range(4)]]
    assert [runner.status(job_id).ahead for job_id in ids] == [0] * 4, "side by side, however many ask at once"
    for cancel in (openings.cancel, runner.cancel):
        fifth = openings.start(held, undone.set)
        cancel(fifth)
        assert (openings.status(fifth).state, undone.is_set()) == ("cancelled", True)
        undone.clear()
    release.set()
    assert [runner.wait(job_id, 60).state for job_id in ids] == ["done"] * 4
    assert not undone.is_set()
    monkeypatch.setattr(app.jobs.runner, "KEPT", 1)
    for _ in range(2):
        other = runner.submit("other", "", lambda _: {}, device="other")
        runner.wait(other, 60)
    with pytest.raises(InputError, match="opens no video"):
        openings.cancel(other)
    with pytest.raises(InputError):
        openings.status(ids[0])
    assert openings.status(openings.start(lambda _: {"project": "it"}, undone.set)).result == {"project": "it"}
    release.clear()
    for _ in range(5):
        openings.start(held, undone.set)
    runner.shut_down(0)
    assert undone.is_set(), "also where the program ends it"
    release.set()
