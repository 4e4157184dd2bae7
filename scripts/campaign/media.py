"""Damaged videos of every container: probed, their first frames read, their sound looked at."""

from __future__ import annotations

import argparse
import logging
import random
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import av
from PIL import Image

from core.media import open_clip, probe
from core.media.stream_plan import stream_notes
from scripts.campaign import mutations
from scripts.campaign.corpus_cases import all_cases
from scripts.campaign.corpus_files import make
from scripts.campaign.documents import run_mutations
from scripts.campaign.ledger import NamedCase
from scripts.campaign.worker import Attempt

CASES = 10_000
FRAMES = 3
SEEDS = (
    *("picture-mp4-libx264-yuv420p", "picture-mp4-libx265-yuv420p", "picture-mp4-libsvtav1-yuv420p", "picture-mp4-mpeg4-yuv420p"),
    *("picture-mov-prores_ks-yuva444p10le", "picture-mov-qtrle-rgb24", "picture-mov-png-rgba", "picture-mov-cfhd-yuv422p10le"),
    *("picture-mkv-ffv1-yuv420p", "picture-mkv-libvpx-yuv420p", "picture-mkv-utvideo-yuv420p", "picture-mkv-rawvideo-nv12"),
    *("picture-webm-libvpx-vp9-yuva420p", "picture-avi-mjpeg-yuvj420p", "picture-avi-huffyuv-yuv422p", "picture-avi-msmpeg4v2-yuv420p"),
    *("picture-ts-mpeg2video-yuv420p", "stamps-mpg-late", "picture-flv-flv-yuv420p", "picture-wmv-wmv2-yuv420p"),
    *("picture-ogv-libtheora-yuv420p", "picture-mxf-mpeg2video-yuv420p", "picture-nut-ffv1-yuv444p", "picture-gif-gif-rgb8"),
    *("picture-apng-apng-rgba", "picture-y4m-wrapped_avframe-yuv420p", "picture-ivf-libvpx-vp9-yuv420p", "picture-3gp-h263-yuv420p"),
    *("picture-h264-libx264-yuv420p", "picture-hevc-libx265-yuv420p", "stamps-mp4-reordered", "stamps-ts-variable", "turned-mov-90"),
    *("sound-mov-pcm_s16le-stereo", "sound-mkv-libopus-stereo", "sound-ts-aac-stereo", "sound-avi-libmp3lame-mono"),
    *("tags-mkv-9_16_9_1", "fields-mp4-tff", "aspect-mp4-16_15", "stamps-webm-pause", "size-17x33"),
)
"""Cases of the corpus: every container, and codecs with a decoder of their own."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """This campaign is asked for nothing more."""


def run(options: argparse.Namespace) -> int:
    """Try the cases that have not been tried; returns 1 when any has faults."""
    return run_mutations(options, "media", __name__, [NamedCase(f"media-{number}") for number in range(CASES)])


def attempts(name: str, folder: Path) -> Iterator[tuple[str, Attempt]]:
    """Open the damaged video of a case, and look at its first frames and its last."""
    chance = random.Random(name)
    seeds = _seeds(folder / "seeds")
    seed, other = chance.choice(seeds), chance.choice(seeds)
    path = folder / f"{name}{seed.suffix}"
    path.write_bytes(mutations.media_of(seed.read_bytes(), other.read_bytes(), chance))
    yield f"probe {seed.stem}", lambda: probe(path)
    yield f"frames of {seed.stem}", lambda: _look(path)
    yield f"streams of {seed.stem}", lambda: stream_notes(path)
    path.unlink()


@lru_cache
def _seeds(folder: Path) -> list[Path]:
    """Those of the seeds that PyAV can write here; they are made once."""
    logging.getLogger("libav").setLevel(logging.CRITICAL)
    av.logging.set_level(None)
    folder.mkdir(parents=True, exist_ok=True)
    cases = {case.name: case for case in all_cases()}
    paths = []
    for name in SEEDS:
        path = folder / f"{name}.{cases[name].suffix}"
        try:
            if not path.exists():
                make(cases[name], path)
        except (av.FFmpegError, ValueError, OSError):  # no such encoder here
            path.unlink(missing_ok=True)
            continue
        paths.append(path)
    moving = folder / "moving.webp"
    if not moving.exists():
        first, *rest = (Image.new("RGB", (64, 48), (60 * shade, 90, 120)) for shade in range(4))
        first.save(moving, save_all=True, append_images=rest, duration=80)
    return [*paths, moving]


def _look(path: Path) -> None:
    with open_clip(path) as reader:
        count = len(reader)
        for _ in reader.frames(0, min(FRAMES, count)):
            pass
        reader.frame(count - 1)
        reader.preview(0, 64)
