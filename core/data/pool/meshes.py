"""Readers of textured 3D models in the formats that games' packages bring: AC3D (.ac, .acc),
Wavefront (.obj) and MegaGlest's (.g3d).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.pictures import FORMATS, open_picture

Floats = NDArray[np.float32]

_TEXTURES = (*FORMATS, "TGA", "DDS", "PCX")


@dataclass
class Mesh:
    """Triangles of a model that may move: `vertices` (F, V, 3), y up, for F frames of an animation;
    `corners` (N, 3) into them; `uv` (N, 3, 2), v upwards; `paint` (N,) into `textures` or -1;
    `colour` (N, 3) in [0, 1] where there is no texture, a tint where there is.
    """

    vertices: Floats
    corners: NDArray[np.int64]
    uv: Floats
    paint: NDArray[np.int64]
    colour: Floats
    textures: list[NDArray[np.uint8]] = field(default_factory=list)


class _Collector:
    """Triangles as they are met in a file of one frame."""

    def __init__(self) -> None:
        self.vertices: list[Floats] = []
        self.corners: list[tuple[int, int, int]] = []
        self.uv: list[list[tuple[float, float]]] = []
        self.paint: list[int] = []
        self.colour: list[tuple[float, float, float]] = []
        self.textures: list[NDArray[np.uint8]] = []
        self._known: dict[Path, int] = {}

    def texture(self, path: Path) -> int:
        """The index of a picture, -1 when it is not there."""
        if path not in self._known:
            try:
                picture = np.asarray(open_picture(path, formats=_TEXTURES).convert("RGBA"))
            except OSError:
                self._known[path] = -1
                return -1
            self._known[path] = len(self.textures)
            self.textures.append(picture)
        return self._known[path]

    def polygon(self, corners: list[tuple[int, float, float]], paint: int, colour: tuple[float, float, float], strip: bool) -> None:
        """A convex polygon, or a strip of triangles, of (vertex, u, v)."""
        for index in range(len(corners) - 2):
            three = corners[index : index + 3] if strip else [corners[0], corners[index + 1], corners[index + 2]]
            self.corners.append((three[0][0], three[1][0], three[2][0]))
            self.uv.append([corner[1:] for corner in three])
            self.paint.append(paint)
            self.colour.append(colour)

    def mesh(self) -> Mesh:
        """All of it; ValueError when there is none."""
        if not self.corners:
            raise ValueError("a model without a triangle")
        vertices = np.asarray(self.vertices, np.float32)[None]
        arrays = np.asarray(self.corners), np.asarray(self.uv, np.float32), np.asarray(self.paint), np.asarray(self.colour, np.float32)
        return Mesh(vertices, *arrays, self.textures)


def read_ac3d(path: Path) -> Mesh:
    """An AC3D file, with the strips of triangles of its .acc relative.

    OSError or ValueError when it can't be read.
    """
    lines = iter(path.read_text(encoding="latin-1").splitlines())
    collector = _Collector()
    materials: list[tuple[float, float, float]] = []
    stack = [(np.eye(3, dtype=np.float32), np.zeros(3, np.float32))]  # rotation and place of each parent still expecting kids
    waiting = [1]
    turn, place, paint, base = np.eye(3, dtype=np.float32), np.zeros(3, np.float32), -1, 0
    repeat = (1.0, 1.0)
    strip, material = False, 0
    for line in lines:
        words = line.split()
        if not words:
            continue
        key = words[0]
        if key == "MATERIAL":
            at = words.index("rgb")
            materials.append((float(words[at + 1]), float(words[at + 2]), float(words[at + 3])))
        elif key == "OBJECT":
            turn, place, paint, repeat = np.eye(3, dtype=np.float32), np.zeros(3, np.float32), -1, (1.0, 1.0)
        elif key == "data":
            next(lines)
        elif key == "loc":
            place = np.asarray(words[1:4], np.float32)
        elif key == "rot":
            turn = np.asarray(words[1:10], np.float32).reshape(3, 3)
        elif key == "texture" and paint < 0:
            paint = collector.texture(path.parent / Path(words[1].strip('"')).name)
        elif key == "texrep":
            repeat = (float(words[1]), float(words[2]))
        elif key == "numvert":
            base = len(collector.vertices)
            above, offset = stack[-1]
            for _ in range(int(words[1])):
                point = np.asarray(next(lines).split()[:3], np.float32)
                collector.vertices.append(((point @ turn + place) @ above + offset).astype(np.float32))
        elif key == "SURF":
            strip = int(words[1], 16) & 15 == 4
        elif key == "mat":
            material = int(words[1])
        elif key == "refs":
            corners = []
            for _ in range(int(words[1])):
                corner = next(lines).split()
                corners.append((base + int(corner[0]), repeat[0] * float(corner[1]), repeat[1] * float(corner[2])))
            colour = materials[material] if material < len(materials) else (0.7, 0.7, 0.7)
            collector.polygon(corners, paint, colour, strip)
        elif key == "kids":
            waiting[-1] -= 1
            if int(words[1]):
                above, offset = stack[-1]
                stack.append((turn @ above, place @ above + offset))
                waiting.append(int(words[1]))
            while len(waiting) > 1 and waiting[-1] == 0:
                waiting.pop()
                stack.pop()
    return collector.mesh()


def read_obj(path: Path) -> Mesh:
    """A Wavefront file with its materials' pictures. OSError or ValueError if it can't be read."""
    collector = _Collector()
    uv: list[tuple[float, float]] = [(0.0, 0.0)]
    paints: dict[str, tuple[int, tuple[float, float, float]]] = {}
    paint, colour = -1, (0.7, 0.7, 0.7)
    for line in path.read_text(encoding="latin-1").splitlines():
        words = line.split()
        if not words:
            continue
        if words[0] == "v":
            collector.vertices.append(np.asarray(words[1:4], np.float32))
        elif words[0] == "vt":
            uv.append((float(words[1]), float(words[2])))
        elif words[0] == "mtllib":
            paints |= _materials(path.parent / words[1], collector)
        elif words[0] == "usemtl":
            paint, colour = paints.get(words[1], (-1, (0.7, 0.7, 0.7)))
        elif words[0] == "f":
            corners = []
            for word in words[1:]:
                vertex, texture, *_ = [*word.split("/"), ""]
                corners.append((int(vertex) - 1, *uv[int(texture) if texture else 0]))
            collector.polygon(corners, paint, colour, False)
    return collector.mesh()


def _materials(path: Path, collector: _Collector) -> dict[str, tuple[int, tuple[float, float, float]]]:
    """Picture and colour of each material of a .mtl file."""
    found: dict[str, tuple[int, tuple[float, float, float]]] = {}
    name = ""
    for line in path.read_text(encoding="latin-1").splitlines() if path.exists() else []:
        words = line.split()
        if words[:1] == ["newmtl"]:
            name = words[1]
            found[name] = (-1, (0.7, 0.7, 0.7))
        elif words[:1] == ["Kd"]:
            found[name] = (found[name][0], (float(words[1]), float(words[2]), float(words[3])))
        elif words[:1] == ["map_Kd"]:
            found[name] = (collector.texture(path.parent / Path(words[-1]).name), (1.0, 1.0, 1.0))
    return found


def read_g3d(path: Path) -> Mesh:
    """A MegaGlest model of version 4, with all frames of its animation.

    OSError or ValueError when it is none.

    Where its texture is clear the team's colour shows through: the mesh's `colour` is drawn from
    the file's name.
    """
    data = path.read_bytes()
    if data[:4] != b"G3D\x04":
        raise ValueError(f"{path} is no G3D file of version 4")
    count, _ = struct.unpack_from("<HB", data, 4)
    at = 7
    rng = np.random.default_rng(sum(path.name.encode()))
    team = rng.uniform(0.1, 0.9, 3).astype(np.float32)
    vertices, corners, uvs, paint, colours = [], [], [], [], []
    textures: list[NDArray[np.uint8]] = []
    base = 0
    for _ in range(count):
        frames, points, indices = struct.unpack_from("<3I", data, at + 64)
        properties, maps = struct.unpack_from("<2I", data, at + 64 + 12 + 32)
        at += 64 + 12 + 32 + 8
        picture = -1
        for bit in range(5):
            if maps >> bit & 1:
                name = data[at : at + 64].split(b"\0")[0].decode("latin-1")
                at += 64
                if bit == 0 and (path.parent / name).exists():
                    picture = len(textures)
                    texture = np.asarray(open_picture(path.parent / name, formats=_TEXTURES).convert("RGBA"))
                    textures.append(_over(texture, team, bool(properties & 1)))
        size = frames * points * 3
        vertices.append(np.frombuffer(data, "<f4", size, at).reshape(frames, points, 3))
        at += 2 * size * 4  # normals are found out from the triangles
        uv = np.zeros((points, 2), np.float32)
        if maps:
            uv = np.frombuffer(data, "<f4", points * 2, at).reshape(points, 2)
            at += points * 8
        index = np.frombuffer(data, "<u4", indices, at).reshape(-1, 3).astype(np.int64)
        at += indices * 4
        corners.append(index + base)
        uvs.append(uv[index])
        paint.append(np.full(len(index), picture))
        colours.append(np.tile(team if picture < 0 else np.ones(3, np.float32), (len(index), 1)))
        base += points
    most = max(len(each) for each in vertices)
    still = [each[np.arange(most) * len(each) // most] for each in vertices]
    joined = (np.concatenate(corners), np.concatenate(uvs), np.concatenate(paint), np.concatenate(colours))
    return Mesh(np.concatenate(still, 1), *joined, textures)


def _over(picture: NDArray[np.uint8], team: Floats, tinted: bool) -> NDArray[np.uint8]:
    """A texture over the team's colour, where it wears one; then it is solid."""
    if not tinted:
        return picture
    alpha = picture[..., 3:].astype(np.float32) / 255
    solid = picture[..., :3] * alpha + 255 * team * (1 - alpha)
    return np.concatenate([solid, np.full_like(alpha, 255)], -1).astype(np.uint8)


