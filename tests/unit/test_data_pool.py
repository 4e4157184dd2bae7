"""Pictures of real things: models are read and turned, a pool of pictures is read, and the world
shows them.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from core.data.photo_world import PhotoWorld
from core.data.photos import read_photos, SIDE
from core.data.pool import meshes, turntable
from core.data.tracking import TrackingWorld, whole_things
from core.errors import InputError

TINY = {"textures_count": 4, "outlines": 4, "solids_per_kind": 1, "backgrounds": 4, "background_size": 64, "picture_size": 32}
CUBE = [(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]
SIDES = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]


def a_cube(folder: Path, kind: str) -> Path:
    """A red cube of side 2 in one of the formats."""
    path = folder / f"cube{kind}"
    if kind == ".obj":
        lines = ["mtllib cube.mtl", "usemtl red", *(f"v {x} {y} {z}" for x, y, z in CUBE)]
        path.write_text("\n".join([*lines, *("f " + " ".join(str(corner + 1) for corner in side) for side in SIDES)]))
        (folder / "cube.mtl").write_text("newmtl red\nKd 1 0 0\n")
    elif kind == ".ac":
        points = "\n".join(f"{x} {y} {z}" for x, y, z in CUBE)
        faces = "\n".join("SURF 0x20\nmat 0\nrefs 4\n" + "\n".join(f"{corner} 0 0" for corner in side) for side in SIDES)
        header = 'AC3Db\nMATERIAL "red" rgb 1 0 0 amb 1 1 1\nOBJECT world\nkids 1\nOBJECT poly\nloc 0 5 0\n'
        path.write_text(f"{header}numvert 8\n{points}\nnumsurf 6\n{faces}\nkids 0\n")
    else:
        triangles = [three for side in SIDES for three in ((side[0], side[1], side[2]), (side[0], side[2], side[3]))]
        head = struct.pack("<4sHB", b"G3D\x04", 1, 0) + b"cube".ljust(64, b"\0") + struct.pack("<3I", 2, 8, 36)
        head += struct.pack("<8f", *[1.0] * 8) + struct.pack("<2I", 0, 0)
        still = np.asarray(CUBE, "<f4")
        path.write_bytes(head + still.tobytes() + (2 * still).tobytes() + bytes(2 * 8 * 12) + np.asarray(triangles, "<u4").tobytes())
    return path


@pytest.mark.parametrize(("kind", "frames"), [(".obj", 1), (".ac", 1), (".g3d", 2)])
def test_a_model_is_read(tmp_path: Path, kind: str, frames: int) -> None:
    read = {".obj": meshes.read_obj, ".ac": meshes.read_ac3d, ".g3d": meshes.read_g3d}[kind]
    mesh = read(a_cube(tmp_path, kind))
    assert mesh.vertices.shape == (frames, 8, 3)
    assert mesh.corners.shape == (12, 3)
    corners = mesh.vertices[0][mesh.corners]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).sum() / 2
    assert area == pytest.approx(24)
    if kind != ".g3d":
        assert mesh.colour.tolist() == [[1, 0, 0]] * 12
    if kind == ".ac":
        assert mesh.vertices[0, :, 1].mean() == pytest.approx(5)
    wheeled = meshes.on_wheels(meshes.upright(mesh))
    assert len(wheeled.corners) > 12 + 4 * 100


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.ac").write_text("AC3Db\nOBJECT world\nkids 0\n")
    with pytest.raises(ValueError, match="without a triangle"):
        meshes.read_ac3d(tmp_path / "empty.ac")
    (tmp_path / "old.g3d").write_bytes(b"G3D\x03\0\0\0")
    with pytest.raises(ValueError, match="no G3D file of version 4"):
        meshes.read_g3d(tmp_path / "old.g3d")


def test_a_model_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turntable, "VIEWS", 4)
    sheet = turntable.turned(meshes.read_obj(a_cube(tmp_path, ".obj")), np.random.default_rng(3), sweep=1.0)
    assert sheet.shape == (turntable.SIDE, 4 * turntable.SIDE, 4)
    views = np.split(sheet, 4, 1)
    for view in views:
        solid = view[..., 3] > 128
        assert 0.2 < solid.mean() < 0.6
        assert not view[0, :, 3].any()  # it lies whole in its picture
        assert solid[turntable.SIDE // 2, turntable.SIDE // 2]  # and has no hole
        assert view[solid][:, 0].mean() > 3 * view[solid][:, 1].mean()
    assert np.abs(views[0].astype(int) - views[3]).mean() > 5


@pytest.fixture(scope="module")
def pool(tmp_path_factory) -> Path:
    """Two pictures of each kind: what training sees is bright, what is held out is dark."""
    folder = tmp_path_factory.mktemp("pool")
    rng = np.random.default_rng(0)
    for kind, shape in (("bg", (80, 120, 3)), ("cut", (90, 60, 4)), ("emoji", (50, 50, 4)), ("turn", (40, 120, 4))):
        (folder / kind).mkdir()
        for name, bright in (("a-0", 40), ("b-0", 230)):
            picture = rng.integers(bright - 20, bright + 20, shape).astype(np.uint8)
            if shape[2] == 4:
                picture[..., 3] = 255
                picture[:6, ..., 3] = 0
            Image.fromarray(picture).save(folder / kind / f"{name}.webp", lossless=True)
    return folder


def test_a_pool_is_read_in_two_parts(pool: Path, tmp_path: Path) -> None:
    for held_out, bright in ((True, 40), (False, 230)):
        photos = read_photos(pool, held_out)
        assert len(photos.backgrounds) == len(photos.cutouts) == len(photos.emoji) == 1
        assert photos.turning.shape == (1, 3, SIDE, SIDE, 4)
        assert abs(photos.backgrounds[0].mean() - bright) < 10
        solid = photos.cutouts[0][..., 3] > 128
        assert abs(photos.cutouts[0][solid][:, :3].mean() - bright) < 10
        assert solid.any(1).sum() > 0.9 * SIDE  # as large as it can be
    with pytest.raises(InputError, match=r"has no pictures in bg.*core\.data\.pool"):
        read_photos(tmp_path, False)


def test_the_world_shows_pictures(pool: Path) -> None:
    world = PhotoWorld(pool, False, "cpu", seed=3, **TINY)
    first, again = (world.sample(3, 3, 64, seed=5) for _ in range(2))
    assert torch.equal(first.pixels, again.pixels)
    assert torch.equal(first.labels, again.labels)
    assert first.pixels.shape == (3, 3, 3, 64, 64)
    assert bool(first.pixels.isfinite().all())
    assert not torch.equal(first.pixels, TrackingWorld("cpu", seed=3, **TINY).sample(3, 3, 64, seed=5).pixels)
    masks, _ = whole_things(world.sample(16, 2, 64, seed=1), 1)
    assert 0.003 < masks.float().mean() < 0.5
