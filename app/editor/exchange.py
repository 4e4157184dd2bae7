"""Keyframes to other programs and back."""

from __future__ import annotations

from pathlib import Path

from app.contract.requests import PictureRequest
from app.contract.values import PlacedPicture
from app.editor.changes import check_masks
from app.jobs.keyframes import lineage_of, standing_in
from app.jobs.region import RegionBuilder
from app.media.keyframe_exchange import INCOMING, KeyframeExchange, SentPart
from app.media.pictures import encode_png
from app.storage.workspace import new_id, Workspace
from core.errors import InputError
from core.project.edits import check_seed, check_task, KeyframeEdit, LONGEST_NAME, Placement, SamplingSettings
from core.project.project import Project
from core.project.tries import with_edits


class ExchangeOperations:
    """A frame with its mask as files, and an edited picture of it as a try."""

    def __init__(self, workspace: Workspace, regions: RegionBuilder, exchange: KeyframeExchange) -> None:
        self._workspace = workspace
        self._regions = regions
        self._exchange = exchange

    def send(self, project_id: str, frame: int, what: SentPart = "zip", edit_id: str | None = None) -> tuple[str, bytes]:
        """A frame for another program.

        Args:
            project_id: The project.
            frame: The frame, one with a region.
            what: The whole `frame` at the source's size; the `mask` of the objects to edit, white
                inside; the `region`, white where pixels may change; a `cutout`, the objects alone
                on transparent ground; or a `zip` of the four.
            edit_id: A try, to send the frame as that has it.

        Returns:
            The name of a file, and its bytes.

        Raises:
            InputError: There is no such frame or try, or no region on it.
        """
        project = self._workspace.project(project_id)
        return self._exchange.sent(project, frame, what, None if edit_id is None else project.edit(edit_id))

    def incoming_folder(self, project_id: str) -> Path:
        """An emptied folder of the project, where the page uploads a picture to."""
        self._workspace.project(project_id)
        return self._exchange.incoming(project_id)

    def incoming_picture(self, project_id: str, picture: str) -> Path:
        """Where a picture lies that has arrived in `incoming_folder`, by its name; InputError when
        it is gone.
        """
        try:
            return self._workspace.file(project_id, f"{INCOMING}/{Path(picture).name}")
        except InputError:
            raise InputError("the picture is not here any more: bring it in again") from None

    def place_picture(
        self, project_id: str, frame: int, source: str | Path, placement: Placement | None = None, name: str | None = None
    ) -> PlacedPicture:
        """What a picture would be as a try of a frame; nothing is changed.

        Args:
            project_id: The project.
            frame: The frame.
            source: The picture's file.
            placement: How it is laid on the frame.
            name: What messages call it; its file's name when None.

        Returns:
            How the picture lies on the frame, and how it compares with it.

        Raises:
            InputError: As for `bring_back`.
        """
        path = Path(source)
        project = self._workspace.project(project_id)
        return self._exchange.placed(project, frame, path, name or path.name, placement or Placement())[1]

    def bring_back(self, project_id: str, picture: PictureRequest) -> tuple[Project, str]:
        """Make a picture that another program made of a frame a try like any other; returns its id
        too.

        Raises InputError for what is no picture, has another shape than the frame (see
        `Placement`), or shows no edit.
        """
        check_task(picture.task, picture.caption)
        check_seed(picture.seed)
        project = self._workspace.project(project_id)
        check_masks(project)
        shown = picture.name or picture.source.name
        lineage = lineage_of(project, picture.parent)
        pixels, _ = self._exchange.placed(project, picture.frame, picture.source, shown, picture.placement)
        region = self._regions.build(project)
        edit = KeyframeEdit(
            edit_id=new_id()[:12],
            frame=picture.frame,
            task=picture.task,
            caption=picture.caption,
            seed=picture.seed,
            settings=SamplingSettings(),
            model="",
            image=self._workspace.add_file(project_id, encode_png(pixels), ".png"),
            region=region.file,
            name=" ".join(Path(shown).stem.split())[:LONGEST_NAME],
            carried=self._exchange.carried(project, picture.frame, picture.task, pixels, region.masks[picture.frame]),
        )

        def add(current: Project) -> Project:
            return with_edits(current, (standing_in(current, project, edit, lineage),))

        return self._workspace.change(project_id, "Bring in a picture", add), edit.edit_id
