"""Deletion samples: the mask of another video's entity on a clip's background, which the model then
learns to paint. It moves along its own path or with the background."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import cv2
import msgspec
import numpy as np
from msgspec.structs import replace

from core.curation.models import Masks as Mask
from core.curation.motion import composed, fitted, IDENTITY, scaled, shrunk, shrunk_mask, steps
from core.curation.records import ClipRecord, Entity, Masks
from core.curation.settings import CurationSettings
from core.curation.stages.entities import ClipwiseStage
from core.curation.work import ShardWork
from core.dataset.facts import PackedMasks
from core.vivid.conditioning import DELETE_CAPTION

_TRIES = 8
"""Donors that are tried on a clip."""
_GRID = 96
"""Longer side at which a place is looked for, in pixels."""
_MARGIN = 0.015
"""How far a deletion stays from entities, of the frame's shorter side."""
_MOST_OVER_ENTITIES = 0.02
"""Share of the mask that may cross entities later, on its own path."""


class Donor(msgspec.Struct, frozen=True):
    """Masks that a deletion may take: of which sample, and of which source."""

    key: str
    source: str
    masks: Masks


class DeletionsStage(ClipwiseStage):
    """Adds a deletion to every clip with room for one."""

    name = "deletions"
    settings = ("seed", "deletions", "donors", "flow", "least_area", "least_visible")

    def gather(self, shards: Iterator[list[ClipRecord]], settings: CurationSettings) -> Any:
        """The masks to choose from: of all, those whose keys hash lowest, videos and images by
        halves."""
        best: dict[str, list[tuple[str, Donor]]] = {"video": [], "image": []}
        for shard in shards if settings.deletions else ():
            for clip in shard:
                for entity in clip.entities:
                    if entity.masks is not None and not entity.dropped:
                        key = f"{clip.key}.{entity.name}"
                        best[clip.kind].append((_hash(settings.seed, key), Donor(key, clip.source, entity.masks)))
            for kind, found in best.items():
                best[kind] = sorted(found, key=lambda one: one[0])[: -(-settings.donors // 2)]
        return msgspec.to_builtins([donor for kind in best for _, donor in best[kind]])

    def look(self, clip: ClipRecord, work: ShardWork) -> ClipRecord:
        """As `ClipwiseStage.look`."""
        donors = [donor for donor in msgspec.convert(work.shared or [], list[Donor]) if donor.source != clip.source]
        if not work.settings.deletions or not donors:
            return clip
        random = np.random.default_rng(int(_hash(work.settings.seed, clip.key)[:15], 16))
        entities = _entities_of(clip)
        taken = entities[0] if clip.background is None or clip.known else entities[0] | ~clip.background.packed.frame(0)
        for number in random.permutation(len(donors))[:_TRIES]:
            donor = donors[int(number)]
            placed = _placed(donor.masks.packed, taken, random)
            if placed is None:
                continue
            made = _paths(clip, donor, placed, entities, random, work)
            if made is not None:
                return replace(clip, entities=[*clip.entities, made])
        work.drop(clip.key, "deletion_places", 0, 1)
        return clip


def _hash(seed: int, key: str) -> str:
    return hashlib.blake2b(f"{seed} {key}".encode(), digest_size=8, person=b"deletion").hexdigest()


def _entities_of(clip: ClipRecord) -> Mask:
    """Where there is any entity, with a margin, bool (T, H, W)."""
    there = np.zeros((clip.frames, clip.height, clip.width), np.bool_)
    for entity in clip.entities:
        if entity.masks is not None:
            there |= entity.masks.packed.unpack()
    reach = max(1, round(_MARGIN * min(clip.width, clip.height)))
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    return np.stack([cv2.dilate(mask.astype(np.uint8), kernel) > 0 for mask in there])


def _placed(masks: PackedMasks, taken: Mask, random: np.random.Generator) -> tuple[Mask, tuple[int, int], float] | None:
    """Find a place on the background for a donor's first mask.

    Args:
        masks: The donor's.
        taken: Where the background is not, on the first frame, bool (H, W).
        random: What the place is drawn with.

    Returns:
        The mask there, bool (H, W), how far it was shifted (x, y), and how it was scaled before;
        None when it fits nowhere.
    """
    height, width = taken.shape
    scale = min(height, width) / min(masks.height, masks.width)
    first = resized(masks.frame(0), scale)
    x, y, wide, high = cv2.boundingRect(first.view(np.uint8))
    if not wide or wide > width or high > height:
        return None
    grid = min(1.0, _GRID / max(height, width))
    free = cv2.resize((~taken).astype(np.uint8), None, fx=grid, fy=grid, interpolation=cv2.INTER_AREA)
    part = resized(first[y : y + high, x : x + wide], grid).astype(np.uint8)
    fits = cv2.erode(free, part, anchor=(0, 0), borderType=cv2.BORDER_CONSTANT, borderValue=0)
    rows, columns = np.nonzero(fits[: free.shape[0] - part.shape[0] + 1, : free.shape[1] - part.shape[1] + 1])
    for number in random.permutation(len(rows))[:16]:
        left, top = min(round(columns[number] / grid), width - wide), min(round(rows[number] / grid), height - high)
        placed = shifted(first, (left - x, top - y), (height, width))
        if placed.any() and not (placed & taken).any():
            return placed, (left - x, top - y), scale
    return None


def _paths(
    clip: ClipRecord,
    donor: Donor,
    placed: tuple[Mask, tuple[int, int], float],
    entities: Mask,
    random: np.random.Generator,
    work: ShardWork,
) -> Entity | None:
    """The deletion along the donor's own path or with the background, whichever is drawn and
    works."""
    first, shift, scale = placed
    own_first = bool(random.random() < 0.5)
    for path in ("own", "background") if own_first else ("background", "own"):
        if clip.kind == "image":
            masks: Mask | None = first[None]
        elif path == "own":
            masks = _own_path(donor.masks.packed, shift, scale, entities)
        else:
            masks = _with_background(clip, first, entities, work)
        if masks is None:
            continue
        seen = masks.any(axis=(1, 2))
        area = float(masks[seen].mean())
        if seen.mean() >= work.settings.least_visible and area >= work.settings.least_area:
            ys, xs = np.nonzero(masks[0])
            return Entity(
                name="d0",
                label="",
                box=(float(xs.min()), float(ys.min()), float(xs.max() + 1), float(ys.max() + 1)),
                score=1.0,
                masks=Masks.of(PackedMasks.pack(masks)),
                captions=(DELETE_CAPTION,),
                values={"area": round(area, 6), "visible": round(float(seen.mean()), 6)},
                deletion=(donor.key, path if clip.kind == "video" else "still"),
            )
    return None


def _own_path(masks: PackedMasks, shift: tuple[int, int], scale: float, entities: Mask) -> Mask | None:
    if len(masks) < len(entities):
        return None
    moved = np.stack([shifted(resized(masks.frame(index), scale), shift, entities.shape[1:]) for index in range(len(entities))])
    over = (moved & entities).sum() / max(int(moved.sum()), 1)
    return moved if over <= _MOST_OVER_ENTITIES else None


def _with_background(clip: ClipRecord, first: Mask, entities: Mask, work: ShardWork) -> Mask:
    masks, path = [first], IDENTITY
    with work.view(clip) as view:
        shape = shrunk(view.frame(0)).shape
        for index, flow in enumerate(steps(view.frames(), work.tools.flow)):
            background = ~shrunk_mask(entities[index], (shape[0], shape[1]))
            path = composed(path, fitted(flow, background))
            whole = scaled(path, clip.width / shape[1])
            moved = cv2.warpAffine(first.astype(np.uint8), whole, (clip.width, clip.height), flags=cv2.INTER_NEAREST)
            masks.append(moved > 0)
    return np.stack(masks)


def resized(mask: Mask, scale: float) -> Mask:
    """A mask at another size; a pixel is inside where anything of it was."""
    if scale == 1:
        return mask
    size = max(1, round(mask.shape[1] * scale)), max(1, round(mask.shape[0] * scale))
    return np.asarray(cv2.resize(mask.astype(np.uint8) * 255, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR) > 0)


def shifted(mask: Mask, shift: tuple[int, int], shape: Sequence[int]) -> Mask:
    """A mask moved by (x, y) pixels onto a frame.

    Args:
        mask: bool (h, w).
        shift: Pixels to the right and down.
        shape: (H, W) of the frame.

    Returns:
        bool (H, W); what leaves the frame is lost.
    """
    matrix = np.array([[1.0, 0, shift[0]], [0, 1, shift[1]]])
    return np.asarray(cv2.warpAffine(mask.astype(np.uint8), matrix, (shape[1], shape[0]), flags=cv2.INTER_NEAREST) > 0)
