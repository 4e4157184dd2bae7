"""How fast the page is, measured in a real browser on the models that ship.

A script, not a test: its figures belong to a quiet machine.

python -m scripts.measure_page [--rounds 3] [--clips FOLDER] [--port 18390] [--chromium
/usr/bin/chromium]

Makes its own clips (a 1080p one to track, and ten minutes of 1080p), starts the program on an empty
workspace, drives Chromium through it and prints one line a figure, each with its goal: click to
overlay, scrubbing a tracked clip, the page after a start, a long clip, memory. With --clips they
are kept there for the next time. Where a figure is taken several times, the best round is printed
and all of them stand behind it in brackets: what slows a round is the machine.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "browser"))

from studio_page import FLAGS, ROOT

SIZE = (1920, 1080)
TRACKED = 96  # frames
CLICKS = 40
SCRUB_SECONDS = 4

# What is painted is in the canvas's own notes; a clock of the browser looks at them before every
# repaint.
COUNT_FRAMES = """() => {
  const { dataset } = document.querySelector('#studio-canvas canvas');
  const seen = window.seen = { frames: 0, since: performance.now(), last: dataset.frame, on: true };
  const look = () => {
    if (!seen.on) return;
    const painted = dataset.overlay.includes(`/overlay/${dataset.frame}.png`);
    if (painted && dataset.frame !== seen.last) { seen.frames += 1; seen.last = dataset.frame; }
    requestAnimationFrame(look);
  };
  look();
}"""
COUNTED = "() => { seen.on = false; return 1000 * seen.frames / (performance.now() - seen.since); }"

TIME_CLICK = """() => {
  const { dataset } = document.querySelector('#studio-canvas canvas');
  window.click = new Promise((resolve) => addEventListener('pointerup', () => {
    const [before, start] = [dataset.overlay, performance.now()];
    const look = () => {
      if (dataset.overlay && dataset.overlay !== before && !studio.state.pending.length) resolve((performance.now() - start) / 1000);
      else requestAnimationFrame(look);
    };
    look();
  }, { once: true, capture: true }));
}"""


def scene(count: int, seed: int = 0) -> Iterator[np.ndarray]:
    """Frames uint8 (H, W, 3): a grainy landscape, and a ball that rolls through it."""
    rng = np.random.default_rng(seed)
    width, height = SIZE
    ys, xs = np.mgrid[:height, :width]
    calm = np.stack([70 + xs // 16, 110 + ys // 12, 90 + (xs + ys) // 32], -1).astype(np.int16)
    grain = rng.normal(0, 6, (4, height, width, 1)).astype(np.int16)
    for index in range(count):
        frame = calm + grain[index % len(grain)]
        x, y = 300 + (index * 14) % (width - 600), height // 2 + round(120 * np.sin(index / 9))
        near = slice(y - 160, y + 161), slice(x - 160, x + 161)
        inside = (xs[near] - x) ** 2 + (ys[near] - y) ** 2 < 160**2
        frame[near][inside] = (225, 150, 40) + (xs[near] - x)[inside][:, None] // 6 + grain[index % len(grain)][near][inside]
        yield np.clip(frame, 0, 255).astype(np.uint8)


def make_clip(path: Path, frames: int, repeats: int = 1) -> Path:
    """Encode `frames` frames at 30 a second and 8 Mbit a second, with x264's own distance of
    keyframes.

    The clip holds them `repeats` times over, by copying packets.
    """
    rate = Fraction(30)
    path.parent.mkdir(parents=True, exist_ok=True)
    once = path.with_name(f"once-{path.name}")
    with av.open(str(once), "w") as target:
        stream = target.add_stream("libx264", rate=rate, options={"b": "8000000", "preset": "veryfast", "bf": "0", "sc_threshold": "0"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for picture in scene(frames):
            target.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        target.mux(stream.encode())
    with av.open(str(path), "w") as target:
        copied = None
        for again in range(repeats):
            with av.open(str(once)) as source:
                copied = copied or target.add_stream_from_template(source.streams.video[0])
                for packet in source.demux(video=0):
                    if packet.pts is not None and packet.dts is not None:
                        later = round(again * frames / rate / packet.time_base)
                        packet.pts, packet.dts, packet.stream = packet.pts + later, packet.dts + later, copied
                        target.mux(packet)
    once.unlink()
    return path


@contextmanager
def program(workspace: Path, port: int) -> Iterator[tuple[subprocess.Popen[str], str, float]]:
    """The program as a person starts it: the process, its address, and how long the start took."""
    command = [sys.executable, "-m", "app.commands.cli", "ui", "--port", str(port), "--no-browser", "--workspace", str(workspace)]
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found, "the program printed no address"
        try:
            yield process, found[0], time.perf_counter() - started
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def memory_gb(process: subprocess.Popen[str]) -> tuple[float, float]:
    """What the process holds and the most that it has held, in 10^9 bytes; Linux tells."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return tuple(int(re.search(rf"{name}:\s+(\d+)", status)[1]) * 1024 / 1e9 for name in ("VmRSS", "VmHWM"))  # type: ignore[index,return-value]


