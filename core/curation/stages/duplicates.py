"""Clips that show the same as another are left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.curation.records import ClipRecord
from core.curation.settings import CurationSettings
from core.curation.work import ShardWork

_BITS = 64


class DuplicatesStage:
    """Compares the signatures of all clips; of those that are alike the first one stays."""

    name, version, media, models = "duplicates", 1, False, False

    def depends_on(self, settings: CurationSettings) -> dict[str, Any]:
        """As `Stage.depends_on`."""
        return {"duplicate_bits": settings.duplicate_bits}

    def gather(self, shards: Iterator[list[ClipRecord]], settings: CurationSettings) -> dict[str, float]:
        """Which clips repeat an earlier one, and in how many bits they differ from it.

        Two hashes that differ in at most N bits agree in one of N + 1 parts of theirs, so only
        clips that share a part are compared.
        """
        most = settings.duplicate_bits
        edges = [_BITS * part // (most + 1) for part in range(most + 2)]
        seen: dict[tuple[int, int, int, int], list[tuple[int, ...]]] = {}
        repeated: dict[str, float] = {}
        for shard in shards:
            for clip in shard:
                parts = [
                    (len(clip.signature), frame, part, (code >> edges[part]) & ((1 << edges[part + 1] - edges[part]) - 1))
                    for frame, code in enumerate(clip.signature)
                    for part in range(most + 1)
                ]
                nearest = min((_distance(clip.signature, other) for part in parts for other in seen.get(part, ())), default=float(_BITS))
                if nearest <= most:
                    repeated[clip.key] = nearest
                    continue
                for part in parts:
                    seen.setdefault(part, []).append(clip.signature)
        return repeated

    def run(self, items: list[ClipRecord], work: ShardWork) -> list[ClipRecord]:
        """As `Stage.run`."""
        for clip in items:
            if clip.key in work.shared:
                work.drop(clip.key, "duplicate_bits", work.shared[clip.key], work.settings.duplicate_bits)
        return [clip for clip in items if clip.key not in work.shared]


def _distance(one: tuple[int, ...], two: tuple[int, ...]) -> float:
    return sum((a ^ b).bit_count() for a, b in zip(one, two, strict=True)) / len(one)
