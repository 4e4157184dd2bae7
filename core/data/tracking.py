"""A procedural world to learn tracking from: clips of whole moving things, and which pixel belongs
to which of them.

Every clip has a background under a moving camera, clutter made of the same pictures as the things,
and THINGS bodies of several parts (core.data.creatures) or shaded solids at different depths. They
move, turn, bend, change size, cover each other and come back; some wear the background's own
texture, some are twins that cross. Pools of textures, outlines, solids and backgrounds are made
once from a seed; a clip is composed of them in one go, with static shapes and nothing decided on
the host, so that a CUDA graph can hold it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from core.data.camera_effects import cosine_matrix, motion_blur, photograph
from core.data.creatures import Bodies, Builder, FAMILIES, PARTS, SOLID_PLAN
from core.data.liveliness import Liveliness
from core.data.noise import chance, log_uniform, seeded, uniform, walk
from core.data.pictures import crop, crops, lit, render_outlines
from core.data.scenery import render_backgrounds, textures
from core.data.shadows import Shadows
from core.data.solids import render_solids
from core.data.tracking_scene import Camera, paint, Placement, THINGS

_CLUTTER = 14
_MARKS = 2  # patches in another colour that a part may have


@dataclass
class TrackingClips:
    """A batch of clips. pixels (B, T, 3, S, S) in [0, 1]; labels int8 (B, T, S, S): thing * PARTS +
    part, -1 for none."""

    pixels: Tensor
    labels: Tensor

    def things(self) -> Tensor:
        """Which thing a pixel shows, int8 (B, T, S, S), -1 for none."""
        return torch.div(self.labels, PARTS, rounding_mode="floor")


class TrackingWorld:
    """Endless clips from pools made from a seed.

    The same seed, device and calls give the same clips.
    """

    def __init__(
        self,
        device: torch.device | str = "cpu",
        *,
        seed: int = 0,
        textures_count: int = 2048,
        outlines: int = 256,
        solids_per_kind: int = 60,
        backgrounds: int = 512,
        background_size: int = 512,
        picture_size: int = 128,
    ) -> None:
        self.device = torch.device(device)
        self.dtype = torch.float16 if self.device.type == "cuda" else torch.float32
        with seeded(seed, device):
            made = [textures(min(128, textures_count - start), picture_size, device) for start in range(0, textures_count, 128)]
            self.textures = (torch.cat(made) * 255).byte()
            self.outlines = render_outlines(outlines, picture_size, device)
            self.solids = render_solids(solids_per_kind, picture_size, device).rgba[:, :4]
            self.backgrounds = render_backgrounds(backgrounds, background_size, device, chunk=32)
        self.builder = Builder(device)
        self.cosine = cosine_matrix(device)

    @torch.no_grad()
    def sample(self, batch: int, frames: int, size: int, *, seed: int | None = None) -> TrackingClips:
        """Draw clips.

        Args:
            batch: Of clips, B.
            frames: Of each, T.
            size: Side in pixels, a multiple of 8.
            seed: With one, the draw depends on nothing else.

        Returns:
            The clips.
        """
        if seed is not None:
            with seeded(seed, self.device):
                return self._sample(batch, frames, size)
        return self._sample(batch, frames, size)

    def _sample(self, batch: int, frames: int, size: int) -> TrackingClips:
        device = self.device
        # from nearly still to so fast that a thing has moved by its own size in the next frame
        rate = log_uniform(batch, 1, device=device, low=0.012, high=0.45 / math.sqrt(frames))
        time = torch.arange(frames, device=device) * rate
        bodies = self.builder.draw(batch * THINGS)
        twin = chance(batch, device=device, p=0.3)
        self._make_twins(bodies, twin, batch)
        place, camera = self._placement(batch, time, twin), self._camera(batch, time)
        canvas = self._background(batch)
        pictures = self._pictures(batch, canvas, bodies, twin, picture=max(32, size // 2))
        canvas = self._clutter(canvas, pictures)
        scene = self._scene(canvas, camera, size)
        scene, labels = paint(scene, pictures, bodies, place, camera, time, Shadows.draw(batch, THINGS, device), self._lively(time))
        scene = self._air(scene, time)
        seen = scene.transpose(1, 2).reshape(batch * frames, 3, size, size)
        seen = motion_blur(seen, self._velocity(labels, place, camera))
        seen = photograph(seen, batch, self.cosine)
        return TrackingClips(seen.view(batch, frames, 3, size, size), labels)

    def _lively(self, time: Tensor) -> Liveliness:
        """What the things of a batch do besides moving, at times (B, T)."""
        return Liveliness()

    def _air(self, scene: Tensor, time: Tensor) -> Tensor:
        """What hangs in the air before a scene (B, 3, T, S, S)."""
        return scene

    def _make_twins(self, bodies: Bodies, twin: Tensor, batch: int) -> None:
        """The second thing of a clip with twins has the first one's body."""
        for name, values in vars(bodies).items():
            each = values.view(batch, THINGS, *values.shape[1:])
            alike = twin.view(batch, *[1] * (values.dim() - 1)) > 0
            second = torch.where(alike, each[:, 0], each[:, 1])
            setattr(bodies, name, torch.cat([each[:, :1], second[:, None], each[:, 2:]], 1).flatten(0, 1))

    def _placement(self, batch: int, time: Tensor, twin: Tensor) -> Placement:
        device, frames = self.device, time.shape[1]
        shape = (batch, THINGS)
        moving = chance(*shape, 1, device=device, p=0.8)

        def path(number: int) -> Tensor:
            # `walk` takes one time for all: its pace is drawn a clip at a time by looking the path
            # up at the clip's own times
            long = walk(batch, THINGS * number, torch.linspace(0, 1, 33, device=device), device)
            index = (time.clamp(max=1) * 32).clamp(max=31.999)
            low = index.long()[:, None].expand(-1, THINGS * number, -1)
            found = torch.lerp(long.gather(2, low), long.gather(2, low + 1), index.frac()[:, None])
            return found.view(batch, THINGS, number, frames)

        steps = path(4)
        size = log_uniform(*shape, device=device, low=0.38, high=1.9)
        start = uniform(*shape, 2, 1, device=device, low=-0.75, high=0.75)
        drift = 1.1 * steps[:, :, :2] * moving[..., None]
        position = start + drift
        # twins are of a size, side by side, and pass through the point between them
        beside = torch.randn(batch, 2, 1, device=device)
        beside = beside / beside.norm(dim=1, keepdim=True) * uniform(batch, 1, 1, device=device, low=0.25, high=0.7) * size[:, :1, None]
        cross = beside * (2 * (time / time[:, -1:].clamp(min=1e-6))[:, None]) * chance(batch, 1, 1, device=device, p=0.6)
        is_twin = twin[:, None, None]
        first = position[:, 0] + is_twin * 0.5 * cross
        second = torch.where(is_twin > 0, start[:, 0] + beside - 0.5 * cross + 0.5 * drift[:, 1], position[:, 1])
        position = torch.cat([first[:, None], second[:, None], position[:, 2:]], 1)
        alike = size[:, :1] * log_uniform(batch, 1, device=device, low=0.8, high=1.25)
        size = torch.cat([size[:, :1], torch.where(twin[:, None] > 0, alike, size[:, 1:2]), size[:, 2:]], 1)
        zoom = size[..., None] * torch.exp((0.45 * steps[:, :, 2] * moving).clamp(-1.2, 1.2))
        lean = 0.25 * torch.randn(*shape, 1, device=device)
        angle = lean + 0.5 * steps[:, :, 3] * moving * chance(*shape, 1, device=device, p=0.6)
        bent = torch.stack(
            [
                0.07 * torch.rand(*shape, 2, device=device) ** 2 * chance(*shape, 1, device=device, p=0.6),
                log_uniform(*shape, 2, device=device, low=3, high=12),
                log_uniform(*shape, 2, device=device, low=2, high=20),
            ],
            -1,
        )
        return Placement(
            position,
            angle,
            zoom,
            log_uniform(*shape, device=device, low=0.75, high=1.33),
            2 * chance(*shape, device=device, p=0.5) - 1,
            uniform(*shape, device=device, low=0.9, high=1.6),
            bent,
        )

    def _camera(self, batch: int, time: Tensor) -> Camera:
        device = self.device
        moving = chance(batch, 1, device=device, p=0.75)
        speed = torch.randn(batch, 4, 1, device=device) * time[:, None]
        shake = 0.02 * torch.randn(batch, 2, time.shape[1], device=device) * chance(batch, 1, 1, device=device, p=0.3)
        pan = (0.5 * speed[:, :2] + shake) * moving[..., None]
        return Camera(
            pan.clamp(-1, 1), (0.12 * speed[:, 2] * moving).clamp(-0.5, 0.5), torch.exp((0.2 * speed[:, 3] * moving).clamp(-0.4, 0.4))
        )

    def _background(self, batch: int) -> Tensor:
        """Pictures of the pool, mirrored and tinted: (B, 3, C, C)."""
        device = self.device
        index = torch.randint(0, len(self.backgrounds), (2, batch), device=device)
        canvas, ground = (self._calmed(self.backgrounds[one].to(self.dtype) / 255) for one in index)
        # ground under something upright, with a straight edge between them
        down = torch.linspace(-1, 1, canvas.shape[-1], device=device)
        across, down = down[None, None, None, :], down[None, None, :, None]
        slope = 0.15 * torch.randn(batch, 1, 1, 1, device=device)
        below = down - slope * across - uniform(batch, 1, 1, 1, device=device, low=-0.6, high=0.4)
        split = torch.sigmoid(below * log_uniform(batch, 1, 1, 1, device=device, low=12, high=200))
        split = split * chance(batch, 1, 1, 1, device=device, p=0.5)
        canvas = torch.lerp(canvas, ground, split.to(self.dtype))
        canvas = torch.where(torch.rand(batch, 1, 1, 1, device=device) < 0.5, canvas.flip(3), canvas)
        tint = uniform(batch, 3, 1, 1, device=device, low=0.85, high=1.12) + uniform(batch, 1, 1, 1, device=device, low=-0.12, high=0.08)
        return (canvas * tint.to(self.dtype)).clamp(0, 1)

    def _calmed(self, canvas: Tensor) -> Tensor:
        """Half of the pictures (B, 3, C, C) with less contrast and less detail: lawns, roads,
        water, walls."""
        batch, device = canvas.shape[0], self.device
        blurred = F.interpolate(F.avg_pool2d(canvas, 8), size=canvas.shape[-2:], mode="bilinear", align_corners=False)
        mean = canvas.mean((2, 3), keepdim=True)
        calm = chance(batch, 1, 1, 1, device=device, p=0.5)
        detail, contrast = (1 - calm * uniform(batch, 1, 1, 1, device=device, high=high) for high in (1.0, 0.85))
        return mean + contrast.to(canvas.dtype) * (torch.lerp(blurred, canvas, detail.to(canvas.dtype)) - mean)

    def _pictures(self, batch: int, canvas: Tensor, bodies: Bodies, twin: Tensor, picture: int) -> Tensor:
        """What all parts look like: (B, THINGS * PARTS, 4, picture, picture)."""
        device, dtype = self.device, self.dtype
        things, groups = batch * THINGS, 3
        # three textures a thing, the third for parts of their own kind; a part's crop of it is its
        # own
        index = torch.randint(0, len(self.textures), (things * groups,), device=device)
        coloured = self._coloured(self.textures[index].to(dtype) / 255, things, groups)
        wide = crop(coloured, picture, 0.3, 1.8).view(things, groups, 3, picture, picture)
        hidden = crops(canvas, THINGS * groups, picture, 0.15, 0.5).reshape(things, groups, 3, picture, picture)
        hidden = (hidden * uniform(things, 1, 3, 1, 1, device=device, low=0.85, high=1.15).to(dtype)).clamp(0, 1)
        camouflaged = chance(things, 1, 1, 1, 1, device=device, p=0.25) * chance(things, groups, 1, 1, 1, device=device, p=0.8)
        wide = torch.where(camouflaged > 0, hidden, wide)
        row = torch.arange(things, device=device)[:, None]
        texture = wide[row, bodies.group].flatten(0, 1)
        texture = torch.where(torch.rand(things * PARTS, 1, 1, 1, device=device) < 0.5, texture.flip(2, 3), texture)
        texture = self._marked(texture, wide, bodies)
        which = torch.randint(0, self.outlines.shape[1], (things, PARTS), device=device)
        outline = self.outlines[bodies.family, which].flatten(0, 1)[:, None].to(dtype)
        outline = F.interpolate(outline, size=(picture, picture), mode="bilinear", align_corners=False)[:, 0]
        painted = torch.cat([lit(texture, outline), outline[:, None]], 1).view(things, PARTS, 4, picture, picture)
        # shaded solids instead of the one round part
        solid = self.solids[torch.randint(0, len(self.solids), (things,), device=device)].to(dtype) / 255
        solid = F.interpolate(solid, size=(picture, picture), mode="bilinear", align_corners=False)
        solid = torch.cat([solid[:, :3], (solid[:, 3:] - 0.5) * (6 / picture)], 1)[:, None]
        chosen = (bodies.plan == SOLID_PLAN) & (torch.rand(things, device=device) < 0.7)
        painted = torch.where(chosen[:, None, None, None, None], solid, painted).view(batch, THINGS, PARTS, 4, picture, picture)
        alike = twin.view(batch, 1, 1, 1, 1) > 0
        second = torch.where(alike, painted[:, 0], painted[:, 1])
        return torch.cat([painted[:, :1], second[:, None], painted[:, 2:]], 1).flatten(1, 2)

    def _marked(self, texture: Tensor, wide: Tensor, bodies: Bodies) -> Tensor:
        """Parts' textures (things * PARTS, 3, p, p), on some windows, patches and stripes in the
        colours of the thing's other parts."""
        device, dtype = self.device, self.dtype
        things, groups, _, picture, _ = wide.shape
        count = things * PARTS
        line = (torch.arange(picture, device=device) + 0.5) / picture * 2 - 1
        across, down = line[None, None, :], line[None, :, None]
        often = chance(things, 1, device=device, p=0.5)
        for _ in range(_MARKS):
            kind = torch.randint(0, FAMILIES, (count,), device=device)
            field = self.outlines[kind, torch.randint(0, self.outlines.shape[1], (count,), device=device)][:, None].to(dtype)
            half, aspect = (log_uniform(count, 1, 1, device=device, low=low, high=1) for low in (0.15, 0.2))
            angle = uniform(count, 1, 1, device=device, high=2 * math.pi) * chance(count, 1, 1, device=device, p=0.5)
            dx, dy = (line_ - uniform(count, 1, 1, device=device, low=-0.7, high=0.7) for line_ in (across, down))
            u = (angle.cos() * dx + angle.sin() * dy) / half
            v = (angle.cos() * dy - angle.sin() * dx) / (half * aspect)
            grid = torch.stack([u, v], -1).clamp(-3, 3).to(dtype)
            found = F.grid_sample(field, grid, mode="bilinear", padding_mode="border", align_corners=False)[:, 0].float()
            there = (often * chance(things, PARTS, device=device, p=0.5)).view(count, 1, 1) * ((u.abs() < 1) & (v.abs() < 1))
            cover = (torch.sigmoid(found * (half * aspect * picture)) * there)[:, None].to(dtype)
            other = (bodies.group + torch.randint(1, groups, (things, PARTS), device=device)) % groups
            mark = wide[torch.arange(things, device=device)[:, None], other].flatten(0, 1)
            texture = torch.lerp(texture, mark, cover)
        return texture

    def _coloured(self, texture: Tensor, things: int, groups: int) -> Tensor:
        """Textures (things * groups, 3, s, s) in new colours: from nearly plain to loud, and often
        alike within one thing."""
        device, dtype = self.device, self.dtype
        mean = texture.mean((2, 3), keepdim=True)
        contrast = log_uniform(things * groups, 1, 1, 1, device=device, low=0.15, high=1.6).to(dtype)
        body = torch.rand(things, 1, 3, device=device)
        gray = body.mean(2, keepdim=True)
        body = torch.lerp(gray, body, uniform(things, 1, 1, device=device) ** 1.5)
        other = torch.rand(things, groups, 3, device=device)
        other = torch.lerp(other.mean(2, keepdim=True), other, uniform(things, groups, 1, device=device) ** 1.5)
        near = body + 0.08 * torch.randn(things, groups, 3, device=device)
        colour = torch.where(torch.rand(things, groups, 1, device=device) < 0.5, near, other)
        colour = torch.cat([body, colour[:, 1:]], 1)
        # a pale body with dark windows and wheels, a dark one with pale markings
        pale = uniform(things, 1, 1, device=device, low=0.55, high=1) + 0.05 * torch.randn(things, 1, 3, device=device)
        murky = uniform(things, 1, 1, device=device, low=0, high=0.3) + 0.03 * torch.randn(things, 1, 3, device=device)
        turned = chance(things, 1, 1, device=device, p=0.3) > 0
        first, rest = torch.where(turned, murky, pale), torch.where(turned, pale, murky)
        stark = chance(things, 1, 1, device=device, p=0.25) > 0
        colour = torch.where(stark, torch.cat([first, rest.expand(-1, groups - 1, -1)], 1), colour)
        own = torch.rand(things * groups, 1, 1, 1, device=device) < 0.25
        centre = torch.where(own, mean, colour.reshape(things * groups, 3, 1, 1).to(dtype))
        return (centre + contrast * (texture - mean)).clamp(0, 1)

    def _clutter(self, canvas: Tensor, pictures: Tensor) -> Tensor:
        """Lay parts of other clips' things and of this one's on the background, where they stay."""
        batch, _, size, _ = canvas.shape
        device, dtype = self.device, self.dtype
        line = (torch.arange(size, device=device) + 0.5) / size * 2 - 1
        across, down = line[None, None, :], line[None, :, None]
        crowded = uniform(batch, 1, 1, device=device) * chance(batch, 1, 1, device=device, p=0.8)
        grain = log_uniform(batch, 1, 1, device=device, low=0.5, high=1.5)
        for index in range(_CLUTTER):
            part = torch.randint(0, THINGS * PARTS, (batch,), device=device)
            clip = torch.arange(batch, device=device)
            clip = torch.where(torch.rand(batch, device=device) < 0.5, clip, (clip + 1 + index) % batch)
            half = log_uniform(batch, 1, 1, device=device, low=0.03, high=0.3) * grain
            aspect, angle = log_uniform(batch, 1, 1, device=device, low=0.15, high=1), uniform(batch, 1, 1, device=device, high=2 * math.pi)
            dx, dy = (line_ - uniform(batch, 1, 1, device=device, low=-1, high=1) for line_ in (across, down))
            u = (angle.cos() * dx + angle.sin() * dy) / half
            v = (angle.cos() * dy - angle.sin() * dx) / (half * aspect)
            grid = torch.stack([u, v], -1).clamp(-3, 3).to(dtype)
            found = F.grid_sample(pictures[clip, part], grid, mode="bilinear", padding_mode="border", align_corners=False)
            inside = ((u.abs() < 1) & (v.abs() < 1)) & (torch.rand(batch, 1, 1, device=device) < crowded)
            cover = torch.sigmoid(found[:, 3].float() * (half * aspect * size)) * inside
            canvas = torch.lerp(
                canvas, found[:, :3] * uniform(batch, 1, 1, 1, device=device, low=0.6, high=1.2).to(dtype), cover[:, None].to(dtype)
            )
        return canvas.clamp(0, 1)

    def _scene(self, canvas: Tensor, camera: Camera, size: int) -> Tensor:
        """The background as the camera sees it: (B, 3, T, S, S)."""
        batch, device = canvas.shape[0], self.device
        frames = camera.roll.shape[1]
        line = (torch.arange(size, device=device) + 0.5) / size * 2 - 1
        x, y = camera.look(line[None, None, None, :], line[None, None, :, None], torch.ones(batch, device=device))
        part = uniform(batch, 1, 1, 1, device=device, low=0.45, high=0.85)
        grid = torch.stack([x * part, y * part], -1).view(batch, frames * size, size, 2)
        found = F.grid_sample(canvas.float(), grid, mode="bilinear", padding_mode="reflection", align_corners=False)
        return found.view(batch, 3, frames, size, size).to(self.dtype)

    def _velocity(self, labels: Tensor, place: Placement, camera: Camera) -> Tensor:
        """How far what a pixel shows moves while the shutter is open: (B * T, 2, S, S)."""
        batch, frames = labels.shape[:2]
        device = labels.device
        depths = torch.cat([place.depth, torch.ones(batch, 1, device=device)], 1)
        spots = torch.cat([place.position, torch.zeros(batch, 1, 2, frames, device=device)], 1)
        seen = torch.stack([camera.project(spots[:, thing], depths[:, thing]) for thing in range(THINGS + 1)], 1)
        step = seen.diff(dim=3)
        step = torch.cat([step, step[..., -1:]], 3) if frames > 1 else torch.zeros_like(seen)
        shutter = uniform(batch, 1, 1, 1, device=device, high=0.6) * chance(batch, 1, 1, 1, device=device, p=0.5)
        step = (step * shutter).clamp(-0.12, 0.12)
        thing = torch.where(labels < 0, THINGS, torch.div(labels, PARTS, rounding_mode="floor")).long()
        found = step.permute(0, 3, 1, 2).flatten(0, 1).gather(1, thing.view(batch * frames, -1, 1).expand(-1, -1, 2))
        return found.transpose(1, 2).view(batch * frames, 2, *labels.shape[2:])


def whole_things(clips: TrackingClips, number: int, least: float = 0.003, most: float = 0.6) -> tuple[Tensor, Tensor]:
    """Choose the things of each clip that are tracked.

    Args:
        clips: With the labels of all things.
        number: Of things a clip, O.
        least: Share of the first frame that a usable thing covers at least.
        most: Share that it covers at most.

    Returns:
        Masks bool (B, T, O, S, S), and whether each is usable, 0 or 1, (B, O).
    """
    things = clips.things()
    masks = torch.stack([things == thing for thing in range(THINGS)], 2)
    area = masks[:, 0].float().mean((2, 3))
    fit = ((area > least) & (area < most)).float()
    score, chosen = (torch.rand_like(area) + 10 * fit).topk(number, 1)
    size = masks.shape[-1]
    picked = masks.gather(2, chosen[:, None, :, None, None].expand(-1, masks.shape[1], -1, size, size))
    return picked, (score > 5).float()
