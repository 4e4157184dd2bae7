"""The verbs of the Propagate step: the accepted keyframe carried through the clip, and what came of it."""

from __future__ import annotations

import json
from typing import Any

from app.verb_base import VerbBase
from core.errors import InputError
from core.project.edits import check_seed, SamplingSettings


class PropagateVerbs(VerbBase):
    """The edited video."""

    def start_propagation(self, project_id: str, seed: int | None = None, settings: SamplingSettings | None = None) -> str:
        """Carry the accepted keyframe through the clip; returns the job's id."""
        project = self.project(project_id)
        if project.accepted_edit is None:
            raise InputError("accept a keyframe first")
        if seed is not None:
            check_seed(seed)
        untracked = [t.name for t in project.tracks if t.prompts and not t.covers(project.clip.start, project.clip.stop)]
        if untracked:
            raise InputError(f"track {', '.join(untracked)} through the clip first")
        self._need_masks(project)
        chosen = settings or SamplingSettings()
        return self._submit("propagate", project_id, lambda context: self._work.propagate(project_id, seed, chosen, context))

    def report(self, project_id: str, propagation_id: str) -> dict[str, Any]:
        """The measurements of a finished propagation."""
        for propagation in self.project(project_id).propagations:
            if propagation.propagation_id == propagation_id and propagation.report:
                try:
                    return json.loads(self.file_path(project_id, propagation.report).read_text(encoding="utf-8"))
                except (OSError, ValueError):
                    raise InputError(f"the report of the propagation {propagation_id} is damaged; propagate again for a new one") from None
        raise InputError(f"there is no finished propagation {propagation_id}")
