"""The job bar: what the machine is working on, how far it is, how long it will take, and a button to stop it."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ui_components.part import Answer, part
from ui_components.verbs import Verbs
from ui_components.view import project_view

MARKUP = """
<div class="vs-job" data-ref="job" data-state="idle">
  <span class="vs-job-text" data-ref="text" role="status" aria-live="polite">Ready</span>
  <progress class="vs-job-bar" data-ref="bar" max="1" value="0" aria-label="Progress"></progress>
  <button type="button" class="vs-button vs-small" data-ref="stop">Stop</button>
</div>
"""


def job_bar(verbs: Verbs) -> gr.HTML:
    """The page follows a job by asking; the job itself knows nothing of the page, so a reload finds it again."""

    def follow(project_id: str) -> Answer:
        return {"view": project_view(verbs, project_id)}

    def stop_job(project_id: str, job_id: str) -> Answer:
        if not any(job.job_id == job_id for job in verbs.jobs(project_id)):
            return {"error": "That job belongs to another project."}
        verbs.cancel(job_id)
        answer: dict[str, Any] = {"view": project_view(verbs, project_id)}
        return answer

    return part("job", MARKUP, [follow, stop_job])
