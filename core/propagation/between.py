"""An engine's answers for the frames that it was not shown, drawn from the two on either side.

Each of the two is first brought to the frame as the region moved there, which the source tells: its
masks, or the thing's own motion. What they differ by then is taken for motion that goes on evenly,
by the optical flow between them. Around a thing in a wide region nothing moves as the region does,
so the flow is looked for without that, too; each place takes what the two sides agree on better.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.propagation.mask_motion import box_motion
from core.propagation.result import Frame, Region
from core.propagation.warp_state import is_upright
from core.propagation.window_input import WindowInput
from core.render.color_match import match_surroundings
from core.render.flow import DenseFlow, sample

_SMOOTH = 2.0
"""Pixels of the model over which the flow between two answers is smoothed."""
_NEAR = 9
"""Pixels of the model around the region in which the flow is looked for."""
_COMPARED = 3.0
"""Pixels of the model over which it is compared how well the two sides agree."""

_Picture = NDArray[np.float32]


class AnswersBetween(Sequence[Frame]):
    """The engine's answer for each frame of a window, uint8 (h, w, 3); drawn when asked for."""

    def __init__(
        self, given: WindowInput, region: Region, answers: Sequence[Frame], times: Sequence[Fraction], *, carried: bool = True
    ) -> None:
        """Draws nothing yet.

        Args:
            given: What the engine read.
            region: What may change.
            answers: One for each slot, (h, w, 3).
            times: The time stamps of the clip's frames, in seconds.
            carried: Whether what the region shows moves as the region does; what a removal uncovers
                does not.
        """
        self._given, self._region, self._times, self._carried = given, region, times, carried
        self._answers = dict(zip(given.slots, answers, strict=True))
        self._slots = sorted(self._answers)
        self._flow = DenseFlow(fine=True)

    def __len__(self) -> int:
        return len(self._given.window.frames)

    def __getitem__(self, position: Any) -> Any:
        known = self._answers.get(position)
        return self._between(range(len(self))[position]) if known is None else known

    def _between(self, position: int) -> Frame:
        given, frame = self._given, self._given.window.frames[position]
        crop = given.crops[position]
        here, mask = crop.crop(given.sources[position]), crop.crop_mask(self._region[frame])
        if not mask.any():
            return here
        after = bisect_right(self._slots, position)
        sides = self._slots[after - 1], self._slots[after]
        start, end = (self._times[given.window.frames[side]] for side in sides)
        share = float((self._times[frame] - start) / (end - start))
        near = cv2.dilate(mask.astype(np.uint8), np.ones((_NEAR, _NEAR), np.uint8))[..., None] > 0
        # What lies around the region is known, and must not pull at it.
        ways = []
        for motions in self._motions(sides, position):
            before, behind = (self._moved(side, position, motion) for side, motion in zip(sides, motions, strict=True))
            ways.append(self._mixed(np.where(near, before, here), np.where(near, behind, here), share))
        drawn, apart = ways[0]
        for other, its_apart in ways[1:]:
            better = cv2.GaussianBlur((its_apart < apart).astype(np.float32), (0, 0), _SMOOTH)[..., None]
            drawn = drawn + better * (other - drawn)
        return match_surroundings(np.where(near, np.clip(np.rint(drawn), 0, 255).astype(np.uint8), here), here, mask)

    def _moved(self, side: int, position: int, motion: NDArray[np.float64]) -> Frame:
        """The answer of a slot, moved, as the crop of another frame shows it."""
        given, answer = self._given, self._answers[side]
        height, width = answer.shape[:2]
        matrix = given.crops[position].matrix @ motion @ np.linalg.inv(given.crops[side].matrix)
        if is_upright(matrix):
            moved = cv2.warpAffine(answer, matrix[:2], (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        else:
            moved = cv2.warpPerspective(answer, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(moved, np.uint8)

    def _motions(self, sides: tuple[int, int], position: int) -> list[list[NDArray[np.float64]]]:
        """How the two sides may come to a frame, each 3x3 in source pixels: as the region moves,
        and not at all but for what the flow finds.
        """
        still = [np.eye(3), np.eye(3)]
        along = [self._along(side, position) for side in sides] if self._carried else []
        known = [motion for motion in along if motion is not None]
        return [known, still] if len(known) == len(sides) else [still]

    def _along(self, side: int, position: int) -> NDArray[np.float64] | None:
        """How the region moves from one frame to another; None where that is not known."""
        given = self._given
        one, two = (np.eye(3) if at == 0 else given.motions[at] for at in (side, position))
        if one is not None and two is not None:
            return np.asarray(two @ np.linalg.inv(one), np.float64)
        start, end = given.boxes[side], given.boxes[position]
        return None if start is None or end is None else box_motion(start, end, self._region.size[::-1])

    def _mixed(self, before: Frame, behind: Frame, share: float) -> tuple[_Picture, _Picture]:
        """What lies between two pictures (h, w, 3), `share` of the way to the second; and how far
        they are apart there, (h, w) in 8-bit levels.
        """
        gray = [np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), np.uint8) for picture in (before, behind)]
        onward, back = (cv2.GaussianBlur(self._flow.between(*pair), (0, 0), _SMOOTH) for pair in (gray, gray[::-1]))
        # Where a pixel between the two comes from, from both flows (Jiang et al. 2018).
        to_before = -(1 - share) * share * onward + share * share * back
        to_behind = (1 - share) ** 2 * onward - share * (1 - share) * back
        rows, columns = np.mgrid[: before.shape[0], : before.shape[1]].astype(np.float32)
        one, two = (
            sample(picture, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_CUBIC).astype(np.float32)
            for picture, flow in ((before, to_before), (behind, to_behind))
        )
        apart = cv2.GaussianBlur(np.abs(one - two).mean(-1), (0, 0), _COMPARED)
        return (1 - share) * one + share * two, np.asarray(apart, np.float32)
