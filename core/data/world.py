"""The procedural world that the small models learn from: clips with a moving thing, its edit region
and a caption, made on the device.

Pools of solids, backgrounds and silhouettes are rendered once; `World.sample` then only gathers,
warps and composes, so that it can run inside a captured CUDA graph. What the region and the caption
say nearly determines the picture: the thing is inscribed in the region.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from core.data import vocabulary
from core.data.camera_effects import cosine_matrix, record
from core.data.noise import chance, log_uniform, seeded, uniform, walk
from core.data.pool_sizes import PoolSizes
from core.data.regions import draw_form, FORMS, REACHES, wobble
from core.data.scenery import render_backgrounds
from core.data.silhouettes import render_silhouettes
from core.data.solids import FILL, render_solids
from core.vivid.conditioning import DELETE_CAPTION

LOOSE_BOX, SILHOUETTE = len(FORMS), len(FORMS) + 1
"""Two forms beyond the paper's: a box of any shape, and the outline of another thing; the object is
inscribed in it."""
_FORM_SHARES = (0.08, 0.10, 0.07, 0.14, 0.11, 0.14, 0.19, 0.17)
_FULL_SIZE = PoolSizes()

_COLOUR_WORDS = [*vocabulary.COLOURS, None]
_MATERIAL_WORDS = [*vocabulary.MATERIALS, None, *vocabulary.DETAILS]
"""Said before the name, not at all, or at length after it."""
_KIND_WORDS = [*vocabulary.KINDS, vocabulary.GENERIC]
_SIZE_WORDS = [None, *vocabulary.SIZES]


def all_captions() -> list[str]:
    """Every caption the world can give, in the order of `WorldClips.caption`; then the delete
    caption, "an object", and the empty one."""
    captions = [
        vocabulary.caption(kind, colour, material, size)
        if place <= len(vocabulary.MATERIALS) or material is None
        else vocabulary.long_caption(kind, colour, material, size)
        for size in _SIZE_WORDS
        for place, material in enumerate(_MATERIAL_WORDS)
        for colour in _COLOUR_WORDS
        for kind in _KIND_WORDS
    ]
    return [*captions, DELETE_CAPTION, vocabulary.caption(), ""]


CAPTIONS = all_captions()
DELETE_INDEX, GENERIC_INDEX, EMPTY_INDEX = len(CAPTIONS) - 3, len(CAPTIONS) - 2, len(CAPTIONS) - 1


@dataclass
class WorldClips:
    """A batch of clips.

    pixels float (B, 3, T, H, W) in [-1, 1]: what the edited clip should look like. mask float 0 / 1
    (B, 1, T, H, W), 1 = edit. caption int64 (B,) indexes CAPTIONS. kind, colour, material, form
    int64 (B,); delete bool (B,): the region shows background; foreign bool (B,): the thing is none
    of the vocabulary (kind, colour and material mean nothing) and its caption is "an object". own
    bool (B, T, H, W): where the thing itself is seen, unless its clip is a deletion.
    """

    pixels: Tensor
    mask: Tensor
    caption: Tensor
    kind: Tensor
    colour: Tensor
    material: Tensor
    form: Tensor
    delete: Tensor
    foreign: Tensor
    own: Tensor


def _warp(picture: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Look pictures (B, C, h, w) up at local coordinates (B, T, H, W) in [-1, 1] -> (B, T, C, H,
    W), zero outside."""
    x, y = torch.broadcast_tensors(x, y)
    batch, frames, height, width = x.shape
    grid = torch.stack([x, y], -1).view(batch, frames * height, width, 2).clamp(-8, 8)
    found = F.grid_sample(picture, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return found.view(batch, -1, frames, height, width).transpose(1, 2)


def _mirrored(position: Tensor) -> Tensor:
    """Fold coordinates beyond the picture's edge back in."""
    return torch.where(position.abs() > 1, position.sign() * (2 - position.abs()), position)


def _step(position: Tensor) -> Tensor:
    """How far a path (B, 2, T) goes from each frame to the next, on average of both sides."""
    if position.shape[2] < 2:
        return torch.zeros_like(position)
    step = position.diff(dim=2)
    return (torch.cat([step[:, :, :1], step], 2) + torch.cat([step, step[:, :, -1:]], 2)) / 2


class World:
    """Endless clips from pools made from a seed.

    The same seed, device and calls give the same clips.
    """

    def __init__(
        self,
        device: torch.device | str = "cpu",
        *,
        seed: int = 0,
        pools: PoolSizes = _FULL_SIZE,
        size: tuple[int, int] = (128, 128),
        window_frames: int = 17,
    ) -> None:
        self.device, self.size, self.window_frames = torch.device(device), size, window_frames
        with seeded(seed, device):
            self.solids = render_solids(pools.solids_per_kind, pools.solid_size, device)
            self.backgrounds = render_backgrounds(pools.backgrounds, pools.background_size, device)
            self.silhouettes = render_silhouettes(pools.silhouettes, 64, device)
        # Square pixels: the shorter side spans [-1, 1].
        height, width = size
        short = min(height, width)
        columns = ((torch.arange(width, device=device) + 0.5) * 2 - width) / short
        rows = ((torch.arange(height, device=device) + 0.5) * 2 - height) / short
        self.x, self.y = columns[None, None, None, :], rows[None, None, :, None]
        self.reach = torch.tensor([width / short, height / short], device=device)
        self.form_limits = torch.tensor(_FORM_SHARES, device=device).cumsum(0)
        self.cosine = cosine_matrix(device)
        self.motion = torch.ones((), device=device)
        """How fast everything moves, 0 (still) to 1; the trainer turns it up."""

    @torch.no_grad()
    def sample(
        self, batch: int, frames: int, *, delete: float = 0.25, foreign: float = 0.0, seed: int | None = None, tracked: bool = False
    ) -> WorldClips:
        """Draw a batch of clips.

        Args:
            batch: Of clips, B.
            frames: Of each, T.
            delete: Share that shows a deletion.
            foreign: Of the rest, share of things that have no name.
            seed: With one, the draw depends on nothing else.
            tracked: Whether regions are the things' own masks, as tracked, instead of one of the
                forms.

        Returns:
            The clips.
        """
        if seed is not None:
            with seeded(seed, self.device):
                return self._sample(batch, frames, delete, foreign, tracked)
        return self._sample(batch, frames, delete, foreign, tracked)

    def _sample(self, batch: int, frames: int, delete_share: float, foreign_share: float, tracked: bool) -> WorldClips:
        device = self.device
        time = torch.arange(frames, device=device) / max(self.window_frames - 1, 1)
        scene, exposure, camera, closer = self._scene(batch, time)
        # The thing.
        index = torch.randint(0, self.solids.kind.shape[0], (batch,), device=device)
        solid = self.solids.rgba[index].float() / 255
        extent = self.solids.extent[index]
        foreign = torch.rand(batch, device=device) < foreign_share
        if foreign_share > 0:
            solid = torch.where(foreign[:, None, None, None], self._nameless(batch, solid.shape[-1]), solid)
            extent = torch.where(foreign[:, None], FILL, extent)
        form = torch.searchsorted(self.form_limits, torch.rand(batch, device=device)).clamp(max=SILHOUETTE)
        form = torch.zeros_like(form) if tracked else form
        scale, centre, region_half, region_centre, size_word, outline = self._placement(batch, form, extent)
        turn = 0.05 * torch.randn(batch, 1, device=device)
        move = self.motion * chance(batch, 1, device=device, p=0.85)
        path = walk(batch, 4, time, device) * move[:, None]
        drift = 0.32 * path[:, :2]
        zoom, angle = torch.exp(0.18 * path[:, 2]), turn + 0.16 * path[:, 3] * chance(batch, 1, device=device, p=0.6)
        # Some stand in the scene and move as the camera makes them.
        standing = chance(batch, 1, device=device, p=0.35) > 0
        with_camera = camera + region_centre[:, :, None] * (closer - 1)[:, None]
        drift = torch.where(standing[:, :, None], with_camera.clamp(-1.5, 1.5), drift)
        zoom = torch.where(standing, closer, zoom)

        def turned(dx: Tensor, dy: Tensor, half: Tensor, rotation: Tensor) -> tuple[Tensor, Tensor]:
            cosine, sine = (rotation.cos() / half)[..., None, None], (rotation.sin() / half)[..., None, None]
            return cosine * dx + sine * dy, cosine * dy - sine * dx

        def local(position: Tensor, half: Tensor, rotation: Tensor) -> tuple[Tensor, Tensor]:
            """Coordinates relative to a moving centre (B, 2, T), in units of `half` (B, T), (B, T,
            H, W) each."""
            return turned(self.x - position[:, 0, :, None, None], self.y - position[:, 1, :, None, None], half, rotation)

        at = region_centre[:, :, None] + drift
        position = at + (centre - region_centre)[:, :, None] * zoom[:, None]
        lx, ly = local(position, scale[:, None] * zoom / FILL, angle)
        step = _step(position)[..., None, None]
        drawn = self._exposed(solid, (lx, ly), turned(step[:, 0], step[:, 1], scale[:, None] * zoom / FILL, angle))
        passing, in_front = self._passing(batch, time, region_centre, region_half)
        own = drawn[:, :, 3]
        covered = (own * (1 - in_front[:, :, 0]) > 0.4).float()
        region = draw_form(covered, (drawn[:, :, 4] > 0.5).float(), form, torch.randint(0, len(REACHES), (batch,), device=device))
        # Loose regions move with the thing, and tremble and breathe as a tracked outline does.
        breathe = 0.05 * walk(batch, 3, time * 2, device) * (form == SILHOUETTE)[:, None, None] * self.motion
        rx, ry = local(at + breathe[:, :2] * region_half.amin(1)[:, None, None], zoom * torch.exp(breathe[:, 2]), angle * 0)
        rx, ry = rx / region_half[:, 0, None, None, None], ry / region_half[:, 1, None, None, None]
        boxed = ((rx.abs() < 1) & (ry.abs() < 1)).float()
        outlined = (_warp(outline, rx, ry)[:, :, 0] > 0.5).float()
        pick = form[:, None, None, None]
        region = torch.where(pick == LOOSE_BOX, boxed, torch.where(pick == SILHOUETTE, outlined, region))
        if frames > 1:
            region = torch.maximum(region, wobble(region, self.motion)) * (in_front[:, :, 0] < 0.5)
        # Compose: a soft shadow at the foot, then the thing; both stay inside the region.
        delete = torch.rand(batch, device=device) < delete_share
        shadow = F.avg_pool2d(F.avg_pool2d(own, 9, 1, 4), 9, 1, 4)
        shadow = F.pad(shadow, (0, 0, 5, 0))[..., : own.shape[-2], :] * uniform(batch, 1, 1, 1, device=device, low=0.1, high=0.5)
        painted = scene * (1 - shadow[:, :, None])
        brightness = uniform(batch, 1, 1, 1, 1, device=device, low=0.88, high=1.06)
        painted = torch.lerp(painted, (drawn[:, :, :3] * brightness).clamp(0, 1), own[:, :, None])
        shows = (region * (~delete)[:, None, None, None].float())[:, :, None]
        video = record(torch.lerp(torch.lerp(scene, painted, shows), passing, in_front) * exposure, self.cosine)
        video = video + torch.randn_like(video) * 0.03 * uniform(batch, 1, 1, 1, 1, device=device) * chance(
            batch, 1, 1, 1, 1, device=device, p=0.35
        )
        pixels = (video.clamp(0, 1) * 2 - 1).transpose(1, 2)
        return WorldClips(
            pixels,
            region[:, None],
            torch.where(delete, DELETE_INDEX, torch.where(foreign, GENERIC_INDEX, self._caption(index, size_word))),
            self.solids.kind[index],
            self.solids.colour[index],
            self.solids.material[index],
            form,
            delete,
            foreign & ~delete,
            covered > 0,
        )

    def _nameless(self, batch: int, size: int) -> Tensor:
        """Things of no kind: two textured parts in one outline, lit from above.

        (B, 5, size, size) like the pictures of solids.
        """
        device = self.device
        inner = round(size * FILL / 2) * 2
        which = torch.randint(0, self.silhouettes.radius.shape[0], (2 * batch,), device=device)
        outline = F.interpolate(self.silhouettes.coverage[which].float() / 255, size=(inner, inner), mode="bilinear", align_corners=False)
        outline = ((outline - 0.5) * 2.5 + 0.5).clamp(0, 1)
        index = torch.randint(0, self.backgrounds.shape[0], (2 * batch,), device=device)
        texture = self.backgrounds[index][..., :inner, :inner].float() / 255
        texture = F.interpolate(texture, size=(inner, inner), mode="bilinear", align_corners=False)  # pools may be smaller
        bright = uniform(2 * batch, 1, 1, 1, device=device, low=0.6, high=1.5)
        texture = (texture * bright + 0.2 * (torch.rand(2 * batch, 3, 1, 1, device=device) - 0.5)).clamp(0, 1)
        part = F.pad(outline[batch:], (inner // 4, inner // 4, inner // 4, inner // 4))  # the second part is smaller than the first
        part = F.interpolate(part, size=(inner, inner), mode="bilinear", align_corners=False)
        light = torch.linspace(1.15, 0.7, inner, device=device)[:, None]
        picture = (torch.lerp(texture[:batch], texture[batch:], part) * light).clamp(0, 1)
        rim = (size - inner) // 2
        return F.pad(torch.cat([picture, outline[:batch], outline[:batch].round()], 1), (rim, size - inner - rim, rim, size - inner - rim))

    def _exposed(self, solid: Tensor, place: tuple[Tensor, Tensor], step: tuple[Tensor, Tensor]) -> Tensor:
        """Solids (B, 5, h, w) at local coordinates, (B, T, H, W) each, some of them smeared along
        their way while the shutter is open: (B, T, 5, H, W). `step` (B, T, 1, 1) each is how far
        the thing goes to the next frame."""
        shutter = uniform(solid.shape[0], 1, 1, 1, device=self.device, low=0.3) * chance(solid.shape[0], 1, 1, 1, device=self.device, p=0.3)
        sharp = _warp(solid, *place)
        total = torch.cat([sharp[:, :, :3] * sharp[:, :, 3:4], sharp[:, :, 3:4]], 2)
        for part in (-0.5, -0.25, 0.25, 0.5):
            seen = _warp(solid[:, :4], *(at - part * shutter * along for at, along in zip(place, step, strict=True)))
            total = total + torch.cat([seen[:, :, :3] * seen[:, :, 3:], seen[:, :, 3:]], 2)
        smeared = torch.cat([total[:, :, :3] / total[:, :, 3:].clamp(min=1e-3), total[:, :, 3:] / 5, sharp[:, :, 4:]], 2)
        return torch.where(shutter[..., None] > 0, smeared, sharp)

    def _passing(self, batch: int, time: Tensor, centre: Tensor, half: Tensor) -> tuple[Tensor, Tensor]:
        """Something that passes before one thing in five, which comes back behind it: (B, T, 3, H,
        W), and how much it covers (B, T, 1, H, W). On frame 0 it is beside the region, whose centre
        (B, 2) and half sides (B, 2) are given."""
        device = self.device
        which = torch.randint(0, self.silhouettes.radius.shape[0], (batch,), device=device)
        size = log_uniform(batch, 1, 1, 1, device=device, low=0.1, high=0.4)
        angle = uniform(batch, 1, 1, device=device, high=2 * math.pi)
        way = torch.cat([angle.cos(), angle.sin()], 1) * (half.norm(dim=1)[:, None, None] + 1.5 * size[:, 0])
        place = centre[:, :, None] + way * (1 - uniform(batch, 1, 1, device=device, low=0.8, high=2.2) * time)
        u, v = (self.x - place[:, 0, :, None, None]) / size, (self.y - place[:, 1, :, None, None]) / size
        there = chance(batch, 1, 1, 1, 1, device=device, p=0.2) * (self.motion > 0)
        index = torch.randint(0, self.backgrounds.shape[0], (batch,), device=device)
        texture = _warp(self.backgrounds[index].float() / 255, (u * 0.6).clamp(-1, 1), (v * 0.6).clamp(-1, 1))
        return texture, _warp(self.silhouettes.coverage[which].float() / 255, u, v) * there

    def _scene(self, batch: int, time: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Background under a moving camera with two distractors at other depths: (B, T, 3, H, W) in
        [0, 1]; the camera's exposure (B, T, 1, 1, 1); how far what stands in the scene has moved
        since frame 0 (B, 2, T) and grown (B, T)."""
        device = self.device
        index = torch.randint(0, self.backgrounds.shape[0], (2 * batch,), device=device)
        canvas = self.backgrounds[index].float() / 255
        canvas = torch.where(torch.rand(2 * batch, 1, 1, 1, device=device) < 0.5, canvas.flip(3), canvas)
        tint = uniform(2 * batch, 3, 1, 1, device=device, low=0.85, high=1.12)
        canvas = (canvas * tint + uniform(2 * batch, 1, 1, 1, device=device, low=-0.05, high=0.05)).clamp(0, 1)
        moving = self.motion * chance(batch, 1, device=device, p=0.7)
        path = walk(batch, 4, time, device) * moving[:, None]
        zoom = log_uniform(batch, 1, device=device, low=0.35, high=0.95) * torch.exp(0.1 * path[:, 2])
        angle = uniform(batch, 1, device=device, low=-0.15, high=0.15) + 0.06 * path[:, 3]
        pan = (0.2 * path[:, :2] + uniform(batch, 2, 1, device=device, low=-0.3, high=0.3)).clamp(-0.5, 0.5)
        cosine, sine = (angle.cos() * zoom)[..., None, None], (angle.sin() * zoom)[..., None, None]
        x = cosine * self.x - sine * self.y + pan[:, 0, :, None, None]
        y = sine * self.x + cosine * self.y + pan[:, 1, :, None, None]
        scene = _warp(canvas[:batch], _mirrored(x), _mirrored(y))
        # Parallax: what is nearer moves more than the background behind it.
        shift = -pan / zoom[:, None]
        which = torch.randint(0, self.silhouettes.radius.shape[0], (batch,), device=device)
        half = log_uniform(batch, 1, 1, 1, device=device, low=0.12, high=0.6)
        place = uniform(batch, 2, 1, device=device, low=-1.1, high=1.1) + 1.4 * shift + 0.3 * walk(batch, 2, time, device) * moving[:, None]
        u, v = (self.x - place[:, 0, :, None, None]) / half, (self.y - place[:, 1, :, None, None]) / half
        cover = _warp(self.silhouettes.coverage[which].float() / 255, u, v) * chance(batch, 1, 1, 1, 1, device=device, p=0.45)
        scene = torch.lerp(scene, _warp(canvas[batch:], (u * 0.6).clamp(-1, 1), (v * 0.6).clamp(-1, 1)), cover)
        # Another solid somewhere: it must not be taken for the subject.
        other = torch.randint(0, self.solids.kind.shape[0], (batch,), device=device)
        half = log_uniform(batch, 1, 1, 1, device=device, low=0.12, high=0.4)
        place = uniform(batch, 2, 1, device=device, low=-1, high=1) + shift + 0.4 * walk(batch, 2, time, device) * moving[:, None]
        u, v = (self.x - place[:, 0, :, None, None]) / half, (self.y - place[:, 1, :, None, None]) / half
        solid = _warp(self.solids.rgba[other, :4].float() / 255, u, v)
        scene = torch.lerp(scene, solid[:, :, :3], solid[:, :, 3:] * chance(batch, 1, 1, 1, 1, device=device, p=0.3))
        exposure = (
            1
            + 0.06 * walk(batch, 1, time, device)[:, 0, :, None, None, None] * chance(batch, 1, 1, 1, 1, device=device, p=0.3) * self.motion
        )
        return scene, exposure, (pan[:, :, :1] - pan) / zoom[:, None], zoom[:, :1] / zoom

    def _placement(self, batch: int, form: Tensor, extent: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Where the thing and its region are in frame 0.

        Returns the thing's larger half extent (B,) and centre (B, 2), the region's half sides (B,
        2) and centre (B, 2), the size word (B,) and the outline (B, 1, S, S) of loose regions.
        """
        device = self.device
        loose, outlined = form >= LOOSE_BOX, form == SILHOUETTE
        aspect = log_uniform(batch, device=device, low=0.5, high=2.0)
        base = log_uniform(batch, device=device, low=0.28, high=0.72)
        half = torch.stack([base * aspect.sqrt(), base / aspect.sqrt()], 1).clamp(max=0.9)
        own_half = base[:, None] * extent / extent.amax(1, keepdim=True)
        half = torch.where(loose[:, None], half, own_half)
        room = (self.reach - half).clamp(min=0.05)
        region_centre = uniform(batch, 2, device=device, low=-1, high=1) * room
        which = torch.randint(0, self.silhouettes.radius.shape[0], (batch,), device=device)
        # Inscribed: a box takes the largest copy that fits; an outline takes the largest disc
        # inside, a little more, since corners may be cut.
        fit = (half / extent.clamp(min=1e-3)).amin(1) * FILL
        disc = self.silhouettes.radius[which] * half.amin(1) * 1.2
        largest = torch.where(outlined, torch.minimum(disc, fit), torch.where(loose, fit, base))
        word = torch.where(loose, torch.randint(0, 3, (batch,), device=device), 0)
        share = torch.where(
            word == 1,
            uniform(batch, device=device, low=0.5, high=0.62),
            torch.where(word == 2, 0.98, uniform(batch, device=device, low=0.86, high=0.96)),
        )
        scale = torch.where(loose, (largest * share).clamp(min=0.1), base)
        centre = region_centre + torch.where(outlined[:, None], self.silhouettes.centre[which] * half, 0.0)
        return scale, centre, half, region_centre, word, self.silhouettes.coverage[which].float() / 255

    def _caption(self, index: Tensor, size_word: Tensor) -> Tensor:
        """Captions as a person would say them, short to long: the material is often left out
        (mostly so when it is matte) or said at length, colour and kind are seldom left out."""
        batch, device = index.shape[0], self.device
        colour, material, kind = self.solids.colour[index], self.solids.material[index], self.solids.kind[index]
        long = torch.rand(batch, device=device) < 0.2
        silent = torch.rand(batch, device=device) < torch.where(material == 0, 0.7, 0.12)
        spoken = torch.where(silent, len(vocabulary.MATERIALS), material)
        material = torch.where(long, material + len(vocabulary.MATERIALS) + 1, spoken)
        colour = torch.where(torch.rand(batch, device=device) < torch.where(long | ~silent, 0.04, 0.12), len(vocabulary.COLOURS), colour)
        kind = torch.where(torch.rand(batch, device=device) < 0.04, len(vocabulary.KINDS), kind)
        size_word = torch.where(torch.rand(batch, device=device) < 0.1, 0, size_word)
        return ((size_word * len(_MATERIAL_WORDS) + material) * len(_COLOUR_WORDS) + colour) * len(_KIND_WORDS) + kind
