"""What the command line says of how keyframes were carried."""

from __future__ import annotations

from typing import Any

from app.commands.console import note
from core.project.edits import CARRIED_WORDS


def print_carried(report: dict[str, Any]) -> None:
    """Say how each keyframe of a report was carried, and where a further one would help."""
    for frame, carried in report["carried"].items():
        if carried == "direct":
            note(f"painted without a keyframe, from frame {frame} on")
        else:
            note(f"keyframe {frame} is carried as {CARRIED_WORDS[carried]}")
    for found in report["unsupported"]:
        start, last = found["start"], found["stop"] - 1
        frames = f"frame {start}" if start == last else f"frames {start}-{last}"
        share = f"{found['share']:.0%} of the region"
        wanted = found["keyframe"]
        note(f"the keyframe does not say what becomes of {share} on {frames}: give --keyframe {wanted}:IMAGE too")
