"""What is asked of a propagation: which frames, in which region, like which keyframes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from core.carrying.bounds import ROOM, ThingBounds
from core.carrying.motion import Mask, Region
from core.errors import InputError
from core.geometry import FrameRange
from core.inserts.carried import CarriedInsert
from core.masks import Feather, MaskSequence
from core.project.edits import Carried, follows_thing, SamplingSettings
from core.propagation.result import Frame


@dataclass(frozen=True)
class Keyframe:
    """The accepted picture of a frame, uint8 (H, W, 3), and the task, caption and seed with which
    it is propagated. It is carried as a change of the source, or as a picture; one with an `insert`
    by drawing that on every frame.
    """

    frame: int
    picture: Frame
    task: str
    caption: str
    seed: int
    carried: Carried = "picture"
    insert: CarriedInsert | None = None

    @property
    def follows_thing(self) -> bool:
        """Whether it is carried along the motion of the thing itself."""
        return follows_thing(self.carried, self.task, self.insert is not None)


@dataclass(frozen=True)
class EditRequest:
    """An edit of a clip.

    Attributes:
        frames: The frames of the result.
        region: What may change on each frame; covers `frames` at least.
        keyframes: At least one, in any order.
        settings: How the model is sampled.
        feather: How soft the region's edge is. A task that deletes has a hard edge: its fill
            continues the surroundings.
        following: Of a request for one keyframe the next one, where both are carried as changes:
            the frames between them blend the two.
        kept: Of a request for one keyframe the others that the video engine is shown as well, where
            a window has their frames.
        times: The time stamps of all frames of the clip, in seconds, so that the video engine can
            be shown them at its own rate; None where that is not wanted.
        things: What is edited itself, without what the region has around it; None where only the
            region is known.
    """

    frames: FrameRange
    region: MaskSequence
    keyframes: tuple[Keyframe, ...]
    settings: SamplingSettings
    feather: Feather = field(default_factory=Feather)
    following: Keyframe | None = None
    kept: tuple[Keyframe, ...] = ()
    times: Sequence[Fraction] | None = None
    things: MaskSequence | None = None

    def thing(self, frame: int) -> Mask | None:
        """The mask (H, W) of what is edited itself on a frame, as far as the region goes; None
        where only the region is known.
        """
        if self.things is None or frame not in self.things.frames:
            return None
        mask = self.things[frame] & self.region[frame]
        return mask if mask.any() else None

    def bounds(self, pixels: int = ROOM) -> Region:
        """Where the thing lies, by frame: in the region, and at most so many pixels from its own
        mask where that is known.
        """
        return self.region if self.things is None else ThingBounds(self.region, self.things, pixels)

    @property
    def keyframe(self) -> Keyframe:
        """The keyframe of a request that has only one."""
        (keyframe,) = self.keyframes
        return keyframe

    def check_keyframe(self, keyframe: Keyframe) -> None:
        """Raise InputError for a keyframe outside the frames, or on a frame where there is nothing
        to edit.
        """
        if not self.frames.contains(keyframe.frame):
            raise InputError(
                f"the keyframe {keyframe.frame} is outside the frames {self.frames} that are to be edited: "
                "choose a keyframe inside, leave this one out, or edit more frames"
            )
        if self.region.is_empty(keyframe.frame):
            raise InputError(f"the region to edit is empty on the keyframe {keyframe.frame}: choose a frame where it is not")
