"""What is seen of a project: frames, masks over them, and the sessions and studios that look at
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.engine import Engine, Tracker
from app.media.frames import ClipFrames, identity
from app.media.overlays import DARK_INLINE, FILL, overlay_png
from app.media.region_previews import region_overlay
from app.storage.cache import ClosingCache
from app.storage.masks import MaskStore
from app.storage.workspace import Workspace
from core.errors import InputError
from core.project.edits import KeyframeEdit, Propagation
from core.project.project import next_colour, Project

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from core.background.canvas import Behind
    from core.keyframe_models.contract import KeyframeModel
    from core.keyframe_models.studio import PaintingStudio
    from core.media import ClipReader
    from core.segment import SegmentSession
    from core.vivid.contract import VideoEngine
    from core.vivid.keyframe import KeyframeStudio

REGION_COLOUR = (255, 255, 255)


class Pictures:
    """Overlays of masks, and the models' view of a project, on top of its frames and masks.

    Reads what a project refers to and changes nothing but files that it adds. Safe to use from
    several threads.
    """

    def __init__(self, workspace: Workspace, engine: Engine, frames: ClipFrames, masks: MaskStore) -> None:
        self.frames = frames
        self.masks = masks
        self._workspace = workspace
        self._engine = engine
        self._sessions: ClosingCache[SegmentSession] = ClosingCache(2)
        self._studios: ClosingCache[KeyframeStudio | PaintingStudio] = ClosingCache(1)
        self._behind: ClosingCache[Behind] = ClosingCache(1)

    def result_region_png(self, project: Project, propagation: Propagation, frame: int, max_width: int | None) -> bytes:
        """The region that a propagation edited, on one frame.

        Args:
            project: The project.
            propagation: The propagation.
            frame: The frame's number; outside the propagation's span the picture is empty.
            max_width: Pixels that the picture may be wide; the frame's own width when None.

        Returns:
            A transparent PNG.
        """
        regions = (self.masks.load(project, part.region) for part in propagation.parts)
        layers = [(region[frame], REGION_COLOUR) for region in regions if frame in region.frames]
        width = project.clip.info.width
        edge = max(3, width // 400) | 1
        return overlay_png(project.clip.info.size, layers, max_width, fill=FILL // 2, edge=edge, inline=DARK_INLINE)

    def overlay_png(
        self, project: Project, frame: int, kind: str, max_width: int | None, instead: tuple[int, np.ndarray] | None = None
    ) -> bytes:
        """The masks of a frame.

        Args:
            project: The project.
            frame: The frame's number.
            kind: `objects` in their colours, or the `region` that will be edited.
            max_width: Pixels that the picture may be wide; the frame's own width when None.
            instead: An object's id and the mask, bool (H, W), to show for it; the id may be the
                next one, of an object that is still to be added.

        Returns:
            A transparent PNG.

        Raises:
            InputError: There is no such kind.
        """
        if kind not in ("objects", "region"):
            raise InputError(f"unknown overlay '{kind}': ask for objects or region")
        self.frames.note_request()
        if kind == "region":
            return region_overlay(*self.masks.soft_region(project, frame), max_width, self.masks.affected_mask(project, frame))
        others = [t for t in project.tracks if not t.hidden and (instead is None or t.object_id != instead[0])]
        shown = [(self.masks.object_mask(project, track, frame), track.colour) for track in others]
        if instead is not None:
            colours = {track.object_id: track.colour for track in project.tracks}
            shown.append((instead[1], colours.get(instead[0], next_colour(project))))
        layers = [(mask, colour) for mask, colour in shown if mask is not None]
        return overlay_png(project.clip.info.size, layers, max_width)

    def with_edits(self, project: Project, frame: int, edits: Sequence[KeyframeEdit]) -> np.ndarray:
        """A frame with tries on it, each in its own region.

        Args:
            project: The project.
            frame: The frame's number.
            edits: Tries on that frame, the lowest first.

        Returns:
            uint8 (H, W, 3), a new array.
        """
        import numpy as np

        from core.media import read_image

        picture = self.frames.frame(project, frame)
        for edit in edits:
            mask = self.masks.load(project, edit.region)[frame]
            picture = np.where(mask[..., None], read_image(self._workspace.file(project.project_id, edit.image)), picture)
        return picture

    def session(self, project: Project) -> SegmentSession:
        """The session that answers clicks on this clip; it remembers the frames it has seen."""
        self.frames.note_request()
        # Of two projects of one clip each has a session: mask prompts lie in the project's folder.
        key = (project.project_id, *identity(project))
        return self._sessions.get(key, lambda: self._engine.segmenter().session(*self._shown(project)))

    def tracker(self, project: Project) -> Tracker:
        """What tracks objects in a run of its own through the clip."""
        return self._engine.tracker(*self._shown(project))

    def _shown(self, project: Project) -> tuple[ClipReader, Path]:
        """The clip, and where the files of mask prompts lie."""
        return self.frames.reader(project), self._workspace.folder(project.project_id)

    def keyframe_studio(self, model: VideoEngine | KeyframeModel) -> KeyframeStudio | PaintingStudio:
        """The studio of the model, with whatever it has encoded before."""
        from core.keyframe_models.studio import studio_for

        return self._studios.get((model.name, id(model)), lambda: studio_for(model))

    def forget_studio(self) -> None:
        """Another model is about to be read: what holds on to the weights of the last one goes."""
        self._studios.clear()

    def behind_keyframe(self, project: Project, region: str, frame: int) -> Behind:
        """The background behind a region on one frame; it is found once, however many tries there
        are.

        Args:
            project: The project.
            region: The file of the stored region.
            frame: The frame's number.

        Returns:
            The background, for `KeyframeStudio.prepare`.
        """
        from core.background.canvas import behind_keyframe

        reader = self.frames.reader(project)
        return self._behind.get((id(reader), region, frame), lambda: behind_keyframe(reader, self.masks.load(project, region), frame))

    def forget_sessions(self) -> None:
        """Another segmenter answers from now on."""
        self._sessions.clear()

    def close(self) -> None:
        """Let go of open files."""
        self._sessions.clear()
        self.frames.close()


def encode_png(picture: np.ndarray) -> bytes:
    """uint8 (H, W, 3) RGB as PNG."""
    import cv2

    return cv2.imencode(".png", picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 3])[1].tobytes()
