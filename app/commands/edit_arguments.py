"""What `edit` was asked for besides the video and the prompts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.commands.given_keyframes import GivenKeyframe
from app.commands.prompt_arguments import PromptArguments
from core.errors import InputError
from core.project.edits import Carry, check_seed, SamplingSettings
from core.project.mix import Mix, PLAIN
from core.project.tracks import MaskAdjustment


@dataclass(frozen=True)
class EditArguments:
    """What `edit` was asked for besides the video and the prompts. With `proposes` the form of the
    region is proposed once there are masks. With `only_frames` the video holds the edited frames
    alone, else the whole clip. A `direct` edit has no keyframe. `also` are parts of the result to
    write, see `app.render.result_parts`. `mix` says how the edit lies over the clip, `front` are
    masks of what stays in front of it.
    """

    task: str
    caption: str
    adjustment: MaskAdjustment
    seed: int
    settings: SamplingSettings
    masks: Path | None
    keyframes: tuple[GivenKeyframe, ...]
    frames: str | None
    png: bool
    invert_masks: bool = False
    shadows: bool = True
    carry: Carry = "auto"
    deinterlace: bool = False
    proposes: bool = False
    only_frames: bool = False
    direct: bool = False
    also: tuple[str, ...] = ()
    mix: Mix = PLAIN
    front: Path | None = None

    def check(self, prompts: PromptArguments) -> None:
        """Raise InputError for what can't be asked for together, or is out of range."""
        check_seed(self.seed)
        if self.invert_masks and self.masks is None:
            raise InputError("--invert-masks is about --masks: give both, or neither")
        if self.direct and self.keyframes:
            raise InputError("without a keyframe there is none to give: leave --keyframe or --direct out")
        if self.direct and self.carry != "auto":
            raise InputError("without a keyframe there is none to carry: leave --carry or --direct out")
        if prompts and self.masks is not None:
            raise InputError("give prompts or --masks, not both: leave one out")
