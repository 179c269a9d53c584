"""People of the identity provider, people of the board: what must be done so that the second follow the first. Pure.

The board's login is made of the subject, which the provider gives once and to one person only: whatever somebody is
renamed to, nobody comes to another's account. Accounts and groups that are not of our making are left alone.
"""

from __future__ import annotations

from dataclasses import dataclass
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
from sync_service.people.standing import RANKS, board_role
from sync_service.sync.surge import believes_absence

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kanban_adapter.people import Account, ProjectRole, Roster
    from sync_service.people.directory import Directory, Person

LOGINS = "kc-"
"""Begins the logins that are ours. Apache gives the board the same."""
KEYS = "placecard:"
"""Begins the keys of the groups that are ours."""
EVERYBODY = f"{KEYS}people"
"""The group that all of ours are in: who is in it is ours also under a login that they gave themselves."""
_EVERYBODYS_NAME = "Placecard"


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, in this order.

    `withheld` counts those of the `known` accounts that would lose something and do not: too many would at once.
    """

    changes: tuple[Change, ...]
    known: int
    withheld: int = 0


@dataclass(frozen=True, slots=True)
class _Wanted:
    """How an account should be."""

    name: str
    role: ProjectRole | None
    groups: frozenset[str]


def login_of(subject: str) -> str:
    """The login of somebody by their subject."""
    return f"{LOGINS}{subject}"


def decide(directory: Directory, roster: Roster, *, confirmed: bool = False) -> Plan:
    """What makes the board's people follow. `confirmed` tells that a person has looked at how many lose something."""
    welcome = [person for person in directory.people if person.is_welcome]
    wanted = {login_of(person.subject): _wanted(person, directory) for person in welcome}
    refused = {login_of(person.subject) for person in directory.people if not person.is_welcome}
    accounts = {account.login: account for account in roster.accounts if _is_ours(account)}
    keys = {group.id: group.key for group in roster.groups}
    taken = {login: list(_taken(account, wanted.get(login), keys)) for login, account in accounts.items()}
    known = sum(account.active for account in accounts.values())
    losing = {login for login in taken if _is_felt(accounts[login], wanted.get(login), taken[login])} - refused
    if not (confirmed or _is_believable(known, len(losing), wanted)):
        taken = {login: changes for login, changes in taken.items() if login not in losing}
    else:
        losing = set()
    given = _given(directory, roster, wanted, accounts, keys)
    order = sorted((change for changes in taken.values() for change in changes), key=_is_last)
    return Plan((*order, *given), known, len(losing))


def _is_last(change: Change) -> bool:
    """Whoever is dismissed is out first; what they had is tidied up afterwards."""
    return not isinstance(change, Disable)


def _wanted(person: Person, directory: Directory) -> _Wanted:
    organisations = person.organisations & directory.organisations.keys()
    groups = frozenset({EVERYBODY, *(f"{KEYS}{each}" for each in organisations)})
    return _Wanted(person.name, board_role(person.roles), groups)


def _is_ours(account: Account) -> bool:
    """An administrator whom somebody put into our group is none of ours."""
    return account.login.startswith(LOGINS) or not account.governs


def _is_believable(known: int, losing: int, wanted: Mapping[str, _Wanted]) -> bool:
    """Rule 10, for people; and a provider that knows nobody at all is not believed either."""
    return believes_absence(known, losing) and bool(wanted or not losing)


def _taken(account: Account, wanted: _Wanted | None, keys: Mapping[str, str]) -> Iterator[Change]:
    if wanted is None and account.active:
        yield Disable(account.login)
    role = wanted.role if wanted else None
    yield from (SetRole(account.login, project, role) for project in _lowered(account, role))
    groups = wanted.groups if wanted else frozenset()
    yield from (Leave(account.login, keys[group]) for group in sorted(account.groups) if keys[group] not in groups)


def _lowered(account: Account, role: ProjectRole | None) -> list[str]:
    """Projects where an account may more than this role."""
    return [project for project, has in sorted(account.roles.items()) if role is None or _rank(has) > _rank(role)]


def _rank(role: ProjectRole) -> int:
    return RANKS.index(role)


def _is_felt(account: Account, wanted: _Wanted | None, changes: Iterable[Change]) -> bool:
    """Whether somebody who can come in loses something by these changes.

    A role that is gone for whoever stays is not counted: it may be one that a group gives, and then nothing changes.
    """
    if not account.active:
        return False
    gone = wanted is not None and wanted.role is None
    return any(not (gone and isinstance(change, SetRole)) for change in changes)


def _given(
    directory: Directory,
    roster: Roster,
    wanted: Mapping[str, _Wanted],
    accounts: Mapping[str, Account],
    keys: Mapping[str, str],
) -> Iterator[Change]:
    yield from _groups(directory, roster, wanted)
    for login, want in sorted(wanted.items()):
        account = accounts.get(login)
        if account is None:
            yield AddAccount(login, want.name)
        elif account.name != want.name:
            yield RenameAccount(login, want.name)
        has = {keys[group] for group in account.groups} if account else set()
        yield from (Join(login, key) for key in sorted(want.groups - has))
        yield from (SetRole(login, project, want.role) for project in _raised(account, want.role, roster.projects))
        if account is not None and not account.active:
            yield Enable(login)


def _raised(account: Account | None, role: ProjectRole | None, projects: Iterable[str]) -> list[str]:
    """Projects where an account may less than this role."""
    if role is None:
        return []
    has = account.roles if account else {}
    return [project for project in projects if project not in has or _rank(has[project]) < _rank(role)]


def _groups(directory: Directory, roster: Roster, wanted: Mapping[str, _Wanted]) -> Iterator[Change]:
    """Groups that somebody should be in, under names that nobody else on the board has.

    Two that exchange their names come to them in the next round.
    """
    names = {f"{KEYS}{each}": name for each, name in directory.organisations.items()} | {EVERYBODY: _EVERYBODYS_NAME}
    used = {key for want in wanted.values() for key in want.groups}
    known = {group.key: group.name for group in roster.groups}
    for key in sorted(used | (known.keys() & names.keys())):
        taken = {group.name.casefold() for group in roster.groups if group.key != key}
        taken |= {name.casefold() for each, name in known.items() if each and each != key}
        name = _free_name(names[key], key, taken, roster.longest_group_name)
        if key not in known:
            yield AddGroup(key, name)
        elif known[key] != name:
            yield RenameGroup(key, name)
        known[key] = name


def _free_name(name: str, key: str, taken: set[str], longest: int) -> str:
    if name[:longest].casefold() not in taken:
        return name[:longest]
    end = f" · {key.removeprefix(KEYS)[:8]}"
    return f"{name[: longest - len(end)]}{end}"
