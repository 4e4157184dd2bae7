"""How much softer a frame is than a picture laid on it: a frame that the camera moved through, or
that is out of focus, shows its background softly too.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from core.background.footage import Mask

LENGTHS = (2.0, 4.0, 7.0, 11.0, 16.0)
"""Small pixels along which a moving camera blurs, those that are tried."""
SPREADS = (0.45, 0.6, 0.8, 1.1, 1.6, 2.4)
"""Small pixels of an even blur, those that are tried."""
WORTH = 0.15
"""By how much a blur has to bring the amounts of detail together, as differences of logarithms."""
KEPT = 0.85
"""Share of the frame's detail that a picture keeps."""
LEAST_KNOWN = 200
"""Small pixels to tell from."""
LEAST_MOTION = 1.0
"""Small pixels from frame to frame below which a moving camera blurs nothing."""


class Blur(NamedTuple):
    """A blur in small pixels: along a line where `length` is not 0, else evenly.

    Attributes:
        length: of the line.
        angle: of the line, in radians.
        spread: standard deviation of the even blur.
    """

    length: float = 0.0
    angle: float = 0.0
    spread: float = 0.0

    def applied(self, picture: NDArray[np.float32], known: Mask, scale: float = 1.0) -> NDArray[np.float32]:
        """Blur a picture.

        Args:
            picture: float32 (H, W, C).
            known: bool (H, W), the pixels that have a say in the others.
            scale: how large a small pixel is there.

        Returns:
            float32 (H, W, C).
        """
        if not self.length and not self.spread:
            return picture
        weight = known.astype(np.float32)[..., None]
        total, weight = self._blurred(picture * weight, scale), self._blurred(weight, scale)
        return np.asarray(np.where(weight > 0.02, total / np.maximum(weight, 0.02), picture), np.float32)

    def _blurred(self, picture: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
        if self.length:
            kernel = _line(self.length * scale, self.angle)
            blurred = cv2.filter2D(picture, -1, kernel, borderType=cv2.BORDER_REPLICATE)
        else:
            blurred = cv2.GaussianBlur(picture, (0, 0), self.spread * scale, borderType=cv2.BORDER_REPLICATE)
        return np.asarray(blurred, np.float32).reshape(picture.shape)


def softer(
    frame: NDArray[np.float32], laid: NDArray[np.float32], known: Mask, motion: tuple[float, float], *, closer: bool = False
) -> Blur:
    """Find the blur that a picture needs to be as soft as a frame.

    Args:
        frame: float32 (h, w, 3), the frame, small.
        laid: float32 (h, w, 3), the picture as it lies on the frame, in its light.
        known: bool (h, w), where both show the scene.
        motion: how far the scene moves from frame to frame there, (x, y) in small pixels.
        closer: whether a blur may also bring the pixels closer where the picture does not lie
            quite right, as long as it keeps KEPT of the frame's detail.

    Returns:
        The blur; none where none makes them clearly more alike.
    """
    inside = cv2.erode(known.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    if inside.sum() < LEAST_KNOWN:
        return Blur()
    speed, angle = float(np.hypot(*motion)), float(np.arctan2(motion[1], motion[0]))
    light = frame.mean(-1)
    wanted, own = _detail(light, inside, angle), laid.mean(-1, keepdims=True)
    tried = [Blur(), *(Blur(spread=spread) for spread in SPREADS)]
    if speed > LEAST_MOTION:
        tried += [Blur(length, angle) for length in LENGTHS if length < 1.2 * speed]
    pictures = [blur.applied(own, known)[..., 0] for blur in tried]
    details = [_detail(picture, inside, angle) for picture in pictures]
    unlike = [float(np.abs(np.log(detail / wanted)).sum()) for detail in details]
    chosen = int(np.argmin(unlike)) if min(unlike) < unlike[0] - WORTH else 0
    if closer:
        errors = [float(((picture - light)[inside] ** 2).mean()) for picture in pictures]
        kept = [number for number in range(len(tried)) if details[number].sum() > KEPT * wanted.sum()]
        chosen = min((chosen, *kept), key=errors.__getitem__)
    return tried[chosen]


def _detail(brightness: NDArray[np.float32], inside: Mask, angle: float) -> NDArray[np.float64]:
    """How much detail there is along a direction and across it.

    It is compared, not the pixels themselves: where a picture lies a little wrong, any blur would
    bring pixels closer.
    """
    across = cv2.Sobel(brightness, cv2.CV_32F, 1, 0, ksize=3)[inside]
    down = cv2.Sobel(brightness, cv2.CV_32F, 0, 1, ksize=3)[inside]
    turned = np.cos(angle) * across + np.sin(angle) * down, np.cos(angle) * down - np.sin(angle) * across
    return np.array([np.abs(one).mean(dtype=np.float64) + 0.5 for one in turned])


def _line(length: float, angle: float) -> NDArray[np.float32]:
    reach = int(np.ceil(length / 2)) + 1
    ys, xs = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    along, across = xs * np.cos(angle) + ys * np.sin(angle), ys * np.cos(angle) - xs * np.sin(angle)
    kernel = np.clip(length / 2 - np.abs(along) + 0.5, 0, 1) * np.clip(1 - np.abs(across), 0, 1)
    return np.asarray(kernel / kernel.sum(), np.float32)
