"""From the schedule to tensors: threads prefetch the samples, which are encoded where nothing was
precomputed, and put into batches."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from bisect import bisect_left
from collections import deque, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.data.world import CAPTIONS, World
from core.dataset.facts import TRACKED
from core.errors import InputError
from core.masks import adjust
from core.training.datasets.conditions import Conditions, draw_caption, draw_conditions, generator_for
from core.training.datasets.config import DataConfig
from core.training.datasets.encoders import Encoders
from core.training.datasets.latent_cache import LatentCache
from core.training.datasets.manifest import Record, skip
from core.training.datasets.reading import groups_of, with_frames
from core.training.datasets.records import load_frame, load_record, LoadedRecord
from core.training.datasets.sample_schedule import DrawnSample, Kind, SampleSchedule, share_of, Task
from core.vivid.conditioning import latent_mask, masked_video, with_keyframe
from core.vivid.pixels import mask_to_model, to_frames, to_model

_TEXTS_KEPT = 256


@dataclass(frozen=True)
class TrainingSample:
    """One sample before encoding: its caption, and either tensors from the cache or pixels (or, of
    the latter, both)."""

    caption: str
    keyframe: bool = False
    frames: NDArray[np.uint8] | None = None
    region: NDArray[np.bool_] | None = None
    source: NDArray[np.uint8] | None = None
    latent: Tensor | None = None
    mask: Tensor | None = None
    masked: Tensor | None = None


@dataclass(frozen=True)
class TrainingStep:
    """One optimisation step of this process: its micro-batches, and where their samples stand among
    all of the step."""

    number: int
    kind: Kind
    batches: tuple[LatentBatch, ...]
    places: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class LatentBatch:
    """What the denoiser learns from: latent and masked latent (B, F, C, h, w), mask (B, F, 1, h,
    w), text (B, L, D); `numbers` are the samples' own, which their noise is drawn from."""

    kind: Kind
    numbers: tuple[int, ...]
    latent: Tensor
    mask: Tensor
    masked: Tensor
    text: Tensor


class SampleSource(Protocol):
    """Where samples come from."""

    threaded: bool
    """Whether `sample` may run in threads."""

    @property
    def groups(self) -> Mapping[tuple[Kind, Task], Sequence[int]]:
        """Indices of the records of each kind and task."""

    def sample(self, drawn: DrawnSample) -> TrainingSample:
        """The sample that was drawn."""


def region_of(example: LoadedRecord, conditions: Conditions) -> NDArray[np.bool_]:
    """The region to edit, (T, H, W): the instance masks in the drawn form, or in their own."""
    if example.form != TRACKED:
        return example.masks
    return adjust(example.masks, conditions.adjustment)


class ManifestSource:
    """Records of manifests, with precomputed latents where there are any."""

    threaded = True

    def __init__(self, records: Sequence[Record], config: DataConfig, cache: LatentCache | None) -> None:
        self.records, self.config, self.cache = records, config, cache
        self.groups = with_frames(groups_of(records)) if config.images_from_videos else groups_of(records)

    def sample(self, drawn: DrawnSample) -> TrainingSample:
        """Read the drawn record, or with bad_records=skip the next of its group that can be
        read."""
        group = self.groups[drawn.kind, drawn.task]
        start = bisect_left(group, drawn.record)
        for offset in range(len(group)):
            index = group[(start + offset) % len(group)] if offset else drawn.record
            try:
                return self._read(self.records[index], drawn.kind, drawn.epoch)
            except InputError as error:
                if self.config.bad_records == "stop":
                    raise InputError(f"{error} (bad_records=skip continues without it)") from error
                skip(error)
        raise InputError(f"none of the {len(group)} {drawn.kind} records can be read")

    def _read(self, record: Record, kind: Kind, visit: int) -> TrainingSample:
        caption = draw_caption(self.config, record.key, record.captions, visit)
        if kind != record.kind:  # one frame of a video, which nothing was precomputed of
            conditions = draw_conditions(self.config, record.key, kind, visit)
            example = load_frame(record, self.config, visit)
            return TrainingSample(caption, False, example.frames, region_of(example, conditions), example.source)
        known = (self.cache.record(record.key) if self.cache is not None else None) or {}
        variants = self.cache.variants if self.cache is not None else 0
        if variants and known:
            variant = visit % variants
            return TrainingSample(caption, latent=known["latent"], mask=known[f"mask_{variant}"], masked=known[f"masked_{variant}"])
        conditions = draw_conditions(self.config, record.key, record.kind, visit)
        example = load_record(record, self.config)
        region = region_of(example, conditions)
        return TrainingSample(caption, conditions.keyframe, example.frames, region, example.source, latent=known.get("latent"))


class ProceduralSource:
    """Clips that `core.data` draws; their regions come in the paper's six forms and two more
    already, or without `mask_forms` as tracked."""

    threaded = False
    _COUNT = 1 << 20

    def __init__(self, config: DataConfig, device: torch.device) -> None:
        self.config = config
        numbers = range(self._COUNT)
        self.groups: dict[tuple[Kind, Task], Sequence[int]] = {
            ("image", "draw"): numbers,
            ("image", "delete"): numbers,
            ("video", "draw"): numbers,
            ("video", "delete"): numbers,
        }
        self.world = World(device, seed=config.seed, pools=config.world, size=(config.height, config.width), window_frames=config.frames)

    def sample(self, drawn: DrawnSample) -> TrainingSample:
        """Draw the clip of that number."""
        key = f"{drawn.kind}-{drawn.task}-{drawn.record}"
        seed = int(generator_for(self.config.seed, key, 4, drawn.epoch).integers(1 << 31))
        delete = 1.0 if drawn.task == "delete" else 0.0
        clips = self.world.sample(1, self.config.frames_of(drawn.kind), delete=delete, seed=seed, tracked=not self.config.mask_forms)
        conditions = draw_conditions(self.config, key, drawn.kind, drawn.epoch)
        frames = to_frames(clips.pixels[0])
        caption = draw_caption(self.config, key, [CAPTIONS[int(clips.caption[0])]], drawn.epoch)
        return TrainingSample(caption, conditions.keyframe, frames, clips.mask[0, 0].cpu().numpy() > 0.5, frames)


