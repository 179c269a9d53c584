"""Answers that come when the window that asked is gone: people close windows without waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from qgis.PyQt import sip

if TYPE_CHECKING:
    from qgis.PyQt.QtCore import QObject


def while_there(
    owner: QObject, act: Callable[..., Any], otherwise: Callable[..., Any] | None = None
) -> Callable[..., None]:
    """`act`, for as long as its owner is there; afterwards what is said `otherwise`, or nothing."""

    def acted(*told: Any) -> None:
        if not sip.isdeleted(owner):
            act(*told)
        elif otherwise is not None:
            otherwise(*told)

    return acted
