"""Weights are fetched over a network that fails: one clear line, and the next try brings them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from hub import serve_hub

from core.errors import ModelMissingError

ROOT = Path(__file__).resolve().parents[2]
REPOSITORY = "facebook/sam2.1-hiera-tiny"
FILE = "sam2.1_hiera_tiny.pt"


def fetch(tmp_path: Path, url: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "app.commands.cli", "models", "fetch", "tiny", "--workspace", str(tmp_path / "workspace")]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_") and "proxy" not in name.lower()}
    environment = kept | {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_DISABLE_XET": "1", "HF_ENDPOINT": url}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)


def test_a_dropped_download_is_one_line_and_the_next_one_succeeds(tmp_path: Path) -> None:
    weights = os.urandom(300_000)
    file = tmp_path / "published" / REPOSITORY / FILE
    file.parent.mkdir(parents=True)
    file.write_bytes(weights)
    with serve_hub(tmp_path / "published", drops=[200_000]) as (url, _):
        done = fetch(tmp_path, url)
        assert done.returncode == ModelMissingError.exit_code, done.stderr
        last = done.stderr.splitlines()[-1]
        assert last.startswith("error: the model 'tiny' could not be fetched from facebook/sam2.1-hiera-tiny"), done.stderr
        assert "check the network connection" in last
        assert "Traceback" not in done.stderr
        done = fetch(tmp_path, url)
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "workspace" / "models" / "tiny" / FILE).read_bytes() == weights
    assert [path.name for path in (tmp_path / "workspace" / "models").iterdir()] == ["tiny"]


def test_a_hub_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    done = fetch(tmp_path, "http://127.0.0.1:9")
    assert done.returncode == ModelMissingError.exit_code, done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: the model 'tiny' could not be fetched"), done.stderr
    assert "Traceback" not in done.stderr
