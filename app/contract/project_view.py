"""What the page knows about a project: the document as plain JSON, with what each step needs said
in words.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from app.contract.clip_facts import clip_facts
from app.contract.preflight import preflight, unseen_text
from app.contract.reads import EditorReads
from core.errors import InputError
from core.geometry import FrameRange
from core.progress import JobStatus
from core.project.edits import EVERY_FRAME, KeyframeEdit, Layer, Propagation
from core.project.project import Project
from core.project.prompts import BoxPrompt, MaskPrompt, PointPrompt, Prompt
from core.project.tracks import MaskTrack

MOST_RESULTS = 6
"""Results that can be chosen among."""


def project_view(editor: EditorReads, project_id: str) -> dict[str, Any]:
    """Everything the page draws, for one project.

    `moment` orders views: a later one replaces an earlier one, never the other way. A `draft` is
    saved with its first change, and gone with the program until then.
    """
    moment = time.monotonic_ns()
    # Before the project: what a job that has ended has changed must be in it.
    jobs = editor.jobs.of_project(project_id)
    project = editor.projects.get(project_id)
    info = project.clip.info
    undo, redo = editor.history.labels(project_id)
    cuts = editor.clip.scene_cuts(project_id)
    smooth = any(track.adjusted_by(project.adjustment).smooth for track in project.edited_tracks)
    return {
        "id": project.project_id,
        "moment": moment,
        "name": project.name,
        "draft": editor.projects.is_draft(project_id),
        "base": project.base,
        "clip": {
            "width": info.width,
            "height": info.height,
            "rate": float(info.rate),
            "frames": info.frames,
            "variable": info.variable_rate,
            "start": project.clip.start,
            "stop": project.clip.stop,
            "deinterlaced": project.clip.deinterlace,
            "facts": clip_facts(project.clip),
        },
        "preflight": preflight(editor, project),
        "objects": [_object(track, project.clip.frame_range) for track in project.tracks],
        "lanes": editor.tracking.timeline(project_id),
        "cuts": list(cuts),
        "masks_rev": _revision([(t.object_id, t.colour, t.prompts, t.masks, t.tracked, t.hidden) for t in project.tracks]),
        "region_rev": _revision(
            [
                *(project.base, project.adjustment, cuts if smooth else ()),
                *(
                    (t.object_id, t.adjustment, t.prompts, t.confirmed, t.masks, t.tracked)
                    for t in (*project.edited_tracks, *project.affected_tracks)
                ),
            ]
        ),
        "adjustment": asdict(project.adjustment),
        "proposed_for": project.proposed_for,
        "proposals": {
            name: {task: {"form": way.form, "pixels": way.pixels} for task, way in ways.items()}
            for name, ways in editor.region.proposals(project_id).items()
        },
        "shadows": project.shadows,
        "edits": [_try(edit) for edit in project.edits],
        "accepted": project.accepted,
        "accepted_tries": [edit.edit_id for edit in project.accepted_edits],
        "carried": [e.edit_id for e in project.accepted_keyframes],
        "result": _result(editor, project, project.latest_propagation),
        "results": [_result(editor, project, p) for p in _finished(project)],
        "layers": [_layer(project, layer) for layer in project.layers],
        "undo": undo,
        "redo": redo,
        "exports": [asdict(file) for file in editor.exports.listed(project_id)],
        "jobs": [job_view(job) for job in _jobs(jobs)],
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
    """For every step: may it be opened (`open`), why not (`reason`), is it `done`, is what it made
    `stale`.
    """
    prompted = any(track.is_located for track in project.tracks)
    tracked = any(track.tracked for track in project.tracks)
    chosen = any(track.tracked for track in project.edited_tracks)
    tried = bool(project.edits)
    accepted = project.accepted_keyframes
    result = project.latest_propagation
    finished = result is not None and result.result is not None
    outdated = result is not None and (result.stale or not project.fits(result))
    click = "Click an object in step 2 first."
    ready = "Tick an object to edit in step 3 first." if tracked else "Track the object in step 2 first." if prompted else click
    return {
        "video": _step(True, "", True),
        "select": _step(True, "", tracked),
        "adjust": _step(prompted, click, chosen),
        "keyframe": _step(chosen or tried, ready, bool(accepted), any(edit.stale for edit in accepted)),
        "propagate": _step(bool(accepted or project.layers), "Accept a keyframe in step 4 first.", finished, outdated),
    }


def _step(opened: bool, reason: str, done: bool, stale: bool = False) -> dict[str, Any]:
    return {"open": opened, "reason": "" if opened else reason, "done": done and opened, "stale": stale}


def _object(track: MaskTrack, frames: FrameRange) -> dict[str, Any]:
    return {
        "id": track.object_id,
        "name": track.name,
        "colour": list(track.colour),
        "tracked": track.covers(*frames),
        "marked": track.is_located,
        "hidden": track.hidden,
        "edited": track.edited,
        "in_front": track.in_front,
        "affected": track.affected is not None,
        "adjustment": None if track.adjustment is None else asdict(track.adjustment),
        "proposed_for": track.proposed_for,
        "confirmed": list(track.confirmed),
        "shape": None if track.shape is None else asdict(track.shape),
        "prompts": [shape for shape in map(_prompt, track.prompts) if shape],
    }


def _prompt(prompt: Prompt) -> dict[str, Any] | None:
    if isinstance(prompt, PointPrompt):
        return {"kind": "point", "frame": prompt.frame, "x": prompt.x, "y": prompt.y, "positive": prompt.positive}
    if isinstance(prompt, BoxPrompt):
        return {"kind": "box", "frame": prompt.frame, "x0": prompt.x0, "y0": prompt.y0, "x1": prompt.x1, "y1": prompt.y1}
    return {"kind": "mask", "frame": prompt.frame} if isinstance(prompt, MaskPrompt) else None


def _try(edit: KeyframeEdit) -> dict[str, Any]:
    """A try; `model` is empty for a picture that came from another program."""
    return {
        "id": edit.edit_id,
        "name": edit.name,
        "starred": edit.starred,
        "parent": edit.parent,
        "keep": edit.keep,
        "frame": edit.frame,
        "task": edit.task,
        "caption": edit.caption,
        "seed": edit.seed,
        "steps": edit.settings.steps,
        "guidance": edit.settings.guidance,
        "fit": edit.settings.fit,
        "painter": edit.settings.painter,
        "preset": edit.settings.preset,
        "model": edit.model,
        "image": edit.image,
        "seconds": edit.seconds,
        "unseen": unseen_text(edit.unseen),
        "stale": edit.stale,
        "carried": edit.carried,
        "objects": list(edit.objects),
        "ground": list(edit.ground),
        "insert": None if edit.insert is None else asdict(edit.insert),
    }


def _result(editor: EditorReads, project: Project, propagation: Propagation | None) -> dict[str, Any] | None:
    """The propagation to look at; `done` says whether it is whole, `windows` which parts of it are
    there: [start, stop, there].
    """
    if propagation is None:
        return None
    try:
        report = editor.results.report(project.project_id, propagation.propagation_id) if propagation.report else {}
        windows = [list(window) for window in editor.propagation.windows(project.project_id, propagation.propagation_id)]
    except InputError:
        report, windows = {}, []
    return {
        "id": propagation.propagation_id,
        "title": propagation.title,
        "name": propagation.name,
        "made": propagation.made,
        "edits": list(propagation.edit_ids),
        "keyframes": sorted({keyframe.frame for part in propagation.parts for keyframe in part.keyframes}),
        "done": propagation.result is not None,
        "base": propagation.base,
        "draft": propagation.draft,
        "mix": asdict(propagation.mix),
        "steps": propagation.settings.steps,
        "guidance": propagation.settings.guidance,
        "rate": propagation.settings.rate or EVERY_FRAME,
        "preset": propagation.settings.preset,
        "span": list(propagation.span),
        "windows": windows,
        "stale": propagation.stale,
        "fits": project.fits(propagation),
        "report": report,
    }


def _finished(project: Project) -> list[Propagation]:
    """The finished results on the present base that are not accepted, the newest first."""
    layers = {layer.propagation_id for layer in project.layers}
    open_ones = [p for p in project.propagations if p.result is not None and p.base == project.base and p.propagation_id not in layers]
    return open_ones[: -MOST_RESULTS - 1 : -1]


def _layer(project: Project, layer: Layer) -> dict[str, Any]:
    """One accepted result, by what was asked for."""
    propagation = project.propagation(layer.propagation_id)
    keyframes = (keyframe for part in propagation.parts for keyframe in part.keyframes)
    asked = [{"task": k.task, "caption": k.caption, "frame": k.frame, "image": k.image} for k in keyframes]
    return {"id": layer.propagation_id, "enabled": layer.enabled, "asked": asked, "span": list(propagation.span)}


def _jobs(jobs: Sequence[JobStatus]) -> list[JobStatus]:
    """All that have not ended or were interrupted, and the newest few that have ended; the newest
    first.
    """
    ended = [job for job in jobs if job.finished][:4] + [job for job in jobs if job.state == "interrupted"]
    return [job for job in jobs if not job.finished or job in ended]


def _revision(what: Any) -> str:
    """A short name for a state of the masks: pictures are cached under it."""
    return hashlib.sha256(json.dumps(what, default=repr).encode()).hexdigest()[:12]
