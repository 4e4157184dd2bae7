"""Undo and redo: the document is immutable, so a step back is the document as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from core.project.project import Project

LIMIT = 100
"""Steps that can be undone; older ones are forgotten so that the file stays small."""


@dataclass(frozen=True)
class Step:
    """What a change was called, and the document on its other side."""

    label: str
    project: Project


@dataclass(frozen=True)
class History:
    """The document now, the steps behind it (oldest first) and the steps undone (next redo
    last).
    """

    present: Project
    past: tuple[Step, ...] = ()
    future: tuple[Step, ...] = ()

    def did(self, label: str, project: Project, merge: bool = False) -> History:
        """The history after a change; what was undone before is gone. Nothing changed: nothing to
        undo.

        Args: label: What the change is called. project: The document after it. merge: Whether a run
            of changes of the same label (a slider that is dragged) is one step.

        Returns:
            The next history, or this one.
        """
        if project == self.present:
            return self
        if merge and not self.future and self.past and self.past[-1].label == label:
            return History(project, self.past)
        return History(project, (*self.past, Step(label, self.present))[-LIMIT:])

    def amended(self, project: Project) -> History:
        """After a change that belongs to the last step, such as the answer of a job: not a step of
        its own.
        """
        return History(project, self.past, self.future)

    def changed_everywhere(self, change: Callable[[Project], Project]) -> History:
        """After finding out what holds for every state of the document, whatever is undone or done
        again.
        """
        past = tuple(Step(step.label, change(step.project)) for step in self.past)
        future = tuple(Step(step.label, change(step.project)) for step in self.future)
        return History(change(self.present), past, future)

    def undone(self) -> History:
        """One step back; the same history when there is none."""
        if not self.past:
            return self
        step = self.past[-1]
        return History(step.project, self.past[:-1], (*self.future, Step(step.label, self.present)))

    def redone(self) -> History:
        """One step forward again; the same history when there is none."""
        if not self.future:
            return self
        step = self.future[-1]
        return History(step.project, (*self.past, Step(step.label, self.present)), self.future[:-1])
