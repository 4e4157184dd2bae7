"""Recipe `small-vae`: the small autoencoder from nothing, on procedural images and clips, some with
a black edit region."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLCogVideoX
from PIL import Image
from torch import Tensor

from core.data.noise import chance
from core.data.sheet import tile
from core.data.world import World
from core.evaluation.fidelity import psnr_of_error
from core.training.common.run import TrainingRun
from core.training.small.captured import call, CapturedStep
from core.training.small.fast_vae import speed_up
from core.training.small.networks import build_vae
from core.training.small.run import begin_run, freeze, use_fast_kernels
from core.training.small.vae_config import VaeConfig
from core.training.small.world import build_world
from core.vivid.conditioning import masked_video

MASKED_SHARE = 0.35
"""Share of the pictures with a black region, like the masked video that the denoiser is shown."""

PEAK = 2.0
"""From black to white in the model's pixels, for PSNR."""


def reconstruction_loss(result: Tensor, target: Tensor) -> Tensor:
    """Absolute error of pixels, of differences between neighbours (edges) at full and half size and
    of 4x4 means (colour), plus squared error. (B, 3, T, H, W)."""
    error = result - target
    half = F.avg_pool3d(error, (1, 2, 2))
    edges = sum(part.diff(dim=-1).abs().mean() + part.diff(dim=-2).abs().mean() for part in (error, half))
    coarse = F.avg_pool3d(half, (1, 2, 2)).abs().mean()
    return error.abs().mean() + 0.25 * edges + 0.5 * coarse + 4.0 * error.square().mean()


class VaeStep:
    """One optimisation step of the autoencoder on fresh clips."""

    def __init__(self, run: TrainingRun, vae: AutoencoderKLCogVideoX, world: World, batch: int, frames: int, kl_weight: float) -> None:
        self.run, self.vae, self.world, self.batch, self.frames, self.kl_weight = run, vae, world, batch, frames, kl_weight

    def __call__(self) -> Tensor:
        """Returns loss, squared error, divergence and the latents' deviation as a tensor (4,)."""
        clips = self.world.sample(self.batch, self.frames, delete=0.3, foreign=0.3)
        blacken = chance(self.batch, 1, 1, 1, 1, device=self.world.device, p=MASKED_SHARE)
        pixels = masked_video(clips.pixels, clips.mask * blacken)
        mean, log_variance = self.through(self.vae.encoder, pixels, self.vae.num_sample_frames_batch_size).chunk(2, dim=1)
        log_variance = log_variance.clamp(-20, 4)
        latent = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        result = self.through(self.vae.decoder, latent, self.vae.num_latent_frames_batch_size)
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        loss = reconstruction_loss(result, pixels) + self.kl_weight * divergence
        self.run.optimizer.descend(loss)
        return torch.stack([loss.detach(), (result.detach() - pixels).square().mean(), divergence.detach(), mean.detach().std()])

    def through(self, half: torch.nn.Module, video: Tensor, length: int) -> Tensor:
        """Run a video through the encoder or the decoder in the chunks that the pipeline uses.

        A chunk is normalised on its own and sees the one before through its convolutions only,
        which has to be learnt.

        Args:
            half: Encoder or decoder.
            video: (B, C, T, H, W).
            length: Frames of a chunk; the first one takes what is left over as well.

        Returns:
            The whole result, float32.
        """
        first = length + video.shape[2] % length if video.shape[2] >= length else video.shape[2]
        results: list[Tensor] = []
        cache: dict[str, Tensor] | None = None
        for chunk in (video[:, :, :first], *video[:, :, first:].split(length, dim=2)):
            if chunk.shape[2]:
                result, cache = call(half, chunk, conv_cache=cache)
                results.append(result.float())
        return torch.cat(results, dim=2)


