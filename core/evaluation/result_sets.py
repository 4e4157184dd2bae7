"""Result sets: what programs made of an evaluation set, as folders of videos named like its edits.

    RESULTS/PROGRAM/NAME.mp4: as the program delivers it; whether it was composited isn't said
    RESULTS/PROGRAM/raw/NAME.mp4: the model's own output
    RESULTS/PROGRAM/composited/NAME.mp4: laid over the source inside the region

instead of NAME.mp4 also NAME/output.mp4, as `edit --out` writes it, or a folder of numbered frames.
RESULTS may also be the folder of one program.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal

from core.errors import InputError
from core.evaluation.clips import VIDEO_SUFFIXES
from core.evaluation.edit_set import SampleEdit, video_in
from core.media.folder import numbered_images
from core.media.timing import nearest_stamp

Stage = Literal["raw", "composited", "delivered"]
STAGES: tuple[Stage, ...] = ("composited", "delivered", "raw")
"""What a result may be, in the order in which one is chosen to be shown and scored."""


@dataclass(frozen=True)
class Program:
    """A program by the name of its folder."""

    name: str
    folder: Path

    def result(self, sample: SampleEdit, stage: Stage) -> Path | None:
        """The video, or folder of frames, that it made of an edit."""
        folder = self.folder if stage == "delivered" else self.folder / stage
        found = video_in(folder, sample.name)
        if found is None or not found.is_dir():
            return found
        return video_in(found, "output") or video_in(found, "frames") or _only_video(found) or _pictures(found)


def find_programs(folders: Sequence[Path], samples: Sequence[SampleEdit]) -> list[Program]:
    """The programs whose results lie in some folders.

    Args:
        folders: Each of one program, or of several.
        samples: The edits of the set.

    Returns:
        The programs, by folder and name.

    Raises:
        InputError: There is no such folder, none in it has a result of the set, or two programs
            share their name.
    """
    found: list[Program] = []
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"there are no results at '{folder}': it should be a folder of PROGRAM/NAME.mp4")
        whole = Program(folder.resolve().name, folder)
        parts = [Program(path.name, path) for path in sorted(folder.iterdir()) if path.is_dir()]
        these = [whole] if _has_results(whole, samples) else [part for part in parts if _has_results(part, samples)]
        if not these:
            names = ", ".join(sample.name for sample in samples[:3])
            raise InputError(f"no video in '{folder}' is named after an edit of the set ({names} ...), nor in a folder of it")
        found.extend(these)
    titles = [program.name for program in found]
    if twice := [title for title in titles if titles.count(title) > 1]:
        raise InputError(f"two result sets are called '{twice[0]}': rename one of their folders")
    return found


def matched_frames(own: Sequence[Fraction], source: Sequence[Fraction]) -> list[tuple[int, int]]:
    """Pair the frames of a result with those of its source: by number where there are as many, else
    by time.

    Args:
        own: Times of the result's frames, in seconds.
        source: Times of the source's frames.

    Returns:
        (frame of the result, frame of the source), both rising. Frames of the result that come
        after the source's end, or show a frame of the source again, are left out.
    """
    if len(own) == len(source):
        return [(index, index) for index in range(len(own))]
    pairs: list[tuple[int, int]] = []
    spacing = (source[-1] - source[0]) / max(len(source) - 1, 1)
    for index, time in enumerate(own):
        place = source[0] + time - own[0]
        if place > source[-1] + spacing / 2:
            break
        nearest = nearest_stamp(source, place)
        if not pairs or nearest > pairs[-1][1]:
            pairs.append((index, nearest))
    return pairs


def at_rate(times: Sequence[Fraction], rate: Fraction) -> list[int]:
    """Choose frames of a clip as if it had a lower rate.

    Args:
        times: Of its frames, in seconds.
        rate: Frames a second.

    Returns:
        Numbers of the frames nearest to every 1 / rate seconds; all of a clip that has no more.
    """
    chosen: list[int] = []
    for step in range(int((times[-1] - times[0]) * rate) + 1):
        index = nearest_stamp(times, times[0] + step / rate)
        if not chosen or index > chosen[-1]:
            chosen.append(index)
    return chosen


def _has_results(program: Program, samples: Sequence[SampleEdit]) -> bool:
    return any(program.result(sample, stage) is not None for sample in samples for stage in STAGES)


def _pictures(folder: Path) -> Path | None:
    try:
        numbered_images(folder)
    except InputError:
        return None
    return folder


def _only_video(folder: Path) -> Path | None:
    videos = [path for path in folder.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES]
    return videos[0] if len(videos) == 1 else None