def show_frame(page: Any, frame: int) -> None:
    page.evaluate("frame => studio.goTo(frame)", frame)
    page.wait_for_selector(f"#studio-canvas canvas[data-frame='{frame}']")


def at(page: Any, x: float, y: float) -> tuple[float, float]:
    """Where a source pixel is on the screen."""
    box, place = page.locator("#studio-canvas canvas").bounding_box(), page.evaluate("studio.place")
    return box["x"] + place["x"] + x * place["scale"], box["y"] + place["y"] + y * place["scale"]


def ball(frame: int) -> tuple[float, float]:
    """The middle of the ball on a frame of `scene`."""
    return 300 + (frame * 14) % (SIZE[0] - 600), SIZE[1] // 2 + round(120 * np.sin(frame / 9))


def open_path(page: Any, path: Path) -> float:
    """Open a clip by its path; seconds from the click to its first frame on the stage."""
    page.evaluate("studio.openStep('video')")
    page.check("#studio-video input[value=open]", force=True)
    page.fill("#studio-video [data-ref=path]", str(path))
    before = page.evaluate("studio.state.view.id")
    started = time.perf_counter()
    page.click("#studio-video form button")
    page.wait_for_function("before => studio.state.view.id !== before", arg=before, timeout=120_000)
    shown = "() => document.querySelector('#studio-canvas canvas').dataset.project === studio.state.view.id"
    page.wait_for_function(shown, timeout=120_000)
    return time.perf_counter() - started


def click(page: Any, frame: int, offset: tuple[float, float]) -> float:
    """Seconds from a click on a frame to the mask that it makes."""
    show_frame(page, frame)
    page.wait_for_timeout(400)  # the time a person takes to point
    x, y = ball(frame)
    where = at(page, x + offset[0], y + offset[1])
    page.mouse.move(*where)
    page.evaluate(TIME_CLICK)
    page.mouse.click(*where)
    return float(page.evaluate("click"))


def clicks(page: Any) -> list[float]:
    rng = np.random.default_rng(1)
    frames = rng.choice(TRACKED, CLICKS, replace=False)
    return sorted(click(page, int(frame), tuple(rng.uniform(-60, 60, 2))) for frame in frames)


def track(page: Any) -> None:
    page.keyboard.press("t")
    page.wait_for_function(
        "() => { const job = studio.state.view.jobs[0]; return job && job.kind === 'track' && job.finished; }", timeout=600_000
    )
    assert page.evaluate("studio.state.view.jobs[0].state") == "done"