@torch.no_grad()
def reconstruct(vae: AutoencoderKLCogVideoX, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """Through the autoencoder and back as the pipeline does it: (B, 3, T, H, W) -> the same, and
    latents (B, C, F, h, w)."""
    latent = vae.encode(pixels).latent_dist.mode()
    return vae.decode(latent).sample.clamp(-1, 1), latent


def measure(vae: AutoencoderKLCogVideoX, world: World, batch: int) -> tuple[dict[str, float], float]:
    """Measure the autoencoder on unseen clips of 1, 9 and 17 frames.

    Args:
        vae: The trained autoencoder.
        world: Where clips come from.
        batch: Clips of each length.

    Returns:
        PSNR in dB by length, and the standard deviation of the latents of a window.
    """
    scores, deviation = {}, 1.0
    for frames in sorted({1, 9, world.window_frames}):
        pixels = world.sample(batch, frames, delete=0.3, seed=10_000 + frames).pixels
        result, latent = reconstruct(vae, pixels)
        scores[f"psnr_{frames}"] = psnr_of_error(float((result.float() - pixels).square().mean()), PEAK)
        deviation = float(latent.float().std())
    return scores, deviation


def save_vae(run: TrainingRun, config: VaeConfig, deviation: float) -> AutoencoderKLCogVideoX:
    """Write the averaged weights to `out`/vae in single precision.

    Args:
        run: That trained them.
        config: Sizes of the network.
        deviation: Of the latents; they are scaled to 1.

    Returns:
        The autoencoder with these weights, frozen.
    """
    with torch.random.fork_rng(devices=[]):  # a run that exports on its way draws the same numbers as one that does not
        vae = build_vae(config.network)
    vae.load_state_dict(run.averaged_states()["vae"])
    vae.register_to_config(scaling_factor=1 / max(deviation, 1e-3))
    freeze([vae])
    vae.save_pretrained(run.folder / "vae")
    return vae


def _measures(result: Tensor) -> dict[str, float]:
    """What the curve shows of a step's result."""
    loss, error, divergence, _ = result.tolist()
    return {"loss": loss, "psnr": psnr_of_error(error, PEAK), "kl": divergence}


def train(config: VaeConfig) -> AutoencoderKLCogVideoX:
    """Run the recipe; writes `out`/vae in single precision, a curve and a sheet (sources over
    reconstructions)."""
    torch.manual_seed(config.seed)
    device = torch.device(config.device)
    use_fast_kernels()
    vae = build_vae(config.network)
    if config.initial:
        vae.load_state_dict(
            AutoencoderKLCogVideoX.from_pretrained(config.initial, torch_dtype=torch.float32, use_safetensors=True).state_dict()
        )
    vae.to(device).train()
    world = build_world(config)
    run = begin_run(config, "small-vae", {"vae": vae})
    run.load_checkpoint()
    if config.compile:
        speed_up(vae)
        vae.encoder.compile(dynamic=False)
        vae.decoder.compile(dynamic=False)
    shapes = {
        "i": (config.image_batch, 1),
        "v": (config.video_batch, config.video_frames),
        "l": (config.long_batch, config.network.window_frames),
    }
    steps = {}
    for kind in dict.fromkeys(config.pattern):
        # Compiling takes most of a minute a shape: only the commonest one earns it.
        with torch.compiler.set_stance("default" if kind == "v" else "force_eager"):
            steps[kind] = CapturedStep(VaeStep(run, vae, world, *shapes[kind], config.kl_weight), device)
    run.start_clock()
    for kind in run.kinds(config.pattern):
        result = steps[kind]()
        if run.advance(lambda: {kind: _measures(result)}):  # noqa: B023
            save_vae(run, config, float(result[3]))
    run.save_checkpoint()
    finished = save_vae(run, config, float(result[3])).to(device)
    torch.backends.cudnn.benchmark = False
    scores, deviation = measure(finished, world, min(config.long_batch, 16))
    finished.register_to_config(scaling_factor=1 / deviation)
    print("unseen clips:", {name: round(value, 2) for name, value in scores.items()}, "latent deviation", round(deviation, 3), flush=True)
    finished.save_pretrained(run.folder / "vae")
    pixels = world.sample(6, config.network.window_frames, seed=77).pixels
    result, _ = reconstruct(finished, pixels)
    Image.fromarray(tile(torch.cat([pixels, result], dim=-2))).save(run.folder / "sheet-small-vae.png")
    return finished
