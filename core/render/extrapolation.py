"""What is known around a hole, continued into it: colours smoothly, and motion along its trend."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

SPREAD = (2, 6, 18)
"""Widths of the Gaussians, in pixels of the picture that motion is read from, that carry what is
known around the hole into it."""
GRID = 200
"""The smooth continuation runs on pictures of this many pixels a side at most."""
CONTRAST = 12.0
"""Pixels over which the surroundings are smoothed to tell how much detail a smooth continuation
leaves out.
"""


def continue_smoothly(picture: NDArray[np.float32], hole: Mask) -> tuple[NDArray[np.float32], float]:
    """Continue what surrounds a hole smoothly into it.

    Args:
        picture: (h, w, 3).
        hole: (h, w), True where nothing is known.

    Returns:
        The continuation (h, w, 3), and the error to expect in 8-bit levels: the detail that it
            leaves
        out.
    """
    known = (~hole).astype(np.float32)
    scale = min(1.0, GRID / max(hole.shape))
    # A large hole is continued on a small picture: what reaches far into it is smooth anyway.
    size = (max(round(hole.shape[1] * scale), 1), max(round(hole.shape[0] * scale), 1))
    weight = np.asarray(cv2.resize(known, size, interpolation=cv2.INTER_AREA), np.float32)
    mean = cv2.resize(picture * known[..., None], size, interpolation=cv2.INTER_AREA) / np.maximum(weight, 1e-6)[..., None]
    smooth = cv2.resize(spread(mean.astype(np.float32), weight, (2, 5, 12, 30, 70)), hole.shape[::-1], interpolation=cv2.INTER_LINEAR)
    around = cv2.GaussianBlur(known, (0, 0), CONTRAST)[..., None]
    blurred = cv2.GaussianBlur(picture * known[..., None], (0, 0), CONTRAST) / np.maximum(around, 1e-3)
    detail = ((picture - blurred) ** 2).mean(-1)[~hole]
    return np.asarray(smooth, np.float32), max(float(np.sqrt(detail.mean())) if detail.size else 0.0, 4.0)


def spread(values: NDArray[np.float32], weight: NDArray[np.float32], sigmas: tuple[int, ...] = SPREAD) -> NDArray[np.float32]:
    """Replace values by what their neighbours with weight say, the near ones most (Shepard's method
    on blurred weights).

    Args:
        values: (h, w) or (h, w, k).
        weight: (h, w), 0 where a value is not known.
        sigmas: Widths of the Gaussians, in pixels.

    Returns:
        As `values`.
    """
    wide = weight[..., None] if values.ndim == 3 else weight
    total = sum(cv2.GaussianBlur(weight, (0, 0), sigma) / sigma**2 for sigma in sigmas)
    carried = sum(cv2.GaussianBlur(values * wide, (0, 0), sigma) / sigma**2 for sigma in sigmas)
    total = np.maximum(total, 1e-9)
    return np.asarray(carried / (total[..., None] if values.ndim == 3 else total), np.float32)


def affine_trend(
    flow: NDArray[np.float32], weight: NDArray[np.float32], rows: NDArray[np.float32], columns: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Fit the affine motion that most of a flow agrees with, by weighted least squares in which
    outliers lose weight.

    Args:
        flow: (h, w, 2) in pixels.
        weight: (h, w), 0 where the flow is not known.
        rows: (h, w), row of each pixel.
        columns: (h, w), column of each pixel.

    Returns:
        The motion everywhere, (h, w, 2), and as a 3x3 matrix that takes a position (x, y, 1) to
            where
        it goes.
    """
    pick = np.flatnonzero(weight.ravel() > 0)[::7]
    if len(pick) < 12:
        return np.zeros_like(flow), np.eye(3)
    base = np.stack([np.ones(rows.size), columns.ravel() / 100, rows.ravel() / 100], -1)
    known, motion, own = base[pick], flow.reshape(-1, 2)[pick].astype(np.float64), weight.ravel()[pick].astype(np.float64)
    solved: NDArray = np.zeros((3, 2))
    for _ in range(4):
        scaled = known * own[:, None]
        solved = np.linalg.lstsq(scaled.T @ known + 1e-6 * np.eye(3), scaled.T @ motion, rcond=None)[0]
        own = weight.ravel()[pick] / (1 + ((motion - known @ solved) ** 2).sum(1))
    matrix = np.eye(3)
    matrix[:2] += np.stack([solved[1] / 100, solved[2] / 100, solved[0]], -1)
    return (base @ solved).reshape(flow.shape).astype(np.float32), matrix


def look_up(image: NDArray[np.float32], x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    """The values of an image at many positions.

    Args:
        image: (h, w).
        x: Columns (n,), fractions allowed.
        y: Rows (n,).

    Returns:
        (n,), on the border where a position lies beyond it.
    """
    parts = np.array_split(np.arange(len(x)), -(-len(x) // 16384))
    image = np.ascontiguousarray(image, np.float32)
    return np.concatenate([cv2.remap(image, x[p][None], y[p][None], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0] for p in parts])