def scrub(page: Any, url: str, backwards: bool) -> float:
    """Painted frames a second, masks included, while the pointer goes along the timeline; nothing
    is in the browser's memory before.
    """
    page.goto(url)
    page.wait_for_selector("#studio[data-ready=true]")
    page.evaluate("studio.openStep('select')")
    box = page.locator("#studio-timeline [data-ref=area]").bounding_box()
    ends = [box["x"] + 4, box["x"] + box["width"] - 4]
    left, right = reversed(ends) if backwards else ends
    y = box["y"] + 30  # the first lane
    page.mouse.move(left, y)
    page.mouse.down()
    page.wait_for_timeout(1500)
    page.evaluate(COUNT_FRAMES)
    started = time.perf_counter()
    while (part := (time.perf_counter() - started) / SCRUB_SECONDS) < 1:
        page.mouse.move(left + (right - left) * part, y)
        page.wait_for_timeout(8)
    rate = float(page.evaluate(COUNTED))
    page.mouse.up()
    return rate


def measure(chromium: str, port: int, rounds: int, folder: Path, clips: Path) -> None:
    from playwright.sync_api import sync_playwright

    short, long = clips / "tracked.mp4", clips / "long.mp4"
    for path, frames, repeats in ((short, TRACKED, 1), (long, 300, 60)):
        if not path.exists():
            make_clip(path, frames, repeats)
    print(f"{os.cpu_count()} cores, clips of {short.stat().st_size / 1e6:.0f} and {long.stat().st_size / 1e6:.0f} MB", flush=True)

    starts = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)

        def fresh() -> Any:
            context = browser.new_context(viewport={"width": 1366, "height": 768})
            context.set_default_timeout(60_000)
            return context.new_page()

        for i in range(rounds):
            with program(folder / f"start-{i}", port) as (_, url, took):
                page = fresh()
                started = time.perf_counter()
                page.goto(url)
                page.wait_for_selector("#studio-canvas canvas[data-frame]")
                starts.append((time.perf_counter() - started, took))
                page.context.close()
        tell("page usable after the server's start", [page for page, _ in starts], "s", "<= 3")
        print(f"{'  (and to the server from nothing':<44}{min(took for _, took in starts):8.2f} s)", flush=True)

        with program(folder / "workspace", port) as (process, url, _):
            page = fresh()
            page.goto(url)
            page.wait_for_selector("#studio[data-ready=true]")
            page.wait_for_selector("#studio-canvas canvas[data-frame]")
            tell("10 minutes of 1080p, from Open to a frame", [open_path(page, long) for _ in range(rounds)], "s", "<= 5")
            for frame in (17_000, 9_000, 100):
                show_frame(page, frame)
            open_path(page, short)
            project = f"{url}&project={page.evaluate('studio.state.view.id')}"
            page.evaluate("studio.openStep('select')")
            click(page, 0, (0, 0))
            track(page)
            for name, backwards in (("forwards", False), ("backwards", True)):
                rates = []
                for _ in range(rounds):
                    with_page = fresh()
                    rates.append(scrub(with_page, project, backwards))
                    with_page.context.close()
                tell(f"scrubbing the tracked clip {name}", rates, "frames/s", ">= 15", best=max)
            page.bring_to_front()
            taken = clicks(page)
            tell("click to overlay, 95th percentile", [taken[math.ceil(0.95 * len(taken)) - 1]], "s", "<= 0.5")
            print(f"{'  (median':<44}{statistics.median(taken):8.2f} s)", flush=True)
            held, peak = memory_gb(process)
            tell("memory of the program at its most", [peak], "GB", "<= 3")
            print(f"{'  (at the end':<44}{held:8.2f} GB)", flush=True)
        browser.close()


def tell(what: str, values: list[float], unit: str, goal: str, best: Any = min) -> None:
    others = f"  ({', '.join(f'{value:.2f}' for value in values)})" if len(values) > 1 else ""
    print(f"{what:<44}{best(values):8.2f} {unit:<10}{goal}{others}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clips", type=Path)
    parser.add_argument("--port", type=int, default=18390)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="vivid-studio-page-") as made:
        measure(options.chromium, options.port, options.rounds, Path(made), options.clips or Path(made))
