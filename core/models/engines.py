"""Full-size engines with public weights. Nothing here could be fetched where it was written: names,
layouts and revisions were read in public code, sizes worked out from the number of parameters.
"""

from __future__ import annotations

from core.models.model import APACHE, CAUSVID, COGVIDEOX, Draft, ModelEntry, OPENRAIL, Parameters

_DIFFUSERS = ("model_index.json", "*/*.json", "*/*.txt", "*/*.model", "*/*.jinja", "*/*.safetensors")
"""A pipeline as diffusers writes it; not the same weights as a single file beside it."""
_UMT5 = 5.681
_T5 = 4.762


def _vace(denoiser: float, width: int, layers: int, kept: int, experts: int = 1) -> Parameters:
    """VACE at 480p, its 81 frames at once."""
    return Parameters(
        _UMT5,
        denoiser,
        0.127,
        text_layers=24,
        layers=layers + kept,
        width=width,
        window=(81, 480, 832),
        grid=(4, 16),
        coded=96,
        chunk=4,
        kept=kept,
        experts=experts,
        together=False,
        single_coding=True,
    )


def _cogvideox(denoiser: float, window: tuple[int, int, int], frames_of_token: int = 4, together: bool = True) -> Parameters:
    grid = (frames_of_token, 16)
    return Parameters(
        _T5, denoiser, 0.216, text_layers=24, layers=42, width=3072, window=window, grid=grid, coded=128, chunk=9, together=together
    )


_CAUSVID = "Wan21_CausVid_bidirect2_T2V_1_3B_lora_rank32.safetensors"
_LIGHTX2V = "Wan21_T2V_14B_lightx2v_cfg_step_distill_lora_rank32.safetensors"
_SEKO = tuple(f"Wan2.2-T2V-A14B-4steps-lora-rank64-Seko-V1.1/{noise}_noise_model.safetensors" for noise in ("high", "low"))
_QWEN = "Qwen-Image-Lightning-8steps-V1.1-bf16.safetensors"


def _distilled(source: str, file: str, steps: int, shift: float) -> Draft:
    """By a LoRA of distilled weights, which take no guidance."""
    return Draft(steps, 1.0, shift, (("transformer", file),), source=source)


