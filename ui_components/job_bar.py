"""The job bar: what the machine is working on, how far it is, how long it will take, what waits behind it, and buttons to stop it."""

from __future__ import annotations

import gradio as gr

from app.contract.project_view import project_view
from app.contract.verbs import Verbs
from core.errors import InputError
from ui_components.part import Answer, part

MARKUP = """
<div class="vs-job" data-ref="job" data-state="idle">
  <span class="vs-job-text" data-ref="text" role="status" aria-live="polite">Ready</span>
  <button type="button" class="vs-link vs-job-more" data-ref="more" aria-expanded="false" hidden></button>
  <progress class="vs-job-bar" data-ref="bar" max="1" value="0" aria-label="Progress"></progress>
  <span class="vs-job-buttons">
    <button type="button" class="vs-button vs-small" data-ref="pause"
     title="Finished windows stay; Resume in step 5 goes on from there">Pause</button>
    <button type="button" class="vs-button vs-small" data-ref="stop" title="Give this up">Stop</button>
    <button type="button" class="vs-button vs-small" data-ref="again" title="Do what was left undone" hidden>Resume</button>
    <button type="button" class="vs-button vs-small" data-ref="dismiss" title="Leave it undone" hidden>Dismiss</button>
  </span>
  <div class="vs-queue" data-ref="queue" role="dialog" aria-label="Queue" hidden><ol data-ref="list"></ol></div>
</div>
"""


def job_bar(verbs: Verbs) -> gr.HTML:
    """The page follows a job by asking; the job itself knows nothing of the page, so a reload finds it again."""

    def follow(project_id: str) -> Answer:
        return {"view": project_view(verbs, project_id)}

    def stop_job(project_id: str, job_id: str) -> Answer:
        _check(project_id, job_id)
        verbs.cancel(job_id)
        return {"view": project_view(verbs, project_id)}

    def pause_job(project_id: str, job_id: str) -> Answer:
        _check(project_id, job_id)
        verbs.pause(job_id)
        return {"view": project_view(verbs, project_id)}

    def resume_job(project_id: str, job_id: str) -> Answer:
        return {"job": verbs.resume_job(project_id, job_id), "view": project_view(verbs, project_id)}

    def dismiss_job(project_id: str, job_id: str) -> Answer:
        verbs.dismiss_job(project_id, job_id)
        return {"view": project_view(verbs, project_id)}

    def _check(project_id: str, job_id: str) -> None:
        if not any(job.job_id == job_id for job in verbs.jobs(project_id)):
            raise InputError("that job belongs to another project: open that one to stop it")

    return part("job", MARKUP, [follow, stop_job, pause_job, resume_job, dismiss_job])
