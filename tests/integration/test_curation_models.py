"""The models of a build: those of full size run with random weights, those that are embedded on
what they are for."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from builders import noise_frames, video_file

from core.curation.captions import caption_problem
from core.curation.embedded import DisFlow
from core.curation.identity import weights_of
from core.curation.language import load_captioner, PROMPT, three_captions
from core.curation.models import Crop
from core.curation.motion import moving_boxes
from core.curation.raft import load_raft
from core.curation.records import ClipRecord, Media
from core.curation.settings import CurationSettings
from core.curation.toolbox import Toolbox
from core.curation.views import open_view
from core.errors import InputError
from core.models.store import ModelStore


def tiny_internvl(folder: Path) -> Path:
    """An InternVL with random weights and a tokenizer of bytes."""
    from tokenizers import decoders, models, pre_tokenizers, Tokenizer
    from transformers import (
        GotOcr2ImageProcessor,
        InternVLConfig,
        InternVLForConditionalGeneration,
        InternVLProcessor,
        InternVLVideoProcessor,
        PreTrainedTokenizerFast,
    )

    special = ["<pad>", "<s>", "</s>", "<img>", "</img>", "<IMG_CONTEXT>", "<video>"]
    vocabulary = {word: number for number, word in enumerate([*special, *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    tokens = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokens.pre_tokenizer, tokens.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    names = dict(zip(("start_image_token", "end_image_token", "context_image_token", "video_token"), special[3:], strict=True))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=tokens, pad_token="<pad>", eos_token="</s>", extra_special_tokens=names)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    text = {"model_type": "qwen2", **sizes, "num_key_value_heads": 2, "vocab_size": len(vocabulary), "eos_token_id": 2, "pad_token_id": 0}
    vision = {**sizes, "image_size": [28, 28], "patch_size": [14, 14]}
    config = InternVLConfig(vision_config=vision, text_config=text, image_token_id=5, image_seq_length=1, downsample_ratio=0.5)
    template = "{% for m in messages %}{% for c in m['content'] %}{{ '<IMG_CONTEXT>' if c['type'] == 'image' else c['text'] }}"
    pictures = GotOcr2ImageProcessor(size={"height": 28, "width": 28}, crop_to_patches=False)
    videos = InternVLVideoProcessor(size={"height": 28, "width": 28})
    template += "{% endfor %}{% endfor %}"
    InternVLProcessor(pictures, tokenizer, videos, image_seq_length=1, chat_template=template).save_pretrained(folder)
    InternVLForConditionalGeneration(config).save_pretrained(folder)
    return folder


def test_a_vision_language_model_is_asked_for_three_captions(tmp_path: Path) -> None:
    folder = tiny_internvl(tmp_path / "model")
    settings = CurationSettings(captioner=str(folder), device="cpu")
    assert weights_of(settings, ModelStore())["captioner"] != weights_of(CurationSettings(), ModelStore())["captioner"]
    mask = np.zeros((40, 50), bool)
    mask[5:20, 8:30] = True
    crops = [Crop(noise_frames(1, 40, 50)[0], mask, label) for label in ("dog", "garden chair")]
    assert Toolbox(settings, None).captioner.captions(crops) == [("", "", "")] * 2, "random weights say nothing"
    answer = 'Here: {"short": "a dog", "medium": "a brown dog\\n lying down", "long": "a large brown dog that lies on its side"} Done.'
    assert three_captions(answer) == ("a dog", "a brown dog lying down", "a large brown dog that lies on its side")
    assert '{"short"' in PROMPT.format(label="dog")
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(InputError, match="captioner="):
            load_captioner(str(path), "cpu")


def test_captions_are_checked() -> None:
    good = ("a dog", "a brown dog", "a brown dog with a red collar")
    assert caption_problem(good, "hunting dog") == ""
    assert "missing" in caption_problem(("a dog", "", "a brown dog"), "dog")
    assert "shorter" in caption_problem((good[2], good[1], good[0]), "dog")
    assert "no caption says 'cat'" in caption_problem(good, "cat")
    assert "sorry" in caption_problem((*good[:2], "sorry, the brown dog is not clear to me"), "dog")


def test_raft_gives_flow_at_the_size_of_the_frames(tmp_path: Path) -> None:
    from torchvision.models.optical_flow import raft_small

    torch.save(raft_small(weights=None).state_dict(), tmp_path / "raft.pth")
    frames = noise_frames(2, 60, 90)
    flow = load_raft(tmp_path / "raft.pth", "cpu").between(frames[0], frames[1])
    assert flow.shape == (60, 90, 2)
    assert flow.dtype == np.float32
    assert np.isfinite(flow).all()
    torch.save({"w": torch.ones(1)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"other\.pth is no checkpoint of torchvision's RAFT"):
        load_raft(tmp_path / "other.pth", "cpu")


def test_what_moves_against_the_background_is_found(tmp_path: Path) -> None:
    """A camera that pans over a noisy wall, and a thing that goes another way."""
    wall = np.kron(noise_frames(1, 40, 80)[0], np.ones((4, 4, 1), np.uint8))
    thing = np.kron(255 - noise_frames(1, 10, 10, seed=5)[0], np.ones((4, 4, 1), np.uint8))
    frames = np.stack([wall[:120, 2 * index : 2 * index + 160] for index in range(9)]).copy()
    for index, frame in enumerate(frames):
        frame[40:80, 20 + 5 * index : 60 + 5 * index] = thing
    path = video_file(tmp_path / "clip.mp4", frames, options={"crf": "10"})
    facts = {"key": "a", "kind": "video", "source": "a", "licence": "", "suffix": ".mp4", "width": 160, "height": 120}
    record = ClipRecord(**facts, media=Media(str(path)), frames=9, rate=str(Fraction(24)), start=0, stop=9)
    with open_view(record, tmp_path) as view:
        (box, score), *_ = moving_boxes(view, DisFlow())
    assert score > 0.5
    overlap = (min(box[2], 60) - max(box[0], 20)) * (min(box[3], 80) - max(box[1], 40))
    assert overlap / ((box[2] - box[0]) * (box[3] - box[1]) + 1600 - overlap) > 0.6, box
