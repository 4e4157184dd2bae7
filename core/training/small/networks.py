"""The small VIVID's networks: diffusers' CogVideoX classes and a T5 encoder in a small
configuration, untrained."""

from __future__ import annotations

import core.compat  # noqa: F401  isort: skip  (before diffusers imports torchvision)

from diffusers import AutoencoderKLCogVideoX, CogVideoXTransformer3DModel
from tokenizers import models, normalizers, pre_tokenizers, processors, Regex, Tokenizer
from torch import Tensor
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

from core.data import vocabulary
from core.training.small.config import NetworkConfig
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
    """The denoiser.

    Input channels: noisy latent | mask | masked latent (core.vivid.conditioning.denoiser_input).
    """
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
    """One token a word, lower case, synonyms replaced, `</s>` at the end, padded to MAX_TEXT_LENGTH
    by the caller."""
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


def token_ids(captions: list[str]) -> Tensor:
    """Captions -> token ids (N, MAX_TEXT_LENGTH), padded; the ids that the text encoder takes,
    without a mask."""
    batch = build_tokenizer()(
        captions, padding="max_length", max_length=vocabulary.MAX_TEXT_LENGTH, truncation=True, return_tensors="pt", add_special_tokens=True
    )
    return batch["input_ids"]
