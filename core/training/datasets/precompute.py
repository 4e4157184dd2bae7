"""Encode a data set once: target latents, captions, and some variants of each record's
conditions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from core.errors import InputError
from core.training.datasets.conditions import draw_conditions
from core.training.datasets.config import DataConfig
from core.training.datasets.encoders import Encoders
from core.training.datasets.feed import encode_conditions, region_of, TrainingSample
from core.training.datasets.latent_cache import LatentCache
from core.training.datasets.manifest import Record, skip
from core.training.datasets.records import load_record, LoadedRecord
from core.vivid.pixels import to_model

ValueT = TypeVar("ValueT")


def precompute(
    config: DataConfig, records: Sequence[Record], encoders: Encoders, cache: LatentCache, process: int = 0, processes: int = 1
) -> int:
    """Fill a cache with this process' share of the records; what is there already stays.

    Args:
        config: Sizes and what is drawn.
        records: All records.
        encoders: Of the base.
        cache: To fill.
        process: Number of this process.
        processes: How many there are.

    Returns:
        How many records were encoded.

    Raises:
        InputError: A record cannot be read, and bad_records says stop.
    """
    missing: list[int] = []
    captions = {"": None}
    for index in range(process, len(records), processes):
        record = _or_skip(config, lambda: records[index])  # noqa: B023
        if record is not None:
            captions |= dict.fromkeys(record.captions)
            missing += [] if cache.has_record(record.key) else [index]
    for caption in captions if cache.texts else ():
        if not cache.has_text(caption):
            cache.put_text(caption, encoders.text([caption])[0])
    done = 0
    with ThreadPoolExecutor(config.workers) as pool:
        try:
            for start in range(0, len(missing), 4 * config.workers):
                part = missing[start : start + 4 * config.workers]
                for found in pool.map(lambda index: _or_skip(config, lambda: _loaded(config, records[index])), part):
                    if found is not None:
                        _encode(config, *found, encoders, cache)
                        done += 1
                print(f"{min(start + 4 * config.workers, len(missing))} of {len(missing)} records", flush=True)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return done


def _loaded(config: DataConfig, record: Record) -> tuple[Record, LoadedRecord]:
    return record, load_record(record, config)


def _or_skip(config: DataConfig, read: Callable[[], ValueT]) -> ValueT | None:
    """What is read of a record, or None when it is to be skipped."""
    try:
        return read()
    except InputError as error:
        if config.bad_records == "stop":
            raise InputError(f"{error} (bad_records=skip continues without it)") from error
        skip(error)
        return None


def _encode(config: DataConfig, record: Record, example: LoadedRecord, encoders: Encoders, cache: LatentCache) -> None:
    tensors = {"latent": encoders.latent(to_model(example.frames).to(encoders.device))[0].to(encoders.dtype)}
    for variant in range(cache.variants):
        conditions = draw_conditions(config, record.key, record.kind, variant)
        sample = TrainingSample("", conditions.keyframe, example.frames, region_of(example, conditions), example.source)
        mask, masked = encode_conditions(encoders, sample)
        tensors |= {f"mask_{variant}": mask.to(encoders.dtype), f"masked_{variant}": masked.to(encoders.dtype)}
    cache.put_record(record.key, tensors)
