"""The job bar: what the machine is working on, how far it is, how long it will take, what waits
behind it, and buttons to stop it.
"""

from __future__ import annotations

from typing import cast

import gradio as gr

from app.contract.program import Program
from core.errors import InputError
from core.progress import JobStatus
from ui_components.part import Answer, part

MARKUP = """
<div class="vs-job" data-ref="job" data-state="idle">
  <span class="vs-job-text" data-ref="text" role="status" aria-live="polite">Ready</span>
  <button type="button" class="vs-link vs-job-more" data-ref="more" aria-expanded="false" hidden></button>
  <progress class="vs-job-bar" data-ref="bar" max="1" value="0" aria-label="Progress"></progress>
  <span class="vs-job-buttons">
    <button type="button" class="vs-button vs-small" data-ref="stop" title="Give this up">Stop</button>
    <button type="button" class="vs-button vs-small" data-ref="again" title="Do what was left undone" hidden>Resume</button>
    <button type="button" class="vs-button vs-small" data-ref="dismiss" title="Leave it undone" hidden>Dismiss</button>
  </span>
  <div class="vs-queue" data-ref="queue" role="dialog" aria-label="Queue" hidden><ol data-ref="list"></ol></div>
</div>
"""


def job_bar(program: Program) -> gr.HTML:
    """The page follows a job by asking; the job itself knows nothing of the page, so a reload finds
    it again.
    """

    def follow(project_id: str) -> Answer:
        return program.view(project_id)

    def stop_job(project_id: str, job_id: str) -> Answer:
        """A propagation can be resumed: what there is of it stays in the project."""
        job = _job(project_id, job_id)
        program.run("pause" if job.kind == "propagate" else "cancel", job_id)
        return program.view(project_id)

    def _job(project_id: str, job_id: str) -> JobStatus:
        for job in program.run("jobs", project_id):
            if job.job_id == job_id:
                return cast(JobStatus, job)
        raise InputError("that job belongs to another project: open that one to stop it")

    return part("job", MARKUP, [follow, stop_job, *program.handlers("resume_job", "dismiss_job")])
