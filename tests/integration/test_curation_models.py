"""The models of a build: those of full size run with random weights, those that are embedded on
what they are for."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from builders import noise_frames, video_file
from tiny_models import ram_checkpoint

from core.curation import raft
from core.curation.build import Build
from core.curation.captions import caption_problem
from core.curation.embedded import DisFlow
from core.curation.executors import LocalExecutor
from core.curation.identity import weights_of
from core.curation.language import load_captioner, PROMPT, three_captions
from core.curation.models import Crop
from core.curation.motion import moving_boxes
from core.curation.raft import load_raft
from core.curation.ram import load_ram, TAGS, THRESHOLDS
from core.curation.ram_network import RamSizes
from core.curation.records import ClipRecord, Masks, Media, read_clips
from core.curation.settings import CurationSettings
from core.curation.sources import list_sources
from core.curation.stages.deletions import DeletionsStage, Donor
from core.curation.toolbox import Toolbox
from core.curation.views import ClipView, open_view
from core.curation.vocabularies import vocabulary_hashes
from core.curation.work import ShardWork
from core.dataset.facts import PackedMasks
from core.errors import InputError
from core.media import write_image
from core.models.store import ModelStore
from core.progress import JobContext


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


def tiny_ram(folder: Path) -> Path:
    """RAM's files with random weights and five tags, of which the second is never believed."""
    sizes = RamSizes(tags=5, embed_dim=8, depths=(2, 2), heads=(2, 4), window=2, words=6, hidden=8, feedforward=12, layers=1)
    folder.mkdir()
    torch.save({"model": ram_checkpoint(sizes)[1]}, folder / "ram.pth")
    (folder / TAGS).write_text("Dog\nCar\nSky\nWall\nidea\n")
    (folder / THRESHOLDS).write_text("0\n1\n0\n0\n0\n")
    return folder


