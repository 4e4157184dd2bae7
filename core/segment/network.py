"""A small SAM 2 from the package's own classes: the same blocks as SAM 2.1, with fewer channels,
layers and memories.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from sam2.modeling.backbones.hieradet import Hiera
from sam2.modeling.backbones.image_encoder import FpnNeck, ImageEncoder
from sam2.modeling.memory_attention import MemoryAttention, MemoryAttentionLayer
from sam2.modeling.memory_encoder import CXBlock, Fuser, MaskDownSampler, MemoryEncoder
from sam2.modeling.position_encoding import PositionEmbeddingSine
from sam2.modeling.sam.transformer import RoPEAttention
from sam2.modeling.sam2_base import SAM2Base
from torch import Tensor

from core.errors import InputError
from core.segment.memory import PooledMemoryAttention

STRIDE = 16  # pixels of the network's input per cell of its coarsest feature map that the memory sees


@dataclass(frozen=True)
class Sam2Config:
    """Sizes of a SAM 2. `image_size` is the side in pixels of the square that a frame is resized
    to, a multiple of 32.

    `stages` and `windows` are Hiera's blocks and attention windows per stage; the third stage
    attends globally from its second block on. `memories` counts the prompted frame and those before
    the current one, `pointers` the object pointers that are read back. `prompt_passes` is how often
    a prompted frame is shown again with the memory of its own answer before that answer is
    believed.
    `pooled_memory` reads remembered frames other than the prompted one at half their resolution
    (core.segment.memory).
    """

    image_size: int = 384
    embed_dim: int = 40
    stages: tuple[int, int, int, int] = (1, 2, 6, 1)
    windows: tuple[int, int, int, int] = (8, 8, 12, 8)
    channels: int = 128
    memory_channels: int = 64
    memory_layers: int = 2
    feedforward: int = 512
    memories: int = 5
    pointers: int = 6
    prompt_passes: int = 0
    pooled_memory: bool = False

    def __post_init__(self) -> None:
        if self.image_size < 64 or self.image_size % 32:
            raise InputError(f"an image size of {self.image_size} is not a multiple of 32, at least 64")

    @classmethod
    def read(cls, path: Path) -> Sam2Config:
        """Read a package's config.json; InputError when it is unreadable or says something this
        program does not know.
        """
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            unknown = set(values) - {field.name for field in fields(cls)}
            if unknown:
                raise InputError(f"{path} has settings that this program does not know: {', '.join(sorted(unknown))}")
            settings: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
            return cls(**settings)
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise InputError(f"{path} is not a readable configuration of a segmenter") from error

    def write(self, path: Path) -> None:
        """Write config.json."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")


def build_network(config: Sam2Config) -> SAM2Base:
    """The untrained network; its behaviour switches are those of SAM 2.1, but one mask, not three,
    while tracking.
    """
    return SAM2Base(
        image_encoder=_image_encoder(config),
        memory_attention=_memory_attention(config),
        memory_encoder=_memory_encoder(config),
        num_maskmem=config.memories,
        image_size=config.image_size,
        backbone_stride=STRIDE,
        sigmoid_scale_for_mem_enc=20.0,
        sigmoid_bias_for_mem_enc=-10.0,
        use_mask_input_as_output_without_sam=True,
        directly_add_no_mem_embed=True,
        no_obj_embed_spatial=True,
        use_high_res_features_in_sam=True,
        multimask_output_in_sam=True,
        multimask_min_pt_num=1,
        multimask_max_pt_num=1,
        use_multimask_token_for_obj_ptr=True,
        iou_prediction_use_sigmoid=True,
        use_obj_ptrs_in_encoder=True,
        max_obj_ptrs_in_encoder=config.pointers,
        proj_tpos_enc_in_obj_ptrs=True,
        use_signed_tpos_enc_to_obj_ptrs=True,
        only_obj_ptrs_in_the_past_for_eval=True,
        pred_obj_scores=True,
        pred_obj_scores_mlp=True,
        fixed_no_obj_ptr=True,
        use_mlp_for_obj_ptr_proj=True,
    )


