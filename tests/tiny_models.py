"""Small random models of transformers' own classes, in folders as the hub has them."""

from __future__ import annotations

import json
import re
import string
from pathlib import Path
from typing import Any, TYPE_CHECKING

import core.compat  # noqa: F401  (first: transformers imports torchvision)

if TYPE_CHECKING:
    from core.curation.ram_network import RamSizes

_WIDE = 128  # no less: the networks split pointers into memories of 64 channels
_MASKS: dict[str, Any] = {"hidden_size": _WIDE, "mlp_dim": 32, "num_attention_heads": 2, "iou_head_hidden_dim": 16}
_MEMORY: dict[str, Any] = {
    "memory_attention_hidden_size": _WIDE,
    "memory_attention_num_layers": 1,
    "memory_attention_rope_feat_sizes": [8, 8],
    "memory_encoder_hidden_size": _WIDE,
    "mask_downsampler_embed_dim": _WIDE,
    "memory_fuser_embed_dim": _WIDE,
    "memory_fuser_intermediate_dim": 32,
    "memory_fuser_num_layers": 1,
}
_LEVELS = [[32, 32], [16, 16], [8, 8]]


def write_model(kind: str, folder: Path) -> Path:
    """Write a `sam2_video`, `edgetam_video` or `sam3_video` that believes in its object."""
    import torch

    torch.manual_seed(0)
    network = {"sam2_video": _sam2, "edgetam_video": _edgetam, "sam3_video": _sam3}[kind]()
    tracker = network.tracker_model if kind == "sam3_video" else network
    tracker.mask_decoder.pred_obj_score_head.proj_out.bias.data.fill_(3.0)
    network.save_pretrained(folder)
    if kind == "sam3_video":
        _write_tokenizer(folder)
    return folder


def _prompts(side: int, patch: int) -> dict[str, Any]:
    return {"hidden_size": _WIDE, "image_size": side, "patch_size": patch, "mask_input_channels": 4}


def _sam2() -> Any:
    from transformers import Sam2VideoConfig, Sam2VideoModel

    backbone = {
        "model_type": "sam2_hiera_det_model",
        "hidden_size": 8,
        "image_size": [128, 128],
        "blocks_per_stage": [1, 1, 2, 1],
        "embed_dim_per_stage": [8, 16, 32, 64],
        "num_attention_heads_per_stage": [1, 2, 4, 8],
        "window_size_per_stage": [8, 4, 4, 2],
        "global_attention_blocks": [3],
        "window_positional_embedding_background_size": [7, 7],
    }
    vision = {"model_type": "sam2_vision_model", "backbone_config": backbone, "backbone_channel_list": [64, 32, 16, 8]}
    vision |= {"backbone_feature_sizes": _LEVELS, "fpn_hidden_size": _WIDE}
    memory = _MEMORY | {"memory_attention_feed_forward_hidden_size": 32}
    return Sam2VideoModel(
        Sam2VideoConfig(vision_config=vision, image_size=128, prompt_encoder_config=_prompts(128, 16), mask_decoder_config=_MASKS, **memory)
    )


def _edgetam() -> Any:
    from transformers import EdgeTamVideoConfig, EdgeTamVideoModel

    backbone = {
        "model_type": "timm_wrapper",
        "architecture": "repvit_m1",
        "num_classes": 2,
        "label_names": ["a", "b"],
        "model_args": {"in_chans": 3, "features_only": True, "out_indices": [0, 1, 2, 3]},
    }
    vision = {"model_type": "edgetam_vision_model", "backbone_config": backbone}
    vision |= {"backbone_feature_sizes": _LEVELS, "fpn_hidden_size": _WIDE}
    memory = _MEMORY | {
        "memory_attention_mlp_hidden_size": 32,
        "memory_attention_rope_k_sizes": [4, 4],
        "perceiver_resampler_num_latents": 16,
        "perceiver_resampler_num_latents_2d": 16,
        "perceiver_resampler_num_layers": 1,
        "perceiver_resampler_mlp_intermediate_size": 32,
    }
    return EdgeTamVideoModel(
        EdgeTamVideoConfig(
            vision_config=vision, image_size=128, prompt_encoder_config=_prompts(128, 16), mask_decoder_config=_MASKS, **memory
        )
    )


