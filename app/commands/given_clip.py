"""What a command was given to work on: the clip, its range of frames, its shots and its masks."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple, TYPE_CHECKING

from app.commands.console import note
from app.commands.prompt_arguments import OBJECT, PromptArguments
from app.render.mask_files import read_masks
from app.render.track import shots_of, track_objects
from core.errors import InputError
from core.geometry import FrameRange
from core.progress import JobContext
from core.project.prompts import marks_object, Prompt
from core.project.video import VideoInfo
from core.words import listed

if TYPE_CHECKING:
    from app.engine import Engine
    from core.masks import MaskSequence
    from core.media import ClipReader


def opened_clip(video: Path, deinterlace: bool, context: JobContext) -> ClipReader:
    """The clip; what a person should know of it is said.

    Args:
        video: A video file, or a folder of numbered images.
        deinterlace: Make whole frames of interlaced video.
        context: Progress and cancelling.

    Returns:
        Its reader.

    Raises:
        InputError: It can't be read.
    """
    from core.media import open_clip

    reader = open_clip(video, deinterlace, context)
    for remark in reader.info.remarks:
        note(remark)
    if reader.info.field_order is not None:
        kept = f"{reader.info.field_order} field first: its fields are kept"
        if reader.info.rotation:
            kept = "and turned: its fields can't be kept, and mix in results"
        note(f"the video is interlaced, {kept}; --deinterlace makes whole frames of them")
    return reader


def parse_span(text: str | None, frames: int) -> tuple[int, int]:
    """Read A:B (either may be left out) as a half-open range of a clip of `frames` frames."""
    if text is None:
        return 0, frames
    start, colon, stop = text.partition(":")
    try:
        if not colon:
            raise ValueError
        span = int(start or 0), int(stop or frames)
    except ValueError:
        raise InputError(f"'{text}' is not a range of frames (write A:B, like 0:48)") from None
    FrameRange(*span).check(frames)
    return span


def prompted_shots(
    reader: ClipReader, prompts: list[Prompt], span: tuple[int, int], through_cuts: bool, context: JobContext
) -> list[tuple[int, int]]:
    """The shots to track the object through.

    Args:
        reader: The clip.
        prompts: Where the object is.
        span: The frames start:stop to track it on.
        through_cuts: Track across cuts as if there were none.
        context: Progress and cancelling.

    Returns:
        Half-open ranges of frames.

    Raises:
        InputError: In one of them nothing says where it is: behind a cut it may be elsewhere.
    """
    if through_cuts:
        return [span]
    shots = shots_of(reader, span, context)
    for start, stop in shots:
        if not any(start <= prompt.frame < stop for prompt in prompts):
            cut, side = (start, "after") if start > span[0] else (stop, "before")
            rest = f"{span[0]}:{cut}" if side == "after" else f"{cut}:{span[1]}"
            raise InputError(
                f"there is a cut at frame {cut}, and no prompt says where the object is {side} it: give one (--point {start}:X,Y),"
                f" leave those frames out (--frames {rest}), or track across the cut (--through-cuts)"
            )
    return shots


class Tracked(NamedTuple):
    """An object that was tracked: its prompts with what words found, its masks, and the frames to
    look at (`frames_flagged`).
    """

    given: list[Prompt]
    masks: MaskSequence
    suspect: list[list[Any]]


def track_prompted(engine: Engine, prompts: PromptArguments, reader: ClipReader, span: tuple[int, int], context: JobContext) -> Tracked:
    """Track the object that prompts mark, through the shots of a clip.

    Args:
        engine: The models.
        prompts: Where the object is.
        reader: The clip.
        span: The frames start:stop to track it on.
        context: Progress and cancelling.

    Returns:
        The object.

    Raises:
        InputError: It is not found, or no prompt says where it is behind a cut.
        ModelMissingError: The segmenter is not on this machine.
    """
    given = prompts.found_by_words(engine, reader, span).on(reader.info, span)
    shots = prompted_shots(reader, given, span, prompts.through_cuts, context)
    masks = track_objects(engine, None, reader, {OBJECT: given}, shots, context)[OBJECT]
    return Tracked(given, masks, frames_flagged(masks, shots, given))


def given_masks(path: Path, invert: bool | None, info: VideoInfo, span: tuple[int, int], context: JobContext) -> MaskSequence:
    """The masks of the span as they were handed in, all objects as one; remarks are printed.

    Args:
        path: A folder, a zip, a picture or a matte video.
        invert: Take what the masks leave out; None where that is no question.
        info: The clip.
        span: The frames start:stop that they are needed on.
        context: Progress and cancelling.

    Returns:
        The masks.

    Raises:
        InputError: They can't be read, or some are missing.
    """
    from core.masks import doubt_about, DOUBT_TEXTS, inverted

    found = read_masks(path, info, span, span[0], context)
    for remark in found.notes:
        note(remark)
    if missing := sorted(set(range(*span)) - set(found.frames)):
        raise InputError(
            f"'{path.name}' has no mask for {'frame' if len(missing) == 1 else 'frames'} {listed(missing)}: "
            "add them (black where the object is not to be seen), or leave those frames out (--frames A:B)"
        )
    masks = found.together()
    if invert:
        return inverted(masks, found.frames)
    if invert is not None and (doubt := doubt_about(masks, range(*span))):
        note(f"the masks in '{path.name}' {DOUBT_TEXTS[doubt]}: where they are black and white the wrong way round, add --invert-masks")
    return masks


def frames_flagged(masks: MaskSequence, shots: list[tuple[int, int]], given: list[Prompt]) -> list[list[Any]]:
    """Frames to look at, as the page's timeline marks them.

    Args:
        masks: The masks.
        shots: The shots that they were tracked through.
        given: The prompts.

    Returns:
        [frame, flag, description] of each.
    """
    from app.jobs.timeline import frames_to_check

    marked = {prompt.frame for prompt in given if marks_object(prompt)}
    return frames_to_check(masks, range(shots[0][0], shots[-1][1]), (), tuple(start for start, _ in shots[1:]), marked)


def print_flagged(suspect: list[list[Any]]) -> None:
    """Name the frames that `frames_flagged` found."""
    if suspect:
        frames = [frame for frame, *_ in suspect]
        note(f"check frame{'s' * (len(frames) > 1)} {listed(frames, most=len(frames))}: the mask may be wrong there")
