"""The editor as the page reaches it: operations by their public names, project views, and handlers
that pass a call on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.contract.arguments import Arguments
from app.contract.flat_call import FlatCall
from app.contract.operations import Callers, HANDLERS, Operation, OPERATIONS
from app.contract.project_view import project_view
from app.contract.reads import EditorReads
from core.errors import InputError
from core.project.project import Project

Answer = dict[str, Any]
Handler = Callable[..., Answer]


class Program:
    """What the parts of the page are built on.

    On a `shared` server, which other machines can reach, it refuses some operations.
    """

    def __init__(self, editor: EditorReads, *, shared: bool = False) -> None:
        self._editor = editor
        self.shared = shared

    def run(self, name: str, *arguments: Any, **named: Any) -> Any:
        """Call an operation by its public name; InputError where the page may not call it on this
        server.
        """
        return self._allowed(OPERATIONS[name]).of(self._editor)(*arguments, **named)

    def project(self, project_id: str) -> Project:
        """The document of a project."""
        return self._editor.projects.get(project_id)

    def view(self, project_id: str, **more: Any) -> Answer:
        """A handler's answer: everything that the page draws of a project, as `view`, and what else
        there is to say.
        """
        return {"view": project_view(self._editor, project_id), **more}

    def handlers(self, *names: str) -> list[Handler]:
        """The page's handlers of these names, which pass the call on and answer with the project's
        view.
        """
        return [self._handler(HANDLERS[name]) for name in names]

    def _handler(self, operation: Operation) -> Handler:
        def pass_on(**given: Any) -> Answer:
            call = FlatCall(self._allowed(operation).of(self._editor))
            checked = arguments(call).checked(given)
            project_id, answer = checked["project_id"], call(checked)
            return self.view(project_id, job=answer) if operation.starts_job else self.view(project_id)

        known: list[Arguments] = []

        def arguments(call: FlatCall) -> Arguments:
            if not known:
                known.append(Arguments(call.parameters, {one.name: one.annotation for one in call.parameters}))
            return known[0]

        pass_on.__name__ = operation.handler
        return pass_on

    def _allowed(self, operation: Operation) -> Operation:
        needed = Callers.PAGE | Callers.SHARED if self.shared else Callers.PAGE
        if needed not in operation.callers:
            raise InputError("only people at its machine can change the models and the workspace of this server: ask them")
        return operation
