"""How a frame must be turned to stand upright: the display matrix that phones write instead of
turning pixels.
"""

from __future__ import annotations

import math
import struct
from typing import Any

import av
from av.sidedata.sidedata import Type


def orientation_of(frame: av.VideoFrame) -> tuple[int, bool]:
    """(degrees clockwise to turn, one of 0, 90, 180, 270; whether to mirror left-right before
    turning).

    The matrix holds 9 native 32-bit integers, 16.16 fixed point in the two left columns; (a, b, c,
    d) map the picture's axes.
    """
    side_data: Any = frame.side_data  # PyAV's stub names another class here
    try:
        data = bytes(side_data[Type.DISPLAYMATRIX])
    except KeyError:
        return 0, False
    a, b, _, c, d, *_ = struct.unpack("9i", data[:36])
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    return round(math.degrees(math.atan2(b, a)) / 90) * 90 % 360, mirrored
