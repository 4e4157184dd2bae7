"""The operations of the editor: one table for the page, for other programs and for the journal of
jobs.

From this table come the endpoints of the server (`app.server.rpc`, docs/api.md), the page's
handlers that only pass a call on (`app.contract.program`), and what a job that was interrupted is
resumed with.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from enum import auto, Flag
from typing import Any


class Callers(Flag):
    """Who may call an operation."""

    PAGE = auto()
    CLIENTS = auto()
    SHARED = auto()
    """Page and clients of a server that other machines can reach, too."""


ANYONE = Callers.PAGE | Callers.CLIENTS | Callers.SHARED
AT_THE_MACHINE = Callers.PAGE | Callers.CLIENTS
PAGE = Callers.PAGE | Callers.SHARED
CLIENTS = Callers.CLIENTS | Callers.SHARED


@dataclass(frozen=True)
class Operation:
    """One operation.

    `name` is its public name: the endpoint, and what jobs.json calls it; it never changes, or the
    old name goes into `aliases`. `method` is the part and the method of the editor that answer,
    like `objects.add`; the part `client` is `app.server.client_operations`. `handler` is the page's
    handler that only passes the call on; it is empty where the page does more, or nothing. The
    answer of one that `starts_job` is the job's id; a `resumable` job is noted until it has ended.
    """

    name: str
    method: str
    callers: Callers = ANYONE
    handler: str = ""
    starts_job: bool = False
    resumable: bool = False
    aliases: tuple[str, ...] = ()

    def of(self, editor: Any) -> Callable[..., Any]:
        """The method of this editor that answers."""
        method: Callable[..., Any] = operator.attrgetter(self.method)(editor)
        return method


def _job(name: str, method: str, *, callers: Callers = ANYONE, handler: str = "", resumable: bool = True) -> Operation:
    return Operation(name, method, callers, handler, starts_job=True, resumable=resumable)


_TABLE = (
    # Projects
    Operation("open_file", "client.open_file", CLIENTS),
    Operation("open_path", "client.open_path", CLIENTS),
    Operation("open_example", "client.open_example", CLIENTS),
    Operation("list_examples", "client.list_examples", CLIENTS),
    Operation("list_projects", "client.list_projects", CLIENTS),
    Operation("project", "client.project", CLIENTS),
    Operation("recent_projects", "projects.recent", PAGE),
    Operation("project_document", "projects.document", Callers.PAGE),
    Operation("examples", "projects.examples", PAGE),
    Operation("workspace_use", "storage.use", AT_THE_MACHINE),
    Operation("remove_unneeded", "storage.remove", AT_THE_MACHINE),
    Operation("create_project", "projects.create", PAGE),
    Operation("start_opening", "projects.start_opening", PAGE),
    Operation("opening", "projects.opening", PAGE),
    Operation("stop_opening", "projects.stop_opening", PAGE),
    Operation("rename_project", "projects.rename"),
    Operation("delete_project", "projects.delete"),
    Operation("thumbnail_jpeg", "projects.thumbnail_jpeg", CLIENTS),
    Operation("example_jpeg", "projects.example_jpeg", CLIENTS),
    # The clip
    Operation("trim", "clip.trim"),
    Operation("deinterlace", "clip.deinterlace", handler="deinterlace"),
    Operation("examined", "clip.scan"),
    Operation("cuts", "clip.scene_cuts"),
    Operation("timestamps", "clip.timestamps", CLIENTS),
    Operation("entry_points", "clip.entry_points", CLIENTS),
    Operation("frame_jpeg", "clip.frame_jpeg", CLIENTS),
    Operation("source_jpeg", "clip.source_jpeg", CLIENTS),
    # Estimates
    Operation("costs", "estimates.costs"),
    Operation("painters", "estimates.painters"),
    Operation("forecast", "estimates.propagation"),
    Operation("kive_cost", "estimates.kive"),
    _job("measure_machine", "estimates.measure_machine", resumable=False),
    _job("measure", "estimates.measure_propagation", resumable=False),
    # Objects
    Operation("add_object", "objects.add"),
    Operation("remove_object", "objects.remove", handler="remove_object"),
    Operation("rename_object", "objects.rename", handler="rename_object"),
    Operation("hide_object", "objects.hide", handler="hide_object"),
    Operation("invert_object", "objects.invert", handler="invert_object"),
    Operation("merge_objects", "objects.merge", handler="merge_objects"),
    # Prompts
    Operation("look_at", "prompts.look_at", PAGE),
    Operation("add_point", "prompts.add_point"),
    Operation("add_box", "prompts.add_box"),
    Operation("paint", "prompts.paint"),
    Operation("click_is_doubtful", "prompts.is_doubtful"),
    Operation("set_mask", "prompts.set_mask", CLIENTS),
    Operation("clear_prompts", "prompts.clear", handler="clear_prompts"),
    Operation("preview_png", "prompts.preview_png", CLIENTS),
    Operation("text_model", "text_search.model"),
    _job("find_text", "text_search.find", handler="find_text"),
    # Drawn shapes
    Operation("draw_shape", "shapes.draw"),
    Operation("forget_shape", "shapes.forget", handler="forget_shape"),
    # Objects through time
    _job("start_tracking", "tracking.start", handler="start_tracking"),
    Operation("timeline", "tracking.timeline"),
    Operation("confirm", "tracking.confirm", handler="confirm_frame"),
    Operation("mark_absent", "tracking.mark_absent", handler="mark_absent"),
    # Masks
    Operation("overlay_png", "masks.overlay_png", CLIENTS),
    Operation("import_masks", "masks.import_masks"),
    _job("start_mask_export", "masks.start_export", handler="export_masks"),
    # The region
    Operation("set_adjustment", "region.set_adjustment", handler="set_adjustment"),
    Operation("propose_adjustment", "region.propose_adjustment", handler="propose_adjustment"),
    Operation("clear_adjustment", "region.clear_adjustment", handler="follow_others"),
    Operation("set_edited", "region.set_edited", handler="set_edited"),
    Operation("set_in_front", "region.set_in_front", handler="set_in_front"),
    Operation("set_shadows", "region.set_shadows", handler="set_shadows"),
    Operation("forms_jpeg", "region.forms_jpeg", CLIENTS),
    # Keyframes
    _job("start_tries", "keyframes.start_tries"),
    _job("start_direct", "keyframes.start_direct", resumable=False),
    Operation("rename_try", "keyframes.rename_try", handler="rename_try"),
    Operation("star_try", "keyframes.star_try", handler="star_try"),
    Operation("delete_try", "keyframes.delete_try", handler="delete_try"),
    Operation("try_jpeg", "keyframes.try_jpeg", CLIENTS),
    Operation("accept", "keyframes.accept", handler="accept_try"),
    Operation("add_keyframe", "keyframes.add", handler="add_keyframe"),
    Operation("remove_keyframe", "keyframes.remove", handler="remove_keyframe"),
    # Keyframes to and from other programs
    Operation("sent_keyframe", "exchange.send", CLIENTS),
    Operation("incoming_folder", "exchange.incoming_folder", PAGE),
    Operation("incoming_picture", "exchange.incoming_picture", PAGE),
    Operation("place_picture", "exchange.place_picture"),
    Operation("bring_back", "exchange.bring_back"),
    # Pictures of one's own
    Operation("take_insert", "inserts.take"),
    Operation("lay_insert", "inserts.lay"),
    _job("look_for_shadow", "inserts.start_shadow", handler="look_for_shadow", resumable=False),
    # Propagation
    _job("start_propagation", "propagation.start", handler="start_propagation"),
    _job("resume_propagation", "propagation.resume", handler="resume_propagation"),
    _job("start_mix", "propagation.start_mix", handler="start_mix", resumable=False),
    Operation("windows", "propagation.windows"),
    # Results
    Operation("report", "results.report"),
    Operation("result_jpeg", "results.jpeg", CLIENTS),
    Operation("below_jpeg", "results.below_jpeg", CLIENTS),
    Operation("result_region_png", "results.region_png", CLIENTS),
    Operation("result_command", "results.command"),
    Operation("rename_result", "results.rename", handler="rename_result"),
    Operation("accept_result", "results.accept", handler="accept_result"),
    Operation("set_layers", "results.set_layers"),
    # Exports
    Operation("export_formats", "exports.formats"),
    Operation("export_notes", "exports.notes"),
    _job("start_export", "exports.start", handler="start_export"),
    Operation("exports", "exports.files"),
    Operation("download", "client.download", CLIENTS),
    Operation("download_result", "client.download_result", CLIENTS),
    # Models
    Operation("models", "models.states"),
    Operation("models_lead", "models.lead", PAGE),
    Operation("model_facts", "models.facts"),
    Operation("caption_hint", "models.caption_hint"),
    Operation("warm_up", "models.warm_up", PAGE),
    _job("start_fetch", "models.start_fetch", callers=AT_THE_MACHINE),
    _job("start_verify", "models.start_verify", callers=AT_THE_MACHINE, resumable=False),
    Operation("remove_model", "models.remove", AT_THE_MACHINE),
    Operation("use_video_model", "models.use_video", AT_THE_MACHINE),
    Operation("use_segmenter", "models.use_segmenter", AT_THE_MACHINE),
    # Jobs
    Operation("job", "client.job", CLIENTS),
    Operation("wait", "client.wait", CLIENTS),
    Operation("jobs", "jobs.of_project"),
    Operation("cancel", "jobs.cancel"),
    Operation("pause", "jobs.pause"),
    Operation("resume_job", "jobs.resume", handler="resume_job", starts_job=True),
    Operation("dismiss_job", "jobs.dismiss", handler="dismiss_job"),
    # History
    Operation("undo", "history.undo", handler="undo_step"),
    Operation("redo", "history.redo", handler="redo_step"),
    Operation("history", "history.labels"),
)

OPERATIONS: dict[str, Operation] = {operation.name: operation for operation in _TABLE}

HANDLERS: dict[str, Operation] = {operation.handler: operation for operation in _TABLE if operation.handler}
"""The operations that the page only passes on, by the names of their handlers."""

RESUMABLE: dict[str, Operation] = {
    name: operation for operation in _TABLE if operation.resumable for name in (operation.name, *operation.aliases)
}
"""The operations whose jobs can be resumed, by every name that a journal may have for them."""


def operations_of_clients(*, shared: bool) -> list[Operation]:
    """The operations that are endpoints of the server; a `shared` one, which other machines can
    reach, has fewer.
    """
    return [one for one in _TABLE if Callers.CLIENTS in one.callers and (Callers.SHARED in one.callers or not shared)]
