"""Where projects lie by default: the same places as ever, whatever library finds them."""

from pathlib import Path

import pytest

from app.settings import default_workspace


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {}, "HOME/.local/share/vivid-studio"),
        ("linux", {"XDG_DATA_HOME": "/data", "LOCALAPPDATA": "/local"}, "/data/vivid-studio"),
        ("linux", {"XDG_DATA_HOME": ""}, "HOME/.local/share/vivid-studio"),
        ("darwin", {}, "HOME/Library/Application Support/VIVID Studio"),
        ("darwin", {"XDG_DATA_HOME": "/data"}, "HOME/Library/Application Support/VIVID Studio"),
        ("win32", {"LOCALAPPDATA": "/local", "XDG_DATA_HOME": "/data"}, "/local/VIVID Studio"),
    ],
)
def test_the_workspace_is_where_it_has_always_been(
    platform: str, variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.platform", platform)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_DATA_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert default_workspace() == Path(expected.replace("HOME", str(tmp_path)))
