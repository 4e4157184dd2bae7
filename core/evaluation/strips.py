"""Pictures for the page: clips side by side as one small looping video, stills as JPEG; both as
data URIs, so that one file holds all."""

from __future__ import annotations

import base64
import io

import av
import cv2
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray

from core.evaluation.arrays import Frame
from core.evaluation.results import Exhibit

PANEL_WIDTH, PANEL_HEIGHT = 320, 260
"""A panel is at most this large; smaller ones are blown up to half of it at least."""
GAP = 8
"""Pixels between panels; the page lays its own ground over them."""


def panel_size(height: int, width: int) -> tuple[int, int]:
    """The (width, height) that frames are shown at: even numbers, as the video's colours are stored
    by twos."""
    scale = min(PANEL_WIDTH / width, PANEL_HEIGHT / height)
    return max(2, 2 * round(width * scale / 2)), max(2, 2 * round(height * scale / 2))


def as_strip(exhibit: Exhibit) -> NDArray[np.uint8]:
    """All panels in a row: uint8 (T, H, W, 3); a shorter panel stays on its last frame."""
    length = max(len(frames) for _, frames in exhibit.panels)
    width, height = panel_size(*exhibit.panels[0][1][0].shape[:2])
    strip = np.full((length, height, len(exhibit.panels) * (width + GAP) - GAP, 3), 128, np.uint8)
    for number, (_, frames) in enumerate(exhibit.panels):
        left = number * (width + GAP)
        for index in range(length):
            frame = frames[min(index, len(frames) - 1)]
            method = cv2.INTER_AREA if frame.shape[1] > width else cv2.INTER_CUBIC
            strip[index, :, left : left + width] = cv2.resize(frame, (width, height), interpolation=method)
    return strip


def video_uri(frames: NDArray[np.uint8], rate: int) -> str:
    """uint8 (T, H, W, 3), H and W even, as VP9 in WebM, which every current browser plays without a
    licence."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="webm") as container:
        options = {"crf": "30", "b": "0", "deadline": "good", "cpu-used": "5", "row-mt": "1"}
        stream: VideoStream = container.add_stream("libvpx-vp9", rate=rate, options=options)
        stream.height, stream.width, stream.pix_fmt = *frames.shape[1:3], "yuv420p"
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return "data:video/webm;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def picture_uri(frame: Frame, quality: int = 88) -> str:
    """uint8 (H, W, 3) as JPEG."""
    data = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
    return "data:image/jpeg;base64," + base64.b64encode(data).decode("ascii")
