"""What is seen of a project: frames, masks, overlays. Keeps a few clips open and the latest pictures encoded."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.engine import Engine
from app.production import PlannedWindow
from app.recent import Recent
from app.workspace import Workspace
from core.errors import InputError
from core.project.edits import Propagation
from core.project.project import next_colour, Project
from core.project.prompts import MaskPrompt
from core.project.tracks import MaskTrack

if TYPE_CHECKING:
    import numpy as np

    from core.masks import MaskSequence
    from core.media import ClipReader
    from core.segment import SegmentSession
    from core.vivid.keyframe import Behind, KeyframeStudio
    from core.vivid.model import VividModel
    from core.vivid.stack import StackedReader

WINDOWS = "windows"
"""Where a project's finished windows lie, each named by what its pixels depend on."""
REGION_COLOUR = (255, 255, 255)
FILL, EDGE = 96, 235
"""Opacity, 0 to 255, of an overlay's inside and of its outline."""


class Pictures:
    """Reads what a project refers to; changes nothing but files that it adds. Safe to use from several threads."""

    def __init__(self, workspace: Workspace, engine: Engine) -> None:
        self._workspace = workspace
        self._engine = engine
        self._readers: Recent[ClipReader] = Recent(3)
        self._stacks: Recent[StackedReader] = Recent(3)
        self._plans: Recent[tuple[PlannedWindow, ...]] = Recent(8)
        self._sessions: Recent[SegmentSession] = Recent(2)
        self._sequences: Recent[MaskSequence] = Recent(24)
        self._encoded: Recent[bytes] = Recent(160)
        self._studios: Recent[KeyframeStudio] = Recent(1)
        self._behind: Recent[Behind] = Recent(1)
        self._live: dict[str, dict[int, MaskSequence]] = {}
        self._live_lock = threading.Lock()

    def source(self, project: Project) -> ClipReader:
        """The project's clip as it was opened; InputError when the file is gone, or plainly another one."""
        from core.media import open_clip

        source = project.clip.source
        if not Path(source).exists():
            raise InputError(f"the video '{source}' is not there any more; put it back to go on with this project")
        expected = project.clip.info

        def opened() -> ClipReader:
            reader = open_clip(Path(source))
            if (reader.info.size, reader.info.frames) != (expected.size, expected.frames):
                reader.close()
                raise InputError(f"the video '{source}' has been replaced by another since this project was made; put it back to go on")
            return reader

        return self._readers.get((source, project.clip.sha256), opened)

    def reader(self, project: Project, base: str | None = None) -> ClipReader:
        """The clip that edits stand on: the source with the accepted results of `base` on it (the project's own when None)."""
        base = project.base if base is None else base
        if not base:
            return self.source(project)
        return self._stack(project, [project.propagation(propagation_id) for propagation_id in base.split("+")])

    def result(self, project: Project, propagation: Propagation) -> StackedReader:
        """The clip as the propagation leaves it, with those below it; frames whose window is not there yet are as they were before."""
        below = [project.propagation(propagation_id) for propagation_id in propagation.base.split("+") if propagation_id]
        return self._stack(project, [*below, propagation])

    def plan(self, project: Project, propagation: Propagation) -> tuple[PlannedWindow, ...]:
        """The windows of a propagation, in the order in which they are made; whether one is there says its file."""
        relative = propagation.plan
        if relative is None:
            return ()
        folder = self._workspace.folder(project.project_id) / WINDOWS

        def read() -> tuple[PlannedWindow, ...]:
            try:
                rows = json.loads(self._workspace.file(project.project_id, relative).read_text(encoding="utf-8"))
                return tuple(PlannedWindow(int(start), int(stop), str(key), folder / f"{key}.npz") for start, stop, key in rows)
            except (OSError, ValueError, TypeError) as error:
                raise InputError("the plan of this propagation is damaged; propagate again") from error

        return self._plans.get((project.project_id, relative), read)

    def _stack(self, project: Project, propagations: list[Propagation]) -> StackedReader:
        from core.media import read_image
        from core.vivid.stack import AppliedEdit, StackedReader

        edits, key = [], []
        for propagation in propagations:
            windows = tuple((w.start, w.stop, w.path) for w in self.plan(project, propagation) if w.path.exists())
            images = {k.frame: self._workspace.file(project.project_id, k.image) for k in propagation.keyframes}
            keyframes = {frame: partial(read_image, path) for frame, path in images.items()}
            region = self.masks(project, propagation.region)
            edits.append(AppliedEdit(propagation.span, region, propagation.feather, windows, keyframes))
            key.append((propagation.propagation_id, len(windows)))
        source = self.source(project)
        return self._stacks.get((project.clip.source, project.clip.sha256, tuple(key)), lambda: StackedReader(source, edits))

    def frame(self, project: Project, frame: int) -> np.ndarray:
        """uint8 (H, W, 3)."""
        if not 0 <= frame < project.clip.info.frames:
            raise InputError(f"frame {frame} is outside the clip (0 to {project.clip.info.frames - 1})")
        return self.reader(project).frame(frame)

    def frame_jpeg(self, project: Project, frame: int, max_width: int | None) -> bytes:
        """The frame as JPEG, no wider than `max_width` pixels."""
        key = ("frame", *_identity(project), frame, max_width)
        return self._encoded.get(key, lambda: encode_jpeg(self.frame(project, frame), max_width))

    def source_jpeg(self, project: Project, frame: int, max_width: int | None) -> bytes:
        """The frame as the file has it, below all accepted results."""
        key = ("source", project.clip.sha256, frame, max_width)
        return self._encoded.get(key, lambda: encode_jpeg(self.source(project).frame(frame), max_width))

    def result_jpeg(self, project: Project, propagation: Propagation, frame: int, max_width: int | None) -> tuple[bytes, bool]:
        """The frame as the propagation leaves it, and whether that is final: not while its window is still to be made."""
        reader = self.result(project, propagation)
        final = reader.shows(frame)
        if not final:
            return encode_jpeg(reader.frame(frame), max_width), False
        key = ("result", propagation.propagation_id, frame, max_width)
        return self._encoded.get(key, lambda: encode_jpeg(reader.frame(frame), max_width)), True

    def below_jpeg(self, project: Project, propagation: Propagation, frame: int, max_width: int | None) -> bytes:
        """The frame as the propagation found it."""
        key = ("frame", project.clip.source, project.clip.sha256, propagation.base, frame, max_width)
        return self._encoded.get(key, lambda: encode_jpeg(self.reader(project, propagation.base).frame(frame), max_width))

    def result_region_png(self, project: Project, propagation: Propagation, frame: int, max_width: int | None) -> bytes:
        """The region that the propagation edited on the frame, as RGBA PNG; empty outside its span."""
        import cv2
        import numpy as np

        region = self.masks(project, propagation.region)
        width, height = project.clip.info.size
        mask = region[frame] if frame in region.frames else np.zeros((height, width), bool)
        scale = min(1.0, max_width / width) if max_width else 1.0
        small = np.asarray(cv2.resize(mask.astype(np.uint8), (max(1, round(width * scale)), max(1, round(height * scale)))))
        picture = np.zeros((*small.shape, 4), np.uint8)
        picture[small > 0] = (*REGION_COLOUR, FILL // 2)
        edge = max(3, width // 400)
        picture[(small > 0) & (cv2.erode(small, np.ones((edge, edge), np.uint8)) == 0)] = (*REGION_COLOUR, EDGE)
        return cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()

    def overlay_png(
        self, project: Project, frame: int, kind: str, max_width: int | None, instead: tuple[int, np.ndarray] | None = None
    ) -> bytes:
        """The masks of a frame as RGBA PNG: `objects` in their colours, or the `region` that will be edited.

        `instead` is an object's id and the mask to show for it, or one more than the last id for an object yet to be added.
        """
        import cv2
        import numpy as np

        if kind not in ("objects", "region"):
            raise InputError(f"unknown overlay '{kind}' (known: objects, region)")
        width, height = project.clip.info.size
        if kind == "region":
            layers = [(self.region_mask(project, frame), REGION_COLOUR)]
        else:
            shown = [(self._object_mask(project, track, frame), track.colour) for track in project.tracks if not track.hidden]
            if instead is not None:
                shown = [
                    (self._object_mask(project, t, frame), t.colour) for t in project.tracks if not t.hidden and t.object_id != instead[0]
                ]
                colours = {track.object_id: track.colour for track in project.tracks}
                shown.append((instead[1], colours.get(instead[0], next_colour(project))))
            layers = [(mask, colour) for mask, colour in shown if mask is not None]
        scale = min(1.0, max_width / width) if max_width else 1.0
        picture = np.zeros((max(1, round(height * scale)), max(1, round(width * scale)), 4), np.uint8)
        for mask, colour in layers:
            small = cv2.resize(
                mask.astype(np.uint8), picture.shape[1::-1], interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST
            )
            inner = cv2.erode(small, np.ones((3, 3), np.uint8))
            picture[small > 0] = (*colour[::-1], EDGE)
            picture[inner > 0] = (*colour[::-1], FILL)
        return cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()

    def masks(self, project: Project, relative: str) -> MaskSequence:
        """A stored mask sequence. Shared: copy it before changing it."""
        from core.masks import MaskSequence

        path = self._workspace.file(project.project_id, relative)
        return self._sequences.get(path, lambda: MaskSequence.load(path))

    def store_masks(self, project_id: str, sequence: MaskSequence) -> str:
        """Store a mask sequence under its content; returns the path relative to the project. Don't change the sequence afterwards."""
        relative = self._workspace.add_file(project_id, sequence.to_bytes(), ".masks")
        self._sequences.get(self._workspace.file(project_id, relative), lambda: sequence)  # with the facts that it has found out
        return relative

    def masks_over_clip(self, project: Project, relative: str | None) -> MaskSequence:
        """A sequence of its own over the whole clip, with the stored masks where there are some."""
        from core.masks import MaskSequence

        if relative is not None:
            return self.masks(project, relative).copy()
        return MaskSequence.empty(project.clip.info.size, 0, project.clip.info.frames)

    def with_masks(self, project: Project, relative: str | None, masks: dict[int, np.ndarray | None]) -> str:
        """Store a sequence like `relative` with the masks of some frames replaced (None empties a frame); returns its path."""
        import numpy as np

        sequence = self.masks_over_clip(project, relative)
        width, height = project.clip.info.size
        for frame, mask in masks.items():
            sequence.set(frame, np.zeros((height, width), bool) if mask is None else mask)
        return self.store_masks(project.project_id, sequence)

    def mask_prompt(self, project: Project, object_id: int, frame: int, mask: np.ndarray) -> MaskPrompt:
        """A mask, bool (H, W), stored as a prompt for a frame."""
        import cv2

        data = cv2.imencode(".png", mask.astype("uint8") * 255)[1].tobytes()
        return MaskPrompt(frame, object_id, self._workspace.add_file(project.project_id, data, ".png"))

    def painted(
        self, project: Project, track: MaskTrack, frame: int, stroke: Sequence[tuple[float, float]], radius: float, erase: bool
    ) -> np.ndarray:
        """The track's mask on a frame, bool (H, W), after a brush of `radius` source pixels went along `stroke`."""
        import numpy as np

        from core.masks.brush import stroked

        width, height = project.clip.info.size
        under = self.masks(project, track.masks)[frame] if track.masks else np.zeros((height, width), bool)
        line = stroked((width, height), stroke, radius)
        return under & ~line if erase else under | line

    def region_mask(self, project: Project, frame: int) -> np.ndarray:
        """bool (H, W): the union of the objects on that frame, adjusted."""
        import numpy as np

        from core.masks import adjust

        width, height = project.clip.info.size
        union = np.zeros((height, width), bool)
        for track in project.tracks:
            mask = self._object_mask(project, track, frame)
            if mask is not None:
                union |= mask
        return adjust(union, project.adjustment)

    def adjusted(self, project: Project) -> MaskSequence:
        """The region over the clip's span: the union of all objects, adjusted."""
        from core.masks import adjusted

        sequences = [self.masks(project, track.masks) for track in project.tracks if track.masks]
        return adjusted(sequences, range(project.clip.start, project.clip.stop), project.adjustment)

    def session(self, project: Project) -> SegmentSession:
        """The session that answers clicks on this clip; it remembers the frames it has seen."""
        return self._sessions.get(_identity(project), lambda: self.tracking_session(project))

    def tracking_session(self, project: Project) -> SegmentSession:
        """A session of its own for one run through the clip."""
        return self._engine.segmenter().session(self.reader(project), self._workspace.folder(project.project_id))

    def keyframe_studio(self, model: VividModel) -> KeyframeStudio:
        """The studio of the model, with whatever it has encoded before."""
        from core.vivid.keyframe import KeyframeStudio

        return self._studios.get(model.name, lambda: KeyframeStudio(model))

    def behind_keyframe(self, project: Project, region: str, frame: int) -> Behind:
        """What lies behind the stored region on a frame: looked for once, however many tries there are."""
        from core.vivid.keyframe import behind_keyframe

        reader = self.reader(project)
        return self._behind.get((id(reader), region, frame), lambda: behind_keyframe(reader, self.masks(project, region), frame))

    def show_live(self, project_id: str, masks: dict[int, MaskSequence]) -> None:
        """Let overlays and the timeline show these sequences, by object, while a running job fills them."""
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

    def close(self) -> None:
        """Let go of open files."""
        self._sessions.clear()
        self._stacks.clear()
        self._readers.clear()

    def object_masks(self, project: Project, track: MaskTrack) -> MaskSequence | None:
        """The object's masks as far as they are known: those of a running job first."""
        with self._live_lock:
            live = self._live.get(project.project_id, {}).get(track.object_id)
        return live or (self.masks(project, track.masks) if track.masks else None)

    def _object_mask(self, project: Project, track: MaskTrack, frame: int) -> np.ndarray | None:
        masks = self.object_masks(project, track)
        return masks[frame] if masks else None


def encode_png(picture: np.ndarray) -> bytes:
    """uint8 (H, W, 3) RGB as PNG."""
    import cv2

    return cv2.imencode(".png", picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 3])[1].tobytes()


def _identity(project: Project) -> tuple[str, str, str]:
    """Of the frames that are worked on: a file that is written anew under the same name is another clip, and so is one with edits on it."""
    return project.clip.source, project.clip.sha256, project.base


def encode_jpeg(picture: np.ndarray, max_width: int | None) -> bytes:
    """uint8 (H, W, 3) RGB as JPEG, no wider than `max_width` pixels."""
    import cv2

    small = _shrink(picture, max_width, cv2.INTER_AREA)
    return cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()


def _shrink(picture: np.ndarray, max_width: int | None, interpolation: int) -> np.ndarray:
    import cv2

    height, width = picture.shape[:2]
    if not max_width or width <= max_width:
        return picture
    return cv2.resize(picture, (max_width, max(1, round(height * max_width / width))), interpolation=interpolation)
