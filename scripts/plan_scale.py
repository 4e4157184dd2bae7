"""What 9.7 million samples would take on one kind of GPU, from what `measure_curation` printed.

python -m scripts.plan_scale [MEASURED.jsonl] [--price 3]

MEASURED.jsonl has the lines of `python -m scripts.measure_curation`; those of an H200 are kept in
scripts/measured. Prints the table of docs/scale.md. The counts are assumptions, said there.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

H200 = Path(__file__).parent / "measured" / "curation_h200.jsonl"
"""What `measure_curation` printed there."""
CLIPS = 746_400
"""That samples come of: 73.7 thousand videos and 672.7 thousand images."""
VIDEOS = 73_700
FRAMES = 150
"""Of a video: five seconds at 30 frames a second."""
WITH_ENTITIES = 0.6
"""Share of the clips on which anything is found."""
ENTITIES = 3
"""That are found on such a clip."""
BY_FLOW = 0.5
"""Share of the videos on which a deletion moves with the background."""


@dataclass(frozen=True)
class Work:
    """How much of what a stage does, and what of the measured lines says how fast."""

    stage: str
    items: float
    unit: str
    measured: str
    given: str


WORK = (
    Work("tags", CLIPS / WITH_ENTITIES, "frames", "tags", "32 frames"),
    Work("boxes", CLIPS / WITH_ENTITIES, "frames", "boxes", "1 frames"),
    Work("masks", CLIPS, "first frames", "masks and propagation", "4 entities, the first frame"),
    Work("propagation", VIDEOS * FRAMES, "frames", "masks and propagation", "4 entities, clips"),
    Work("captions", CLIPS * ENTITIES, "entities", "captions", "64 crops"),
    Work("filters (motion)", VIDEOS * (FRAMES - 1), "pairs", "flow", "16 pairs"),
    Work("deletions", VIDEOS * BY_FLOW * (FRAMES - 1), "pairs", "flow", "16 pairs"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("measured", type=Path, nargs="?", default=H200, help="lines of measure_curation (those of an H200)")
    parser.add_argument("--price", type=float, default=3.0, help="of an hour of the GPU, in dollars (3)")
    options = parser.parse_args()
    print("\n".join(table([json.loads(line) for line in options.measured.read_text().splitlines() if line.startswith("{")], options.price)))
    return 0


def table(lines: list[dict[str, Any]], price: float) -> list[str]:
    """Of each stage its work, speed, hours and price, and the sum of those that were measured."""
    rows = ["| stage | work | a second | GPU memory | GPU hours | dollars |", "|---|---|---|---|---|---|"]
    total = 0.0
    for work in WORK:
        said = f"{work.items / 1e6:.2f} M {work.unit}"
        fitting = (each for each in lines if each["stage"] == work.measured and each.get("given", "").startswith(work.given))
        line = next(fitting, None)
        if line is None:
            rows.append(f"| {work.stage} | {said} | not measured | | | |")
            continue
        hours = work.items / line["per_second"] / 3600
        total += hours
        memory = f"{line['peak_gib']} GiB" if line["peak_gib"] is not None else ""
        rows.append(f"| {work.stage} | {said} | {line['per_second']:,.1f} | {memory} | {hours:,.0f} | {hours * price:,.0f} |")
    return [*rows, f"| all | | | | {total:,.0f} | {total * price:,.0f} |"]


if __name__ == "__main__":
    sys.exit(main())
