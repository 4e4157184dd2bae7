"""Results of propagations: their reports and pictures, and the stack of accepted ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.media.pictures import Pictures
from app.render.command import edit_command
from app.render.recipe import recipe_of
from app.storage.workspace import Workspace
from core.errors import InputError
from core.project import project as document
from core.project.edits import Layer
from core.project.mix import Mix
from core.project.plain import parse_json
from core.project.project import Project
from core.project.results import with_result_name


class ResultOperations:
    """What came out of a propagation, and what the next edit stands on."""

    def __init__(self, workspace: Workspace, pictures: Pictures) -> None:
        self._workspace = workspace
        self._pictures = pictures

    def report(self, project_id: str, propagation_id: str) -> dict[str, Any]:
        """The measurements of a finished propagation."""
        for propagation in self._workspace.project(project_id).propagations:
            if propagation.propagation_id == propagation_id and propagation.report:
                try:
                    return parse_json(self._workspace.file(project_id, propagation.report).read_text(encoding="utf-8"))
                except (OSError, ValueError):
                    raise InputError(f"the report of the propagation {propagation_id} is damaged; propagate again for a new one") from None
        raise InputError(f"there is no finished propagation {propagation_id}: propagate, or resume the one that was stopped")

    def jpeg(
        self, project_id: str, propagation_id: str, frame: int, max_width: int | None = None, mix: Mix | None = None
    ) -> tuple[bytes, bool]:
        """A frame as the propagation leaves it so far.

        Args:
            project_id: The project.
            propagation_id: The propagation.
            frame: The frame.
            max_width: Pixels that the picture may be wide; the frame's own width when None.
            mix: How it would lie over what is below; its own when None.

        Returns:
            A JPEG, and whether it is final.

        Raises:
            InputError: There is no such propagation or frame.
        """
        project = self._workspace.project(project_id)
        propagation = project.propagation(propagation_id)
        project.clip.info.check_frame(frame)
        if mix is not None:
            under = tuple(replace(part, mix=mix) for part in propagation.under)
            propagation = replace(propagation, mix=mix, under=under)
        return self._pictures.frames.result_jpeg(project, propagation, frame, max_width)

    def below_jpeg(self, project_id: str, propagation_id: str, frame: int, max_width: int | None = None) -> bytes:
        """A frame as it was before the propagation: the source with the results that it stands on.

        Args:
            project_id: The project.
            propagation_id: The propagation.
            frame: The frame.
            max_width: Pixels that the picture may be wide; the frame's own width when None.

        Returns:
            A JPEG.

        Raises:
            InputError: There is no such propagation or frame.
        """
        project = self._workspace.project(project_id)
        return self._pictures.frames.below_jpeg(project, project.propagation(propagation_id).base, frame, max_width)

    def region_png(self, project_id: str, propagation_id: str, frame: int, max_width: int | None = None) -> bytes:
        """The region that a propagation edited, on one frame, as an overlay.

        Args:
            project_id: The project.
            propagation_id: The propagation.
            frame: The frame.
            max_width: Pixels that the picture may be wide; the frame's own width when None.

        Returns:
            A transparent PNG.

        Raises:
            InputError: There is no such propagation.
        """
        project = self._workspace.project(project_id)
        return self._pictures.result_region_png(project, project.propagation(propagation_id), frame, max_width)

    def rename(self, project_id: str, propagation_id: str, name: str) -> Project:
        """Call a result by a name of one's own.

        Args:
            project_id: The project.
            propagation_id: The result.
            name: The name, of at most 80 letters; an empty one takes the own name back.

        Returns:
            The project.

        Raises:
            InputError: There is no such result, or the name is too long.
        """
        return self._workspace.change(project_id, "Rename result", lambda p: with_result_name(p, propagation_id, name))

    def command(self, project_id: str, propagation_id: str) -> str:
        """The command that makes a result like this one; InputError where one can't say it."""
        project = self._workspace.project(project_id)
        top = project.propagation(propagation_id)
        if top.draft:
            raise InputError("a quick look is for the page: propagate at full size, then copy its command")
        stack = [*(project.propagation(i) for i in top.base.split("+") if i), top]
        return edit_command(recipe_of(self._workspace, project, stack, (0, project.clip.info.frames), "h264", True))

    def accept(self, project_id: str, propagation_id: str) -> Project:
        """Make the result what the next edit starts from, which begins with an empty selection.

        Can be undone.
        """
        return self._workspace.change(project_id, "Accept result", lambda p: document.with_layer(p, propagation_id))

    def set_layers(self, project_id: str, layers: tuple[Layer, ...]) -> Project:
        """Reorder the accepted results, switch them on or off, or leave some out."""
        return self._workspace.change(project_id, "Change the stack", lambda p: document.with_layers(p, layers))
