"""The small VIVID's networks: diffusers' CogVideoX classes and a T5 encoder in a small configuration, untrained."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

import torch
from diffusers import AutoencoderKLCogVideoX, CogVideoXDDIMScheduler, CogVideoXTransformer3DModel
from diffusers.models.embeddings import get_3d_rotary_pos_embed
from diffusers.pipelines.cogvideo.pipeline_cogvideox import get_resize_crop_region_for_grid
from tokenizers import models, normalizers, pre_tokenizers, processors, Regex, Tokenizer
from torch import Tensor
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

from core.data import vocabulary
from core.training.common.config import NetworkConfig
from core.vivid.conditioning import DELETE_CAPTION


def build_vae(config: NetworkConfig) -> AutoencoderKLCogVideoX:
    """8x in space, 4x in time, like the 5B's autoencoder."""
    return AutoencoderKLCogVideoX(
        block_out_channels=config.vae_channels,
        latent_channels=config.latent_channels,
        layers_per_block=1,
        norm_num_groups=8,
        sample_height=config.height,
        sample_width=config.width,
        scaling_factor=1.0,
    )


def build_transformer(config: NetworkConfig) -> CogVideoXTransformer3DModel:
    """The denoiser. Input channels: noisy latent | mask | masked latent (core.vivid.conditioning.denoiser_input)."""
    return CogVideoXTransformer3DModel(
        num_attention_heads=config.heads,
        attention_head_dim=config.head_dim,
        in_channels=2 * config.latent_channels + 1,
        out_channels=config.latent_channels,
        time_embed_dim=config.time_embed_dim,
        text_embed_dim=config.text_dim,
        num_layers=config.layers,
        sample_width=config.width // 8,
        sample_height=config.height // 8,
        sample_frames=config.window_frames,
        patch_size=config.patch_size,
        max_text_seq_length=vocabulary.MAX_TEXT_LENGTH,
        use_rotary_positional_embeddings=True,
    )


def build_text_encoder(config: NetworkConfig) -> T5EncoderModel:
    """Two layers of T5 over the words of vocabulary.word_list."""
    return T5EncoderModel(
        T5Config(
            vocab_size=len(vocabulary.word_list(DELETE_CAPTION)),
            d_model=config.text_dim,
            d_kv=32,
            d_ff=2 * config.text_dim,
            num_layers=2,
            num_heads=4,
            dropout_rate=0.0,
            feed_forward_proj="gated-gelu",
            pad_token_id=0,
            eos_token_id=1,
            decoder_start_token_id=0,
        )
    )


def build_tokenizer() -> PreTrainedTokenizerFast:
    """One token a word, lower case, synonyms replaced, `</s>` at the end, padded to MAX_TEXT_LENGTH by the caller."""
    words = vocabulary.word_list(DELETE_CAPTION)
    tokenizer = Tokenizer(models.WordLevel({word: index for index, word in enumerate(words)}, unk_token=vocabulary.UNKNOWN))
    steps = [normalizers.Lowercase(), normalizers.Replace(Regex(r"[^a-z0-9]+"), " ")]
    steps += [normalizers.Replace(Regex(rf"\b{word}\b"), known) for word, known in vocabulary.SYNONYMS.items()]
    tokenizer.normalizer = normalizers.Sequence(steps)
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {vocabulary.END}", special_tokens=[(vocabulary.END, words.index(vocabulary.END))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=vocabulary.PAD,
        eos_token=vocabulary.END,
        unk_token=vocabulary.UNKNOWN,
        model_max_length=vocabulary.MAX_TEXT_LENGTH,
    )


def build_scheduler() -> CogVideoXDDIMScheduler:
    """v-prediction, zero terminal signal-to-noise ratio, trailing steps: the first step starts from pure noise."""
    return CogVideoXDDIMScheduler(
        num_train_timesteps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type="v_prediction",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        snr_shift_scale=1.0,
        set_alpha_to_one=True,
        clip_sample=False,
    )


def token_ids(captions: list[str]) -> Tensor:
    """Captions -> token ids (N, MAX_TEXT_LENGTH), padded; the ids that the text encoder takes, without a mask."""
    batch = build_tokenizer()(
        captions, padding="max_length", max_length=vocabulary.MAX_TEXT_LENGTH, truncation=True, return_tensors="pt", add_special_tokens=True
    )
    return batch["input_ids"]


def rotary_embedding(
    transformer: CogVideoXTransformer3DModel, latent_frames: int, height: int, width: int, device: torch.device | str
) -> tuple[Tensor, Tensor]:
    """What CogVideoXPipeline._prepare_rotary_positional_embeddings computes for a latent of (latent_frames, height, width)."""
    config = transformer.config
    patch = config.patch_size
    grid = (height // patch, width // patch)
    crops = get_resize_crop_region_for_grid(grid, config.sample_width // patch, config.sample_height // patch)
    cosine, sine = get_3d_rotary_pos_embed(
        embed_dim=config.attention_head_dim, crops_coords=crops, grid_size=grid, temporal_size=latent_frames, device=torch.device(device)
    )
    return cosine, sine
