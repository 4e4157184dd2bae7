"""Models of full size behind the protocols of a build; their weights have to be fetched."""

from __future__ import annotations

from collections.abc import Sequence

from core.curation.models import FoundEntity
from core.curation.views import ClipView
from core.segment.grounding import Grounder


class DinoBoxes:
    """Finds all labels of a frame at once (Grounding DINO)."""

    def __init__(self, grounder: Grounder) -> None:
        self._grounder = grounder

    def boxes(self, views: Sequence[ClipView], labels: Sequence[Sequence[str]], threshold: float) -> list[list[FoundEntity]]:
        """As `core.curation.models.Grounder.boxes`."""
        return [self._of(view, named, threshold) for view, named in zip(views, labels, strict=True)]

    def _of(self, view: ClipView, labels: Sequence[str], threshold: float) -> list[FoundEntity]:
        by_label = self._grounder.find_labels(view.frame(0), labels, threshold)
        found = [FoundEntity(label, (box.x0, box.y0, box.x1, box.y1), box.score) for label, boxes in by_label.items() for box in boxes]
        return sorted(found, key=lambda one: -one.score)
