"""Attention to what is remembered, at a fraction of its cost: frames other than the prompted one
are read at half their resolution.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from sam2.modeling.memory_attention import MemoryAttention
from sam2.modeling.sam.transformer import RoPEAttention
from torch import Tensor

from core.segment.attention import attend

POOL = 2
"""Cells a side of a remembered frame that are read as one."""


class PooledMemoryAttention(MemoryAttention):
    """The package's memory attention with the same weights.

    The first frame in memory, which is a prompted one, is read cell by cell; of all others POOL x
    POOL cells are averaged. Positions are rotated in real numbers, which a processor does faster
    than in complex ones.
    """

    def forward(
        self,
        curr: Tensor | list[Tensor],
        memory: Tensor,
        curr_pos: Tensor | list[Tensor] | None = None,
        memory_pos: Tensor | None = None,
        num_obj_ptr_tokens: int = 0,
    ) -> Tensor:
        """What a frame looks like in the light of what is remembered: (h*w, N, C).

        Args:
            curr: the frame's coarsest features (h*w, N, C), or a list of only them
            memory: remembered frames' features one after the other, then object pointers: (K, N, M)
            curr_pos: positions of `curr`, as it is
            memory_pos: positions of `memory`, as it is
            num_obj_ptr_tokens: how many tokens at the end of `memory` are object pointers

        Returns:
            features like `curr`
        """
        given = curr[0] if isinstance(curr, list) else curr
        place = curr_pos[0] if isinstance(curr_pos, list) else curr_pos
        assert place is not None
        assert memory_pos is not None
        width = self.norm.weight.dtype  # bfloat16 where that is fast (core.segment.loading)
        now, place, memory, memory_pos = (each.to(width) for each in (given, place, memory, memory_pos))
        cells = round(now.shape[0] ** 0.5)
        values, places = (_pooled(each, cells, num_obj_ptr_tokens) for each in (memory, memory_pos))
        frames = (len(memory) - num_obj_ptr_tokens) // (cells * cells)
        attention = self.layers[0].self_attn
        own = self._rotation(attention, cells, 0, now.device)
        theirs = self._rotation(attention, cells, frames, now.device)
        out = (now + 0.1 * place).transpose(0, 1)
        values, keys = values.transpose(0, 1), (values + places).transpose(0, 1)
        for layer in self.layers:
            seen = layer.norm1(out)
            out = out + _attend(layer.self_attn, seen, seen, seen, own, own)
            out = out + _attend(layer.cross_attn_image, layer.norm2(out), keys, values, own, theirs)
            out = out + layer.linear2(F.relu(layer.linear1(layer.norm3(out))))
        return self.norm(out).transpose(0, 1).to(given.dtype)

    def _rotation(self, attention: RoPEAttention, cells: int, frames: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Cosine and sine (K, C) for the cells of a frame, or for the keys of that many remembered
        `frames`. Computed once for each size: a captured training step goes on reading them.
        """
        if not hasattr(self, "_rotations"):
            self._rotations: dict[tuple[int, int, str], tuple[Tensor, Tensor]] = {}
        key = (cells, frames, str(device))
        if key not in self._rotations:
            line = torch.arange(cells, dtype=torch.float32)
            few = line[::POOL] + (POOL - 1) / 2
            own = torch.stack(torch.meshgrid(line, line, indexing="ij"), -1).flatten(0, 1)
            pooled = torch.stack(torch.meshgrid(few, few, indexing="ij"), -1).flatten(0, 1)
            at = torch.cat([own, *[pooled] * (frames - 1)]) if frames else own
            width = attention.internal_dim // attention.num_heads
            pace = 10000.0 ** (-torch.arange(0, width, 4)[: width // 4].float() / width)
            angle = torch.cat([at[:, 1:] * pace, at[:, :1] * pace], 1).repeat_interleave(2, 1)
            self._rotations[key] = (angle.cos().to(device), angle.sin().to(device))
        return self._rotations[key]


def _pooled(tokens: Tensor, cells: int, pointers: int) -> Tensor:
    """Remembered tokens (K, N, M) with all frames but the first averaged over POOL x POOL cells;
    the last `pointers` stay.
    """
    first = cells * cells
    stop = len(tokens) - pointers
    if stop == first:
        return tokens
    pictures = tokens[first:stop].reshape(-1, cells, cells, tokens.shape[1] * tokens.shape[2]).permute(0, 3, 1, 2)
    later = F.avg_pool2d(pictures, POOL).permute(0, 2, 3, 1).reshape(-1, *tokens.shape[1:])
    return torch.cat([tokens[:first], later, tokens[stop:]])


def _attend(
    attention: RoPEAttention, query: Tensor, key: Tensor, value: Tensor, own: tuple[Tensor, Tensor], theirs: tuple[Tensor, Tensor]
) -> Tensor:
    """One attention (N, K, C) with rotated positions for queries and for as many of the first keys
    as `theirs` has.
    """
    q, k, v = attention.q_proj(query), attention.k_proj(key), attention.v_proj(value)
    count = len(theirs[0])
    q = _rotated(q, *own)
    k = _rotated(k, *theirs) if count == k.shape[1] else torch.cat([_rotated(k[:, :count], *theirs), k[:, count:]], 1)
    return attention.out_proj(attend(q[:, None], k[:, None], v[:, None])[:, 0])


def _rotated(value: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    even, odd = value[..., ::2], value[..., 1::2]
    crossed = torch.stack([-odd, even], -1).flatten(-2)
    return value * cosine.to(value.dtype) + crossed * sine.to(value.dtype)
