"""Run a campaign.

    python -m scripts.campaign corpus --folder F [--sample N --seed S] [--minutes M] [--only TEXT]
    python -m scripts.campaign clients --folder F [--sample N] [--within SECONDS] [--first]
    python -m scripts.campaign documents --folder F [--sample N --seed S] [--minutes M]
    python -m scripts.campaign masks --folder F [--sample N --seed S] [--minutes M]
    python -m scripts.campaign media --folder F [--sample N --seed S] [--minutes M]
    python -m scripts.campaign kill --folder F [--sample N --seed S] [--minutes M]
    python -m scripts.campaign disk --folder F
    python -m scripts.campaign soak --folder F [--minutes M]

`corpus` makes small files of every kind that PyAV can write, puts each through probe, track and a
deletion, and compares the result with its source. `documents` damages projects, stored masks,
journals and recipes, `masks` the masks of other programs, `media` videos: each has to be answered
by one sentence, within 10 seconds and 2 GB of memory. `kill` ends servers and commands at random
moments. Several processes share these with `--part K/N` and a folder each; the findings put
together, `cat F*/corpus.jsonl > F/corpus.jsonl`, are reported by another call. A campaign goes on
where it was stopped, ends with a table of faults, and exits with 1 when there are any.

`clients` lets many browsers come to one server, and measures how long the page takes them. `disk`
lets a server run out of room at every step; its folder has to be on a small disk of its own.
`soak` does jobs for a long time and measures the memory of the server.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import app  # noqa: F401  (first: it says how torch's threads wait, before torch is loaded)
from scripts.campaign import clients, corpus, disk, documents, kill, masks, media, soak
from scripts.campaign.ledger import part

CAMPAIGNS = {
    **{"clients": clients, "corpus": corpus, "disk": disk, "documents": documents, "kill": kill},
    **{"masks": masks, "media": media, "soak": soak},
}
"""Each a module with `add_arguments(parser)` and `run(options)`, which returns the exit code."""


def main(arguments: list[str]) -> int:
    """Run the campaign that is named; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m scripts.campaign", description=__doc__.partition("\n")[0])
    names = parser.add_subparsers(dest="campaign", required=True)
    for name, module in CAMPAIGNS.items():
        own = names.add_parser(name, help=(module.__doc__ or "").partition("\n")[0])
        own.add_argument("--folder", type=Path, required=True, help="where files and findings are kept")
        own.add_argument("--seed", type=int, default=0, help="chooses what is sampled (0)")
        own.add_argument("--sample", type=int, help="how many; all when left out")
        own.add_argument("--minutes", type=float, help="stop after so long; the next run goes on")
        own.add_argument("--part", type=part, default=(1, 1), metavar="K/N", help="only the Kth of N parts")
        module.add_arguments(own)
    options = parser.parse_args(arguments)
    os.environ.setdefault("SVT_LOG", "1")  # that encoder talks to the terminal otherwise
    return CAMPAIGNS[options.campaign].run(options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
