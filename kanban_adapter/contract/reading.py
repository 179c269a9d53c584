"""Reading cards, columns and notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kanban_adapter.card import MARK_NOTE, Column, Relation

if TYPE_CHECKING:
    from kanban_adapter.contract.harness import Harness

TEXTS = {
    "cyrillic": "Ёлка у «Дома молодёжи» — №5",
    "emoji": "🌳👩‍👩‍👧 🏳️‍🌈",
    "right to left": "حديقة בית \u202eabc\u202c",
    "four bytes": "𐍈𝄞",
    "not normalised": "И\u0306 и Й, е\u0308 и ё",
    "markup": "<b>&amp;</b> [x](javascript:1) ${a} {{b}} %s \\ \"'",
    "line ends": "первая\nвторая\n\n  третья\t.",
    "lone text": "None",
    "long": "Предложение жителей. " * 2858,
}


class ReadingContract:
    """What reading must give."""

    @pytest.mark.parametrize("name", TEXTS)
    def test_text_is_verbatim(self, board: Harness, name: str) -> None:
        """Text of any script and size comes back as it was written."""
        title = TEXTS[name].split("\n")[0][:200].strip()
        card = board.card(board.add(title, TEXTS[name]))
        assert (card.title, card.description) == (title, TEXTS[name])

    def test_line_ends_are_canonical(self, board: Harness) -> None:
        """A form that posts other line ends has edited nothing."""
        card = board.add("Строки", "один\nдва")
        detail = board.card(card).detail
        board.hands.edit_card(card, description="один\r\nдва")
        assert board.card(card).detail == detail

    def test_text_has_no_zero_bytes(self, board: Harness) -> None:
        """A program can leave one on a card; not every store keeps it, and nobody sees it."""
        card = board.card(board.add("Сквер\0", "один\0\nдва"))
        assert (card.title, card.description) == ("Сквер", "один\nдва")

    def test_missing_cards_are_none(self, board: Harness) -> None:
        """Ids that name nothing, or cannot be ids, spoil no other; each id asked for is answered once."""
        card = board.add()
        wanted = ["999999", card, "не номер", "", "-1", "9" * 40, card]
        reading = board.adapter.read(wanted)
        assert {key for key, found in reading.cards.items() if found} == {card}
        assert set(reading.cards) == set(wanted)
        assert reading.failed == {}

    def test_many_missing_among_many(self, board: Harness) -> None:
        """Missing ids scattered among many cards hide none of them."""
        cards = board.fill(30)
        missing = [str(int(cards[-1]) + 1000 + number) for number in range(5)]
        mixed = [*cards[:7], missing[0], *cards[7:15], *missing[1:4], *cards[15:], missing[4]]
        reading = board.adapter.read(mixed)
        assert {key for key, found in reading.cards.items() if found} == set(cards)

    def test_nothing_asked(self, board: Harness) -> None:
        """Reading no cards still reads the mark."""
        board.adapter.write_project_notes({MARK_NOTE: "m"})
        reading = board.adapter.read([])
        assert (dict(reading.cards), reading.mark) == ({}, "m")

    def test_card_outside_the_watched_projects(self, board: Harness) -> None:
        """It is read with its project, or missing when the capabilities say so; it never hides others."""
        away, stays = board.add("Чужой"), board.add("Свой")
        board.hands.move_project(away, board.foreign_id)
        reading = board.adapter.read([away, stays])
        assert reading.cards[stays] is not None
        found = reading.cards[away]
        assert bool(found) == board.adapter.capabilities.sees_unwatched
        assert found is None or found.project_id == board.foreign_id

    def test_card_moved_to_another_watched_project(self, board: Harness) -> None:
        """It stays the same card."""
        card = board.add()
        created = board.card(card).created
        board.hands.move_project(card, board.second_id)
        moved = board.card(card)
        assert (moved.created, moved.project_id) == (created, board.second_id)
        assert moved.column_id == board.column(0, board.second_id)

    def test_reused_id_is_another_card(self, board: Harness) -> None:
        """An id that comes back has another creation time."""
        first = board.add("Первая")
        created = board.card(first).created
        board.hands.remove_card(first)
        board.next_second()
        second = board.add("Вторая")
        if second == first:
            assert board.adapter.capabilities.reuses_ids
        assert (board.card(second).created, board.card(second).title) == (board.card(second).created, "Вторая")
        assert board.card(second).created > created

    def test_duplicate_carries_what_a_copy_carries(self, board: Harness) -> None:
        """A person's copy has our reference and link, a creation time of its own, and says of what it is a copy."""
        source = board.add("Оригинал")
        board.adapter.set_reference(source, "guid-of-the-original")
        board.adapter.ensure_link(source, "https://map.example/board/cards/1", "На карте", ours="https://map.example/")
        copy = board.hands.duplicate_card(source)
        card = board.card(copy)
        assert copy != source
        assert card.reference == "guid-of-the-original"
        assert [link.url for link in card.links] == ["https://map.example/board/cards/1"]
        assert [(other.relation, other.card_id) for other in card.related] == [(Relation.DUPLICATES, source)]
        named = [(other.relation, other.card_id) for other in board.card(source).related]
        assert named == [(Relation.IS_DUPLICATED_BY, copy)]
        assert board.adapter.find_reference("guid-of-the-original") == [source, copy]

    def test_relations_tell_the_other_state(self, board: Harness) -> None:
        """A blocking card is named, and whether it is still open; it names the card it blocks."""
        card, blocker = board.add("Ждёт"), board.add("Мешает")
        board.hands.relate(card, Relation.IS_BLOCKED_BY, blocker)
        assert [(r.relation, r.card_id, r.open) for r in board.card(card).related] == [("is blocked by", blocker, True)]
        detail = board.card(card).detail
        board.hands.close_card(blocker)
        assert [related.open for related in board.card(card).related] == [False]
        assert board.card(card).detail != detail
        assert [(r.relation, r.card_id) for r in board.card(blocker).related] == [("blocks", card)]

    def test_duplicates_link_comes_and_goes(self, board: Harness) -> None:
        """It stands on both cards, each from its own side, whether they are open or closed, until it is taken off."""
        card, original = board.add("Ещё раз"), board.add("Оригинал")
        board.hands.relate(card, Relation.DUPLICATES, original)
        board.hands.close_card(card)
        related = [[(r.relation, r.card_id, r.open) for r in board.card(each).related] for each in (card, original)]
        assert related == [[("duplicates", original, True)], [("is duplicated by", card, False)]]
        board.hands.unrelate(card, Relation.DUPLICATES, original)
        assert [board.card(each).related for each in (card, original)] == [(), ()]

    def test_mark_travels_with_a_reading(self, board: Harness) -> None:
        """The mark last written is in every reading; none is none."""
        card = board.add()
        assert board.adapter.read([card]).mark is None
        assert board.adapter.write_project_notes({MARK_NOTE: "one", "other": "x"}) is True
        assert board.adapter.read([card]).mark == "one"
        assert board.adapter.write_project_notes({MARK_NOTE: "two"}) is True
        assert board.adapter.write_project_notes({MARK_NOTE: "two"}) is False
        assert dict(board.adapter.read_project_notes()) == {MARK_NOTE: "two", "other": "x"}
        assert board.adapter.read([card]).mark == "two"
        assert board.adapter.write_project_notes({MARK_NOTE: ""}) is True
        assert board.adapter.read([card]).mark is None

    def test_columns_keep_their_ids(self, board: Harness) -> None:
        """A renamed column is the same column; an added one is last; a removed one is gone."""
        before = [column for column in board.adapter.columns() if column.project_id == board.project_id]
        board.hands.rename_column(before[0].id, "Новые идеи")
        added = board.hands.add_column(board.project_id, "Архив")
        board.hands.remove_column(before[1].id)
        after = [column for column in board.adapter.columns() if column.project_id == board.project_id]
        assert [column.id for column in after] == [before[0].id, *(c.id for c in before[2:]), added]
        assert (after[0].title, after[-1].title) == ("Новые идеи", "Архив")
        assert after == sorted(after, key=_place)

    def test_projects_in_order(self, board: Harness) -> None:
        """Projects and columns come in the order they are watched in."""
        assert [project.id for project in board.adapter.projects()] == [board.project_id, board.second_id]
        projects = list(dict.fromkeys(column.project_id for column in board.adapter.columns()))
        assert projects == [board.project_id, board.second_id]

    def test_budget_of_a_full_reading(self, board: Harness) -> None:
        """Reading 1,000 cards takes no more requests than declared, and the declared number is small."""
        cards = board.fill(1000)
        start = board.requests()
        reading = board.adapter.read(cards)
        assert sum(card is not None for card in reading.cards.values()) == 1000
        used, declared = board.requests() - start, board.adapter.capabilities.requests_per_1000
        assert used <= declared <= 200

    def test_check_is_well(self, board: Harness) -> None:
        """A board that can be used has nothing to complain about."""
        health = board.adapter.check()
        assert health.problems == ()
        assert abs(health.clock_skew) < 60


def _place(column: Column) -> int:
    return column.position
