"""Words to boxes with the real network and loading code: a small random Grounding DINO, fetched from a hub on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from builders import disc_clip

from core.errors import InputError, ModelMissingError
from core.models import ModelStore

ROOT = Path(__file__).resolve().parents[2]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", "?", "the", "disc", "a", "dog"]

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two repositories as the hub has them, REPOSITORY/FILE, with small random weights."""
    import torch

    from core.segment import grounding

    folder = tmp_path_factory.mktemp("hub")
    bert, dino = folder / "google-bert/bert-base-uncased", folder / "ShilongLiu/GroundingDINO"
    bert.mkdir(parents=True)
    dino.mkdir(parents=True)
    (bert / "vocab.txt").write_text("\n".join(WORDS))
    (bert / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": True}))
    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": len(WORDS)}
    (bert / "config.json").write_text(json.dumps({"model_type": "bert", **sizes}))
    (bert / "model.safetensors").write_bytes(b"not wanted")
    torch.manual_seed(0)
    shapes = {
        "backbone.0.patch_embed.proj.weight": (96,),
        "feat_map.weight": (256,),
        "transformer.encoder.layers.0.linear1.weight": (64,),
        "transformer.decoder.layers.0.linear1.weight": (64,),
        "transformer.tgt_embed.weight": (20,),
    }
    network = grounding._build({name: torch.zeros(shape) for name, shape in shapes.items()}, bert)
    weights = {f"module.{name}": value.half() if value.is_floating_point() else value for name, value in network.state_dict().items()}
    torch.save({"model": weights}, dino / "groundingdino_swint_ogc.pth")
    return folder


@pytest.fixture
def hub(published: Path) -> Generator[tuple[str, list[str]]]:
    """Address of a server that speaks as much of the hub's protocol as fetching takes, and what it was asked for."""
    asked: list[str] = []

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer(False)

        def do_GET(self) -> None:
            asked.append(self.path)
            self.answer(True)

        def answer(self, with_body: bool) -> None:
            path = self.path.split("?")[0]
            repository, _, name = path.strip("/").partition("/resolve/")
            if path.startswith("/api/models/"):
                repository = path.removeprefix("/api/models/").partition("/tree/")[0].partition("/revision/")[0]
                files = sorted((published / repository).iterdir())
                told = {"id": repository, "sha": COMMIT, "siblings": [{"rfilename": file.name} for file in files]}
                tree = [{"type": "file", "path": f.name, "size": f.stat().st_size, "oid": "0" * 40} for f in files]
                body = json.dumps(tree if "/tree/" in path else told).encode()
                kind = "application/json"
            elif (file := published / repository / name.partition("/")[2]).is_file():
                body, kind = file.read_bytes(), "application/octet-stream"
            else:
                self.send_response(404)
                self.send_header("X-Error-Code", "EntryNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            if with_body:
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def track(tmp_path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """`track --text` as a person starts it, with a hub cache of its own."""
    clip = disc_clip(tmp_path / "disc.mp4", frames=3)
    command = [sys.executable, "-m", "app.cli", "track", str(clip), "--text", "the disc", "--out", str(tmp_path / "out")]
    command += ["--workspace", str(tmp_path / "workspace"), "--device", "cpu"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_") and "proxy" not in name.lower()}
    environment = kept | {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1"} | environment
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)


def test_words_select_by_a_model_that_is_fetched_once(tmp_path: Path, hub: tuple[str, list[str]]) -> None:
    url, asked = hub
    done = track(tmp_path, HF_ENDPOINT=url)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "out" / "masks").glob("*.png"))) == 3
    assert any(path.endswith("groundingdino_swint_ogc.pth") for path in asked)
    assert not any("safetensors" in path for path in asked), "the text encoder's weights are in the checkpoint"


def test_without_the_weights_one_line_says_what_to_fetch_and_how_large(tmp_path: Path) -> None:
    done = track(tmp_path, HF_HUB_OFFLINE="1")
    assert done.returncode == ModelMissingError.exit_code
    assert done.stderr.count("\n") == 1
    assert "groundingdino_swint_ogc.pth of ShilongLiu/GroundingDINO (694 MB)" in done.stderr


def test_boxes_lie_on_the_frame_and_are_all_different(published: Path) -> None:
    from core.segment.grounding import load_grounder

    class Here(ModelStore):
        def locate(self, name: str, kind: str, *, download: bool = True) -> Path:  # type: ignore[override]
            repository = "ShilongLiu/GroundingDINO/groundingdino_swint_ogc.pth" if kind == "grounder" else "google-bert/bert-base-uncased"
            return published / repository

    grounder = load_grounder("grounding-dino", "cpu", Here())
    grounder.short_side = 96
    frame = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    boxes = grounder.find(frame, "a dog", threshold=0.0)
    assert 2 <= len(boxes) <= 8
    assert all(0 <= box.x0 < box.x1 <= 160 and 0 <= box.y0 < box.y1 <= 120 for box in boxes)
    assert [box.score for box in boxes] == sorted((box.score for box in boxes), reverse=True)
    assert grounder.find(frame, "a dog", threshold=1.0) == []
    with pytest.raises(InputError, match="what to look for"):
        grounder.find(frame, " . ")


def test_another_checkpoint_is_named(published: Path, tmp_path: Path) -> None:
    import torch

    from core.segment.grounding import load_grounder

    class There(ModelStore):
        def locate(self, name: str, kind: str, *, download: bool = True) -> Path:  # type: ignore[override]
            return tmp_path / "other.pth" if kind == "grounder" else published / "google-bert/bert-base-uncased"

    torch.save({"weight": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match="no checkpoint of Grounding DINO"):
        load_grounder("x", "cpu", There())
    (tmp_path / "other.pth").write_bytes(b"rubbish")
    with pytest.raises(InputError, match="can't be read"):
        load_grounder("x", "cpu", There())
