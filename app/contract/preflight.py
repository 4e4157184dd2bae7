"""The preflight card: what this clip will be like to work on, said before the work.

Every sentence is about what this program does.
"""

from __future__ import annotations

from typing import Any

from app.contract.clip_facts import WIDE_TRANSFERS
from app.contract.reads import EditorReads
from app.contract.values import Cost
from core.project.project import Project
from core.project.video import Clip, VideoInfo
from core.words import duration

LONG = 20.0
"""Seconds above which the card suggests to work on a part."""
DARK = 0.1
"""Mean brightness, 0 to 1, below which one is warned."""
LITTLE = 0.03
"""A share of what is removed that nobody misses."""
LARGE = 2_100_000
"""Pixels: more than 1920x1080 has."""

_STEPS = {"track": "Tracking one object", "keyframe": "A keyframe try", "propagate": "Propagating"}


def preflight(editor: EditorReads, project: Project) -> dict[str, Any]:
    """`notes` with what to know, some with a `remedy` that the page knows how to do; `costs` in
    words; `looked`, 0 to 1, for cuts.
    """
    clip, scan = project.clip, editor.clip.scan(project.project_id)
    cuts = [cut for cut in editor.clip.scene_cuts(project.project_id) if clip.start < cut < clip.stop]
    costs = editor.estimates.costs(project.project_id)
    return {
        "notes": [
            *_about_file(clip.info),
            *_about_length(clip),
            *_about_cuts(cuts),
            *_about_fields(clip),
            *_about_picture(clip.info),
            *_about_light(scan.brightness),
            *_about_unseen(project),
            *(_sentence(note) for note in scan.notes),
        ],
        "costs": [_cost(cost) for cost in costs],
        "measured": all(cost.seconds is not None for cost in costs),
        "looked": round(scan.looked / clip.info.frames, 3),
        "done": scan.looked == clip.info.frames and scan.brightness is not None,
    }


def _note(text: str, remedy: str = "", label: str = "", warn: bool = False) -> dict[str, Any]:
    """`remedy` is one of part (ten seconds from the playhead), shot (the one at the playhead) or
    whole; of deinterlace and fields.
    """
    return {"text": text, "remedy": remedy, "label": label, "warn": warn}


def _sentence(text: str, warn: bool = False) -> dict[str, Any]:
    return _note(f"{text[0].upper()}{text[1:]}.", warn=warn)


def _about_file(info: VideoInfo) -> list[dict[str, Any]]:
    return [_sentence(remark, warn=True) for remark in info.damage]


def _about_length(clip: Clip) -> list[dict[str, Any]]:
    seconds = float(clip.frames / clip.info.rate)
    if seconds > LONG:
        return [_note(f"{duration(seconds).capitalize()} to track and propagate: begin with a part.", "part", "10 s from here", True)]
    if clip.frames < clip.info.frames:
        text = f"Working on {clip.frames} of {clip.info.frames} frames: only these are edited."
        return [_note(text, "whole", "Whole clip")]
    return []


def _about_cuts(cuts: list[int]) -> list[dict[str, Any]]:
    if not cuts:
        return []
    found = f"{len(cuts)} cuts" if len(cuts) > 1 else f"A cut at frame {cuts[0]}"
    return [_note(f"{found}: tracking stops at each and asks for one click.", "shot", "This shot only", True)]


def _about_fields(clip: Clip) -> list[dict[str, Any]]:
    if clip.info.field_order is None:
        return []
    if clip.deinterlace:
        return [_note("Interlaced: shown, edited and saved as whole frames.", "fields", "Keep fields")]
    text = f"Interlaced, {clip.info.field_order} field first: its fields are kept."
    if clip.info.rotation:
        text = "Interlaced, and turned: its fields can't be kept, and mix in results."
    return [_note(text, "deinterlace", "Deinterlace", True)]


def _about_picture(info: VideoInfo) -> list[dict[str, Any]]:
    notes = []
    if info.variable_rate:
        notes.append(_note("The rate varies: every frame keeps its own time."))
    if info.rotation:
        notes.append(_note(f"Filmed turned by {info.rotation}°: shown, edited and saved upright."))
    if info.color_transfer in WIDE_TRANSFERS:
        notes.append(_note("HDR looks flat here, as no tone mapping is done; results keep the HDR tags, in 8 bit levels."))
    elif info.bit_depth > 8:
        notes.append(_note(f"{info.bit_depth} bit: frames are read, edited and saved with 8 bit levels."))
    if info.alpha:
        notes.append(_note("Partly transparent: ProRes and PNG exports keep that, others show the colours below.", warn=True))
    if info.color_range == "pc":
        notes.append(_note("Full range, and results keep it."))
    if info.pixel_aspect != 1:
        notes.append(_note("Its pixels are not square: it looks squeezed here; results are tagged like it."))
    if info.width * info.height > LARGE:
        notes.append(_note("Larger than Full HD: the model sees the crop around the object, all else keeps every pixel."))
    return notes


def _about_light(brightness: float | None) -> list[dict[str, Any]]:
    if brightness is None or brightness >= DARK:
        return []
    return [_note(f"Very dark, {100 * brightness:.0f} % bright on average: look the masks over.", warn=True)]


def unseen_text(share: float) -> str:
    """What a removal can't know, in words; empty where that is little.

    `share` of what it has to show is shown by no frame, 0 to 1.
    """
    if share < LITTLE:
        return ""
    return f"No frame shows {100 * share:.0f} % of what lies behind the object: that part is made up."


def _about_unseen(project: Project) -> list[dict[str, Any]]:
    removals = [edit for edit in project.edits if edit.task == "delete" and not edit.stale]
    text = unseen_text(removals[-1].unseen) if removals else ""
    return [_note(text, warn=True)] if text else []


def _cost(cost: Cost) -> dict[str, str]:
    """In words: the step, how long, and how much memory the program holds by then."""
    if cost.seconds is None or cost.memory_mb is None:
        return {"step": _STEPS[cost.step], "time": "not measured yet", "memory": "", "title": "Measured here with the first one, or now"}
    source = "as long as it took here before" if cost.measured else "from a short trial on this machine"
    time = f"about {duration(max(cost.seconds, 0.1))}"
    return {"step": _STEPS[cost.step], "time": time, "memory": f"{cost.memory_mb / 1000:.1f} GB", "title": source.capitalize()}
