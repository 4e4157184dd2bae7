"""The table of operations fits the editor, and calls with flat JSON values reach methods that take
dataclasses.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.contract.flat_call import FlatCall
from app.contract.operations import Callers, HANDLERS, Operation, OPERATIONS, operations_of_clients, RESUMABLE
from app.contract.program import Program
from app.editor.editor import Editor
from app.server.client_operations import ClientOperations
from app.settings import Settings
from core.errors import InputError
from ui_components.part import handler


@pytest.fixture
def editor(tmp_path: Path) -> Editor:
    return Editor(Settings(workspace=tmp_path, device="cpu"))


def method(editor: Editor, operation: Operation) -> object:
    part, name = operation.method.split(".")
    return getattr(ClientOperations if part == "client" else getattr(editor, part), name)


def test_every_operation_is_answered_and_described(editor: Editor) -> None:
    for operation in OPERATIONS.values():
        assert inspect.getdoc(method(editor, operation)), operation.name
        if operation.starts_job:
            assert inspect.signature(method(editor, operation)).return_annotation == "str", operation.name  # type: ignore[arg-type]
    methods = [operation.method for operation in OPERATIONS.values()]
    assert len(set(methods)) == len(methods)


def test_the_journal_knows_the_names_that_it_has_always_had() -> None:
    assert set(RESUMABLE) == {
        *("start_tracking", "find_text", "start_mask_export", "start_tries", "start_propagation", "resume_propagation"),
        *("start_export", "start_fetch"),
    }
    assert all(operation.starts_job for operation in RESUMABLE.values())


def test_a_shared_server_lets_nobody_change_its_models(editor: Editor) -> None:
    program = Program(editor, shared=True)
    with pytest.raises(InputError, match="people at its machine"):
        program.run("remove_model", "large")
    assert {one.name for one in operations_of_clients(shared=False)} - {one.name for one in operations_of_clients(shared=True)} == {
        *("start_fetch", "start_verify", "remove_model", "use_segmenter", "use_video_model", "workspace_use", "remove_unneeded")
    }
    assert all(Callers.PAGE in operation.callers for operation in HANDLERS.values())


def test_the_page_asks_only_for_operations_that_it_may_call() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (Path(__file__).parents[2] / "ui_components").glob("*.py"))
    names = set(re.findall(r'program\.run\(\s*"(\w+)"', sources))
    assert len(names) > 20
    assert [name for name in names if Callers.PAGE not in OPERATIONS[name].callers] == []
    calls = re.findall(r"program\.handlers\((.*?)\)\n", sources, re.DOTALL)
    handlers = [name for call in calls for name in re.findall(r'"(\w+)"', call)]
    assert sorted(handlers) == sorted(HANDLERS), "each handler of the table has its place on the page, once"


@dataclass(frozen=True)
class Inner:
    fit: str = "same"
    align: bool = True


@dataclass(frozen=True)
class Outer:
    frame: int
    inner: Inner = field(default_factory=Inner)
    name: str | None = None


def test_dataclasses_are_sent_as_their_fields() -> None:
    def method(project_id: str, outer: Outer, *, merge: bool = False) -> tuple[str, Outer, bool]:
        return project_id, outer, merge

    call = FlatCall(method)
    assert [one.name for one in call.parameters] == ["project_id", "frame", "fit", "align", "name", "merge"]
    assert [one.name for one in call.parameters if one.default is one.empty] == ["project_id", "frame"]
    sent = {"project_id": "p", "frame": 3, "align": False, "merge": True}
    assert call(sent) == ("p", Outer(3, Inner(align=False)), True)
    assert len(sent) == 4
    with pytest.raises(TypeError):
        call({"project_id": "p", "frame": 3, "colour": "red"})
    with pytest.raises(TypeError):
        call({"project_id": "p"})


def test_arguments_of_the_page_are_sent_by_name() -> None:
    def look(project_id: str, frame: int = 0) -> dict[str, object]:
        return {"at": frame}

    answer = handler(look)
    assert answer({"project_id": "p", "frame": 3}) == {"at": 3}  # type: ignore[call-arg, arg-type]
    for wrong in ([1, 2], {"frame": 3}, {"project_id": "p", "frame": "x"}, {"project_id": "p", "colour": 1}):
        said = answer(wrong)  # type: ignore[call-arg, arg-type]
        assert "report" not in said
        assert said["error"]
