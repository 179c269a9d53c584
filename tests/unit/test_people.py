"""What must be done so that the board's people follow the provider's: as a table, and whatever the two sides hold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanban_adapter.memory import MemoryPeople
from kanban_adapter.people import Account, Group, ProjectRole, Roster
from sync_service.access.table import GIVEN, Role
from sync_service.people.carrying import Carrier
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
from sync_service.people.deciding import EVERYBODY, KEYS, LOGINS, decide, login_of
from sync_service.people.directory import Directory, Person
from sync_service.people.standing import STANDING, belongs, board_role

if TYPE_CHECKING:
    from collections.abc import Iterable

EVERYONE = Group("9", EVERYBODY, "Placecard")
YARD = Group("5", f"{KEYS}o1", "Мой двор")
ORGANISATIONS = {"o1": "Мой двор"}


def person(*roles: Role, subject: str = "a", **changed: Any) -> Person:
    return replace(Person(subject, "Модератор", frozenset(roles)), **changed)


def account(role: ProjectRole | None = None, *, subject: str = "a", **changed: Any) -> Account:
    made = Account(
        "1", login_of(subject), "Модератор", groups=frozenset({"9"}), roles={} if role is None else {"1": role}
    )
    return replace(made, **changed)


def roster(*accounts: Account, groups: Iterable[Group] = (EVERYONE,)) -> Roster:
    return Roster(accounts, list(groups), ("1",))


A = login_of("a")
ROWS: dict[str, tuple[Directory, Roster, list[Change]]] = {
    "nobody on either side": (Directory([]), roster(groups=[]), []),
    "somebody new, before they first come": (
        Directory([person(Role.MODERATOR)]),
        roster(groups=[]),
        [
            AddGroup(EVERYBODY, "Placecard"),
            AddAccount(A, "Модератор"),
            Join(A, EVERYBODY),
            SetRole(A, "1", ProjectRole.MEMBER),
        ],
    ),
    "as it should be": (Directory([person(Role.MODERATOR)]), roster(account(ProjectRole.MEMBER)), []),
    "a partner has no part in the watched projects": (
        Directory([person(Role.PARTNER, organisations=frozenset({"o1"}))], ORGANISATIONS),
        roster(account()),
        [AddGroup(YARD.key, "Мой двор"), Join(A, YARD.key)],
    ),
    "called something else": (
        Directory([person(Role.MODERATOR, name="Старший модератор")]),
        roster(account(ProjectRole.MEMBER)),
        [RenameAccount(A, "Старший модератор")],
    ),
    "may more": (
        Directory([person(Role.VIEWER, Role.OPERATOR)]),
        roster(account(ProjectRole.VIEWER)),
        [SetRole(A, "1", ProjectRole.MANAGER)],
    ),
    "may less": (
        Directory([person(Role.VIEWER)]),
        roster(account(ProjectRole.MEMBER)),
        [SetRole(A, "1", ProjectRole.VIEWER)],
    ),
    "may nothing in the projects any more": (
        Directory([person(Role.PARTNER)]),
        roster(account(ProjectRole.MEMBER)),
        [SetRole(A, "1", None)],
    ),
    "disabled by the provider": (
        Directory([person(Role.MODERATOR, enabled=False), person(Role.VIEWER, subject="b")]),
        roster(account(ProjectRole.MEMBER), account(ProjectRole.VIEWER, id="2", subject="b")),
        [Disable(A), SetRole(A, "1", None), Leave(A, EVERYBODY)],
    ),
    "without any role": (
        Directory([person(Role.VIEWER, subject="b")]),
        roster(account(ProjectRole.MEMBER), account(ProjectRole.VIEWER, id="2", subject="b")),
        [Disable(A), SetRole(A, "1", None), Leave(A, EVERYBODY)],
    ),
    "dismissed, but not tidied up": (
        Directory([]),
        roster(account(ProjectRole.MEMBER, active=False)),
        [SetRole(A, "1", None), Leave(A, EVERYBODY)],
    ),
    "back again: let in last": (
        Directory([person(Role.MODERATOR)]),
        roster(account(active=False, groups=frozenset())),
        [Join(A, EVERYBODY), SetRole(A, "1", ProjectRole.MEMBER), Enable(A)],
    ),
    "in another organisation": (
        Directory([person(Role.PARTNER, organisations=frozenset({"o2"}))], {**ORGANISATIONS, "o2": "Музей"}),
        roster(account(groups=frozenset({"9", "5"})), groups=[EVERYONE, YARD]),
        [Leave(A, YARD.key), AddGroup(f"{KEYS}o2", "Музей"), Join(A, f"{KEYS}o2")],
    ),
    "an organisation called something else": (
        Directory([], {"o1": "Наш двор"}),
        roster(groups=[EVERYONE, YARD]),
        [RenameGroup(YARD.key, "Наш двор")],
    ),
    "an organisation that is gone keeps its group, and nobody in it": (
        Directory([person(Role.PARTNER)]),
        roster(account(groups=frozenset({"9", "5"})), groups=[EVERYONE, YARD]),
        [Leave(A, YARD.key)],
    ),
    "a group by hand has the name": (
        Directory([person(Role.PARTNER, organisations=frozenset({"o1"}))], ORGANISATIONS),
        roster(account(), groups=[EVERYONE, Group("7", "", "мой двор")]),
        [AddGroup(YARD.key, "Мой двор · o1"), Join(A, YARD.key)],
    ),
    "an organisation that nobody with a role is in": (Directory([], ORGANISATIONS), roster(groups=[EVERYONE]), []),
    "an organisation that is not known": (
        Directory([person(Role.PARTNER, organisations=frozenset({"o9"}))]),
        roster(account()),
        [],
    ),
    "renamed by themselves: the old account is nobody's, and they get theirs": (
        Directory([person(Role.MODERATOR)]),
        roster(account(ProjectRole.MEMBER, login="somebody")),
        [
            Disable("somebody"),
            SetRole("somebody", "1", None),
            Leave("somebody", EVERYBODY),
            AddAccount(A, "Модератор"),
            Join(A, EVERYBODY),
            SetRole(A, "1", ProjectRole.MEMBER),
        ],
    ),
    "an administrator in our group is left alone": (
        Directory([person(Role.VIEWER, subject="b")]),
        roster(
            account(ProjectRole.MANAGER, login="admin", governs=True), account(ProjectRole.VIEWER, id="2", subject="b")
        ),
        [],
    ),
    "one of ours whom somebody made an administrator is not": (
        Directory([person(Role.VIEWER, subject="b")]),
        roster(account(governs=True), account(ProjectRole.VIEWER, id="2", subject="b")),
        [Disable(A), Leave(A, EVERYBODY)],
    ),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_what_must_be_done(row: tuple[Directory, Roster, list[Change]]) -> None:
    directory, there, wanted = row
    assert list(decide(directory, there).changes) == wanted


def test_table_is_of_every_role_that_is_given() -> None:
    assert set(STANDING) == GIVEN
    assert not belongs([Role.ANONYMOUS])
    assert not belongs([])


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        ([], None),
        ([Role.PARTNER], None),
        ([Role.PARTNER, Role.EXPERT], ProjectRole.VIEWER),
        ([Role.MODERATOR, Role.VIEWER], ProjectRole.MEMBER),
        (GIVEN, ProjectRole.MANAGER),
    ],
)
def test_most_that_somebody_was_given_counts(roles: Iterable[Role], role: ProjectRole | None) -> None:
    assert board_role(roles) is role


# --- too much at once


def many(count: int) -> tuple[list[Person], list[Account]]:
    subjects = [f"s{number}" for number in range(count)]
    people = [person(Role.MODERATOR, subject=subject) for subject in subjects]
    accounts = [
        account(ProjectRole.MEMBER, id=str(number + 100), subject=subject) for number, subject in enumerate(subjects)
    ]
    return people, accounts


@pytest.mark.parametrize(
    ("known", "gone", "withheld"),
    [
        (100, 10, 0),
        (100, 11, 11),
        (30, 9, 0),
        (30, 10, 10),
        (9, 8, 0),
        (9, 9, 9),
        (1, 1, 1),
        (0, 0, 0),
        (500, 500, 500),
    ],
)
def test_listing_that_lacks_much_takes_nothing_away(known: int, gone: int, withheld: int) -> None:
    people, accounts = many(known)
    plan = decide(Directory(people[gone:]), roster(*accounts))
    assert (plan.known, plan.withheld) == (known, withheld)
    assert sum(isinstance(change, Disable) for change in plan.changes) == (0 if withheld else gone)
    confirmed = decide(Directory(people[gone:]), roster(*accounts), confirmed=True)
    assert sum(isinstance(change, Disable) for change in confirmed.changes) == gone
    assert confirmed.withheld == 0


def test_somebody_the_provider_disabled_is_out_also_while_much_is_withheld() -> None:
    people, accounts = many(40)
    plan = decide(Directory([replace(people[0], enabled=False), *people[20:]]), roster(*accounts))
    assert [change for change in plan.changes if isinstance(change, Disable)] == [Disable(accounts[0].login)]
    assert plan.withheld == 19


def test_who_comes_is_let_in_while_much_is_withheld() -> None:
    _, accounts = many(40)
    plan = decide(Directory([person(Role.VIEWER, subject="new")]), roster(*accounts))
    assert AddAccount(login_of("new"), "Модератор") in plan.changes
    assert plan.withheld == 40


def test_role_that_a_group_gives_withholds_nothing() -> None:
    """An organisation let into a watched project by hand: its people may what they may, and nobody is held up."""
    people, accounts = many(40)
    partners = [replace(each, roles=frozenset({Role.PARTNER})) for each in people]
    assert decide(Directory(partners), roster(*accounts)).withheld == 0


# --- whatever the two sides hold

SUBJECTS = st.sampled_from(["a", "b", "c", "d"])
PEOPLE = st.builds(
    Person,
    subject=SUBJECTS,
    name=st.sampled_from(["Модератор", "Эксперт", ""]),
    roles=st.frozensets(st.sampled_from(sorted(GIVEN)), max_size=3),
    enabled=st.booleans(),
    organisations=st.frozensets(st.sampled_from(["o1", "o2", "o9"])),
)
DIRECTORIES = st.builds(
    Directory,
    people=st.lists(PEOPLE, unique_by=lambda each: each.subject),
    organisations=st.dictionaries(st.sampled_from(["o1", "o2"]), st.sampled_from(["Музей", "музей 2", "Т" * 150])),
)
OTHERS = ("admin", "placecard", "somebody")


@given(st.lists(DIRECTORIES, min_size=1, max_size=5), st.booleans())
def test_board_follows_and_then_rests(directories: list[Directory], taken_name: bool) -> None:
    board = MemoryPeople(["1", "2"])
    if taken_name:
        board.add_group("", "Музей")
    others = [board.add_account(login, login) for login in OTHERS]
    before = [board.accounts[each] for each in others]
    for directory in directories:
        for _ in directory.organisations:
            follow(board, directory)  # who exchange their names come to them one after the other
        follow(board, directory)
        written = board.written
        assert follow(board, directory) == []
        assert board.written == written
        assert as_they_are(board) == as_they_should_be(directory)
    assert [board.accounts[each] for each in others] == before


def follow(board: MemoryPeople, directory: Directory) -> list[Change]:
    there = board.roster(logins=LOGINS, keys=KEYS)
    plan, carrier = decide(directory, there, confirmed=True), Carrier(board, there)
    for change in plan.changes:
        assert carrier.is_possible(change)
        carrier.carry_out(change)
    return list(plan.changes)


def as_they_are(board: MemoryPeople) -> dict[str, tuple[str, set[str], dict[str, ProjectRole]]]:
    groups = {group.id: group.key for group in board.groups.values()}
    ours = [each for each in board.accounts.values() if each.login.startswith(LOGINS)]
    assert all(not each.roles and not each.groups for each in ours if not each.active)
    return {
        each.login: (each.name, {groups[group] for group in each.groups}, dict(each.roles))
        for each in ours
        if each.active
    }


def as_they_should_be(directory: Directory) -> dict[str, tuple[str, set[str], dict[str, ProjectRole]]]:
    wanted = {}
    for each in directory.people:
        if each.enabled and each.roles:
            role = board_role(each.roles)
            known = {f"{KEYS}{organisation}" for organisation in each.organisations & directory.organisations.keys()}
            roles = {} if role is None else dict.fromkeys(("1", "2"), role)
            wanted[login_of(each.subject)] = (each.name, {EVERYBODY, *known}, roles)
    return wanted


@given(DIRECTORIES, DIRECTORIES)
def test_unconfirmed_takes_from_nobody_or_from_all_who_lose(first: Directory, second: Directory) -> None:
    board = MemoryPeople(["1"])
    follow(board, first)
    there = board.roster(logins=LOGINS, keys=KEYS)
    plan, sure = decide(second, there), decide(second, there, confirmed=True)
    assert set(plan.changes) <= set(sure.changes)
    if not plan.withheld:
        assert plan.changes == sure.changes
    kept = set(sure.changes) - set(plan.changes)
    assert all(isinstance(change, Disable | Leave | SetRole) for change in kept)
