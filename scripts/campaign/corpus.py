"""Files of every kind that PyAV can write, through probe, track and a deletion."""

from __future__ import annotations

import argparse
import logging
import shutil
import time
import traceback
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
from PIL import Image

from app.commands.batch import edit_to_folder, track_to_folder
from app.commands.edit_arguments import EditArguments
from app.commands.prompt_arguments import PromptArguments
from app.engine import Engine
from app.settings import Settings
from core.errors import StudioError
from core.media import open_clip, probe
from core.progress import JobContext
from core.project.edits import SamplingSettings
from core.project.tracks import MaskAdjustment
from core.project.video import VideoInfo
from scripts.campaign.corpus_cases import all_cases, Case
from scripts.campaign.corpus_checks import compare_pictures, compare_sounds, picture_of, sounds_of
from scripts.campaign.corpus_files import box_of, make, masks_of
from scripts.campaign.ledger import chosen, Finding, in_time, Ledger


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this campaign is asked for."""
    parser.add_argument("--only", default="", help="cases whose name holds this text")
    parser.add_argument("--again", action="store_true", help="try the cases that had faults again")
    parser.add_argument("--list", action="store_true", help="print the names of the cases and stop")


def run(options: argparse.Namespace) -> int:
    """Try the cases that have not been tried; returns 1 when any has faults."""
    cases = chosen([case for case in all_cases() if options.only in case.name], options)
    if options.list:
        print("\n".join(case.name for case in cases))
        return 0
    ledger = Ledger(options.folder, "corpus")
    logging.getLogger("libav").setLevel(logging.CRITICAL)
    av.logging.set_level(None)
    engine = Engine(Settings(workspace=options.folder / "workspace"))
    known = {name for name, found in ledger.findings.items() if not (options.again and found.faults)}
    for case in in_time([case for case in cases if case.name not in known], options.minutes):
        finding = _try(case, engine, options.folder / "cases")
        ledger.add(finding)
        state = "; ".join(finding.faults) or (f"not possible here: {finding.skipped}" if finding.skipped else "well")
        print(f"{case.name} ({finding.seconds:.1f} s): {state}", flush=True)
    return ledger.report([case.name for case in cases])


def _try(case: Case, engine: Engine, folder: Path) -> Finding:
    """Make the file and put it through everything. The folder of a case without faults goes."""
    began = time.monotonic()
    place = folder / case.name
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    path = place / f"clip.{case.suffix}"
    try:
        make(case, path)
    except (av.FFmpegError, ValueError, OSError) as error:  # no such encoder, or not for this container
        shutil.rmtree(place)
        return Finding(case.name, skipped=" ".join(str(error).split())[:120], seconds=time.monotonic() - began)
    faults = _faults(case, path, engine, place)
    if not faults:
        shutil.rmtree(place)
    return Finding(case.name, tuple(faults), seconds=round(time.monotonic() - began, 2))


def _faults(case: Case, path: Path, engine: Engine, place: Path) -> list[str]:
    stage = "probe"
    try:
        info = probe(path)
        with open_clip(path) as reader:
            read = sum(1 for _ in reader.frames())
        seen = picture_of(path, case.frames)
        faults = _probed(case, info, len(seen.stamps), read)
        stage = "track"
        prompts = PromptArguments(boxes=((0, *box_of(case)),), through_cuts=True)
        count = track_to_folder(engine, path, prompts, None, place / "tracked", JobContext())
        faults += [] if count == info.frames else [f"{count} masks for {info.frames} frames"]
        if min(info.size) < 16:
            return faults
        stage = "edit"
        edit_to_folder(engine, path, [(PromptArguments(), _deletion(case, place / "masks"))], place / "edited", JobContext())
        result = picture_of(place / "edited" / "output.mp4", info.frames)
        # Some containers can't say the times that they were given, and some programs can't read
        # them.
        meant = replace(seen, stamps=_meant(case))
        found = [compare_pictures(one, result, info.size, case.suffix) for one in (meant, seen)]
        faults += found[0] if len(found[0]) < len(found[1]) else found[1]
        length = float(info.frames / info.rate)
        faults += compare_sounds(sounds_of(path, seen.start), sounds_of(place / "edited" / "output.mp4", result.start), length)
    except StudioError as error:
        return [f"{stage}: refused: {error}"]
    except Exception as error:  # whatever it is, it is the finding
        where = traceback.extract_tb(error.__traceback__)[-1]
        return [f"{stage}: {type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"]
    return faults


def _probed(case: Case, info: VideoInfo, seen: int, read: int) -> list[str]:
    """What is wrong with the facts about a source."""
    faults = []
    if not case.frames == info.frames == read:
        faults.append(f"{case.frames} frames written, {info.frames} probed, {read} read, {seen} seen by another program")
    size = case.size[::-1] if case.rotation in (90, 270) else case.size
    if info.size != size:
        faults.append(f"{size[0]}x{size[1]} was probed as {info.width}x{info.height}")
    if len(info.audio) != len(case.sounds):
        faults.append(f"{len(case.sounds)} sound streams, {len(info.audio)} probed")
    return faults


def _meant(case: Case) -> list[float]:
    """Seconds at which the frames were to be shown, from the first."""
    ticks, tick = case.ticks()
    return [float((stamp - ticks[0]) * tick) for stamp in ticks]


def _deletion(case: Case, folder: Path) -> EditArguments:
    """The cheapest edit, of the disc itself."""
    folder.mkdir()
    for index, mask in enumerate(masks_of(case)):
        Image.fromarray(mask.astype(np.uint8) * 255).save(folder / f"{index:05d}.png")
    return EditArguments(
        task="delete",
        caption="",
        adjustment=MaskAdjustment(),
        seed=0,
        settings=SamplingSettings(steps=1),
        masks=folder,
        keyframes=(),
        frames=None,
        png=False,
    )
