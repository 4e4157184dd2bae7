"""What a video engine is shown of a removal: the background where other frames of the clip show it,
so that it paints the rest alone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.background import BackgroundModel
from core.progress import JobContext
from core.propagation.result import Region
from core.propagation.window_input import WindowInput


def over_plates(given: WindowInput, region: Region, background: BackgroundModel, context: JobContext) -> WindowInput:
    """Lay the background over what is removed.

    Args:
        given: A window as the clip has it.
        region: What is removed.
        background: What lies behind the region.
        context: Asked before each frame whether to stop.

    Returns:
        The window with the background in its pixels, and with masks of what no frame shows; of the
        conditioning frame, which is finished, nothing.

    Raises:
        Cancelled: The job was stopped.
    """
    pixels, masks = given.pixels.copy(), given.masks.copy()
    for number, slot in enumerate(given.slots):
        context.check()
        if slot == 0 and given.window.given:
            masks[number] = False
            continue
        frame, crop = given.window.frames[slot], given.crops[slot]
        picture, unseen = background.behind(frame, given.sources[slot])
        pixels[number], masks[number] = crop.crop(picture), crop.crop_mask(unseen)
    pixels[len(given.slots) :], masks[len(given.slots) :] = pixels[len(given.slots) - 1], masks[len(given.slots) - 1]
    return replace(given, pixels=np.asarray(pixels, np.uint8), masks=np.asarray(masks, np.bool_))
