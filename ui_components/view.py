"""What the page knows about a project: the document as plain JSON, with what each step needs said in words."""

from __future__ import annotations

import hashlib
import json
import time
from typing import Any

from core.errors import InputError
from core.progress import JobStatus
from core.project.edits import Propagation
from core.project.project import Project
from core.project.prompts import BoxPrompt, PointPrompt, Prompt
from core.project.tracks import MaskTrack
from ui_components.facts import clip_facts
from ui_components.verbs import Verbs


def project_view(verbs: Verbs, project_id: str) -> dict[str, Any]:
    """Everything the page draws, for one project. `moment` orders views: a later one replaces an earlier one, never the other way."""
    moment = time.monotonic_ns()
    project = verbs.project(project_id)
    info = project.clip.info
    undo, redo = verbs.history(project_id)
    return {
        "id": project.project_id,
        "moment": moment,
        "name": project.name,
        "clip": {
            "width": info.width,
            "height": info.height,
            "rate": float(info.rate),
            "frames": info.frames,
            "start": project.clip.start,
            "stop": project.clip.stop,
            "facts": clip_facts(project.clip),
        },
        "objects": [_object(track, (project.clip.start, project.clip.stop)) for track in project.tracks],
        "lanes": verbs.timeline(project_id),
        "masks_rev": _revision([(t.object_id, t.colour, t.prompts, t.masks, t.tracked) for t in project.tracks]),
        "region_rev": _revision([project.adjustment, *((t.object_id, t.prompts, t.masks, t.tracked) for t in project.tracks)]),
        "adjustment": {"form": project.adjustment.form, "pixels": project.adjustment.pixels, "feather": project.adjustment.feather},
        "edits": [
            {
                "id": e.edit_id,
                "frame": e.frame,
                "task": e.task,
                "caption": e.caption,
                "seed": e.seed,
                "image": e.image,
                "seconds": e.seconds,
                "stale": e.stale,
            }
            for e in project.edits
        ],
        "accepted": project.accepted,
        "result": _result(verbs, project_id, project.latest_propagation),
        "undo": undo,
        "redo": redo,
        "jobs": [job_view(job) for job in verbs.jobs(project_id)[:4]],
        "steps": step_states(project),
    }


def job_view(job: JobStatus) -> dict[str, Any]:
    """A job as the page shows it; seconds are rounded for reading."""
    return {
        "id": job.job_id,
        "kind": job.kind,
        "state": job.state,
        "stage": job.stage,
        "done": job.done,
        "total": job.total,
        "fraction": round(job.fraction, 4),
        "remaining": None if job.remaining is None else round(job.remaining, 1),
        "ahead": job.ahead,
        "message": job.message,
        "finished": job.finished,
        "result": job.result,
    }


def step_states(project: Project) -> dict[str, dict[str, Any]]:
    """For every step: may it be opened (`open`), why not (`reason`), is it `done`, is what it made `stale`."""
    prompted = any(track.prompts for track in project.tracks)
    tracked = any(track.tracked for track in project.tracks)
    tried = bool(project.edits)
    accepted = project.accepted_edit
    result = project.latest_propagation
    finished = result is not None and result.result is not None
    click = "Click an object in step 2 first."
    return {
        "video": _step(True, "", True),
        "select": _step(True, "", tracked),
        "adjust": _step(prompted, click, tracked),
        "keyframe": _step(
            tracked or tried, "Track the object in step 2 first." if prompted else click, accepted is not None, _stale(accepted)
        ),
        "propagate": _step(accepted is not None, "Accept a keyframe in step 4 first.", finished, _stale(result)),
    }


def _step(opened: bool, reason: str, done: bool, stale: bool = False) -> dict[str, Any]:
    return {"open": opened, "reason": "" if opened else reason, "done": done and opened, "stale": stale}


def _stale(what: Any) -> bool:
    return bool(what is not None and what.stale)


def _object(track: MaskTrack, span: tuple[int, int]) -> dict[str, Any]:
    return {
        "id": track.object_id,
        "name": track.name,
        "colour": list(track.colour),
        "tracked": track.covers(*span),
        "prompts": [shape for shape in map(_prompt, track.prompts) if shape],
    }


def _prompt(prompt: Prompt) -> dict[str, Any] | None:
    if isinstance(prompt, PointPrompt):
        return {"kind": "point", "frame": prompt.frame, "x": prompt.x, "y": prompt.y, "positive": prompt.positive}
    if isinstance(prompt, BoxPrompt):
        return {"kind": "box", "frame": prompt.frame, "x0": prompt.x0, "y0": prompt.y0, "x1": prompt.x1, "y1": prompt.y1}
    return None


def _result(verbs: Verbs, project_id: str, propagation: Propagation | None) -> dict[str, Any] | None:
    if propagation is None or propagation.result is None:
        return None
    try:
        report = verbs.report(project_id, propagation.propagation_id) if propagation.report else {}
    except InputError:
        report = {}
    return {"id": propagation.propagation_id, "edit": propagation.edit_id, "stale": propagation.stale, "report": report}


def _revision(what: Any) -> str:
    """A short name for a state of the masks: pictures are cached under it."""
    return hashlib.sha256(json.dumps(what, default=repr).encode()).hexdigest()[:12]
