"""The people of a Kanboard. All of it is done by the application token: no other account may."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from kanban_adapter.errors import Failed, Missing
from kanban_adapter.kanboard.client import TOKEN_USER, Account, Call, Client
from kanban_adapter.kanboard.reader import Reader
from kanban_adapter.limits import check_length
from kanban_adapter.people import Account as Person
from kanban_adapter.people import Group, ProjectRole, Roster

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import requests

MAX_LOGIN = 191
MAX_GROUP = 100
"""Characters of a login and of a group's name."""

_ROLES = {role: f"project-{role}" for role in ProjectRole}
_READ = {word: role for role, word in _ROLES.items()}
_GOVERNS = "app-admin"
_PASSWORD_BYTES = 48


class KanboardPeople:
    """`url` and `token` as for the board itself, `projects` those that are watched."""

    def __init__(self, session: requests.Session, *, url: str, token: str, projects: Sequence[str]) -> None:
        self._client = Client(session, url, Account(TOKEN_USER, token))
        self._reader = Reader(self._client, projects, url)

    def roster(self, *, logins: str, keys: str) -> Roster:
        """Read everybody of ours, in as many requests as chunks of calls."""
        projects = self._reader.project_ids()
        self._reader.projects()  # one that vanished has no members with Kanboard; here that is no answer
        rows, found = self._client.fetch(Call("getAllUsers"), Call("getAllGroups"))
        groups = [
            Group(str(row["id"]), row["external_id"] or "", row["name"]) for row in _listed("getAllGroups", found)
        ]
        members = self._members([group.id for group in groups if group.key.startswith(keys)])
        inside = {account for accounts in members.values() for account in accounts}
        every = _listed("getAllUsers", rows)
        ours = [row for row in every if row["username"].startswith(logins) or str(row["id"]) in inside]
        roles = self._roles(projects, [str(row["id"]) for row in ours])
        accounts = [_to_person(row, members, roles[str(row["id"])]) for row in ours]
        return Roster(accounts, groups, projects)

    def _members(self, groups: Iterable[str]) -> dict[str, set[str]]:
        asked = list(groups)
        calls = [Call("getGroupMembers", {"group_id": int(group)}) for group in asked]
        answers = self._many(calls)
        return {
            group: {str(row["id"]) for row in _listed("getGroupMembers", rows)}
            for group, rows in zip(asked, answers, strict=True)
        }

    def _roles(self, projects: Sequence[str], accounts: Sequence[str]) -> dict[str, dict[str, ProjectRole]]:
        asked = [(account, project) for account in accounts for project in projects]
        answers = self._many([_about("getProjectUserRole", project, account) for account, project in asked])
        roles: dict[str, dict[str, ProjectRole]] = {account: {} for account in accounts}
        for (account, project), word in zip(asked, answers, strict=True):
            if word:
                # A role that the administrator made stands above looking on: it is put right like any other.
                roles[account][project] = _READ.get(word, ProjectRole.MANAGER)
        return roles

    def _many(self, calls: Sequence[Call]) -> list[Any]:
        chunk = self._client.account.chunk
        parts = [calls[start : start + chunk] for start in range(0, len(calls), chunk)]
        return [answer for part in parts for answer in self._client.fetch(*part)]

    def add_account(self, login: str, name: str) -> str:
        """Make an account unless it is there. Its password is told to nobody."""
        check_length("login", login, MAX_LOGIN)
        known = self._client.call("getUserByName", username=login)
        if known:
            return str(known["id"])
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        made = self._client.call("createUser", username=login, password=password, name=name)
        return str(self._done("createUser", made))

    def rename_account(self, account_id: str, name: str) -> bool:
        """Change a name."""
        if self._account(account_id)["name"] == name:
            return False
        return bool(self._done("updateUser", self._client.call("updateUser", id=int(account_id), name=name)))

    def set_active(self, account_id: str, *, active: bool) -> bool:
        """Enable or disable: Kanboard looks at this in every request, whatever session or key it comes with."""
        if bool(int(self._account(account_id)["is_active"])) == active:
            return False
        method = "enableUser" if active else "disableUser"
        return bool(self._done(method, self._client.call(method, user_id=int(account_id))))

    def _account(self, account_id: str) -> Mapping[str, Any]:
        row: Mapping[str, Any] | None = self._client.call("getUser", user_id=int(account_id))
        if not row:
            raise Missing("account", account_id)
        return row

    def add_group(self, key: str, name: str) -> str:
        """Make a group unless one with its key is there."""
        check_length("group", name, MAX_GROUP)
        for row in _listed("getAllGroups", self._client.call("getAllGroups")):
            if row["external_id"] == key:
                return str(row["id"])
        return str(self._done("createGroup", self._client.call("createGroup", name=name, external_id=key)))

    def rename_group(self, group_id: str, name: str) -> bool:
        """Change a group's name."""
        check_length("group", name, MAX_GROUP)
        row = self._client.call("getGroup", group_id=int(group_id))
        if not row:
            raise Missing("group", group_id)
        if row["name"] == name:
            return False
        return bool(self._done("updateGroup", self._client.call("updateGroup", group_id=int(group_id), name=name)))

    def set_member(self, group_id: str, account_id: str, *, present: bool) -> bool:
        """Put an account into a group, or take it out."""
        pair = {"group_id": int(group_id), "user_id": int(account_id)}
        if bool(self._client.call("isGroupMember", **pair)) == present:
            return False
        method = "addGroupMember" if present else "removeGroupMember"
        return bool(self._done(method, self._client.call(method, **pair)))

    def set_role(self, project_id: str, account_id: str, role: ProjectRole | None) -> bool:
        """Give an account this role in a project. One that a group gives stands behind the account's own."""
        asking = _about("getProjectUserRole", project_id, account_id)
        (before,) = self._client.fetch(asking)
        if role is None:
            (_, after) = self._client.fetch(_about("removeProjectUser", project_id, account_id), asking)
            return bool(before != after)
        word = {"role": _ROLES[role]}
        if before == word["role"]:
            return False
        changing = _about("changeProjectUserRole", project_id, account_id, **word)
        _, after = self._client.fetch(changing, asking)
        if after != word["role"]:  # it had none of its own
            adding = _about("addProjectUser", project_id, account_id, **word)
            (answer,) = self._client.fetch(adding)
            self._done("addProjectUser", answer)
        return True

    @staticmethod
    def _done(method: str, answer: Any) -> Any:
        if not answer:
            raise Failed(method)
        return answer


def _about(method: str, project: str, account: str, **more: str) -> Call:
    return Call(method, {"project_id": int(project), "user_id": int(account), **more})


def _listed(method: str, answer: Any) -> list[Mapping[str, Any]]:
    """Rows of a list. An answer that is none says nothing about who is there."""
    if not isinstance(answer, list):
        raise Failed(method)
    return answer


def _to_group(row: Mapping[str, Any]) -> Group:
    return Group(str(row["id"]), row["external_id"] or "", row["name"])


def _to_person(row: Mapping[str, Any], members: Mapping[str, set[str]], roles: Mapping[str, ProjectRole]) -> Person:
    account = str(row["id"])
    return Person(
        id=account,
        login=row["username"],
        name=row["name"] or "",
        active=bool(int(row["is_active"])),
        groups=frozenset(group for group, accounts in members.items() if account in accounts),
        roles=roles,
        governs=row["role"] == _GOVERNS,
    )
