"""Weights are fetched over a network that fails: one clear line, and the next try goes on."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from hub import ELSEWHERE, serve_hub

from core.errors import InputError, ModelMissingError, StorageError
from core.models.record import read_record

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = "facebook/sam2.1-hiera-tiny"
FILE = "sam2.1_hiera_tiny.pt"
EDGETAM = "yonigozlan/EdgeTAM-hf"
SMALL = "facebook/sam2.1-hiera-small"


def run(tmp_path: Path, url: str, *commands: str, limit: Callable[[], None] | None = None, **more: str) -> list[tuple[int, str]]:
    """Run commands of `models` as a person does, one after the other; what each answers and says
    last.
    """
    code = (
        "import sys; from app.commands.cli import main\n"
        "for words in sys.argv[2:]: print(file=sys.stderr); print(main(['models', *words.split(), '--workspace', sys.argv[1]]), flush=True)"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_") and "proxy" not in name.lower()}
    environment = kept | {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1", "HF_ENDPOINT": url} | more
    command = [sys.executable, "-c", code, str(tmp_path / "workspace"), *commands]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, preexec_fn=limit)
    assert "Traceback" not in done.stderr, done.stderr
    codes = [int(line) for line in done.stdout.splitlines() if line.isdecimal()]
    said = [part.strip().splitlines()[-1] if part.strip() else "" for part in done.stderr.split("\n\n")]
    assert len(codes) == len(commands), done.stderr
    return list(zip(codes, said, strict=True))


def publish(folder: Path, repository: str, name: str, body: bytes) -> None:
    file = folder / repository / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(body)


def test_a_download_that_breaks_off_goes_on_from_there_and_is_verified(tmp_path: Path) -> None:
    weights = os.urandom(25_000_000)  # more than two of the pieces that arrive
    publish(tmp_path / "published", REPOSITORY, FILE, weights)
    models = tmp_path / "workspace" / "models"
    part = models / ".tiny" / f"{FILE}.part"

    def one_piece() -> bool:
        return part.exists() and part.stat().st_size > 10_000_000

    with serve_hub(tmp_path / "published", drops=[15_000_000], arrived=one_piece, elsewhere=True) as (url, asked):
        unasked, dropped = run(tmp_path, url, "fetch tiny", "fetch tiny --accept-licence", HF_TOKEN="hf_mine")
        assert unasked == (
            InputError.exit_code,
            "error: 'tiny' is fetched when its licence is accepted: answer yes, or say --accept-licence",
        )
        assert dropped[0] == ModelMissingError.exit_code
        assert dropped[1].startswith(f"error: the model 'tiny' could not be fetched from {REPOSITORY}: check the network connection")
        assert 10_000_000 < part.stat().st_size <= 15_000_000
        assert not (models / "tiny").exists()
        (done, said), verified = run(
            tmp_path, url, "fetch tiny", "verify tiny", HF_TOKEN="hf_mine"
        )  # the licence was accepted when it began
        assert (done, said.rpartition(": ")[2]) == (0, "25 of 25 MB")
        assert verified[0] == 0
        assert f"from {15_000_000 // 2**20 // 10 * 10 * 2**20}" in asked
        there = [path for path in asked if path.startswith(ELSEWHERE)]
        assert len(there) == 2
        assert not any("token" in path for path in there), "a token is for the hub alone"
        assert any(path.endswith("with a token") for path in asked)
        weight_file = models / "tiny" / FILE
        assert weight_file.read_bytes() == weights
        assert [path.name for path in models.iterdir()] == ["tiny"]
        record = read_record(models / "tiny")
        assert record is not None
        assert "Apache-2.0" in record.licence

        weight_file.write_bytes(bytes(1) + weights[1:])
        for name in ("config.json", "model.safetensors"):
            publish(tmp_path / "published", EDGETAM, name, b"{}")
        by_hand = models / "edgetam"
        by_hand.mkdir()
        (by_hand / "model.safetensors").write_bytes(b"{}")
        own = [models / "tiny" / "vivid.json", by_hand / "vivid.json"]
        for file in own:
            file.write_text("a person's own", encoding="utf-8")
        words = ("verify tiny", "fetch tiny", "verify tiny", "fetch edgetam --accept-licence", "remove edgetam", "remove edgetam")
        damaged, again, verified, completed, removed, nothing = run(tmp_path, url, *words)
    assert completed[0] == 0
    assert removed == (0, f"note: {by_hand} stays: what was not fetched is in it")
    assert [path.name for path in by_hand.iterdir()] == ["vivid.json"], "only what was fetched is taken away"
    assert nothing[0] == InputError.exit_code
    brought = {line.rpartition("/")[2] for line in asked if line.startswith(f"/{EDGETAM}/resolve/")}
    assert brought == {"config.json"}, "what was copied by hand is not fetched again"
    assert all(file.is_file() for file in own)
    assert damaged[0] == ModelMissingError.exit_code
    assert f"{FILE} is missing or damaged and was taken away: run `launch.py models fetch tiny`" in damaged[1]
    assert (again[0], verified[0]) == (0, 0)
    assert weight_file.read_bytes() == weights


def test_each_answer_of_the_hub_is_a_line_that_says_what_to_do(tmp_path: Path) -> None:
    published = tmp_path / "published"
    for repository, name in (
        (REPOSITORY, FILE),
        (SMALL, "sam2.1_hiera_small.pt"),
        ("facebook/sam2.1-hiera-large", "sam2.1_hiera_large.pt"),
    ):
        publish(published, repository, name, bytes(1000))
    publish(published, "facebook/sam3", "config.json", b"{}")
    publish(published, "facebook/sam3", "model.safetensors", bytes(1000))
    refuses = {SMALL: 401, "facebook/sam2.1-hiera-base-plus": 404, "yonigozlan/EdgeTAM-hf": 503}
    claims = {"facebook/sam2.1-hiera-large": shutil.disk_usage(tmp_path).total}
    names = {"tiny": ModelMissingError, "small": ModelMissingError, "base-plus": ModelMissingError, "large": StorageError}
    names |= {"sam3": ModelMissingError, "edgetam": ModelMissingError}
    commands = [f"fetch {name} --accept-licence" for name in names]
    with serve_hub(published, gated=["facebook/sam3"], refuses=refuses, damaged=[REPOSITORY], claims=claims) as (url, _):
        answers = dict(zip(names, run(tmp_path, url, *commands, HF_TOKEN="hf_mine"), strict=True))
        ((_, alone),) = run(tmp_path, url, "fetch sam3")
    assert {name: code for name, (code, _) in answers.items()} == {name: error.exit_code for name, error in names.items()}
    for name, words in {
        "tiny": f"{FILE} of {REPOSITORY} came damaged (its hash is not the hub's) and was thrown away: fetch 'tiny' again",
        "small": f"the hub refuses your HF_TOKEN for {SMALL} (401): start with an HF_TOKEN that may read it",
        "base-plus": "the hub has no facebook/sam2.1-hiera-base-plus (404): check HF_ENDPOINT, or copy the files by hand",
        "large": "there is too little room for 'large': ",
        "edgetam": "the hub answers 503 instead of yonigozlan/EdgeTAM-hf: try again later",
        "sam3": "the weights of 'sam3' are gated: accept the licence on huggingface.co/facebook/sam3 and start with your HF_TOKEN",
    }.items():
        assert answers[name][1].startswith(f"error: {words}"), answers[name]
    assert "choose a folder on another disk with --workspace" in answers["large"][1]
    assert alone == answers["sam3"][1], "with a token or without one"
    assert not list((tmp_path / "workspace/models").rglob("*.part"))


def test_a_disk_that_fills_up_or_a_hub_out_of_reach_is_one_line(tmp_path: Path) -> None:
    publish(tmp_path / "published", REPOSITORY, FILE, bytes(12_000_000))

    def little() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (5_000_000, 5_000_000))

    with serve_hub(tmp_path / "published") as (url, _):
        ((code, said),) = run(tmp_path, url, "fetch tiny --accept-licence", limit=little)
    assert (code, said[:23]) == (StorageError.exit_code, "error: the disk is full"), said
    ((code, said),) = run(tmp_path, "http://127.0.0.1:9", "fetch tiny")
    assert (code, said[:45]) == (ModelMissingError.exit_code, "error: the model 'tiny' could not be fetched "), said
    ((code, said),) = run(tmp_path, "http://127.0.0.1:9", "fetch tiny", HF_HUB_OFFLINE="1")
    assert (code, "can't be fetched while HF_HUB_OFFLINE is set" in said) == (ModelMissingError.exit_code, True), said
