"""What a video engine makes of a window: its own frames, in the colours of their surroundings."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from core.propagation.between import AnswersBetween
from core.propagation.request import EditRequest
from core.propagation.result import accepted_frame, Frame
from core.propagation.window_input import WindowInput
from core.render.color_match import match_light, match_surroundings
from core.vivid.conditioning import with_keyframe
from core.vivid.contract import Sampling, VideoEngine
from core.vivid.pixels import mask_to_model, to_frames, to_model

Answered = Callable[[WindowInput, list[Frame]], None]
"""Told of every window that the model is asked for: what it read, and its own frames at the working
size, one for each slot, before anything is done to them."""


def redraw(
    model: VideoEngine,
    request: EditRequest,
    given: WindowInput,
    guess: NDArray[np.uint8] | None,
    sampling: Sampling,
    on_step: Callable[[int], None],
    answered: Answered | None,
) -> Sequence[Frame]:
    """Ask the model for a window.

    Args:
        model: The video model.
        request: What to edit, with one keyframe.
        given: What the model reads.
        guess: (N, h, w, 3), what the last finished frame shows moved through the window; None where
            nothing is known.
        sampling: How the window is denoised.
        on_step: Called with the number of finished steps.
        answered: Told of the model's own frames.

    Returns:
        The model's answer for each frame of the window, the conditioning frame included, in the
        colours of what surrounds the region.
    """
    keyframe = request.keyframe
    shown, hidden = _with_kept(request, given)
    pixels, mask = to_model(shown), mask_to_model(hidden)
    if given.window.given:
        pixels, mask = with_keyframe(pixels, mask, to_model(shown[:1]))
    warped = None if guess is None else to_model(guess)
    fills_mask = model.mask_fill == "warped" and keyframe.task != "delete"
    with torch.inference_mode():
        start = model.encode_pixels(warped) if warped is not None and sampling.strength < 1 else None
        conditions = model.encode(pixels, mask, warped if fills_mask else None)
    caption = model.caption_for(keyframe.task, keyframe.caption)
    video = model.paint(caption, conditions, [keyframe.seed], sampling, on_step, start)
    frames = list(to_frames(video[0]))[: len(given.slots)]
    if answered is not None:
        answered(given, frames)
    lit = match_light if model.declared.light_drifts else lambda answer, seen, inside: answer
    answers = zip(frames, given.pixels, given.masks, strict=False)
    matched = [match_surroundings(lit(answer, seen, inside), seen, inside) for answer, seen, inside in answers]
    if request.times is None or not given.window.seen:
        return matched
    return AnswersBetween(given, request.region, matched, request.times, carried=keyframe.task != "delete")


def _with_kept(request: EditRequest, given: WindowInput) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Pixels and masks of a window, with the other keyframes that lie in it as they were accepted
    and nothing to paint there; nor where a slow clip shows the conditioning frame again.
    """
    shown = given.window.shown
    pixels, masks = given.pixels.copy(), given.masks.copy()
    if given.window.given:
        masks[[number for number, frame in enumerate(shown) if number and frame == shown[0]]] = False
    for other in request.kept:
        if other.frame not in shown[1:]:
            continue
        at = shown.index(other.frame)
        # What fills the window up repeats its last frame.
        stop = len(pixels) if other.frame == shown[-1] else at + shown.count(other.frame)
        slot = given.slots[at]
        pixels[at:stop] = given.crops[slot].crop(accepted_frame(given.sources[slot], other.picture, request.region[other.frame]))
        masks[at:stop] = False
    return pixels, masks