ENGINES = (
    ModelEntry(
        name="wan-vace-1.3b",
        kind="video",
        title="Wan 2.1 VACE 1.3B, the smallest full-size engine",
        terms=APACHE,
        repository="Wan-AI/Wan2.1-VACE-1.3B-diffusers",
        revision="ec4d2cb062b548996b179d493fdd05340de702a1",
        files=_DIFFUSERS,
        download_mb=15_900,
        computed_size=True,
        engine="wan-vace",
        parameters=_vace(2.154, width=1536, layers=30, kept=15),
        draft=_distilled("wan-vace-1.3b-draft", _CAUSVID, steps=8, shift=2.0),
    ),
    ModelEntry(
        name="wan-vace-14b",
        kind="video",
        title="Wan 2.1 VACE 14B",
        terms=APACHE,
        repository="Wan-AI/Wan2.1-VACE-14B-diffusers",
        revision="db79b90c60bbb45ceec9e41b9d5a4df934538ac4",
        files=_DIFFUSERS,
        download_mb=46_300,
        computed_size=True,
        engine="wan-vace",
        parameters=_vace(17.338, width=5120, layers=40, kept=8),
        draft=_distilled("wan-vace-14b-draft", _LIGHTX2V, steps=4, shift=2.0),
    ),
    ModelEntry(
        name="wan22-vace-fun-14b",
        kind="video",
        title="Wan 2.2 VACE-Fun 14B, two denoisers in turn",
        terms=APACHE,
        repository="linoyts/Wan2.2-VACE-Fun-14B-diffusers",
        revision="1abfb95801b7bd8f952083ebf80b93448ddb0ce4",
        files=_DIFFUSERS,
        download_mb=81_000,
        computed_size=True,
        engine="wan-vace",
        parameters=_vace(17.338, width=5120, layers=40, kept=8, experts=2),
        draft=Draft(4, 1.0, 3.0, tuple(zip(("transformer", "transformer_2"), _SEKO, strict=True)), source="wan22-vace-fun-14b-draft"),
    ),
    ModelEntry(
        name="cogvideox-fun-inp-5b",
        kind="video",
        title="CogVideoX-Fun V1.1 5B InP",
        terms=COGVIDEOX,
        repository="alibaba-pai/CogVideoX-Fun-V1.1-5b-InP",
        revision="b3798d82878e57443314b29d73633a165dd4c008",
        files=_DIFFUSERS,
        download_mb=21_100,
        computed_size=True,
        engine="cogvideox-fun",
        parameters=_cogvideox(5.570, (49, 480, 720)),
        draft=Draft(20, 6.0),
    ),
    ModelEntry(
        name="void",
        kind="video",
        title="VOID, removes things with their shadows and effects",
        terms=APACHE,
        repository="netflix/void-model",
        file="void_pass1.safetensors",
        needs=("cogvideox-fun-1.5-base",),
        download_mb=11_100,
        computed_size=True,
        engine="void",
        parameters=_cogvideox(5.571, (85, 384, 672), frames_of_token=8, together=False),
        removes_only=True,
    ),
    ModelEntry(
        name="cogvideox-fun-1.5-base",
        kind="part",
        title="what VOID stands on: text encoder and autoencoder of CogVideoX-Fun V1.5",
        terms=COGVIDEOX,
        repository="alibaba-pai/CogVideoX-Fun-V1.5-5b-InP",
        files=("model_index.json", "transformer/*.json", *(f"{part}/*" for part in ("vae", "text_encoder", "tokenizer", "scheduler"))),
        download_mb=10_000,
        computed_size=True,
    ),
    ModelEntry(
        name="flux2-klein-4b",
        kind="image",
        title="FLUX.2 klein 4B, four steps",
        terms=APACHE,
        repository="black-forest-labs/FLUX.2-klein-4B",
        revision="e7b7dc27f91deacad38e78976d1f2b499d76a294",
        files=_DIFFUSERS,
        download_mb=16_000,
        computed_size=True,
        engine="flux2-klein",
        parameters=Parameters(
            4.022, 3.876, 0.084, text_layers=36, layers=25, width=3072, window=(1, 1024, 1024), grid=(1, 16), coded=128, together=False
        ),
    ),
    ModelEntry(
        name="qwen-image-inpaint",
        kind="image",
        title="Qwen-Image with its ControlNet for inpainting",
        terms=APACHE,
        repository="InstantX/Qwen-Image-ControlNet-Inpainting",
        files=("config.json", "diffusion_pytorch_model.safetensors"),
        needs=("qwen-image",),
        engine="qwen-image",
        draft=_distilled("qwen-image-inpaint-draft", _QWEN, steps=8, shift=3.0),
        parameters=Parameters(8.292, 20.430, 0.127, text_layers=28, layers=60, width=3072, window=(1, 1328, 1328), grid=(1, 16), coded=96),
    ),
    ModelEntry(
        name="qwen-image",
        kind="part",
        title="what qwen-image-inpaint stands on",
        terms=APACHE,
        repository="Qwen/Qwen-Image",
        revision="75e0b4be04f60ec59a75f475837eced720f823b6",
        files=_DIFFUSERS,
        download_mb=57_705,
    ),
    ModelEntry(
        name="sdxl-inpaint",
        kind="image",
        title="SDXL inpainting, for small cards",
        terms=OPENRAIL,
        repository="diffusers/stable-diffusion-xl-1.0-inpainting-0.1",
        revision="115134f363124c53c7d878647567d04daf26e41e",
        files=("model_index.json", "*/*.json", "*/*.txt", "*/*.fp16.safetensors"),
        download_mb=6_900,
        computed_size=True,
        engine="sdxl",
        draft=Draft(12, 7.5),
        parameters=Parameters(0.818, 2.567, 0.084, text_layers=44, layers=70, width=1280, window=(1, 1024, 1024), grid=(1, 16), coded=128),
    ),
    ModelEntry(
        name="wan-vace-1.3b-draft",
        kind="lora",
        title="Draft of wan-vace-1.3b: CausVid, 8 steps",
        terms=CAUSVID,
        repository="Kijai/WanVideo_comfy",
        file=_CAUSVID,
        download_mb=94,
        computed_size=True,
    ),
    ModelEntry(
        name="wan-vace-14b-draft",
        kind="lora",
        title="Draft of wan-vace-14b: lightx2v, 4 steps",
        terms=APACHE,
        repository="Kijai/WanVideo_comfy",
        file=_LIGHTX2V,
        download_mb=307,
        computed_size=True,
    ),
    ModelEntry(
        name="wan22-vace-fun-14b-draft",
        kind="lora",
        title="Draft of wan22-vace-fun-14b: Wan2.2-Lightning, 4 steps",
        terms=APACHE,
        repository="lightx2v/Wan2.2-Lightning",
        files=_SEKO,
        download_mb=1_227,
        computed_size=True,
    ),
    ModelEntry(
        name="qwen-image-inpaint-draft",
        kind="lora",
        title="Draft of qwen-image-inpaint: Qwen-Image-Lightning, 8 steps",
        terms=APACHE,
        repository="lightx2v/Qwen-Image-Lightning",
        file=_QWEN,
        download_mb=849,
        computed_size=True,
    ),
)
"""In the order of the list: engines for video, those for one picture, and what Drafts take."""
