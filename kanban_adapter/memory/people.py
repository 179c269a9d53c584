"""The people of a board in memory, with Kanboard's habits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kanban_adapter.errors import Failed, Missing, Unreachable
from kanban_adapter.limits import check_length
from kanban_adapter.people import Account, Group, ProjectRole, Roster

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_LOGIN = 191
MAX_GROUP = 100


class MemoryPeople:
    """Holds them by their ids. While `away` nothing is answered and nothing done; `written` counts what was changed."""

    def __init__(self, projects: Sequence[str] = ("1",)) -> None:
        self.projects = tuple(projects)
        self.accounts: dict[str, Account] = {}
        self.groups: dict[str, Group] = {}
        self.away = False
        self.written = 0

    def _reach(self) -> None:
        if self.away:
            raise Unreachable("people")

    def _number(self) -> str:
        self.written += 1
        return str(len(self.accounts) + len(self.groups) + 1)

    def _keep(self, before: Account, after: Account) -> bool:
        self.accounts[before.id] = after
        self.written += before != after
        return before != after

    def _account(self, account_id: str) -> Account:
        self._reach()
        if account_id not in self.accounts:
            raise Missing("account", account_id)
        return self.accounts[account_id]

    def roster(self, *, logins: str, keys: str) -> Roster:
        """Read everybody of ours."""
        self._reach()
        known = {group.id for group in self.groups.values() if group.key.startswith(keys)}
        ours = [
            replace(account, groups=account.groups & known)
            for account in self.accounts.values()
            if account.login.startswith(logins) or account.groups & known
        ]
        return Roster(ours, list(self.groups.values()), self.projects)

    def add_account(self, login: str, name: str) -> str:
        """Make an account unless it is there."""
        self._reach()
        check_length("login", login, MAX_LOGIN)
        for account in self.accounts.values():
            if account.login == login:
                return account.id
        number = self._number()
        self.accounts[number] = Account(number, login, name)
        return number

    def rename_account(self, account_id: str, name: str) -> bool:
        """Change a name."""
        account = self._account(account_id)
        return self._keep(account, replace(account, name=name))

    def set_active(self, account_id: str, *, active: bool) -> bool:
        """Enable or disable."""
        account = self._account(account_id)
        return self._keep(account, replace(account, active=active))

    def add_group(self, key: str, name: str) -> str:
        """Make a group unless it is there."""
        self._reach()
        check_length("group", name, MAX_GROUP)
        for group in self.groups.values():
            if group.key == key:
                return group.id
        self._refuse_twin(name)
        number = self._number()
        self.groups[number] = Group(number, key, name)
        return number

    def _refuse_twin(self, name: str) -> None:
        if any(group.name == name for group in self.groups.values()):
            raise Failed("group")

    def rename_group(self, group_id: str, name: str) -> bool:
        """Change a group's name."""
        self._reach()
        if group_id not in self.groups:
            raise Missing("group", group_id)
        group = self.groups[group_id]
        if group.name == name:
            return False
        self._refuse_twin(name)
        self.groups[group_id] = replace(group, name=name)
        self.written += 1
        return True

    def set_member(self, group_id: str, account_id: str, *, present: bool) -> bool:
        """Put an account into a group, or take it out."""
        account = self._account(account_id)
        groups = account.groups | {group_id} if present else account.groups - {group_id}
        return self._keep(account, replace(account, groups=groups))

    def set_role(self, project_id: str, account_id: str, role: ProjectRole | None) -> bool:
        """Give an account this role in a project."""
        account = self._account(account_id)
        roles = {project: each for project, each in account.roles.items() if project != project_id}
        return self._keep(account, replace(account, roles=roles if role is None else {**roles, project_id: role}))
