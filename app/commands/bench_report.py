"""`launch.py bench --report FILE`: what a model does on this machine, as a file to send.

One small edit with each preset and speed: a keyframe twice, one window. What goes wrong is part of
the file.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any, TYPE_CHECKING

from app.commands.bench import bench_clip
from app.commands.console import note
from app.engine import Engine
from app.render.edit import plan, RenderRequest, Stopwatch, write_edited_video
from app.settings import Settings
from app.version import version
from core.errors import InputError, StudioError
from core.files import write_text
from core.geometry import FrameRange
from core.machine import peak_memory_mb, whole_memory
from core.models.catalogue import MODELS
from core.models.presets import draft_of, split_draft
from core.models.record import read_record
from core.progress import JobContext
from core.project.edits import Preset, PRESETS, SamplingSettings, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from core.masks import MaskSequence
    from core.media import ClipReader
    from core.vivid.contract import VideoEngine

PACKAGES = ("torch", "diffusers", "transformers", "accelerate", "peft", "safetensors", "gguf", "torchao", "av", "numpy")
_CAPTION = "a red ball"
SIZE = (320, 192)
"""Of the clip: what goes on around the model is not what is asked."""
_Facts = dict[str, Any]


def write_report(settings: Settings, path: Path, speeds: Sequence[str] = (), video: Path | None = None) -> _Facts:
    """Measure the settings' video model and write what was found, printing it as it comes.

    Args:
        settings: Model, device, memory and speed.
        path: The file, JSON.
        speeds: Presets of speed or levers to measure besides, each with the first preset.
        video: A clip to measure on; the first example when None.

    Returns:
        What was written.

    Raises:
        InputError: The model's name is unknown, or the file can't lie there.
        ModelMissingError: The model is not on this machine.
    """
    if path.is_dir() or not path.resolve().parent.is_dir():
        raise InputError(f"the report can't be written to {path}: name a file in a folder that is there")
    engine = Engine(settings)
    name = split_draft(settings.model)[0]
    folder = engine.store.locate(name, "video")
    presets: list[Preset] = [one for one in reversed(PRESETS) if one == "final" or draft_of(name, "video", engine.store) is not None]
    facts = {"program": version(), "made": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")}
    report: _Facts = {**facts, "versions": _versions(), "machine": _machine(engine.device), "model": _model(name, folder), "runs": []}
    with tempfile.TemporaryDirectory(prefix="vivid-studio-report-") as work:
        clip = bench_clip(video, Path(work), SIZE)
        first: dict[Preset, NDArray[np.uint8]] = {}
        asked = [(preset, settings.speed) for preset in presets] + [(presets[0], speed) for speed in speeds]
        for preset, speed in asked:
            if speed != engine.settings.speed:
                engine = Engine(replace(settings, speed=speed))
            run = _Run(engine, preset, clip, Path(work) / str(len(report["runs"])), first)
            report["runs"].append(run.facts())
            write_text(path, json.dumps(report, indent=1) + "\n")
            print("; ".join(f"{key} {value}" for key, value in report["runs"][-1].items() if not isinstance(value, dict)), flush=True)
    note(f"the report is in {path}: it holds no picture and nothing of your files but the model's name; send it with what you saw")
    return report


class _Run:
    """One edit with one preset."""

    def __init__(self, engine: Engine, preset: Preset, clip: Path, folder: Path, first: dict[Preset, NDArray[np.uint8]]) -> None:
        self._engine, self._preset, self._clip, self._folder, self._first = engine, preset, clip, folder, first

    def facts(self) -> _Facts:
        """What it took and gave; after an error, what was known by then."""
        found: _Facts = {"preset": self._preset, "speed": self._engine.settings.speed}
        try:
            self._measure(found)
        except StudioError as error:
            found["error"] = str(error)
        except Exception as error:  # whatever it is, it is what the report is for
            found["error"] = f"{type(error).__name__}: {error!s:.500}"
        return found

    def _measure(self, found: _Facts) -> None:
        from core.keyframe_models.studio import studio_for
        from core.media import open_clip

        settings, started = SamplingSettings(preset=self._preset), time.perf_counter()
        name = self._engine.named(settings)
        model = self._engine.at_work(self._engine.video_model(name))
        task, caption = _asked(model)
        own = model.sampling(task, settings)
        found |= {"levers": str(model.levers), "memory": str(model.memory), "steps": own.steps, "guidance": own.guidance}
        found["reading_s"] = round(time.perf_counter() - started, 2)
        _reset_peak(model)
        with open_clip(self._clip) as reader:
            frames = FrameRange(0, min(model.window_frames, len(reader)))
            region = _region(reader, frames)
            prepared = studio_for(model).prepare(reader.frame(0), region[0])
            for key in ("first_keyframe_s", "keyframe_s"):
                started = time.perf_counter()
                (picture,) = prepared.tries(task, caption, (0,), settings, JobContext())
                found[key] = round(time.perf_counter() - started, 2)
            found["keyframe_changed"] = _difference(picture, reader.frame(0), region[0])
            found["keyframe_from_first_speed"] = _difference(picture, self._first.setdefault(self._preset, picture), region[0])
            self._propagate(found, model, reader, region, picture)

    def _propagate(self, found: _Facts, model: VideoEngine, reader: ClipReader, region: MaskSequence, picture: NDArray[np.uint8]) -> None:
        from core.pictures import open_picture
        from core.propagation.request import EditRequest, Keyframe

        frames = FrameRange(0, len(region))
        edit = EditRequest(frames, region, (Keyframe(0, picture, *_asked(model), seed=0),), SamplingSettings(preset=self._preset))
        request = RenderRequest(edit, self._clip, "report", self._engine.weights(model.name))
        stopwatch = Stopwatch()
        done = write_edited_video(
            plan(request, model, self._folder / "windows"), reader, self._folder / "edit", JobContext(), png=True, stopwatch=stopwatch
        )
        shown = sorted((self._folder / "edit" / "frames").glob("*.png"))
        with open_picture(shown[1]) as second:
            import numpy as np

            drift = _difference(np.asarray(second.convert("RGB"), np.uint8), picture, region[1])
        found |= {
            "frames": done["frames"],
            "windows": done["windows"],
            "working_size": done["working_size"],
            "propagate_s": round(stopwatch.seconds.get("propagate", 0), 2),
            "render_s": round(stopwatch.seconds.get("render", 0), 2),
            "max_difference_outside": done["max_difference_outside"],
            "untouched_outside": done["max_difference_outside"] == 0,
            "frame_1_from_keyframe": drift,
            "peak_gpu_gib": _peak(model),
            "peak_host_gib": round(peak_memory_mb() / 1073.741824, 2),
        }


def _asked(model: VideoEngine) -> tuple[Task, str]:
    """What the model is asked for: task and caption."""
    return ("delete", "") if model.declared.removes_only else ("modify", _CAPTION)


def _versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found


def _machine(device: str) -> _Facts:
    import torch

    found: _Facts = {
        "system": platform.platform(),
        "processors": os.cpu_count(),
        "memory_gib": round(whole_memory() / 2**30, 1),
        "device": device,
    }
    if device.startswith("cuda"):
        facts = torch.cuda.get_device_properties(device)
        free, _ = torch.cuda.mem_get_info(device)
        found |= {
            "gpu": facts.name,
            "gpu_gib": round(facts.total_memory / 2**30, 1),
            "gpu_free_gib": round(free / 2**30, 1),
            "capability": f"{facts.major}.{facts.minor}",
            "cuda": torch.version.cuda,
        }
    return found


def _model(name: str, folder: Path) -> _Facts:
    """Which weights they are. A path is a person's own; its last part is enough."""
    record = read_record(folder) if folder.is_dir() else None
    return {
        "name": name if name in MODELS else folder.name,
        "repository": None if record is None else record.repository,
        "revision": None if record is None else record.revision,
        "files": None if record is None else {file: known.hash for file, known in record.files.items() if known.large},
    }


def _region(reader: ClipReader, frames: FrameRange) -> MaskSequence:
    """A box in the middle, as large as a third of the picture."""
    import numpy as np

    from core.masks import MaskSequence

    width, height = reader.info.size
    mask = np.zeros((height, width), np.bool_)
    mask[height // 3 : -height // 3, width // 3 : -width // 3] = True
    return MaskSequence((width, height), 0, [mask] * (frames.stop - frames.start))


def _difference(picture: NDArray[np.uint8], other: NDArray[np.uint8], region: NDArray[np.bool_]) -> float:
    """The mean difference in the region, in levels."""
    return round(float(abs(picture[region].astype(int) - other[region]).mean()), 2)


def _reset_peak(model: VideoEngine) -> None:
    if model.device.type == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats(model.device)


def _peak(model: VideoEngine) -> float | None:
    """The most memory of the GPU that was held since `_reset_peak`, in GiB."""
    if model.device.type != "cuda":
        return None
    import torch

    return round(torch.cuda.max_memory_allocated(model.device) / 2**30, 2)
