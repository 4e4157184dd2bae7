"""`python3 -m core.data.pool FOLDER`: make the pool of pictures that `small-sam2 pictures=FOLDER`
learns from.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from core.data.pool import cuttings, models, packages
from core.errors import StudioError


def main() -> int:
    """Fetch, unpack, scale and draw; tells of versions and numbers."""
    parser = argparse.ArgumentParser(prog="python3 -m core.data.pool", description="Make the pool of pictures from Debian packages.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--packages", type=Path, help="where packages are kept and unpacked (default: FOLDER/packages)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    unpacked = given.packages or given.folder / "packages"
    versions = packages.fetch(unpacked)
    for package in packages.PACKAGES:
        print(f"{package.kind:6} {package.name} {versions[package.name]} ({package.licence})", flush=True)
    counts = cuttings.draw(unpacked, given.folder)
    counts["turn"] = models.draw(unpacked, given.folder / "turn", given.processes)
    print(", ".join(f"{kind}: {count}" for kind, count in counts.items()))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except StudioError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
