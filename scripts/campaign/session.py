"""A whole session with one project, step by step: what is asked, and how one sees that it is done.

A session goes on with a new server where the last one ended: it sees what is done, resumes
interrupted jobs, and notes every acknowledged change that is gone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from gradio_client import handle_file
from PIL import Image

from core.media import open_clip
from scripts.campaign.server import Refused, Server

View = dict[str, Any]
FRAMES = 6
_OF_JOBS = ("lanes", "masks_rev", "region_rev", "edits", "carried", "result", "results", "exports", "undo", "redo", "steps", "objects")
"""What a job may have changed before it was cut off."""
_PASSING = ("moment", "jobs", "preflight", "cuts")
"""What is no part of the document, or found out in the background."""


@dataclass(frozen=True)
class Step:
    """One operation. `done` says by a view of the project whether it has been done."""

    operation: str
    arguments: Callable[[View], dict[str, Any]]
    done: Callable[[View], bool]
    job: bool = False


def _kinds(view: View, index: int) -> list[str]:
    return [one["kind"] for one in view["objects"][index]["prompts"]] if index < len(view["objects"]) else []


STEPS = (
    Step("rename_project", lambda _: {"name": "Session"}, lambda v: v["name"] == "Session"),
    Step("trim", lambda _: {"start": 0, "stop": FRAMES}, lambda v: v["clip"]["stop"] == FRAMES),
    Step("add_object", lambda _: {"name": "Disc"}, lambda v: len(v["objects"]) == 1),
    Step("add_box", lambda _: {"object_id": 1, "frame": 0, "x0": 32, "y0": 38, "x1": 78, "y1": 84}, lambda v: "box" in _kinds(v, 0)),
    Step("add_point", lambda _: {"object_id": 1, "frame": 0, "x": 55, "y": 61}, lambda v: "point" in _kinds(v, 0)),
    Step("rename_object", lambda _: {"object_id": 1, "name": "Ball"}, lambda v: v["objects"][0]["name"] == "Ball"),
    Step("add_object", lambda _: {"name": "Corner"}, lambda v: len(v["objects"]) == 2),
    Step("paint", lambda _: {"object_id": 2, "frame": 1, "stroke": [[120, 20], [130, 24]], "radius": 8}, lambda v: "mask" in _kinds(v, 1)),
    Step("start_tracking", lambda _: {}, lambda v: all(one["tracked"] for one in v["objects"]), job=True),
    Step("set_edited", lambda _: {"object_id": 2, "edited": False}, lambda v: not v["objects"][1]["edited"]),
    Step("set_adjustment", lambda _: {"form": "box+expand", "pixels": 4, "feather": 3}, lambda v: v["adjustment"]["feather"] == 3),
    Step("confirm", lambda _: {"object_id": 1, "frame": 3}, lambda v: 3 in v["objects"][0]["confirmed"]),
    Step(
        "start_tries",
        lambda _: {"frame": 0, "task": "modify", "caption": "a red ball", "seeds": [7, 8], "steps": 1},
        lambda v: {7, 8} <= {one["seed"] for one in v["edits"]},
        job=True,
    ),
    Step("star_try", lambda v: {"edit_id": _try(v, 7)["id"]}, lambda v: _try(v, 7)["starred"]),
    Step("accept", lambda v: {"edit_id": _try(v, 7)["id"]}, lambda v: v["accepted"] == _try(v, 7)["id"]),
    Step("start_propagation", lambda _: {"steps": 1}, lambda v: v["result"] is not None and v["result"]["done"], job=True),
    Step("rename_object", lambda _: {"object_id": 2, "name": "Shade"}, lambda v: v["objects"][1]["name"] == "Shade"),
    Step("undo", lambda _: {}, lambda v: v["objects"][1]["name"] == "Corner" and v["redo"] is not None),
    Step("start_export", lambda v: {"codec": "ffv1", "propagation_id": v["result"]["id"]}, lambda v: len(v["exports"]) == 2, job=True),
)


def _try(view: View, seed: int) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in view["edits"] if one["seed"] == seed)
    return found


def facts(view: View) -> View:
    """What of a view has to be there again after a restart."""
    kept = {key: value for key, value in view.items() if key not in _PASSING}
    kept["clip"] = {key: value for key, value in view["clip"].items() if key != "facts"}
    return kept


@dataclass
class Session:
    """How far a session with a clip has come, whatever becomes of its servers."""

    clip: Path
    project: str = ""
    at: int = 0
    """The step to do next; those before it were acknowledged."""
    known: View = field(default_factory=dict)
    """The facts that were acknowledged last."""
    asked: str = ""
    """The job of the step at hand, once its id was returned."""
    ended: bool = False
    """Whether that job was said to be done."""
    faults: list[str] = field(default_factory=list)

    @property
    def over(self) -> bool:
        """Whether all is done."""
        return self.at == len(STEPS)

    def look(self, server: Server) -> None:
        """Compare what a new server shows with what was acknowledged; resume what was cut off."""
        listed = server.call("list_projects")
        self.faults += [f"{one['name']} is listed as damaged: {one['problem']}" for one in listed if one.get("problem")]
        if not self.project:
            return
        if self.project not in {one["project_id"] for one in listed}:
            self.faults.append("the project is not listed")
        view = server.call("project", project_id=self.project)
        now = facts(view)
        step = None if self.over else STEPS[self.at]
        if step is not None and step.done(view):
            self._pass(now)
            return
        may_differ = _OF_JOBS if step is not None and step.job else ()
        for key in self.known:
            if key not in may_differ and now[key] != self.known[key]:
                self.faults.append(f"before {step and step.operation}: {key} was {self.known[key]!s:.150}, is {now[key]!s:.150}")
        if step is not None and step.job and self.asked:
            result = view["result"]
            if step.operation == "start_propagation" and result is not None:  # the document itself has what is left of it
                self.asked = server.call("resume_propagation", project_id=self.project, propagation_id=result["id"])
                self._wait(server)
                return
            cut_off = [job["id"] for job in view["jobs"] if job["state"] == "interrupted"]
            if self.ended or not cut_off:
                self.faults.append(f"{step.operation} {'was done, and is lost' if self.ended else 'is neither done nor interrupted'}")
                self.asked, self.ended = "", False
                return
            # Whoever was killed while resuming it knows the job by its old name.
            self.asked = server.call("resume_job", project_id=self.project, job_id=self.asked if self.asked in cut_off else cut_off[0])
            self._wait(server)

    def step(self, server: Server) -> None:
        """Do the next step. Raises Killed, and Refused with what the server said."""
        if not self.project:
            view = server.call("open_file", file=handle_file(str(self.clip)), name="Disc")
            self.project, self.known = view["id"], facts(view)
            return
        step = STEPS[self.at]
        view = server.call("project", project_id=self.project)
        answer = server.call(step.operation, project_id=self.project, **step.arguments(view))
        if step.job:
            self.asked = answer
            self._wait(server)
        else:
            self._pass(facts(answer[0] if isinstance(answer, list | tuple) else answer))

    def _wait(self, server: Server) -> None:
        job = server.finished(self.asked)
        if job["state"] != "done":
            self.asked = ""
            raise Refused(job["message"])
        self.ended = True
        view = server.call("project", project_id=self.project)
        if not STEPS[self.at].done(view):
            self.faults.append(f"{STEPS[self.at].operation} ended, and left nothing")
        self._pass(facts(view))

    def _pass(self, known: View) -> None:
        self.known, self.asked, self.ended = known, "", False
        self.at += 1

    def pixels(self, server: Server) -> dict[str, str]:
        """A hash of each picture that the session has made."""
        view = server.call("project", project_id=self.project)

        def fetched(file: str) -> str:
            path: str = server.call("download", project_id=self.project, file=file)
            return path

        found = {}
        for frame in range(FRAMES):
            found[f"mask {frame}"] = _hash(np.asarray(Image.open(server.call("overlay_png", project_id=self.project, frame=frame))))
        for one in view["edits"]:
            found[f"try {one['seed']}"] = _hash(np.asarray(Image.open(fetched(one["image"]))))
        found |= frames_of(Path(server.call("download_result", project_id=self.project, propagation_id=view["result"]["id"])), "result")
        film = next(one["name"] for one in view["exports"] if not one["name"].endswith(".json"))
        return found | frames_of(Path(fetched(f"exports/{film}")), "export")


def frames_of(video: Path, name: str) -> dict[str, str]:
    """A hash of each frame of a video, under this name."""
    with open_clip(video) as reader:
        return {f"{name} {index}": _hash(frame) for index, frame in enumerate(reader.frames())}


def _hash(picture: np.ndarray) -> str:
    return hashlib.sha256(picture.tobytes() + repr(picture.shape).encode()).hexdigest()[:16]


def make_clip(path: Path) -> Path:
    """A disc that moves over a gradient, 160x120, for two frames longer than a session takes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ys, xs = np.mgrid[:120, :160]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(24), options={"crf": "16"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        for index in range(FRAMES + 2):
            picture = np.stack([60 + xs // 4, 90 + ys // 4, 70 + (xs + ys) // 8], -1).astype(np.uint8)
            picture[(xs - 55 - 2 * index) ** 2 + (ys - 61) ** 2 < 20**2] = (235, 200, 60)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path
