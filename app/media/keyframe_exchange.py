"""Keyframes as files: out to another program with their mask, back from it as a try, and the small
pictures of all tries.
"""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path
from typing import Literal, TYPE_CHECKING

from app.contract.values import PlacedPicture
from app.media.frames import encode_jpeg
from app.media.pictures import encode_png, Pictures
from app.render.export import file_stem
from app.storage.workspace import Workspace
from core.errors import InputError
from core.project.edits import Carried, KeyframeEdit, Placement, Task
from core.project.project import Project

if TYPE_CHECKING:
    import numpy as np

    from core.masks import Widths
    from core.render.placement import Comparison

INCOMING = "incoming"
"""Where a project's picture from another program lies until it is taken or left."""

SentPart = Literal["frame", "mask", "region", "cutout", "zip"]
"""What is sent to another program, see `KeyframeExchange.sent`."""
PREVIEW_WIDTH = 960
THUMB_SHAPE = 1.5
"""Width over height of the small picture of a try."""
ROOM = 1.3
"""How much more than the region it shows."""


class KeyframeExchange:
    """Reads what a project refers to; adds nothing to the document."""

    def __init__(self, workspace: Workspace, pictures: Pictures) -> None:
        self._workspace = workspace
        self._pictures = pictures

    def sent(self, project: Project, frame: int, what: SentPart, edit: KeyframeEdit | None = None) -> tuple[str, bytes]:
        """A file for another program.

        Args:
            project: The project.
            frame: The frame, one with a region.
            what: The whole `frame` at the source's size; the `mask` of the objects to edit, white
                inside; the `region`, white where pixels may change; a `cutout`, the objects alone
                on transparent ground; or a `zip` of the four. All are PNG.
            edit: A try, to send the frame as that has it.

        Returns:
            The file's name, and its bytes.

        Raises:
            InputError: There is no such frame, or no region on it.
        """
        import cv2
        import numpy as np

        stem = f"{file_stem(project.name)} frame {frame}"
        if what == "zip":
            parts = [self.sent(project, frame, part, edit) for part in ("frame", "mask", "region", "cutout")]
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
                for name, data in parts:
                    archive.writestr(name, data)
            return f"{stem}.zip", buffer.getvalue()
        region, _ = self._region(project, frame)
        mask = region if what == "region" else self._pictures.masks.edited_mask(project, frame)
        if what in ("mask", "region"):
            return f"{stem} {what}.png", cv2.imencode(".png", mask.astype(np.uint8) * 255)[1].tobytes()
        picture = self._pictures.frames.frame(project, frame) if edit is None else self._picture_of(project, edit)
        if what == "frame":
            return f"{stem}.png", encode_png(picture)
        alone = np.dstack([picture[..., ::-1], mask.astype(np.uint8) * 255])
        return f"{stem} cutout.png", cv2.imencode(".png", alone, [cv2.IMWRITE_PNG_COMPRESSION, 3])[1].tobytes()

    def carried(self, project: Project, frame: int, task: Task, picture: np.ndarray, mask: np.ndarray) -> Carried:
        """How a try is carried, by what it shows.

        Args:
            project: The project.
            frame: Its frame.
            task: Add, modify or delete.
            picture: uint8 (H, W, 3).
            mask: bool (H, W), the region.

        Returns:
            As a change of the source, or as a picture.
        """
        from core.carrying.decision import decided

        return decided("auto", task, self._pictures.frames.frame(project, frame), picture, mask)

    def placed(self, project: Project, frame: int, path: Path, name: str, placement: Placement) -> tuple[np.ndarray, PlacedPicture]:
        """Lay a picture on a frame and compare the two.

        Args:
            project: The project.
            frame: The frame, one with a region.
            path: The picture.
            name: What messages call it.
            placement: How it is fitted and aligned.

        Returns:
            The try that it would be, uint8 (H, W, 3), and how it lies on the frame.

        Raises:
            InputError: The picture can't be used, or shows no edit.
        """
        from core.media import read_image_with_alpha
        from core.propagation.result import feathered_keyframe
        from core.render.placement import compare_outside, place

        try:
            picture, alpha = read_image_with_alpha(path)
        except InputError as error:
            raise InputError(str(error).replace(str(path), f"'{name}'")) from error
        source = self._pictures.frames.frame(project, frame)
        mask, feather = self._region(project, frame)
        placed = place(source, picture, alpha, mask, placement.fit, placement.align)
        compared = compare_outside(source, placed, mask)
        result = placed.picture
        if placement.limit:
            result = feathered_keyframe(source, result, mask, feather)
        if (result == source)[mask].all():
            raise InputError(
                f"'{name}' is the same as the frame inside the region, so there is no edit in it: paint inside the region, "
                "save it and bring it again"
            )
        size = (picture.shape[1], picture.shape[0])
        about = [_fitted(size, (source.shape[1], source.shape[0]), placement.fit)]
        if placed.scale != 1.0:
            about.append(f"Scaled to {100 * placed.scale:.1f} %, so that it fits the frame.")
        if placed.shift != (0.0, 0.0):
            across, down = (f"{shift:g}".replace("-", "−") for shift in placed.shift)
            about.append(f"Moved by {across} pixels across and {down} down, so that it lies on the frame.")
        if compared.likeness == "same":
            about.append(f"Outside the region it is the frame ({compared.mean:.1f} of 255 levels apart on average).")
        warning = _warning(compared, frame, placement.limit)
        return result, PlacedPicture(size, placed.scale, placed.shift, compared.likeness, tuple(about), warning, _preview(result, mask))

    def thumbnail(self, project: Project, edit: KeyframeEdit, width: int) -> bytes:
        """The part of a try that its region changed.

        Args:
            project: The project.
            edit: The try.
            width: Pixels; the picture has the shape of THUMB_SHAPE.

        Returns:
            A JPEG.
        """
        import cv2

        picture = self._picture_of(project, edit)
        x0, y0, x1, y1 = self._part(project, edit, (picture.shape[1], picture.shape[0]))
        part = cv2.resize(picture[y0:y1, x0:x1], (width, round(width / THUMB_SHAPE)), interpolation=cv2.INTER_AREA)
        return encode_jpeg(part, None)

    def incoming(self, project_id: str) -> Path:
        """The project's emptied folder for what arrives from another program."""
        self._workspace.keep(project_id)
        folder = self._workspace.folder(project_id) / INCOMING
        shutil.rmtree(folder, ignore_errors=True)
        return folder

    def _picture_of(self, project: Project, edit: KeyframeEdit) -> np.ndarray:
        from core.media import read_image

        return read_image(self._workspace.file(project.project_id, edit.image))

    def _region(self, project: Project, frame: int) -> tuple[np.ndarray, Widths]:
        project.clip.check_frame(frame)
        mask, feather = self._pictures.masks.soft_region(project, frame)
        if not mask.any():
            raise InputError(f"the region is empty on frame {frame}: choose a frame that shows the object")
        return mask, feather

    def _part(self, project: Project, edit: KeyframeEdit, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """x0, y0, x1, y1 of what a try's small picture shows: around its region, in THUMB_SHAPE
        where the frame allows.
        """
        from core.masks import bounding_box

        width, height = size
        try:
            box = bounding_box(self._pictures.masks.load(project, edit.region)[edit.frame])
        except (InputError, IndexError, KeyError):  # a try whose region is gone still has a picture
            box = None
        x0, y0, x1, y1 = box or (0, 0, width, height)
        tall = max((y1 - y0) * ROOM, (x1 - x0) * ROOM / THUMB_SHAPE)
        tall = min(tall, height, width / THUMB_SHAPE)
        left = min(max(0.0, (x0 + x1) / 2 - tall * THUMB_SHAPE / 2), width - tall * THUMB_SHAPE)
        top = min(max(0.0, (y0 + y1) / 2 - tall / 2), height - tall)
        return int(left), int(top), max(int(left) + 1, round(left + tall * THUMB_SHAPE)), max(int(top) + 1, round(top + tall))


def _preview(picture: np.ndarray, mask: np.ndarray) -> bytes:
    import cv2
    import numpy as np

    shown = picture.copy()
    outlines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    thick = max(1, round(shown.shape[1] / 640))
    cv2.drawContours(shown, outlines, -1, (0, 0, 0), 2 * thick + 1)
    cv2.drawContours(shown, outlines, -1, (255, 255, 255), thick)
    return encode_jpeg(shown, PREVIEW_WIDTH)


def _fitted(own: tuple[int, int], size: tuple[int, int], fit: str) -> str:
    if own == size:
        return "It has the frame's size."
    way = {"fit": "fitted into the frame", "cover": "laid over the whole frame", "stretch": "stretched to the frame"}
    same = abs(own[0] * size[1] / (own[1] * size[0]) - 1) <= 0.01
    return f"{own[0]} × {own[1]}, {'resized' if same or fit == 'same' else way[fit]} ({size[0]} × {size[1]})."


def _warning(compared: Comparison, frame: int, limited: bool) -> str:
    """What a person should know before taking the picture; empty when all is well."""
    share = f"{100 * compared.share:.0f} %" if compared.share >= 0.01 else "a little"
    if compared.likeness == "another":
        return f"This looks like another picture than frame {frame}: outside the region {share} of it differs. Is it the right frame?"
    if compared.likeness == "changed":
        kept = "only what lies in the region is taken" if limited else "a propagation takes only what lies in the region"
        return f"Outside the region {share} of the picture differs from the frame; {kept}."
    if compared.likeness == "unknown":
        return "It does not reach beyond the region, so its position can't be checked."
    return ""