def test_ram_names_entities_and_backgrounds(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    folder, video = tiny_ram(tmp_path / "ram"), video_file(tmp_path / "videos" / "a.mp4", noise_frames(4, 48, 64))
    settings = CurationSettings(tagger=str(folder), device="cpu", least_side=32, least_seconds=0.1, image_share=0.0)
    weights = weights_of(settings, ModelStore())
    build = Build(tmp_path / "set", list_sources([str(video.parent)], ""), settings, weights)
    build.run(LocalExecutor(), JobContext(), ["masks"])
    last = next(path for path in (tmp_path / "set" / "stages" / "masks").glob("*.jsonl") if path.name.count(".") == 1)
    (clip,) = read_clips(last.read_bytes())
    assert (clip.tags, clip.background_tags) == (("dog",), ("sky", "wall")), "by the words that ship"
    assert clip.background is not None
    assert not clip.background.packed.frame(0).any(), "nobody found it on the frame"
    facts = json.loads((tmp_path / "set" / "build.json").read_text())
    assert facts["weights"]["tagger"] == weights["tagger"]
    assert facts["vocabularies"] == vocabulary_hashes(settings) != vocabulary_hashes(CurationSettings())

    (folder / TAGS).write_text("dog\n")
    with pytest.raises(InputError, match="knows 5 tags, the lists have 1 and 5 lines"):
        load_ram(folder, "cpu")
    torch.save({"model": {"w": torch.ones(1)}}, folder / "ram.pth")
    with pytest.raises(InputError, match="is not a checkpoint of RAM"):
        load_ram(folder, "cpu")
    with pytest.raises(InputError, match="the folder of RAM with"):
        load_ram(tmp_path, "cpu")


def test_a_deletion_lies_on_what_was_named_as_background(tmp_path: Path) -> None:
    """Half of a picture is sky, the other half nobody named."""
    write_image(tmp_path / "a.png", noise_frames(1, 60, 80)[0])
    sky, thing = (np.zeros((1, 60, 80), np.bool_) for _ in range(2))
    sky[0, :, 40:] = True
    thing[0, 20:30, 5:15] = True
    facts = {"source": "a", "licence": "", "media": Media(str(tmp_path / "a.png")), "suffix": ".png", "width": 80, "height": 60}
    clips = [
        ClipRecord(key=key, kind="image", frames=1, rate="0", start=0, stop=1, background=Masks.of(PackedMasks.pack(sky & named)), **facts)
        for key, named in (("a", True), ("b", False))
    ]
    settings = CurationSettings(device="cpu")
    donors = [Donor(f"d{number}", "b", Masks.of(PackedMasks.pack(thing))) for number in range(3)]
    work = ShardWork("deletions", tmp_path, settings, Toolbox(settings, None), msgspec.to_builtins(donors))
    made, without = DeletionsStage().run(clips, work)
    mask = made.entities[0].masks.packed.frame(0)
    assert mask.sum() == 100
    assert (mask & sky[0]).sum() == 100
    assert (without.entities, work.dropped[0].filter) == ([], "deletion_places")


def test_one_clip_of_a_batch_that_fails_costs_no_other(tmp_path: Path) -> None:
    """Whether its file is gone or the network can't take it."""
    facts = {"kind": "image", "source": "s", "licence": "", "suffix": ".png", "width": 8, "height": 8}
    clips = []
    for key in "abcdefg":
        path = tmp_path / f"{key}.png"
        write_image(path, noise_frames(1, 8, 8)[0])
        clips.append(ClipRecord(key=key, media=Media(str(path)), frames=1, rate="0", start=0, stop=1, **facts))
    (tmp_path / "b.png").unlink()
    work = ShardWork("tags", tmp_path, CurationSettings(batch=3, decoders=2, device="cpu"), Toolbox(CurationSettings(), None))
    sizes = []

    def look(batch: list[ClipRecord], views: list[ClipView]) -> list[ClipRecord]:
        sizes.append(len(batch))
        assert [view.record.key for view in views] == [clip.key for clip in batch]
        for clip in batch:
            work.drop(clip.key, "seen", 0, 0)
            if clip.key == "e":
                raise ValueError("too odd")
        return batch

    assert [clip.key for clip in work.in_batches(clips, look)] == ["a", "c", "d", "f", "g"]
    assert sizes == [2, 3, 1, 1, 1, 1]
    assert [aside.input for aside in work.aside] == ["b (s)", "e (s)"]
    assert work.aside[1].reason == "ValueError: too odd"
    assert [one.key for one in work.dropped] == ["a", "c", "d", "e", "f", "g"], "what a batch that failed had said is forgotten"


def test_captions_are_checked() -> None:
    good = ("a dog", "a brown dog", "a brown dog with a red collar")
    assert caption_problem(good, "hunting dog") == ""
    assert "missing" in caption_problem(("a dog", "", "a brown dog"), "dog")
    assert "shorter" in caption_problem((good[2], good[1], good[0]), "dog")
    assert "no caption says 'cat'" in caption_problem(good, "cat")
    assert "sorry" in caption_problem((*good[:2], "sorry, the brown dog is not clear to me"), "dog")


def test_raft_gives_flow_at_the_size_of_the_frames(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.models.optical_flow import raft_small

    torch.save(raft_small(weights=None).state_dict(), tmp_path / "raft.pth")
    frames = noise_frames(4, 60, 90)
    monkeypatch.setattr(raft, "_PAIRS", 2)
    network = load_raft(tmp_path / "raft.pth", "cpu")
    flow = network.between(frames[0], frames[1])
    together = list(network.along(frames))
    assert len(together) == 3
    assert np.allclose(together[2], network.between(frames[2], frames[3]), atol=1e-2), "the odd one"
    assert np.allclose(together[0], flow, atol=1e-2)
    assert flow.shape == (60, 90, 2)
    assert flow.dtype == np.float32
    assert np.isfinite(flow).all()
    torch.save({"w": torch.ones(1)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"other\.pth is not a checkpoint of torchvision's RAFT"):
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
