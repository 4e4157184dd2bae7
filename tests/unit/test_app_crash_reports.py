"""An internal error leaves a crash report to pass on, and gives the person one sentence."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from app.jobs.runner import JobRunner
from app.server.crash_reports import A_MINUTE, crash_reports, KEPT, LONGEST, report_path
from core.errors import InputError
from core.progress import JobContext
from ui_components.part import handler

PROJECT = "0123456789abcdef0123456789abcdef"


def test_a_handler_that_breaks_answers_in_one_sentence_and_reports_the_rest(tmp_path: Path) -> None:
    def paint(project_id: str, radius: float) -> dict[str, float]:
        return {"share": 1 / radius}

    with crash_reports(tmp_path / "logs"):
        answer = handler(paint)({"project_id": PROJECT, "radius": 0})
    assert "ZeroDivisionError" in answer["error"]
    assert "\n" not in answer["error"]
    text = report_path(tmp_path / "logs", answer["report"]).read_text(encoding="utf-8")
    for part in ("paint failed", '"radius": 0', "Traceback", "ZeroDivisionError: float division by zero", "torch ", "gradio ", "python "):
        assert part in text
    assert PROJECT not in text, "who knows the id of a project may open it"
    assert PROJECT[:6] in text


def test_a_job_that_breaks_says_where_its_report_is(tmp_path: Path) -> None:
    def work(_: JobContext) -> dict[str, str]:
        return {}["missing"]  # type: ignore[return-value]

    runner = JobRunner()
    with crash_reports(tmp_path):
        status = runner.wait(runner.submit("export", PROJECT, work, device="cpu"), 30)
    runner.shut_down()
    assert status.state == "failed"
    assert "KeyError" in status.message
    assert "'export' failed" in report_path(tmp_path, status.result["report"]).read_text(encoding="utf-8")


def test_only_internal_errors_are_reported_and_old_reports_go(tmp_path: Path) -> None:
    for index in range(KEPT + 5):
        path = tmp_path / f"crash-{index:016x}.txt"
        path.write_text("old")
        os.utime(path, (index, index))
    with crash_reports(tmp_path):
        logging.getLogger("app.test").error("an expected error")
        logging.getLogger("app.test").error("an internal error", extra={"report_id": "f" * 16, "asked": {}})
    assert len(list(tmp_path.iterdir())) == KEPT
    assert report_path(tmp_path, "f" * 16).is_file()
    for wanted in ("0" * 16, "../../etc/passwd", ""):
        with pytest.raises(InputError):
            report_path(tmp_path, wanted)


def test_an_error_that_comes_again_is_counted_and_a_flood_is_bounded(tmp_path: Path) -> None:
    def breaks(value: str) -> dict[str, float]:
        raise RuntimeError("x" * 10 * LONGEST)

    with crash_reports(tmp_path):
        reports = {handler(breaks)({"value": "same"})["report"] for _ in range(9)}
        text = report_path(tmp_path, reports.pop()).read_text(encoding="utf-8")
        assert not reports
        assert text.count("time\n") == 3, "of the second, fourth and eighth time"
        for number in range(3 * A_MINUTE):
            handler(breaks)({"value": f"{number}" * LONGEST})
    written = list(tmp_path.iterdir())
    assert len(written) == A_MINUTE
    assert all(path.stat().st_size < 4 * LONGEST for path in written)
