"""The contract of a board that lets its people be followed.

    class TestMyPeople(PeopleContract):
        @pytest.fixture
        def people(self) -> PeopleAdapter: ...

        @pytest.fixture
        def others(self) -> Others: ...

The watched projects of `people` are two, and nobody is in them. Nothing is to be overridden here either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

import pytest

from kanban_adapter.errors import Failed, Missing, Unsupported
from kanban_adapter.people import Account, Group, ProjectRole

if TYPE_CHECKING:
    from kanban_adapter.people import PeopleAdapter, Roster

KEYS = "contract:"
NOWHERE = "999999"


class Others(Protocol):
    """The administrator's hands at the board."""

    def add_account(self, login: str) -> str:
        """Make an account by hand; gives its id."""

    def add_group(self, name: str) -> str:
        """Make a group by hand; gives its id."""


class PeopleContract:
    """What a board that can be asked for its people must do."""

    @pytest.fixture
    def word(self) -> str:
        """Begins the logins of this test alone."""
        return f"t{uuid4().hex[:10]}-"

    def test_account_is_made_once(self, people: PeopleAdapter, word: str) -> None:
        """An account that is there is found, whatever it is called by now."""
        first = people.add_account(f"{word}1", "Модератор")
        assert people.add_account(f"{word}1", "Другой") == first
        assert self._ours(people, word) == {first: Account(first, f"{word}1", "Модератор")}

    def _ours(self, people: PeopleAdapter, word: str) -> dict[str, Account]:
        return {account.id: account for account in self._roster(people, word).accounts}

    def _roster(self, people: PeopleAdapter, word: str) -> Roster:
        return people.roster(logins=word, keys=f"{KEYS}{word}")

    def test_others_are_left_out(self, people: PeopleAdapter, others: Others, word: str) -> None:
        """Accounts made by hand are not read; their groups are, for names are unique."""
        by_hand = others.add_account(f"x{word}")
        named = others.add_group(f"x{word}")
        roster = self._roster(people, word)
        assert (list(roster.accounts), len(roster.projects)) == ([], 2)
        assert Group(named, "", f"x{word}") in roster.groups
        assert by_hand not in self._ours(people, word)

    def test_name_is_changed(self, people: PeopleAdapter, word: str) -> None:
        """And nothing is written for the same name."""
        account = people.add_account(f"{word}1", "До")
        assert people.rename_account(account, "После – «новый»")
        assert not people.rename_account(account, "После – «новый»")
        assert self._ours(people, word)[account].name == "После – «новый»"

    def test_account_is_disabled_and_enabled(self, people: PeopleAdapter, word: str) -> None:
        """It stays, and is the same one."""
        account = people.add_account(f"{word}1", "Эксперт")
        assert people.set_active(account, active=False)
        assert not people.set_active(account, active=False)
        assert not self._ours(people, word)[account].active
        assert people.set_active(account, active=True)
        assert self._ours(people, word)[account].active

    def test_group_is_made_once_and_renamed(self, people: PeopleAdapter, word: str) -> None:
        """A group is told by its key."""
        group = people.add_group(f"{KEYS}{word}", f"{word} А")
        assert people.add_group(f"{KEYS}{word}", f"{word} Б") == group
        assert people.rename_group(group, f"{word} В")
        assert not people.rename_group(group, f"{word} В")
        assert Group(group, f"{KEYS}{word}", f"{word} В") in self._roster(people, word).groups

    def test_group_of_a_name_that_is_taken_is_refused(self, people: PeopleAdapter, others: Others, word: str) -> None:
        """By whoever has it."""
        others.add_group(f"{word} А")
        with pytest.raises(Failed):
            people.add_group(f"{KEYS}{word}", f"{word} А")

    def test_account_is_put_into_a_group_and_out(self, people: PeopleAdapter, word: str) -> None:
        """Both only once."""
        account, group = people.add_account(f"{word}1", "Партнёр"), people.add_group(f"{KEYS}{word}", word)
        assert people.set_member(group, account, present=True)
        assert not people.set_member(group, account, present=True)
        assert self._ours(people, word)[account].groups == {group}
        assert people.set_member(group, account, present=False)
        assert not people.set_member(group, account, present=False)
        assert self._ours(people, word)[account].groups == frozenset()

    def test_whoever_is_in_our_group_is_ours(self, people: PeopleAdapter, others: Others, word: str) -> None:
        """Also under another login: somebody renamed is not lost sight of."""
        account, group = others.add_account(f"x{word}"), people.add_group(f"{KEYS}{word}", word)
        people.set_member(group, account, present=True)
        assert self._ours(people, word)[account].login == f"x{word}"

    @pytest.mark.parametrize("before", [None, *ProjectRole])
    @pytest.mark.parametrize("after", [None, *ProjectRole])
    def test_role_is_what_was_asked_for(
        self, people: PeopleAdapter, word: str, before: ProjectRole | None, after: ProjectRole | None
    ) -> None:
        """From any to any, in the one project and not in the other."""
        account = people.add_account(f"{word}1", "Модератор")
        first, second = self._roster(people, word).projects
        people.set_role(first, account, before)
        people.set_role(second, account, ProjectRole.VIEWER)
        assert people.set_role(first, account, after) is (before is not after)
        wanted = {second: ProjectRole.VIEWER} | ({} if after is None else {first: after})
        assert self._ours(people, word)[account].roles == wanted

    def test_account_that_is_not_there_is_missing(self, people: PeopleAdapter) -> None:
        """It is not made by the way."""
        with pytest.raises(Missing):
            people.rename_account(NOWHERE, "Никто")
        with pytest.raises(Missing):
            people.set_active(NOWHERE, active=False)
        with pytest.raises(Missing):
            people.rename_group(NOWHERE, "Никто")

    def test_limits_hold(self, people: PeopleAdapter, word: str) -> None:
        """What the board could not hold is refused beforehand."""
        with pytest.raises(Unsupported):
            people.add_account(word * 100, "Никто")
        with pytest.raises(Unsupported):
            people.add_group(f"{KEYS}{word}", word * 100)
