"""`launch.py bench`: how fast this machine is at what a person waits for."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from app.editor.editor import Editor
from app.render.edit import plan, RenderRequest, write_edited_video
from app.settings import Settings
from core.assets import ASSETS
from core.errors import InputError
from core.geometry import FrameRange
from core.machine import peak_memory_mb
from core.progress import JobContext
from core.project.edits import SamplingSettings
from core.project.prompts import BoxPrompt, PointPrompt

if TYPE_CHECKING:
    import numpy as np

    from core.masks import MaskSequence
    from core.media import ClipReader

SIZE = (854, 480)
FRAMES = 49


def run_bench(settings: Settings, video: Path | None = None) -> None:
    """Print one line per measure: the value and the goal (two cores, the models that ship, 854x480,
    49 frames).
    """
    with tempfile.TemporaryDirectory(prefix="vivid-studio-bench-") as folder:
        clip = bench_clip(video, Path(folder))
        editor = Editor(settings)
        try:
            _measure(editor, clip, Path(folder))
        finally:
            editor.close()


def _measure(editor: Editor, clip: Path, folder: Path) -> None:
    from core.media import open_clip
    from core.propagation.request import EditRequest, Keyframe

    segmenter, model = editor.engine.segmenter(), editor.engine.video_model()
    print(f"{SIZE[0]}x{SIZE[1]}, {FRAMES} frames, device {editor.engine.device}, {editor.settings.segmenter} and {model.name}")
    if model.memory.free is not None:
        print(model.memory)
    with open_clip(clip) as reader:
        centre = (SIZE[0] / 2, SIZE[1] / 2)
        session = segmenter.session(reader)
        session.preview(0, [PointPrompt(0, 1, *centre)])  # the first call of a process pays for what is set up once
        first = _median(lambda i: session.preview(i + 1, [PointPrompt(i + 1, 1, *centre)]), 5)
        again = _median(lambda i: session.preview(1, [PointPrompt(1, 1, *centre), PointPrompt(1, 1, 20.0 + i, 20.0, False)]), 5)
        _print("first click to mask on a new frame", first, "s", "<= 0.4")
        _print("further click to mask", again, "s", "<= 0.4")

        box = BoxPrompt(0, 1, SIZE[0] * 0.35, SIZE[1] * 0.3, SIZE[0] * 0.65, SIZE[1] * 0.8)
        started = time.perf_counter()
        for _ in segmenter.session(reader).track({1: [box]}, 0, FRAMES, JobContext()):
            pass
        _print("tracking", FRAMES / (time.perf_counter() - started), "frames/s", ">= 8")

        region = _box_region(box)
        prepared = editor.pictures.keyframe_studio(model).prepare(reader.frame(0), region[0])
        settings = SamplingSettings()
        tries = _median(lambda i: list(prepared.tries("add", "a red ball", (i,), settings, JobContext())), 3)
        _print("keyframe try", tries, "s", "<= 2")
        keyframe = next(iter(prepared.tries("add", "a red ball", (0,), settings, JobContext())))
        edited = Keyframe(0, keyframe, "add", "a red ball", 0)
        request = RenderRequest(EditRequest(FrameRange(0, FRAMES), region, (edited,), settings), clip, "bench", editor.engine.weights())
        report = write_edited_video(plan(request, model, folder / "windows"), reader, folder / "edit", JobContext())
        _print("propagate 49 frames", report["seconds"]["propagate"], "s", "<= 30")
        _print("compose and encode 49 frames", report["seconds"]["render"], "s", "")
        prepared_in, rendered_in = _removal(reader)
        _print("carrying a change, a frame", _carrying(reader), "s", "<= 0.5")
        _print("preparing a removal, a frame", prepared_in, "s", "<= 0.25")
        _print("rendering a removal", 1 / rendered_in, "frames/s", ">= 4")
    ours, bare = _median(lambda i: _copy_with_ours(clip, folder), 3), _median(lambda i: _copy_with_pyav(clip, folder), 3)
    _print("reading + writing, speed against bare PyAV", bare / ours, "x", ">= 0.8")
    _print("peak memory", peak_memory_mb() / 1e3, "GB", "<= 3")


def _removal(reader: ClipReader) -> tuple[float, float]:
    """Seconds a frame to prepare the removal of a disc that crosses the clip, shadows included, and
    to render it then.
    """
    from core.background import BackgroundModel
    from core.background.affected import affected_masks
    from core.background.plates import EVERY

    region = _disc_region()
    started = time.perf_counter()
    affected_masks(reader, region, JobContext())
    background = BackgroundModel(reader, region)
    for frame in range(0, FRAMES, EVERY):
        background.inpaint(frame, reader.frame(frame))
    prepared = time.perf_counter()
    others = [frame for frame in range(FRAMES) if frame % EVERY]
    for frame in others:
        background.inpaint(frame, reader.frame(frame))
    return (prepared - started) / FRAMES, (time.perf_counter() - prepared) / len(others)


def _carrying(reader: ClipReader) -> float:
    """Seconds a frame to carry the recolouring of a disc that crosses the clip."""
    import numpy as np

    from core.masks import Feather
    from core.propagation.changed import carry_change
    from core.propagation.request import EditRequest, Keyframe
    from core.propagation.windows import plan_windows

    region, source = _disc_region(), reader.frame(0)
    picture = np.where(region[0][..., None], source[..., ::-1] // 2 + 60, source).astype(np.uint8)
    keyframe = Keyframe(0, picture, "modify", "recoloured", 0, "change")
    request = EditRequest(FrameRange(0, FRAMES), region, (keyframe,), SamplingSettings(), Feather(4))
    started = time.perf_counter()
    for _ in carry_change(reader, request, plan_windows(request.frames, 0, 17, region.is_empty), 1, JobContext()):
        pass
    return (time.perf_counter() - started) / (FRAMES - 1)


def _disc_region() -> MaskSequence:
    """A disc that crosses the clip."""
    import numpy as np

    from core.masks import MaskSequence

    width, height = SIZE
    rows, columns = np.mgrid[:height, :width]
    middles = np.linspace(0.25 * width, 0.75 * width, FRAMES)
    return MaskSequence(SIZE, 0, [np.hypot(columns - x, rows - 0.55 * height) < 0.2 * height for x in middles])


def _print(what: str, value: float, unit: str, goal: str) -> None:
    print(f"{what:<44}{value:8.2f} {unit:<10}{goal}", flush=True)


def _median(call: Callable[[int], object], times: int) -> float:
    taken = []
    for i in range(times):
        started = time.perf_counter()
        call(i)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def _box_region(box: BoxPrompt) -> MaskSequence:
    import numpy as np

    from core.masks import MaskSequence

    mask = np.zeros(SIZE[::-1], bool)
    mask[int(box.y0) : int(box.y1), int(box.x0) : int(box.x1)] = True
    return MaskSequence(SIZE, 0, [mask] * FRAMES)


def bench_clip(video: Path | None, folder: Path, size: tuple[int, int] = SIZE) -> Path:
    """A clip as H.264 of the bench's length; a shorter one runs to and fro.

    Args:
        video: The clip; the first example when None.
        folder: Where it is put.
        size: (width, height) that it is to have.

    Raises:
        InputError: There is no clip.
    """
    import cv2
    import numpy as np

    from core.media import open_clip, VideoWriter
    from core.project.video import VideoInfo

    if video is None:
        video = next(iter(sorted((ASSETS / "clips").glob("*.mp4"))), None)
        if video is None:
            raise InputError("there is no example clip to measure on: name one with --video")
    path = folder / "bench.mp4"
    with open_clip(video) as reader, VideoWriter(path, VideoInfo(*size, Fraction(24), FRAMES)) as writer:
        there_and_back = [*range(len(reader)), *range(len(reader) - 2, 0, -1)]
        for i in range(FRAMES):
            frame = reader.frame(there_and_back[i % len(there_and_back)])
            writer.write(np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8))
    return path


def _copy_with_ours(clip: Path, folder: Path) -> None:
    from core.media import open_clip, VideoWriter

    with open_clip(clip) as reader, VideoWriter(folder / "ours.mp4", reader.info) as writer:
        for frame in reader.frames(0, len(reader)):
            writer.write(frame)


def _copy_with_pyav(clip: Path, folder: Path) -> None:
    """The plainest loop that does the same: decode, RGB array, encode with our settings."""
    import av

    from core.media.source import open_container

    with open_container(clip) as source, av.open(str(folder / "bare.mp4"), "w") as target:
        stream_in = source.streams.video[0]
        stream_in.thread_type = "AUTO"
        stream = target.add_stream("libx264", rate=stream_in.average_rate, options={"crf": "16", "preset": "fast"})
        stream.width, stream.height, stream.pix_fmt = stream_in.width, stream_in.height, "yuv420p"
        for decoded in source.decode(stream_in):
            array: np.ndarray = decoded.to_ndarray(format="rgb24")
            target.mux(stream.encode(av.VideoFrame.from_ndarray(array, format="rgb24")))
        target.mux(stream.encode())
