"""Results in the document: what they are called."""

from __future__ import annotations

import dataclasses

from core.project.project import Project


def with_result_name(project: Project, propagation_id: str, name: str) -> Project:
    """Call a result by a name of a person's own.

    Args:
        project: The document.
        propagation_id: The result.
        name: The name; an empty one takes it back.

    Returns:
        The changed document.

    Raises:
        InputError: There is no such result, or the name is too long.
    """
    named = dataclasses.replace(project.propagation(propagation_id), name=name.strip())
    return dataclasses.replace(
        project, propagations=tuple(named if p.propagation_id == propagation_id else p for p in project.propagations)
    )
