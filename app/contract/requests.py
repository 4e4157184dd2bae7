"""Requests with too many parts to be parameters one by one.

Clients and the page send their fields flat, see `flat_call`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from core.project.edits import Placement, Task
from core.project.inserts import Insert


@dataclass(frozen=True)
class PictureRequest:
    """A picture that another program made of a frame, to become a try.

    `caption` and `task` tell a propagation what the picture shows, and `seed` is what it starts
    from. `name` is the try's, else the file's. `parent` is the try that the picture was made from.
    """

    frame: int
    source: Path
    caption: str
    task: Task = "modify"
    placement: Placement = field(default_factory=Placement)
    name: str | None = None
    parent: str | None = None
    seed: int = 0


@dataclass(frozen=True)
class InsertRequest:
    """A picture to lay on a frame as a try. The insert's `picture` is a file of the project, as
    `take_insert` stored it. `name` is the try's; `parent` is the try that it was changed from.
    """

    frame: int
    insert: Insert
    name: str | None = None
    parent: str | None = None
