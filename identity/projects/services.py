"""Verbs of projects."""

from collections.abc import Callable

_on_delete: list[Callable[[str], None]] = []


def on_delete(step: Callable[[str], None]) -> None:
    """Register what an app does with its rows when a project is deleted: ``step(project_id)``, inside the transaction."""
    if step not in _on_delete:
        _on_delete.append(step)