def _sam3() -> Any:
    from transformers import Sam3VideoConfig, Sam3VideoModel

    backbone = {
        "model_type": "sam3_vit_model",
        "hidden_size": 32,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "image_size": 112,
        "patch_size": 14,
        "window_size": 4,
        "global_attn_indexes": [1],
        "pretrain_image_size": 56,
    }
    vision = {"model_type": "sam3_vision_model", "backbone_config": backbone, "fpn_hidden_size": _WIDE, "backbone_feature_sizes": _LEVELS}
    words = {"model_type": "clip_text_model", "vocab_size": 100, "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1}
    words |= {"num_attention_heads": 2, "max_position_embeddings": 32, "projection_dim": _WIDE, "eos_token_id": 53}
    part = {"hidden_size": _WIDE, "num_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    detector = {
        "model_type": "sam3",
        "vision_config": vision,
        "text_config": words,
        "geometry_encoder_config": part,
        "detr_encoder_config": part,
        "detr_decoder_config": part | {"num_queries": 6},
        "mask_decoder_config": {"hidden_size": _WIDE, "num_attention_heads": 2},
    }
    memory = _MEMORY | {"memory_attention_feed_forward_hidden_size": 32}
    tracker = {"model_type": "sam3_tracker_video", "vision_config": vision, "image_size": 112}
    tracker |= {"prompt_encoder_config": _prompts(112, 14), "mask_decoder_config": _MASKS, **memory}
    return Sam3VideoModel(Sam3VideoConfig(detector_config=detector, tracker_config=tracker, low_res_mask_size=32))


def _write_tokenizer(folder: Path) -> None:
    from transformers import CLIPTokenizer

    letters = [*string.ascii_lowercase, *(f"{letter}</w>" for letter in string.ascii_lowercase), "<|startoftext|>", "<|endoftext|>"]
    CLIPTokenizer(vocab={word: index for index, word in enumerate(letters)}, merges=[]).save_pretrained(folder)


def write_clip(folder: Path) -> Path:
    """Write a CLIP that reads letters and sees 32 x 32 pixels."""
    import torch
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTokenizer

    words = ["<|startoftext|>", "<|endoftext|>", *(f"{letter}{end}" for letter in string.ascii_lowercase for end in ("", "</w>"))]
    (folder / "vocab.json").write_text(json.dumps({word: index for index, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    size = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "projection_dim": 8}
    ends = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
    torch.manual_seed(0)
    config = CLIPConfig(
        text_config={**size, **ends, "vocab_size": len(words)}, vision_config={**size, "image_size": 32, "patch_size": 8}, projection_dim=8
    )
    model = CLIPModel(config)
    for weight in model.vision_model.parameters():
        weight.data.mul_(20 if weight.dim() > 1 else 1)  # else all pictures look alike to it
    model.save_pretrained(folder)
    CLIPProcessor(CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=32), tokenizer).save_pretrained(folder)
    return folder


def ram_checkpoint(sizes: RamSizes) -> tuple[Any, dict[str, Any]]:
    """A Swin of timm with random weights, and a checkpoint named as RAM's that holds it."""
    import timm.models.swin_transformer as timm
    import torch

    from core.curation.ram_network import RamNetwork

    torch.manual_seed(0)
    given = {"embed_dim": sizes.embed_dim, "depths": sizes.depths, "num_heads": sizes.heads, "window_size": sizes.window}
    swin = timm.SwinTransformer(img_size=sizes.side, patch_size=4, num_classes=0, **given).eval()
    for part in (swin, network := RamNetwork(sizes)):
        for values in part.parameters():
            torch.nn.init.normal_(values, std=0.3)
    weights = {key: value for key, value in network.state_dict().items() if not key.startswith("visual_encoder.")}
    for key, value in swin.state_dict().items():  # timm has a stage begin with what ends the one before
        name = re.sub(r"^layers\.(\d+)\.downsample", lambda found: f"layers.{int(found[1]) - 1}.downsample", key)
        weights[f"visual_encoder.{name}"] = value
    weights["visual_encoder.layers.0.blocks.1.attn_mask"] = torch.zeros(1)
    weights["tag_encoder.embeddings.word_embeddings.weight"] = torch.zeros(3, 6)
    return swin, weights
