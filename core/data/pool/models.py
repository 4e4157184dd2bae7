"""Which 3D models of the packages are seen from all sides, and how often."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from core.data.pool import meshes, turntable

_FLIGHTGEAR = "usr/share/games/flightgear/Models"
_TAKEN = ("Transport", "Aircraft", "Airport/Pushback", "Airport/Vehicle", "Maritime/Civilian", "Maritime/Military", "Geometry/sailboat1")
_NOT = ("strobe", "towropes", "light", "coach_", "ils", "wake", "hull_only")
_MOVES = ("walk", "attack", "moving", "running", "flying")


def _torcs(folder: Path) -> Iterator[tuple[Path, int]]:
    for path in sorted((folder / "usr/share/games/torcs/cars").glob("*/*.acc")):
        if path.stem == path.parent.name:
            yield path, 3


def _trigger(folder: Path) -> Iterator[tuple[Path, int]]:
    home = folder / "usr/share/games/trigger-rally"
    if not (home / "data").exists():
        with zipfile.ZipFile(home / "data.zip") as archive:
            archive.extractall(home / "data")
    for path in sorted((home / "data/vehicles").glob("*/*.obj")):
        if "wheel" not in path.stem:
            yield path, 2


def _flightgear(folder: Path) -> Iterator[tuple[Path, int]]:
    for part in _TAKEN:
        for path in sorted((folder / _FLIGHTGEAR / part).rglob("*.ac")):
            if not any(word in path.stem for word in _NOT):
                yield path, 1


def _megaglest(folder: Path) -> Iterator[tuple[Path, int]]:
    seen: set[tuple[str, int]] = set()
    for path in sorted((folder / "usr/share/games/megaglest").rglob("units/*/models/*.g3d")):
        key = (path.stem, path.stat().st_size)  # factions share some units
        if any(word in path.stem for word in _MOVES) and key not in seen:
            seen.add(key)
            yield path, 1


SOURCES = {"torcs-data": _torcs, "trigger-rally-data": _trigger, "flightgear-data-models": _flightgear, "megaglest-data": _megaglest}
"""Package, and the models of its unpacked folder that are taken: (file, sheets)."""


def read(path: Path) -> meshes.Mesh:
    """A model of the packages, upright and on its wheels.

    OSError or ValueError when it can't be read.
    """
    if path.suffix == ".acc":
        return meshes.on_wheels(meshes.read_ac3d(path))
    if path.suffix == ".obj":
        return meshes.on_wheels(meshes.upright(meshes.read_obj(path)))
    return meshes.read_g3d(path) if path.suffix == ".g3d" else meshes.read_ac3d(path)


def draw(unpacked: Path, folder: Path, processes: int = 1) -> int:
    """Draw all sheets of the packages unpacked in `unpacked`/PACKAGE as `folder`/NAME.webp; returns
    how many there are.

    Args:
        unpacked: folder with one folder per package
        folder: where the sheets go; those that are there are not drawn again
        processes: how many to draw at once

    Raises:
        OSError: a sheet can't be written

    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = []
    for package, models in SOURCES.items():
        for path, sheets in models(unpacked / package):
            wanted += [(path, folder / f"{_name(package, path)}-{index}.webp", index) for index in range(sheets)]
    with ProcessPoolExecutor(processes) as pool:
        return sum(pool.map(_sheet, *zip(*wanted, strict=True)))


def _name(package: str, path: Path) -> str:
    """Unlike for units of one name in MegaGlest's factions."""
    faction = f"{path.parts[-5]}-" if path.suffix == ".g3d" else ""
    return f"{package.split('-')[0]}-{faction}{path.stem}"


def _sheet(path: Path, target: Path, seed: int) -> bool:
    if target.exists():
        return True
    try:
        sheet = turntable.turned(read(path), np.random.default_rng([seed, *path.stem.encode()]))
    except (OSError, ValueError, IndexError, StopIteration) as error:
        print(f"{path.name} is left out: {error}")
        return False
    if (sheet[..., 3] > 128).mean() < 0.01:
        print(f"{path.name} is left out: it shows next to nothing")
        return False
    Image.fromarray(sheet).save(target, quality=72, alpha_quality=90, method=4)
    return True
