"""Weights from anybody: what a header says is checked before anything is made of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from core.models.tensors import check_package, load_tensors


def made_up(header: bytes, data: bytes = bytes(8), length: int | None = None) -> bytes:
    return (len(header) if length is None else length).to_bytes(8, "little") + header + data


def entry(end: int) -> bytes:
    return json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, end]}}).encode()


def test_what_was_saved_is_read(tmp_path: Path) -> None:
    save_file({"a": torch.arange(6.0), "b": torch.ones(2, 3)}, tmp_path / "w.safetensors", {"format": "pt"})
    check_package(tmp_path)
    assert load_tensors(tmp_path / "w.safetensors")["a"].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        made_up(entry(8), length=2**40),
        made_up(entry(8), length=10**9),
        made_up(entry(2**50)),
        made_up(entry(8), data=bytes(4)),
        made_up(b"[" * 50_000),
        made_up(b"{}"),
        made_up(b'{"a": 1}'),
        made_up(b'{"a": {"data_offsets": [0, Infinity]}}'),
        made_up(b"\xff\xfe"),
    ],
)
def test_a_header_that_lies_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "w.safetensors").write_bytes(content)
    with pytest.raises(SafetensorError, match="header"):
        load_tensors(tmp_path / "w.safetensors")
    with pytest.raises(SafetensorError):
        check_package(tmp_path)