def upright(mesh: Mesh) -> Mesh:
    """A model whose third axis is up, turned so that its second is."""
    mesh.vertices = np.stack([mesh.vertices[..., 0], mesh.vertices[..., 2], -mesh.vertices[..., 1]], -1)
    return mesh


def on_wheels(mesh: Mesh) -> Mesh:
    """A still model of a car's body, as racing games keep it, with four wheels where a car has
    them.
    """
    body = mesh.vertices[0]
    low, high = np.quantile(body, 0.003, axis=0), np.quantile(body, 0.997, axis=0)
    ahead = 0 if high[0] - low[0] > high[2] - low[2] else 2
    side = 2 - ahead
    length, width = high[ahead] - low[ahead], high[side] - low[side]
    radius, thick = 0.075 * length, 0.12 * width
    angle = np.arange(20) / 20 * 2 * np.pi
    vertices, corners, colours = [], [], []
    base = len(body)
    for along in (-0.29, 0.3):
        for across in (-1, 1):
            centre = (low + high) / 2
            centre[ahead] += along * length
            centre[side] += across * (width / 2 - thick)
            centre[1] = low[1] + 0.7 * radius
            for reach, at in ((1.0, 0.0), (1.0, 1.0), (0.62, 1.02), (0.0, 1.02)):
                ring = np.tile(centre, (20, 1))
                ring[:, ahead] += reach * radius * np.cos(angle)
                ring[:, 1] += reach * radius * np.sin(angle)
                ring[:, side] += across * at * thick
                vertices.append(ring)
            for band, shade in enumerate((0.05, 0.07, 0.5)):
                for spoke in range(20):
                    one, two = base + 20 * band + spoke, base + 20 * band + (spoke + 1) % 20
                    corners += [(one, two, one + 20), (two, two + 20, one + 20)]
                    colours += [(shade if spoke % 4 or band < 2 else 0.15,) * 3] * 2
            base += 80
    count = len(corners)
    return Mesh(
        np.concatenate([body, *vertices]).astype(np.float32)[None],
        np.concatenate([mesh.corners, np.asarray(corners)]),
        np.concatenate([mesh.uv, np.zeros((count, 3, 2), np.float32)]),
        np.concatenate([mesh.paint, np.full(count, -1)]),
        np.concatenate([mesh.colour, np.asarray(colours, np.float32)]),
        mesh.textures,
    )
