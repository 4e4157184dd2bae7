"""Inserts of a project: laid on a frame as a try, and carried through the clip for a
propagation.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.media.frames import ClipFrames
from app.storage.masks import MaskStore, StoredRegion
from app.storage.workspace import Workspace
from core.errors import InputError
from core.geometry import FrameRange
from core.progress import JobContext
from core.project.edits import KeyframeEdit
from core.project.inserts import CastShadow, Insert
from core.project.plain import parse_json
from core.project.project import Project

if TYPE_CHECKING:
    import numpy as np

    from core.inserts.carried import CarriedInsert
    from core.masks import MaskSequence

MIXED = (
    "a picture of your own and a painted try can't be propagated together: accept one kind, make the final, "
    "then accept the result and edit on with the other"
)


@dataclass(frozen=True)
class StoredInsert:
    """What a propagation needs of an insert: `path` is the file that says where it is on each
    frame, `front` the mask sequence of what passes before it, None where nothing does.
    """

    insert: Insert
    path: str
    front: str | None


class InsertBuilder:
    """Makes what a project shows of its inserts."""

    def __init__(self, workspace: Workspace, frames: ClipFrames, masks: MaskStore) -> None:
        self._workspace = workspace
        self._frames = frames
        self._masks = masks

    def laid(self, project: Project, frame: int, insert: Insert) -> tuple[np.ndarray, str]:
        """A frame with an insert.

        Args:
            project: The project.
            frame: The frame.
            insert: The insert; its picture is a file of the project.

        Returns:
            The frame with it, uint8 (H, W, 3), and the file of the region that it changes.

        Raises:
            InputError: It lies beside the frame, or is to move with an object that is not there.
        """
        import numpy as np

        from core.inserts.carried import LaidInsert
        from core.inserts.path import follows_of, footprint
        from core.masks import MaskSequence
        from core.propagation.laid import drawer_of

        reader = self._frames.reader(project)
        laid = LaidInsert(insert, self._picture(project, insert), frame)
        corners = np.array(insert.corners)
        mask = footprint(laid.picture, corners, project.clip.info.size)
        if not mask.any():
            raise InputError("the picture lies beside the frame: move it onto the frame")
        things = self._things(project)
        thing = None if things is None or things.is_empty(frame) else things[frame]
        hidden = None
        if thing is not None and follows_of(insert, laid.picture, thing) == "place":
            hidden = thing
        elif thing is None:
            follows_of(insert, laid.picture, None)
        picture = drawer_of(reader, laid).draw(frame, reader.frame(frame), [corners], hidden)
        region = MaskSequence.empty(project.clip.info.size, frame, frame + 1)
        region.set(frame, mask)
        return picture, self._masks.store(project.project_id, region)

    def carried(
        self, project: Project, edits: Sequence[KeyframeEdit], context: JobContext
    ) -> tuple[StoredRegion, tuple[StoredInsert, ...]]:
        """Carry inserts through the clip.

        Args:
            project: The project.
            edits: The accepted tries, all of inserts, in the order of their frames.
            context: Reports frames, and can cancel.

        Returns:
            The region that they change, and for each of them what is stored of it.

        Raises:
            InputError: One of them is no insert, or is to move with an object that is not there.
            Cancelled: A person stopped the job.
        """
        from core.background.affected import united
        from core.inserts.carried import CarriedInsert, encode_path, LaidInsert
        from core.inserts.path import carry, footprints
        from core.masks import Feather, MaskSequence
        from core.propagation.laid import joined_path

        reader, things = self._frames.reader(project), self._things(project)
        frames = FrameRange(project.clip.start, project.clip.stop)
        made: dict[int, CarriedInsert] = {}
        for edit in edits:
            if edit.insert is None:
                raise InputError(MIXED)
            laid = LaidInsert(edit.insert, self._picture(project, edit.insert), edit.frame)
            laid = LaidInsert(edit.insert, self._picture(project, edit.insert), edit.frame)
            made[edit.frame] = carry(reader, laid, things, frames, context)
        path = joined_path({frame: carried.path for frame, carried in made.items()})
        region = MaskSequence.empty(project.clip.info.size, *frames)
        stored = []
        text = json.dumps(encode_path(path)).encode()
        for carried in made.values():
            front = None if carried.front is None else self._masks.store(project.project_id, carried.front)
            stored.append(StoredInsert(carried.insert, self._workspace.add_file(project.project_id, text, ".json"), front))
            region = united(region, footprints(CarriedInsert(carried.insert, carried.picture, path), project.clip.info.size, frames))
        return StoredRegion(self._masks.store(project.project_id, region), region, (), Feather(0)), tuple(stored)

    def read(self, project: Project, stored: StoredInsert) -> CarriedInsert:
        """What `carried` stored; InputError when it is gone or damaged."""
        from core.inserts.carried import CarriedInsert, decode_path

        file = self._workspace.file(project.project_id, stored.path)
        try:
            path = decode_path(parse_json(file.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise InputError("the path of a picture is damaged: propagate again") from error
        front = None if stored.front is None else self._masks.load(project, stored.front)
        return CarriedInsert(stored.insert, self._picture(project, stored.insert), path, front)

    def shot_shadow(self, project: Project, frame: int, context: JobContext) -> CastShadow | None:
        """How the shadows of the shot fall, by those of the edited objects.

        Args:
            project: The project.
            frame: A frame that shows them.
            context: Reports the stage, and can cancel.

        Returns:
            The shadow that an insert would cast; None where they cast none that is seen.
        """
        from core.inserts.shadow import shadow_of_shot

        context.report("looking for shadows", 0, 1)
        things = self._things(project)
        if things is None:
            return None
        known = next((track for track in project.tracks if track.affected is not None and track.masks), None)
        seen = None if known is None or known.masks is None else self._masks.load(project, known.masks)[frame]
        return shadow_of_shot(self._frames.reader(project), things, frame, seen if seen is not None and seen.any() else None)

    def store(self, project_id: str, source: Path, name: str) -> tuple[str, tuple[str, ...]]:
        """Store a picture in the project.

        Args:
            project_id: The project.
            source: The picture's file.
            name: What messages call it.

        Returns:
            Its file, relative to the project, and what a person should know of it.

        Raises:
            InputError: It can't be used.
        """
        from core.inserts.picture import encode_picture, read_picture

        picture, notes = read_picture(source, name)
        return self._workspace.add_file(project_id, encode_picture(picture), ".png"), notes

    def _picture(self, project: Project, insert: Insert) -> np.ndarray:
        from core.inserts.picture import read_picture

        return read_picture(self._workspace.file(project.project_id, insert.picture))[0]

    def _things(self, project: Project) -> MaskSequence | None:
        """The objects that are edited, all as one, over the clip; None where there are none."""
        from core.background.affected import united

        files = [track.masks for track in project.edited_tracks if track.masks]
        if not files:
            return None
        return united(self._masks.over_clip(project, None), *(self._masks.load(project, file) for file in files))