class _Trunk(Hiera):
    """Hiera whose position embedding is computed once where it can't change: that takes as long as
    one of its blocks.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._known_positions: dict[tuple[int, int], Tensor] = {}

    def _get_pos_embed(self, hw: tuple[int, int]) -> Tensor:
        if self.pos_embed.requires_grad:
            return super()._get_pos_embed(hw)
        if hw not in self._known_positions:
            self._known_positions[hw] = super()._get_pos_embed(hw).contiguous()
        return self._known_positions[hw]


class _Neck(FpnNeck):
    """FpnNeck that works out positions of the one level where they are asked for, and only once for
    each size.
    """

    def forward(self, xs: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        last = len(xs) - 1
        out = [conv(x) for conv, x in zip(self.convs, reversed(xs), strict=True)][::-1]
        for level in reversed(self.fpn_top_down_levels):
            if level < last:
                # nothing is rounded by doubling cells, so that there is no need of float32 for it
                out[level] = out[level] + out[level + 1].repeat_interleave(2, 2).repeat_interleave(2, 3)
        positions = [x.new_zeros(()).expand(len(x), 1, *x.shape[2:]) for x in out]
        positions[last - 1] = self._position(out[last - 1])
        return out, positions

    def _position(self, x: Tensor) -> Tensor:
        if not hasattr(self, "_known_positions"):
            self._known_positions: dict[tuple[object, ...], Tensor] = {}
        key = (*x.shape, x.dtype, str(x.device))
        if key not in self._known_positions:
            self._known_positions[key] = self.position_encoding(x).to(x.dtype)
        return self._known_positions[key]


def _sine(channels: int) -> PositionEmbeddingSine:
    return PositionEmbeddingSine(num_pos_feats=channels, normalize=True, scale=None, temperature=10000)


def _image_encoder(config: Sam2Config) -> ImageEncoder:
    third = sum(config.stages[:2])
    trunk = _Trunk(
        embed_dim=config.embed_dim,
        num_heads=1,
        stages=config.stages,
        global_att_blocks=tuple(range(third + 1, third + config.stages[2])),
        window_pos_embed_bkg_spatial_size=(7, 7),
        window_spec=config.windows,
    )
    neck = _Neck(
        position_encoding=_sine(config.channels),
        d_model=config.channels,
        backbone_channel_list=[config.embed_dim * scale for scale in (8, 4, 2, 1)],
        fpn_top_down_levels=[2, 3],
        fpn_interp_model="nearest",
    )
    return ImageEncoder(trunk=trunk, neck=neck, scalp=1)


def _memory_attention(config: Sam2Config) -> MemoryAttention:
    cells = (config.image_size // STRIDE,) * 2
    common: dict[str, Any] = {"rope_theta": 10000.0, "feat_sizes": cells, "embedding_dim": config.channels}
    common |= {"num_heads": 1, "downsample_rate": 1, "dropout": 0.0}
    layer = MemoryAttentionLayer(
        activation="relu",
        cross_attention=RoPEAttention(**common, rope_k_repeat=True, kv_in_dim=config.memory_channels),
        self_attention=RoPEAttention(**common),
        d_model=config.channels,
        dim_feedforward=config.feedforward,
        dropout=0.0,
        pos_enc_at_attn=False,
        pos_enc_at_cross_attn_keys=True,
        pos_enc_at_cross_attn_queries=False,
    )
    kind = PooledMemoryAttention if config.pooled_memory else MemoryAttention
    return kind(d_model=config.channels, pos_enc_at_input=True, layer=layer, num_layers=config.memory_layers)


def _memory_encoder(config: Sam2Config) -> MemoryEncoder:
    block = CXBlock(dim=config.channels, kernel_size=7, padding=3, layer_scale_init_value=0.1, use_dwconv=True)
    return MemoryEncoder(
        out_dim=config.memory_channels,
        in_dim=config.channels,
        position_encoding=_sine(config.memory_channels),
        mask_downsampler=MaskDownSampler(embed_dim=config.channels, kernel_size=3, stride=2, padding=1),
        fuser=Fuser(block, num_layers=2),
    )
