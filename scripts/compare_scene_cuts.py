"""Compare this program's scene-cut finder with PySceneDetect's detectors on a folder of clips.

    python -m scripts.compare_scene_cuts CLIPS [CLIPS ...] [--seed 0] [--reels 20]

Every video below CLIPS has to be one shot. From their parts the script makes reels whose cuts are
known, and shots with what is easily taken for a cut: flashes, a fade, black frames, fast pans. It
prints, for each finder, the cuts that it found and missed, and its false alarms. Install
`scenedetect` first; the program itself does without.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.storage.scene_cuts import LOOKED_AT
from core.media import open_clip
from core.media.scene_cuts import find_scene_cuts

Frames = list[NDArray[np.uint8]]
Finder = Callable[[Frames], list[int]]
MOST_FRAMES = 300
VIDEOS = (".mp4", ".mov", ".mkv", ".webm", ".avi")


def read(folder: Path) -> list[Frames]:
    """The first frames of every video below `folder`, as small as the program looks at them."""
    shots = []
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in VIDEOS):
        with open_clip(path) as reader:
            shots.append(list(reader.previews(0, min(len(reader), MOST_FRAMES), LOOKED_AT)))
            print(f"{path.relative_to(folder)}: {len(shots[-1])} frames", file=sys.stderr)
    return [shot for shot in shots if len(shot) >= 10]


def fitted(frames: Frames, height: int, width: int) -> Frames:
    """The frames at another size: a reel has one."""
    import cv2

    return [np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA), np.uint8) for frame in frames]


def reel(shots: Sequence[Frames], random: np.random.Generator) -> tuple[Frames, list[int]]:
    """Eight parts of different shots in a row, of 6 to 48 frames, and where the cuts are."""
    frames: Frames = []
    cuts: list[int] = []
    before = -1
    for _ in range(8):
        index = int(random.choice([i for i in range(len(shots)) if i != before]))
        length = min(int(random.integers(6, 49)), len(shots[index]))
        start = int(random.integers(0, len(shots[index]) - length + 1))
        cuts.append(len(frames))
        frames += fitted(shots[index][start : start + length], 90, LOOKED_AT)
        before = index
    return frames, cuts[1:]


def lit(frame: NDArray[np.uint8], factor: float, offset: float = 0.0) -> NDArray[np.uint8]:
    """The frame in another light."""
    return np.clip(frame * factor + offset, 0, 255).astype(np.uint8)


def flashes(shot: Frames) -> Frames:
    """One to three bright frames here and there."""
    bright = {at + k for number, at in enumerate(range(8, len(shot) - 8, 20)) for k in range(1 + number % 3)}
    return [lit(frame, 2.5, 70) if index in bright else frame for index, frame in enumerate(shot)]


def fade(shot: Frames) -> Frames:
    """The light goes down over 40 frames and comes back."""
    return [lit(frame, abs(1 - index % 80 / 40)) for index, frame in enumerate(shot)]


def black(shot: Frames) -> Frames:
    """Single black frames, as dropped ones leave them."""
    return [lit(frame, 0) if index % 20 == 10 else frame for index, frame in enumerate(shot)]


def pan(shot: Frames) -> Frames:
    """A window of 40 % of the width that swings by up to 10 % of the width a frame."""
    width = shot[0].shape[1]
    window = int(width * 0.4)
    places = [round((width - window) * (0.5 - 0.5 * np.cos(index * 0.33))) for index in range(len(shot))]
    return [np.ascontiguousarray(frame[:, at : at + window]) for frame, at in zip(shot, places, strict=True)]


SHAKES: dict[str, Callable[[Frames], Frames]] = {
    "as they are": lambda shot: shot,
    "flashes": flashes,
    "fade": fade,
    "black frames": black,
    "fast pan": pan,
}


def finders() -> dict[str, Finder]:
    """What is compared: this program's finder, and PySceneDetect's as they come and for short
    shots.
    """
    from scenedetect import AdaptiveDetector, ContentDetector, FrameTimecode, HashDetector, HistogramDetector

    def detected(make: Callable[[], object]) -> Finder:
        def find(frames: Frames) -> list[int]:
            detector = make()
            found = [detector.process_frame(FrameTimecode(i, 25.0), frame[..., ::-1].copy()) for i, frame in enumerate(frames)]  # type: ignore[attr-defined]
            found.append(detector.post_process(FrameTimecode(len(frames) - 1, 25.0)))  # type: ignore[attr-defined]
            return sorted({cut.frame_num for cut in itertools.chain.from_iterable(found)})

        return find

    table: dict[str, Finder] = {"VIVID Studio": lambda frames: list(find_scene_cuts(frames))}
    for kind in (ContentDetector, AdaptiveDetector, HashDetector, HistogramDetector):
        table[f"{kind.__name__}, defaults"] = detected(kind)
        table[f"{kind.__name__}, min_scene_len=6"] = detected(functools.partial(kind, min_scene_len=6))
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path, nargs="+", help="folders of single shots")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reels", type=int, default=20)
    options = parser.parse_args()
    shots = [shot for folder in options.clips for shot in read(folder)]
    random = np.random.default_rng(options.seed)
    reels = [reel(shots, random) for _ in range(options.reels)]
    cuts = sum(len(truth) for _, truth in reels)
    print(f"{len(shots)} shots, {sum(map(len, shots))} frames; {len(reels)} reels with {cuts} cuts, {sum(len(f) for f, _ in reels)} frames")
    for name, find in finders().items():
        start = time.perf_counter()
        found = [set(find(frames)) for frames, _ in reels]
        frames = sum(len(frames) for frames, _ in reels)
        seconds = (time.perf_counter() - start) / frames
        hits = sum(len(own & set(truth)) for own, (_, truth) in zip(found, reels, strict=True))
        wrong = sum(len(own - set(truth)) for own, (_, truth) in zip(found, reels, strict=True))
        alarms = {title: sum(len(find(shake(shot))) for shot in shots) for title, shake in SHAKES.items()}
        f1 = 2 * hits / max(1, 2 * hits + wrong + cuts - hits)
        listed = ", ".join(f"{title} {count}" for title, count in alarms.items())
        print(f"{name}: found {hits} of {cuts}, wrong {wrong}, F1 {f1:.3f}; in single shots: {listed}; {seconds * 1e3:.2f} ms a frame")


if __name__ == "__main__":
    main()
