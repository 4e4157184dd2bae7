"""Clips that show the same as another are left out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.curation.near import repeats
from core.curation.records import ClipRecord
from core.curation.settings import CurationSettings
from core.curation.work import ShardWork


class DuplicatesStage:
    """Compares the signatures of all clips; of those that are alike the first one stays."""

    name, version, media, models = "duplicates", 1, False, False

    def depends_on(self, settings: CurationSettings) -> dict[str, Any]:
        """As `Stage.depends_on`."""
        return {"duplicate_bits": settings.duplicate_bits}

    def gather(self, shards: Iterator[list[ClipRecord]], settings: CurationSettings) -> dict[str, float]:
        """Which clips repeat an earlier one, and in how many bits they differ from it."""
        keys: defaultdict[int, list[bytes]] = defaultdict(list)
        codes: defaultdict[int, list[NDArray[np.uint64]]] = defaultdict(list)
        for shard in shards:
            by_length: defaultdict[int, list[ClipRecord]] = defaultdict(list)
            for clip in shard:
                by_length[len(clip.signature)].append(clip)
            for frames, clips in by_length.items():
                keys[frames].append("\n".join(clip.key for clip in clips).encode())
                codes[frames].append(np.array([clip.signature for clip in clips], np.uint64))
        repeated: dict[str, float] = {}
        for frames in sorted(codes):
            if frames:
                names = b"\n".join(keys[frames]).split(b"\n")
                found = repeats(np.concatenate(codes[frames]), settings.duplicate_bits)
                repeated |= {names[row].decode(): bits for row, bits in found.items()}
        return repeated

    def run(self, items: list[ClipRecord], work: ShardWork) -> list[ClipRecord]:
        """As `Stage.run`."""
        for clip in items:
            if clip.key in work.shared:
                work.drop(clip.key, "duplicate_bits", work.shared[clip.key], work.settings.duplicate_bits)
        return [clip for clip in items if clip.key not in work.shared]