class Feed:
    """The batches of one process, in order, from any step on."""

    def __init__(
        self,
        config: DataConfig,
        data: SampleSource,
        schedule: SampleSchedule,
        encoders: Encoders,
        cache: LatentCache | None,
        process: int = 0,
        processes: int = 1,
    ) -> None:
        self.config, self.data, self.schedule, self.encoders, self.cache = config, data, schedule, encoders, cache
        self.process, self.processes = process, processes
        self._texts: OrderedDict[str, Tensor] = OrderedDict()

    def load_encoders(self) -> None:
        """Load what will be needed, now: nothing if everything was precomputed."""
        if self.cache is None or not self.cache.variants:
            _ = self.encoders.vae
        if self.cache is None or not self.cache.texts:
            _ = self.encoders.text_encoder

    def steps(self, first: int, stop: int) -> Iterator[TrainingStep]:
        """Steps first .. stop - 1.

        Samples are prefetched; they are encoded when their step is due.
        """
        with ThreadPoolExecutor(self.config.workers if self.data.threaded else 1) as pool:
            waiting: deque[tuple[int, list[list[DrawnSample]], list[list[Future[TrainingSample]]]]] = deque()
            prefetched, upcoming = max(2, 2 * self.config.workers), first
            try:
                for number in range(first, stop):
                    while upcoming < stop and (not waiting or sum(len(part) for _, _, step in waiting for part in step) < prefetched):
                        parts = self._parts(upcoming)
                        futures = [[pool.submit(self.data.sample, drawn) for drawn in part] for part in parts] if self.data.threaded else []
                        waiting.append((upcoming, parts, futures))
                        upcoming += 1
                        if not self.data.threaded:
                            break
                    _, parts, futures = waiting.popleft()
                    if futures:
                        samples = [[future.result() for future in part] for part in futures]
                    else:
                        samples = [[self.data.sample(drawn) for drawn in part] for part in parts]
                    yield self._step(number, parts, samples)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _parts(self, step: int) -> list[list[DrawnSample]]:
        batch = self.schedule.batch(step)
        count = self.config.accumulate
        return [share_of(batch, self.process, self.processes, micro, count) for micro in range(count)]

    def _step(self, number: int, parts: list[list[DrawnSample]], samples: list[list[TrainingSample]]) -> TrainingStep:
        first = self.schedule.batch(number)[0].number
        batches = tuple(
            self.encode(part[0].kind, [drawn.number for drawn in part], found) for part, found in zip(parts, samples, strict=True)
        )
        places = tuple(tuple(drawn.number - first for drawn in part) for part in parts)
        return TrainingStep(number, parts[0][0].kind, batches, places)

    def encode(self, kind: Kind, numbers: Sequence[int], samples: Sequence[TrainingSample]) -> LatentBatch:
        """Encode samples and put them into a batch on the device.

        Args:
            kind: Of the samples.
            numbers: Of the samples, which their noise is drawn from.
            samples: As they were read.

        Returns:
            The batch.
        """
        made = [self._tensors(sample) for sample in samples]
        latent, mask, masked = (torch.cat(parts) for parts in zip(*made, strict=True))
        return LatentBatch(kind, tuple(numbers), latent, mask, masked, torch.stack([self.text(sample.caption) for sample in samples]))

    def _tensors(self, sample: TrainingSample) -> tuple[Tensor, Tensor, Tensor]:
        latent, mask, masked = sample.latent, sample.mask, sample.masked
        if latent is None:
            assert sample.frames is not None
            latent = self.encoders.latent(to_model(sample.frames).to(self.encoders.device))[0]
        if mask is None or masked is None:
            mask, masked = encode_conditions(self.encoders, sample)
        return tuple(part[None].to(self.encoders.device, self.encoders.dtype) for part in (latent, mask, masked))  # type: ignore[return-value]

    def text(self, caption: str) -> Tensor:
        """The caption's embedding (L, D) on the device: remembered, from the cache, or encoded."""
        found = self._texts.pop(caption, None)
        if found is None and self.cache is not None:
            found = self.cache.text(caption)
        if found is None:
            found = self.encoders.text([caption])[0]
        found = found.to(self.encoders.device, self.encoders.dtype)
        self._texts[caption] = found
        while len(self._texts) > _TEXTS_KEPT:
            self._texts.popitem(last=False)
        return found


def encode_conditions(encoders: Encoders, sample: TrainingSample) -> tuple[Tensor, Tensor]:
    """Mask (F, 1, h, w) and masked latent (F, C, h, w) of a sample's pixels: both follow its
    region, and its keyframe if it has one."""
    assert sample.frames is not None
    assert sample.region is not None
    assert sample.source is not None
    pixels, mask = to_model(sample.source), mask_to_model(sample.region)
    if sample.keyframe:
        pixels, mask = with_keyframe(pixels, mask, to_model(sample.frames[:1]))
    masked = masked_video(pixels.to(encoders.device), mask.to(encoders.device))
    return latent_mask(mask)[0], encoders.condition(masked)[0]
