"""The masks of a project: stored sequences, those that a running job fills, and the region that
comes of them.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from app.storage.cache import ClosingCache
from app.storage.scene_cuts import SceneCuts
from app.storage.workspace import Workspace
from core.errors import InputError
from core.progress import JobContext
from core.project.project import Project
from core.project.prompts import MaskPrompt
from core.project.tracks import MaskTrack

if TYPE_CHECKING:
    import numpy as np

    from core.masks import Feather, MaskSequence, RegionPart, Widths


@dataclass(frozen=True)
class StoredRegion:
    """The region of a project and how soft its edge is, with the files that they lie in: see
    `Project.region` and `Project.feathers`.
    """

    file: str
    masks: MaskSequence
    feathers: tuple[tuple[int, str], ...]
    feather: Feather


class MaskStore:
    """Changes nothing but files that it adds. Safe to use from several threads."""

    def __init__(self, workspace: Workspace, cuts: SceneCuts) -> None:
        self.cuts = cuts
        self._workspace = workspace
        self._sequences: ClosingCache[MaskSequence] = ClosingCache(48)
        self._live: dict[str, dict[int, MaskSequence]] = {}
        self._live_lock = threading.Lock()

    def load(self, project: Project, relative: str) -> MaskSequence:
        """A stored mask sequence, whole. Shared: copy it before changing it.

        InputError when it is gone, damaged, or does not belong to the project's frames.
        """
        from core.masks import MaskSequence

        path = self._workspace.file(project.project_id, relative)
        sequence = self._sequences.get(path, lambda: MaskSequence.load(path))
        if sequence.size != project.clip.info.size:
            raise InputError(f"the mask file {path} is for frames of another size: track the object again")
        sequence.check_whole()
        return sequence

    def readable(self, project: Project, relative: str) -> MaskSequence:
        """What can be read of the stored masks of an object, over the whole clip: those that were
        damaged are `lost`. Shared: copy it before changing it.
        """
        from core.masks import MaskSequence

        path = self._workspace.folder(project.project_id) / "files" / ".lost"  # where there is nothing
        with contextlib.suppress(InputError):
            path = self._workspace.file(project.project_id, relative)
        info = project.clip.info
        key = path, info.size, info.frames
        return self._sequences.get(key, lambda: MaskSequence.load_partly(path, info.size, range(info.frames)))

    def store(self, project_id: str, sequence: MaskSequence) -> str:
        """Store a mask sequence under its content; returns the path relative to the project. Don't
        change the sequence afterwards.

        Only the blocks of frames that changed since it was stored last are written.
        """
        from core.masks.blocks import SUFFIX

        index = sequence.to_index(
            lambda data: PurePosixPath(self._workspace.add_file(project_id, data, SUFFIX)).name,
            lambda names: self._workspace.keep_files(project_id, names),
        )
        relative = self._workspace.add_file(project_id, index, ".masks")
        path = self._workspace.file(project_id, relative)
        for key in (path, (path, sequence.size, len(sequence))):
            self._sequences.get(key, lambda: sequence)  # with the facts that it has found out
        return relative

    def whole(self, project: Project, track: MaskTrack) -> MaskSequence:
        """The stored masks of an object that has some. Shared: copy it before changing it.

        InputError, which names the object, when masks are lost.
        """
        masks = self.readable(project, track.masks or "")
        masks.check_whole(track.name)
        return masks

    def over_clip(self, project: Project, relative: str | None) -> MaskSequence:
        """A sequence of its own over the whole clip, with the stored masks where there are some."""
        from core.masks import MaskSequence

        if relative is not None:
            return self.readable(project, relative).copy()
        return MaskSequence.empty(project.clip.info.size, 0, project.clip.info.frames)

    def store_changed(self, project: Project, relative: str | None, masks: dict[int, np.ndarray | None]) -> str:
        """Store a sequence with the masks of some frames replaced.

        Args:
            project: The project.
            relative: The stored sequence to start from; None for an empty one.
            masks: The new mask of each frame, bool (H, W); None empties a frame.

        Returns:
            The new sequence's path, relative to the project.
        """
        import numpy as np

        sequence = self.over_clip(project, relative)
        width, height = project.clip.info.size
        for frame, mask in masks.items():
            sequence.set(frame, np.zeros((height, width), bool) if mask is None else mask)
        return self.store(project.project_id, sequence)

    def mask_prompt(self, project: Project, object_id: int, frame: int, mask: np.ndarray) -> MaskPrompt:
        """Store a mask as a prompt.

        Args:
            project: The project.
            object_id: The object that the mask shows.
            frame: The frame that it belongs to.
            mask: bool (H, W).

        Returns:
            The prompt.
        """
        import cv2

        # a bit a pixel: written and read back in a third of the time
        form = [cv2.IMWRITE_PNG_BILEVEL, 1, cv2.IMWRITE_PNG_COMPRESSION, 1]
        data = cv2.imencode(".png", mask.astype("uint8") * 255, form)[1].tobytes()
        return MaskPrompt(frame, object_id, self._workspace.add_file(project.project_id, data, ".png"))

    def painted(
        self, project: Project, track: MaskTrack, frame: int, stroke: Sequence[tuple[float, float]], radius: float, erase: bool
    ) -> np.ndarray:
        """The mask of an object after a brush stroke.

        Args:
            project: The project.
            track: The object.
            frame: The frame that is painted on.
            stroke: Points (x, y) of the line, in source pixels.
            radius: The brush's radius in source pixels.
            erase: Whether the brush takes away.

        Returns:
            bool (H, W).
        """
        import numpy as np

        from core.masks.brush import stroked

        width, height = project.clip.info.size
        under = self.readable(project, track.masks)[frame] if track.masks else np.zeros((height, width), bool)
        line = stroked((width, height), stroke, radius)
        return under & ~line if erase else under | line

    def region_mask(self, project: Project, frame: int) -> np.ndarray:
        """bool (H, W): the objects that are edited on that frame, adjusted. Looks at the frames
        around only where that is asked for.
        """
        return self.soft_region(project, frame)[0]

    def affected_mask(self, project: Project, frame: int) -> np.ndarray | None:
        """bool (H, W): what a removal takes away besides the region; None where nothing is."""
        return self._together(project, project.affected_tracks, frame)

    def edited_mask(self, project: Project, frame: int) -> np.ndarray:
        """bool (H, W): the masks of the objects to edit, as they were found, not adjusted."""
        import numpy as np

        together = self._together(project, project.edited_tracks, frame)
        return np.zeros(project.clip.info.size[::-1], bool) if together is None else together

    def _together(self, project: Project, tracks: Iterable[MaskTrack], frame: int) -> np.ndarray | None:
        whole = None
        for track in tracks:
            mask = self.object_mask(project, track, frame)
            if mask is not None:
                whole = mask if whole is None else whole | mask
        return whole

    def soft_region(self, project: Project, frame: int) -> tuple[np.ndarray, Widths]:
        """`region_mask`, and how wide its edge is there."""
        from core.masks import region_at

        return region_at([part for _, part in self.region_parts(project)], frame, project.clip.info.size)

    def region_parts(self, project: Project) -> list[tuple[MaskTrack, RegionPart]]:
        """What the region is made of, as far as masks and cuts are known: the masks of a running
        job first.
        """
        known = ((track, self.object_masks(project, track)) for track in project.edited_tracks)
        cuts = self.cuts.known(project)
        return [(track, _part(project, track, masks, cuts)) for track, masks in known if masks]

    def adjusted(self, project: Project, context: JobContext | None = None) -> tuple[MaskSequence, Feather]:
        """The region over the clip's span and its edge: the objects that are edited, adjusted, with
        reports to `context`.
        """
        from core.masks import adjusted

        return adjusted(self._whole_parts(project), range(project.clip.start, project.clip.stop), context)

    def own_masks(self, project: Project) -> MaskSequence:
        """The objects that are edited themselves, as one, without the form of the region."""
        from core.masks import own_masks

        return own_masks(self._whole_parts(project), range(project.clip.start, project.clip.stop))

    def _whole_parts(self, project: Project) -> list[RegionPart]:
        tracks = [track for track in project.edited_tracks if track.masks]
        cuts = self.cuts.known(project)
        return [_part(project, track, self.whole(project, track), cuts) for track in tracks]

    def stored_region(self, project: Project, region: str, feather: int, feathers: tuple[tuple[int, str], ...]) -> StoredRegion:
        """A region and its edge as the document names them.

        Args:
            project: The project.
            region: The stored mask sequence of the region.
            feather: Over how many pixels its edge is soft.
            feathers: Where objects differ: each width with the stored sequence of where it holds.

        Returns:
            The region, read.
        """
        from core.masks import Feather

        parts = tuple((pixels, self.load(project, relative)) for pixels, relative in feathers)
        return StoredRegion(region, self.load(project, region), feathers, Feather(feather, parts))

    def show_live(self, project_id: str, masks: dict[int, MaskSequence]) -> None:
        """Let overlays and the timeline show these sequences, by object, while a running job fills
        them.
        """
        with self._live_lock:
            self._live[project_id] = masks

    def is_live(self, project_id: str) -> bool:
        """Whether sequences of a running job are shown."""
        with self._live_lock:
            return project_id in self._live

    def hide_live(self, project_id: str) -> None:
        """The job has ended: what counts is stored now."""
        with self._live_lock:
            self._live.pop(project_id, None)

    def object_masks(self, project: Project, track: MaskTrack) -> MaskSequence | None:
        """The object's masks as far as they are known: those of a running job first."""
        with self._live_lock:
            live = self._live.get(project.project_id, {}).get(track.object_id)
        return live or (self.readable(project, track.masks) if track.masks else None)

    def object_mask(self, project: Project, track: MaskTrack, frame: int) -> np.ndarray | None:
        """The object's mask on one frame.

        Args:
            project: The project.
            track: The object.
            frame: The frame.

        Returns:
            bool (H, W), or None where nothing is known yet.
        """
        masks = self.object_masks(project, track)
        return masks[frame] if masks else None


def _part(project: Project, track: MaskTrack, masks: MaskSequence, cuts: tuple[int, ...]) -> RegionPart:
    from core.masks import RegionPart

    return RegionPart(masks, track.adjusted_by(project.adjustment), cuts, track.kept_exactly(project.adjustment))
