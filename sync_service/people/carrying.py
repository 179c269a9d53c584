"""Carries out what was decided about a board's people, one change after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sync_service.people.changes import (
    AddAccount,
    AddGroup,
    Change,
    Disable,
    Enable,
    Join,
    Leave,
    RenameAccount,
    RenameGroup,
    SetRole,
)

if TYPE_CHECKING:
    from kanban_adapter.people import PeopleAdapter, Roster


class Carrier:
    """Knows the ids of accounts and groups, of those too that it makes."""

    def __init__(self, board: PeopleAdapter, roster: Roster) -> None:
        self._board = board
        self._accounts = {account.login: account.id for account in roster.accounts}
        self._groups = {group.key: group.id for group in roster.groups if group.key}

    def carry_out(self, change: Change) -> bool:
        """Whether it changed the board. Raises the board's errors."""
        board, accounts, groups = self._board, self._accounts, self._groups
        match change:
            case AddAccount(login, name):
                accounts[login] = board.add_account(login, name)
                changed = True
            case AddGroup(key, name):
                groups[key] = board.add_group(key, name)
                changed = True
            case RenameAccount(login, name):
                changed = board.rename_account(accounts[login], name)
            case RenameGroup(key, name):
                changed = board.rename_group(groups[key], name)
            case Disable(login) | Enable(login):
                changed = board.set_active(accounts[login], active=isinstance(change, Enable))
            case Join(login, key) | Leave(login, key):
                changed = board.set_member(groups[key], accounts[login], present=isinstance(change, Join))
            case SetRole(login, project, role):
                changed = board.set_role(project, accounts[login], role)
        return changed

    def is_possible(self, change: Change) -> bool:
        """Whether account and group of a change are there: not if they could not be made before."""
        makes = isinstance(change, AddAccount | AddGroup)
        login, key = getattr(change, "login", None), getattr(change, "key", None)
        return makes or ((login is None or login in self._accounts) and (key is None or key in self._groups))

    def about(self, change: Change) -> dict[str, str]:
        """What the log says of a change: ids, and nobody's name."""
        login, key = getattr(change, "login", ""), getattr(change, "key", "")
        told = {
            "kind": type(change).__name__,
            "account": self._accounts.get(login, ""),
            "group": self._groups.get(key, ""),
            "project": getattr(change, "project", ""),
            "role": str(getattr(change, "role", "") or ""),
        }
        return {name: value for name, value in told.items() if value}
