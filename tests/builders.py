"""Small real parts that several tests are built from. Heavy imports stay inside the functions."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pytest

    from app.editor.editor import Editor
    from core.training.small.config import NetworkConfig
    from core.vivid.model import VividModel


def tiny_network(**changes: int) -> NetworkConfig:
    """The small VIVID's networks at toy size: 32x32 pixels, windows of 17 frames, milliseconds a
    step.
    """
    from core.training.small.config import NetworkConfig

    sizes = {"height": 32, "width": 32, "latent_channels": 4, "layers": 2, "heads": 2, "head_dim": 16, "time_embed_dim": 8, "text_dim": 16}
    return NetworkConfig(vae_channels=(8, 8, 8, 8), **(sizes | changes))


def tiny_vivid_package(folder: Path, seed: int = 0, **changes: int) -> Path:
    """A package as load_vivid reads it, with random weights."""
    from core.training.small.export import export_random

    export_random(folder, tiny_network(**changes), seed)
    return folder


def tiny_vivid(folder: Path, seed: int = 0, **changes: int) -> VividModel:
    """A loaded model with random weights, on the CPU."""
    from core.models import ModelStore
    from core.vivid.model import load_vivid

    return load_vivid(str(tiny_vivid_package(folder, seed, **changes)), "cpu", ModelStore())


def finish(editor: Editor, job_id: str) -> dict[str, Any]:
    """Wait for a job that should end well; its result."""
    status = editor.runner.wait(job_id, 120)
    assert status.state == "done", status.message
    return status.result


@contextmanager
def held_at(stage: str, done: int) -> Iterator[threading.Event]:
    """Hold the first job that comes so far in a stage there, until the block ends.

    Args:
        stage: The stage, as the job reports it.
        done: How many of its units are finished then.

    Yields:
        What is set when a job is held.

    """
    import pytest

    from core.progress import JobContext

    reached, left, report = threading.Event(), threading.Event(), JobContext.report

    def holding(context: JobContext, at: str, finished: int, total: int, *more: Any, **named: Any) -> None:
        if (at, finished) == (stage, done) and not reached.is_set():
            reached.set()
            left.wait(240)
        report(context, at, finished, total, *more, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JobContext, "report", holding)
        try:
            yield reached
        finally:
            left.set()


def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that all workers of pytest-xdist have in common."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


class FrameList:
    """Frames uint8 (T, H, W, 3) behind the interface of a clip reader."""

    def __init__(self, frames: np.ndarray) -> None:
        self.pictures = frames

    def __len__(self) -> int:
        return len(self.pictures)

    def frame(self, index: int) -> np.ndarray:
        return self.pictures[index]

    def frames(self, start: int, stop: int) -> Iterator[np.ndarray]:
        return iter(self.pictures[start:stop])


def noise_frames(count: int, height: int, width: int, seed: int = 0) -> np.ndarray:
    """uint8 (T, H, W, 3) of random levels: any difference shows."""
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3), dtype=np.uint8)


DISC_BOX = (32, 38, 78, 84)
"""Around the disc of `disc_clip` on frame 0: x0, y0, x1, y1."""


def disc_clip(path: Path, frames: int = 12, rate: Fraction = Fraction(24), audio: bool = False, pts: Sequence[int] = ()) -> Path:
    """A 160x120 H.264 clip of a bright disc that moves to the right over a calm gradient, with a
    tone when `audio`. `pts` are its time stamps, where they vary, in frames of the rate.
    """
    import av

    ys, xs = np.mgrid[:120, :160]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"crf": "16"})
        stream.width, stream.height, stream.pix_fmt = 160, 120, "yuv420p"
        tone = container.add_stream("aac", rate=48000, layout="mono") if audio else None
        for index in range(frames):
            picture = np.stack([60 + xs // 4, 90 + ys // 4, 70 + (xs + ys) // 8], -1).astype(np.uint8)
            picture[(xs - 55 - 2 * index) ** 2 + (ys - 61) ** 2 < 20**2] = (235, 200, 60)
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            if pts:
                frame.pts, frame.time_base = pts[index], 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        if tone is not None:
            samples = (np.sin(np.arange(round(48000 * frames / rate)) * 0.05) * 8000).astype(np.int16)[None]
            sound = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            sound.sample_rate = 48000
            container.mux(tone.encode(sound))
            container.mux(tone.encode())
    return path


def counted_frames(count: int, width: int = 96, height: int = 64) -> np.ndarray:
    """uint8 (T, H, W, 3) that a lossy codec can't confuse: frame i shows the bits of i as black and
    white bars over a moving gradient.
    """
    ys, xs = np.mgrid[:height, :width]
    frames = np.empty((count, height, width, 3), np.uint8)
    for index in range(count):
        frames[index] = np.stack([(xs * 2 + index * 3) % 200 + 20, (ys * 2 + index) % 200 + 20, (xs + ys) % 200 + 20], -1)
        for bit in range(8):
            left = bit * width // 8
            frames[index, : height // 2, left : left + width // 8] = 255 if index >> bit & 1 else 0
    return frames


def read_number(frame: np.ndarray) -> int:
    """The number that `counted_frames` drew into a frame."""
    height, width = frame.shape[:2]
    return sum(int(frame[height // 4, bit * width // 8 + width // 16].mean() > 127) << bit for bit in range(8))


def video_file(
    path: Path,
    frames: np.ndarray,
    *,
    codec: str = "libx264",
    rate: Fraction | int = 24,
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    pts: list[int] | None = None,
    tick: Fraction | None = None,
    tags: tuple[int, int, int, int] | None = None,
    rotation: int = 0,
    pixel_aspect: Fraction | None = None,
    audio: str | None = None,
    audio_seconds: float | None = None,
    cover: bool = False,
) -> Path:
    """A real clip through PyAV.

    `frames` are RGB (T, H, W, 3). `pts` count `tick`s; `tags` are H.273 numbers of primaries,
    transfer, matrix and the range; `rotation` turns the displayed picture clockwise; `audio` names
    the codec of a clicking tone (see `click_times`), as long as the pictures if not `audio_seconds`
    long.
    """
    import av

    tick = tick or 1 / Fraction(rate)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = tick
        if tags is not None:
            context = stream.codec_context
            context.color_primaries, context.color_trc, context.colorspace, context.color_range = tags
        if pixel_aspect is not None:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        if rotation:
            stream.set_display_rotation(-rotation)
        sound = container.add_stream(audio, rate=48000, layout="mono") if audio else None
        if cover:
            picture = container.add_stream("png", rate=1)
            picture.width, picture.height, picture.pix_fmt = 16, 16, "rgb24"
            picture.disposition = av.stream.Disposition.attached_pic
            container.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((16, 16, 3), np.uint8))))
        if sound is not None:
            _clicks(container, sound, audio_seconds or float((pts[-1] + 1) * tick if pts else len(frames) / Fraction(rate)))
        for index, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format=pix_fmt)
            picture.pts, picture.time_base = pts[index] if pts else index, tick
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def slow_clip(path: Path, frames: int = 6000) -> Path:
    """A WebM of one picture, over and over, whose frames have to be decoded to be counted: VP8 has
    packets that show nothing. Made at once, small, and read in some ten
    seconds.
    """
    import av

    picture = av.VideoFrame.from_ndarray(noise_frames(1, 9, 16)[0].repeat(80, 0).repeat(80, 1), format="rgb24")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx", rate=24, options={"deadline": "realtime", "cpu-used": "8"})
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv420p"
        [first] = [*stream.encode(picture), *stream.encode()]
        data = bytes(first)
        for index in range(frames):
            packet = av.Packet(data)
            packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, 24), True
            packet.pts = packet.dts = index
            container.mux(packet)
    return path


def index_first(path: Path) -> Path:
    """The same packets in an MP4 whose table of frames stands at the start, as on the web."""
    import av

    moved = path.with_name("index-first.mp4")
    with av.open(str(path)) as source, av.open(str(moved), "w", options={"movflags": "faststart"}) as copy:
        stream = copy.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)
    return moved


def _clicks(container: Any, stream: Any, seconds: float) -> None:
    """A burst of tone at every full quarter of a second, silence between."""
    import av

    samples = np.arange(int(seconds * 48000))
    wave = (0.5 * np.sin(samples * 2 * np.pi * 3000 / 48000) * (samples % 12000 < 480)).astype(np.float32)
    resampler = av.AudioResampler(stream.codec_context.format.name, "mono", 48000, frame_size=stream.codec_context.frame_size or 1024)
    frame = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
    for part in [*resampler.resample(frame), *resampler.resample(None)]:
        container.mux(stream.encode(part))
    container.mux(stream.encode())


def click_times(path: Path) -> list[float]:
    """When the tone bursts of `video_file(audio=...)` begin, in seconds after the first video
    frame, as a player would hear them.
    """
    import av

    with av.open(str(path)) as container:
        first = next(container.decode(container.streams.best("video")))
        zero = float(first.pts * first.time_base)
    with av.open(str(path)) as container:
        level = np.zeros(0, np.float32)
        sound = container.streams.audio[0]
        resampler = av.AudioResampler("flt", sound.codec_context.layout.name, sound.codec_context.sample_rate)
        for frame in container.decode(sound):
            packed = [part.to_ndarray() for part in resampler.resample(frame)]
            samples = np.concatenate(packed, axis=1).reshape(-1, frame.layout.nb_channels)[:, 0]
            at = max(0, round((float(frame.pts * frame.time_base) - zero) * frame.sample_rate))
            level = np.concatenate([level[:at], np.zeros(max(0, at - len(level)), np.float32), np.abs(samples)])
            rate = frame.sample_rate
    loud = np.convolve(level, np.ones(48) / 48, "same") > 0.1
    starts = np.flatnonzero(loud[1:] & ~loud[:-1])
    return [float(start) / rate for index, start in enumerate(starts) if index == 0 or start - starts[index - 1] > rate // 10]


def tiny_base(folder: Path, seed: int = 0) -> Path:
    """A CogVideoX text-to-video package at toy size with random weights: what a VIVID adapter is
    trained on.
    """
    import torch
    from diffusers import CogVideoXPipeline

    from core.training.common.cogvideox import build_scheduler
    from core.training.small.base import build_base_transformer
    from core.training.small.networks import build_text_encoder, build_tokenizer, build_vae

    config = tiny_network()
    torch.manual_seed(seed)
    vae, text_encoder, transformer = build_vae(config), build_text_encoder(config), build_base_transformer(config)
    CogVideoXPipeline(build_tokenizer(), text_encoder, vae, transformer, build_scheduler()).save_pretrained(folder)
    return folder


def training_records(folder: Path, videos: int = 3, images: int = 3) -> Path:
    """A manifest of small clips and pictures with masks in all forms that are known; the last of
    each kind is a deletion.
    """
    import json

    from PIL import Image
    from pycocotools import mask as coco

    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number in range(videos):
        frames, masks = noise_frames(12, 40, 56, seed=number) // 4 + 60, np.zeros((12, 40, 56), bool)
        for index in range(12):
            masks[index, 8:24, 10 + index : 30 + index] = True
            frames[index][masks[index]] = (200, 40 * number, 30)
        video_file(folder / f"clip{number}.mp4", frames, options={"crf": "10"})
        form: Any = f"clip{number}_masks"
        if number % 3 == 0:
            (folder / form).mkdir()
            for index, mask in enumerate(masks):
                Image.fromarray(mask.astype(np.uint8) * 255).save(folder / form / f"{index:05d}.png")
        elif number % 3 == 1:
            form += ".mp4"
            video_file(folder / form, np.repeat(masks[..., None], 3, axis=3).astype(np.uint8) * 255, options={"crf": "0"})
        else:
            packed = [coco.encode(np.asfortranarray(mask.astype(np.uint8))) for mask in masks]
            form = [{"size": list(item["size"]), "counts": item["counts"].decode()} for item in packed]
        task = "delete" if number == videos - 1 else ("add", "modify")[number % 2]
        captions = {"short": "a ball", "medium": "a red ball", "long": "a large red shiny ball"}
        lines.append({"media": f"clip{number}.mp4", "masks": form, "task": task, "captions": captions})
    for number in range(images):
        picture = noise_frames(1, 48, 64, seed=50 + number)[0]
        mask = np.zeros((48, 64), bool)
        mask[10:30, 5 + 8 * number : 35 + 8 * number] = True
        Image.fromarray(picture).save(folder / f"image{number}.png")
        runs = np.diff(np.flatnonzero(np.diff(np.concatenate([[True], mask.T.ravel(), [not mask[-1, -1]]]))), prepend=0)
        plain = {"size": [48, 64], "counts": [int(run) for run in runs]}
        task = "delete" if number == images - 1 else "add"
        lines.append({"media": f"image{number}.png", "masks": plain, "task": task, "captions": ["a cube", "a blue cube"]})
    manifest = folder / "manifest.jsonl"
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return manifest


def report_page() -> str:
    """A small report of `launch.py evaluate` as its HTML page: two figures, a table, two clips side
    by side, two stills.
    """
    from core.evaluation.page import as_page
    from core.evaluation.results import at_least, Exhibit, Gallery, SuiteResult, Table, Tile
    from core.progress import JobContext

    result = SuiteResult("deletion", "Deletion", "of <things>", seconds=3)
    result.add("gain", "PSNR inside", 1.234, "dB", at_least(1), "inpaint & co")
    result.add("ratio", "flicker", 0.9, goal=at_least(1))
    result.tables.append(Table("Every clip", ("clip", "PSNR"), (("a<b", 20.456), ("c", float("nan")))))
    frames = counted_frames(9)
    result.exhibits.append(Exhibit("street & meadow", (("the truth", frames), ("ours", frames[:5])), rate=12))
    result.galleries.append(
        Gallery("Asked for", (Tile(frames[0], "a red ball", "red ball", True), Tile(frames[1], "a star", "a heart", False)))
    )
    result.notes.append("nothing <else>")
    return as_page([result], {"model": "vivid-small"}, JobContext())


def shot_frames(shots: int = 3, frames: int = 12) -> np.ndarray:
    """uint8 (T, 120, 160, 3): scenes of `frames` frames each that have nothing in common, with a
    cut between them.
    """
    ys, xs = np.mgrid[:120, :160]
    pictures = []
    for shot in range(shots):
        rng = np.random.default_rng(shot)
        discs = [(*rng.integers(20, 100, 2), rng.integers(8, 30), rng.integers(0, 255, 3)) for _ in range(6)]
        ground = rng.integers(30, 220, 3)
        for index in range(frames):
            picture = np.broadcast_to(ground, (120, 160, 3)).copy()
            for x, y, radius, colour in discs:
                picture[(xs - x - index) ** 2 + (ys - y) ** 2 < radius**2] = colour
            pictures.append(picture.astype(np.uint8))
    return np.stack(pictures)
