"""The world to learn tracking from, with pictures of real things in it.

Most backgrounds are crops of photographs, half of the textures are patches of them, and most things
are cut-outs, or turn before the camera as models seen from all sides do. Cut-outs bend at the hip
and turn away; whole crowds are of one kind; smoke and dust drift by; and clips are squeezed into
their square as those of wide and of upright cameras are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from core.data.creatures import _PLANS, Bodies, PARTS, SOLID_PLAN
from core.data.liveliness import Liveliness
from core.data.noise import chance, log_uniform, octave_noise, seeded, uniform
from core.data.photos import Photos, Pictures, read_photos
from core.data.tracking import Camera, Placement, THINGS, TrackingWorld

_PHOTOGRAPHED = 0.8  # of the backgrounds
_REAL = 0.72  # of the things
_KINDS = (0.44, 0.44, 0.12)  # turning, cut-out, emoji, among those
_LARGER = 1.25  # a thing that turns seldom fills its picture
_CROWDS, _SMOKE, _HURRIED = 0.12, 0.14, 0.2
_SMOKES = 24


@dataclass
class Cast:
    """What each thing (B, THINGS) shows: kind 0 turning, 1 cut-out, 2 emoji, 3 drawn; index of its
    picture; and where a sheet begins.
    """

    kind: Tensor
    index: Tensor
    phase: Tensor


class PhotoLiveliness(Liveliness):
    """Sheets that turn, cut-outs that stride, nod and turn away."""

    def __init__(self, cast: Cast, sheets: Tensor, dtype: torch.dtype, time: Tensor) -> None:
        device, shape = time.device, cast.kind.shape
        self.cast, self.sheets, self.dtype = cast, sheets, dtype
        views = sheets.shape[1]
        pace = log_uniform(*shape, 1, device=device, low=3, high=60) * (2 * chance(*shape, 1, device=device, p=0.5) - 1)
        at = torch.remainder(cast.phase[..., None] * 2 * views + pace * time[:, None], 2 * (views - 1))
        self.view = torch.minimum(at, 2 * (views - 1) - at).round().long()
        flat = (cast.kind == 1) | (cast.kind == 2)
        self.stride = 0.5 * uniform(*shape, device=device) * chance(*shape, device=device, p=0.35) * flat
        self.nod = 0.4 * uniform(*shape, device=device) * chance(*shape, device=device, p=0.3) * flat
        self.hip, self.neck = (uniform(*shape, device=device, low=low, high=low + 0.25) for low in (-0.1, 0.0))
        self.swing, self.beat = (log_uniform(*shape, device=device, low=6, high=60) for _ in range(2))
        self.away = 1.2 * uniform(*shape, device=device) * chance(*shape, device=device, p=0.4) * flat
        self.roll = log_uniform(*shape, device=device, low=2, high=15)
        self.start = uniform(3, *shape, device=device, high=2 * math.pi)

    def views(self, thing: int, pictures: Tensor) -> Tensor | None:
        frames = self.view.shape[2]
        found = self.sheets[self.cast.index[:, thing, None] % len(self.sheets), self.view[:, thing]]
        found = found.to(self.dtype) / 255
        turning = as_picture(found.flatten(0, 1), pictures.shape[-1]).unflatten(0, found.shape[:2])
        still = pictures[:, None].expand(-1, frames, -1, -1, -1)
        # the tint and contrast that the first view has been given
        first = as_picture(self.sheets[self.cast.index[:, thing] % len(self.sheets), 0].to(self.dtype) / 255, pictures.shape[-1])
        gain = pictures[:, :3].mean((2, 3), keepdim=True) / first[:, :3].mean((2, 3), keepdim=True).clamp(min=0.02)
        turning = torch.cat([(turning[:, :, :3] * gain[:, None].clamp(max=3)).clamp(0, 1), turning[:, :, 3:]], 2)
        return torch.where((self.cast.kind[:, thing] == 0).view(-1, 1, 1, 1, 1), turning, still)

    def bend(self, thing: int, x: Tensor, y: Tensor, time: Tensor) -> tuple[Tensor, Tensor]:
        """Let legs stride, heads nod and whole things turn away.

        Args:
            thing: which of a clip's things.
            x: coordinates on the thing across, (B, T, S, S).
            y: coordinates down, (B, T, S, S).
            time: of every frame, (B, T).

        Returns:
            The coordinates to look the thing up at.
        """

        def own(values: Tensor) -> Tensor:
            return values[:, thing, None, None, None]

        def wave(pace: Tensor, which: int) -> Tensor:
            return (pace[:, thing, None] * time + self.start[which, :, thing, None])[..., None, None]

        side = torch.tanh(12 * x)
        x = x + own(self.stride) * F.relu(y - own(self.hip)) * torch.sin(wave(self.swing, 0)) * side
        x = x + own(self.nod) * F.relu(-y - own(self.neck)) * torch.sin(wave(self.beat, 1))
        yaw = own(self.away) * torch.sin(wave(self.roll, 2))
        return x / yaw.cos().clamp(min=0.3) * (1 + 0.5 * yaw.sin() * x), y


def as_picture(cut: Tensor, size: int) -> Tensor:
    """Cut-outs (N, 4, s, s) in [0, 1] as parts' pictures (N, 4, size, size), whose fourth channel
    is about a distance to the edge.
    """
    if cut.shape[-1] > size:
        cut = F.interpolate(cut, size=(size, size), mode="bilinear", align_corners=False, antialias=True)
    else:
        cut = F.interpolate(cut, size=(size, size), mode="bilinear", align_corners=False)
    soft = F.avg_pool2d(cut[:, 3:], 3, 1, 1)
    # beyond the edge it is sure, however small the thing becomes
    edge = torch.where((soft - 0.5).abs() > 0.49, (soft - 0.5).sign(), (soft - 0.5) * (6 / size))
    return torch.cat([cut[:, :3], edge], 1)


@dataclass
class SqueezedCamera(Camera):
    """A camera whose picture has another shape than the square it is squeezed into: `squeeze` (B,)
    is the root of its width to height.
    """

    squeeze: Tensor

    def look(self, x: Tensor, y: Tensor, depth: Tensor) -> tuple[Tensor, Tensor]:
        """Find what a place in the picture shows.

        Args:
            x: picture coordinates across, in half sides.
            y: picture coordinates down.
            depth: of the things, (B,).

        Returns:
            World coordinates x and y, (B, T, S, S) each.
        """
        wide = self.squeeze[:, None, None, None]
        return super().look(x * wide, y / wide, depth)

    def project(self, position: Tensor, depth: Tensor) -> Tensor:
        wide = self.squeeze[:, None, None]
        return super().project(position, depth) * torch.cat([1 / wide, wide], 1)


class PhotoWorld(TrackingWorld):
    """A TrackingWorld with pictures from a folder in it (core.data.photos)."""

    def __init__(self, pictures: Path, held_out: bool, device: torch.device | str = "cpu", *, seed: int = 0, **pools: int) -> None:
        """Pools of the sizes of TrackingWorld's, and pictures of real things: those that training
        doesn't see when `held_out`.
        """
        super().__init__(device, seed=seed, **pools)
        photos = read_photos(pictures, held_out)
        rng = np.random.default_rng(seed + 77)
        count, side = len(self.backgrounds), self.backgrounds.shape[-1]
        self.photos = self._crops(photos, 2 * count, side, (0.35, 1.0), rng)
        patches = self._crops(photos, len(self.textures), self.textures.shape[-1], (0.1, 1.0), rng)
        self.textures = torch.cat([self.textures, patches])
        self.cutouts, self.emoji, self.sheets = (self._channels(part) for part in (photos.cutouts, photos.emoji, photos.turning))
        shares = [share for _, share, _ in _PLANS]
        shares[SOLID_PLAN] = (sum(shares) - shares[SOLID_PLAN]) * _REAL / (1 - _REAL)
        self.builder.limits = torch.tensor(shares, device=self.device).cumsum(0)
        with seeded(seed + 78, device):
            noise = octave_noise(_SMOKES, 1, 256, self.device, finest=48, flattest=0.25)
            self.smoke = torch.sigmoid(1.6 * noise).to(self.dtype)
        self._cast: Cast

    def _crops(self, photos: Photos, count: int, size: int, parts: tuple[float, float], rng: np.random.Generator) -> Tensor:
        """Square crops of backgrounds, uint8 (count, 3, size, size): each a share of the shorter
        side between `parts`.
        """
        made = []
        for _ in range(count):
            picture = photos.backgrounds[rng.integers(len(photos.backgrounds))]
            height, width = picture.shape[:2]
            side = int(min(height, width) * rng.uniform(*parts))
            y, x = rng.integers(0, height - side + 1), rng.integers(0, width - side + 1)
            part = torch.from_numpy(np.ascontiguousarray(picture[y : y + side, x : x + side])).to(self.device)
            part = part.permute(2, 0, 1)[None].float()
            made.append(F.interpolate(part, size=(size, size), mode="bicubic" if side < size else "area").clamp(0, 255).byte())
        return torch.cat(made)

    def _channels(self, pictures: Pictures) -> Tensor:
        return torch.from_numpy(pictures).to(self.device).movedim(-1, -3).contiguous()

    def _make_twins(self, bodies: Bodies, twin: Tensor, batch: int) -> None:
        """Casts the things too: twins, and all of a crowd, show the same."""
        super()._make_twins(bodies, twin, batch)
        device, shape = self.device, (batch, THINGS)
        drawn = torch.rand(*shape, device=device)
        kind = (drawn > _KINDS[0]).long() + (drawn > _KINDS[0] + _KINDS[1]).long()
        index = torch.randint(0, 1 << 30, shape, device=device)
        alone = bodies.plan.view(shape) == SOLID_PLAN
        kind = torch.where(alone & (torch.rand(*shape, device=device) < 0.95), kind, 3)
        crowd = torch.rand(batch, 1, device=device) < _CROWDS
        alike = torch.cat([torch.zeros_like(crowd), (twin[:, None] > 0) | crowd, crowd, crowd], 1)
        index = torch.where(alike, index[:, :1], index)
        # what is no single part can't wear a cut-out
        kind = torch.where(alike & alone & alone[:, :1] & (kind[:, :1] < 3), kind[:, :1].expand(shape), kind)
        self._cast = Cast(kind, index, torch.rand(*shape, device=device))
        bodies.half = bodies.half * (1 + (_LARGER - 1) * (kind == 0)).view(-1, 1, 1)

    def _lively(self, time: Tensor) -> Liveliness:
        return PhotoLiveliness(self._cast, self.sheets, self.dtype, time)

    def _pictures(self, batch: int, canvas: Tensor, bodies: Bodies, twin: Tensor, picture: int) -> Tensor:
        device, dtype = self.device, self.dtype
        painted = super()._pictures(batch, canvas, bodies, twin, picture).view(batch, THINGS, PARTS, 4, picture, picture)
        kind, index, things = self._cast.kind.flatten(), self._cast.index.flatten(), batch * THINGS
        flat = torch.where((kind == 2).view(-1, 1, 1, 1), self.emoji[index % len(self.emoji)], self.cutouts[index % len(self.cutouts)])
        cut = torch.where((kind == 0).view(-1, 1, 1, 1), self.sheets[index % len(self.sheets), 0], flat)
        cut = as_picture(cut.to(dtype) / 255, picture)
        colour = cut[:, :3]
        mean = colour.mean((2, 3), keepdim=True)
        contrast = uniform(things, 1, 1, 1, device=device, low=0.6, high=1.2)
        dark = 1 - chance(things, 1, 1, 1, device=device, p=0.2) * uniform(things, 1, 1, 1, device=device, low=0.4, high=0.8)
        tint = uniform(things, 3, 1, 1, device=device, low=0.85, high=1.15) * uniform(things, 1, 1, 1, device=device, low=0.6, high=1.25)
        colour = ((mean + contrast.to(dtype) * (colour - mean)) * (tint * dark).to(dtype)).clamp(0, 1)
        gray = colour.mean(1, keepdim=True).expand(-1, 3, -1, -1)
        colour = torch.where(torch.rand(things, 1, 1, 1, device=device) < 0.1, gray, colour)
        cut = torch.cat([colour, cut[:, 3:]], 1).view(batch, THINGS, 1, 4, picture, picture)
        # in every slot, so that the clutter gets some too
        return torch.where((kind < 3).view(batch, THINGS, 1, 1, 1, 1), cut, painted).flatten(1, 2)

    def _background(self, batch: int) -> Tensor:
        plain, device = super()._background(batch), self.device
        photo = self.photos[torch.randint(0, len(self.photos), (batch,), device=device)].to(self.dtype) / 255
        photo = torch.where(torch.rand(batch, 1, 1, 1, device=device) < 0.5, photo.flip(3), photo)
        tint = uniform(batch, 3, 1, 1, device=device, low=0.85, high=1.12) + uniform(batch, 1, 1, 1, device=device, low=-0.15, high=0.1)
        photo = (photo * tint.to(self.dtype)).clamp(0, 1)
        return torch.where(torch.rand(batch, 1, 1, 1, device=device) < _PHOTOGRAPHED, photo, plain)

    def _camera(self, batch: int, time: Tensor) -> Camera:
        camera, device = super()._camera(batch, time), self.device
        shape = torch.rand(batch, device=device)
        # square, upright, a little wide, or as wide as most are
        squeeze = 1 - 0.25 * (shape > 0.35).float() + 0.4 * (shape > 0.45).float() + 0.183 * (shape > 0.55).float()
        return SqueezedCamera(camera.pan, camera.roll, camera.zoom, squeeze)

    def _velocity(self, labels: Tensor, place: Placement, camera: Camera) -> Tensor:
        batch, frames = labels.shape[:2]
        hurried = chance(batch, 1, 1, 1, device=self.device, p=_HURRIED)
        return super()._velocity(labels, place, camera) * (1 + hurried).repeat_interleave(frames, 0, output_size=batch * frames)

    def _air(self, scene: Tensor, time: Tensor) -> Tensor:
        batch, _, frames, size, _ = scene.shape
        device, dtype = self.device, self.dtype
        line = (torch.arange(size, device=device) + 0.5) / size * 2 - 1
        x, y = line[None, None, None, :], line[None, None, :, None]
        zoom = log_uniform(batch, 1, 1, 1, device=device, low=0.3, high=0.9)
        drift = torch.randn(2, batch, 1, device=device) * time * log_uniform(batch, 1, device=device, low=0.3, high=3)
        at = uniform(2, batch, 1, 1, 1, device=device, low=-0.5, high=0.5) + drift[..., None, None]
        grid = torch.stack(torch.broadcast_tensors(zoom * x + at[0], zoom * y + at[1]), -1).view(batch, frames * size, size, 2)
        cloud = self.smoke[torch.randint(0, len(self.smoke), (batch,), device=device)]
        thick = F.grid_sample(cloud, grid.to(dtype), mode="bilinear", padding_mode="reflection", align_corners=False)
        thick = thick.view(batch, 1, frames, size, size)
        low = uniform(batch, 1, 1, 1, 1, device=device, low=0.15, high=0.6).to(dtype)
        most = uniform(batch, 1, 1, 1, 1, device=device, low=0.3, high=0.85) * chance(batch, 1, 1, 1, 1, device=device, p=_SMOKE)
        thick = most.to(dtype) * ((thick - low) / (1 - low)).clamp(0, 1) ** 0.7
        gray = uniform(batch, 1, 1, 1, 1, device=device, low=0.25, high=1)
        dust = (gray * uniform(batch, 3, 1, 1, 1, device=device, low=0.85, high=1)).to(dtype)
        return torch.lerp(scene, dust.expand_as(scene), thick)
