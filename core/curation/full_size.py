"""Models of full size behind the protocols of a build; their weights have to be fetched."""

from __future__ import annotations

from collections.abc import Sequence

from core.curation.models import FoundEntity
from core.curation.views import ClipView
from core.segment.words import WordFinder


class WordGrounder:
    """Finds labels one after the other with what the program finds words with (Grounding DINO)."""

    def __init__(self, finder: WordFinder) -> None:
        self._finder = finder

    def boxes(self, view: ClipView, labels: Sequence[str], threshold: float) -> list[FoundEntity]:
        """As `Grounder.boxes`."""
        frame = view.frame(0)
        found = [
            FoundEntity(label, (box.x0, box.y0, box.x1, box.y1), box.score)
            for label in labels
            for box in self._finder.find(frame, label, threshold)
        ]
        return sorted(found, key=lambda one: -one.score)
