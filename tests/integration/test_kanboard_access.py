"""Who may what on the real Kanboard: tokens, bots limited to a project, lockouts, projects that vanish."""

from __future__ import annotations

from typing import Required, TypedDict

import pytest

from kanban_adapter.card import Ailment, NewCard, Problem
from kanban_adapter.errors import BadCredentials, Failed, Missing, NotPermitted
from kanban_adapter.kanboard import KanboardBoard
from kanban_adapter.kanboard.client import LEFT_ALONE_SECONDS, Account, Client
from tests.boards import BOT_PASSWORD, Accounts, CountingSession, KanboardProject, make_kanboard_project
from tools.kanboard import KanboardServer, make_user


class Where(TypedDict, total=False):
    """Which board and projects."""

    url: Required[str]
    projects: Required[list[str]]
    public_url: str


def by_bot(project: KanboardProject, password: str = BOT_PASSWORD) -> KanboardBoard:
    url = project.server.url
    return KanboardBoard(CountingSession(), url=url, projects=[project.id], user=project.bot, password=password)


def by_token(project: KanboardProject, token: str, *projects: str) -> KanboardBoard:
    return KanboardBoard(CountingSession(), url=project.server.url, projects=projects or [project.id], token=token)


def failures(project: KanboardProject) -> int:
    rows = project.server.execute("SELECT nb_failed_login FROM users WHERE username = ?", project.bot)
    return int(rows[0][0])


def test_foreign_cards_hide_none_of_ours(kanboard_project: KanboardProject) -> None:
    other = make_kanboard_project(kanboard_project.server)
    ours = [kanboard_project.add(f"Своя {number}") for number in range(7)]
    foreign = [other.add(f"Чужая {number}") for number in range(3)]
    mixed = [foreign[0], *ours[:4], foreign[1], "999999", *ours[4:], foreign[2]]
    cards = by_bot(kanboard_project).read(mixed).cards
    assert {card for card, found in cards.items() if found} == set(ours)
    assert set(cards) == set(mixed)


def test_bot_cannot_write_elsewhere(kanboard_project: KanboardProject) -> None:
    other = make_kanboard_project(kanboard_project.server)
    foreign = other.add()
    with pytest.raises(NotPermitted):
        kanboard_project.adapter.set_closed(foreign, closed=True)
    with pytest.raises(Missing):
        by_bot(kanboard_project).set_closed(foreign, closed=True)
    card = other.adapter.read([foreign]).cards[foreign]
    assert card is not None
    assert not card.closed


def test_bot_shut_out_of_its_project_loses_no_card(kanboard_project: KanboardProject) -> None:
    card, adapter = kanboard_project.add(), by_bot(kanboard_project)
    assert adapter.read([card]).cards[card] is not None
    server = kanboard_project.server
    user = server.execute("SELECT id FROM users WHERE username = ?", kanboard_project.bot)[0][0]
    server.call("removeProjectUser", project_id=int(kanboard_project.id), user_id=user)
    for ask in (adapter.listing, adapter.projects, lambda: adapter.read([card]), lambda: adapter.read(["999999"])):
        with pytest.raises(NotPermitted):
            ask()


def test_wrong_token(kanboard_project: KanboardProject) -> None:
    adapter = by_token(kanboard_project, "wrong")
    for _ in range(8):
        with pytest.raises(BadCredentials):
            adapter.listing()


def test_token_given_back_works_at_once(kanboard_project: KanboardProject) -> None:
    server = kanboard_project.server
    token, adapter = server.api_token, by_token(kanboard_project, server.api_token)
    server.set_setting("api_token", "another")
    try:
        with pytest.raises(BadCredentials):
            adapter.listing()
    finally:
        server.set_setting("api_token", token)
    assert adapter.listing().complete


def test_bot_is_not_locked_out_by_trying(kanboard_project: KanboardProject) -> None:
    session = CountingSession()
    where = Where(url=kanboard_project.server.url, projects=[kanboard_project.id])
    adapter = KanboardBoard(session, user=kanboard_project.bot, password="wrong", **where)
    for _ in range(20):
        with pytest.raises(BadCredentials):
            adapter.read(["1", "2", "3"])
        with pytest.raises(BadCredentials):
            adapter.listing()
    assert (session.sent, failures(kanboard_project)) == (1, 1)
    assert by_bot(kanboard_project).listing().complete


def test_refused_bot_is_tried_again_later(kanboard_project: KanboardProject) -> None:
    now = [1000.0]
    bot, server = Account(kanboard_project.bot, "wrong"), kanboard_project.server
    client = Client(CountingSession(), server.url, bot, clock=lambda: now[0])
    for step, expected in ((0, 1), (LEFT_ALONE_SECONDS - 1, 1), (1, 2)):
        now[0] += step
        with pytest.raises(BadCredentials):
            client.call("getVersion")
        assert failures(kanboard_project) == expected


def test_locked_bot_is_bad_credentials(kanboard_project: KanboardProject) -> None:
    for _ in range(7):
        with pytest.raises(BadCredentials):
            by_bot(kanboard_project, "wrong").projects()
    with pytest.raises(BadCredentials):
        by_bot(kanboard_project).projects()


def test_refused_bot_does_not_stop_reading_by_token(kanboard_project: KanboardProject) -> None:
    server, card = kanboard_project.server, kanboard_project.add()
    both = Accounts(token=server.api_token, user=kanboard_project.bot, password="wrong")
    adapter = KanboardBoard(CountingSession(), url=server.url, projects=[kanboard_project.id], **both)
    with pytest.raises(BadCredentials):
        adapter.set_closed(card, closed=True)
    assert set(adapter.listing().cards) == {card}
    with pytest.raises(BadCredentials):
        adapter.check()


def test_password_beyond_latin_letters(kanboard_server: KanboardServer) -> None:
    project = make_kanboard_project(kanboard_server)
    make_user(kanboard_server, f"{project.bot}-ru", "пароль из слов", project.id)
    where = Where(url=kanboard_server.url, projects=[project.id])
    adapter = KanboardBoard(CountingSession(), user=f"{project.bot}-ru", password="пароль из слов", **where)
    assert adapter.projects()[0].id == project.id


def test_projects_by_name(kanboard_project: KanboardProject) -> None:
    token = kanboard_project.server.api_token
    adapter = by_token(kanboard_project, token, kanboard_project.name)
    assert [project.id for project in adapter.projects()] == [kanboard_project.id]
    kanboard_project.server.call("updateProject", project_id=int(kanboard_project.id), name=f"Иная {token[:8]}")
    assert [project.id for project in adapter.projects()] == [kanboard_project.id]
    with pytest.raises(Missing):
        by_token(kanboard_project, token, kanboard_project.name).projects()
    where = Where(url=kanboard_project.server.url, projects=[f"Иная {token[:8]}"])
    bot = KanboardBoard(CountingSession(), user=kanboard_project.bot, password=BOT_PASSWORD, **where)
    assert [project.id for project in bot.projects()] == [kanboard_project.id]


def test_archived_project_still_counts(kanboard_project: KanboardProject) -> None:
    card = kanboard_project.add()
    kanboard_project.server.call("disableProject", project_id=int(kanboard_project.id))
    assert [project.active for project in kanboard_project.adapter.projects()] == [False]
    assert set(kanboard_project.adapter.listing().cards) == {card}


def test_bot_in_another_time_zone_is_told(kanboard_project: KanboardProject) -> None:
    server = kanboard_project.server
    server.execute("UPDATE users SET timezone = 'America/Los_Angeles' WHERE username = ?", kanboard_project.bot)
    assert kanboard_project.adapter.check().problems == (Problem(Ailment.DIFFERENT_TIMEZONE, "America/Los_Angeles"),)


def test_relations_under_other_labels_are_told(kanboard_project: KanboardProject) -> None:
    server = kanboard_project.server
    server.execute("UPDATE links SET label = 'дублирует' WHERE label = 'duplicates'")
    try:
        problems = kanboard_project.adapter.check().problems
    finally:
        server.execute("UPDATE links SET label = 'duplicates' WHERE label = 'дублирует'")
    assert problems == (Problem(Ailment.RELATION_UNKNOWN, "duplicates"),)


def test_names_and_responsible(kanboard_project: KanboardProject) -> None:
    server, card = kanboard_project.server, kanboard_project.add()
    category = server.call("createCategory", project_id=int(kanboard_project.id), name="Парки")
    user = server.execute("SELECT id FROM users WHERE username = ?", kanboard_project.bot)[0][0]
    server.call("updateTask", id=int(card), category_id=category, owner_id=user)
    for adapter in (kanboard_project.adapter, by_bot(kanboard_project)):
        read = adapter.read([card]).cards[card]
        assert read is not None
        assert (read.category, read.responsible, read.swimlane) == ("Парки", kanboard_project.bot, "Default swimlane")


def test_damaged_card_hides_none(kanboard_project: KanboardProject) -> None:
    broken, whole = kanboard_project.add("Битая"), kanboard_project.add("Целая")
    kanboard_project.server.execute("UPDATE tasks SET title = CAST(X'ff41' AS TEXT) WHERE id = ?", broken)
    reading = kanboard_project.adapter.read([broken, whole])
    assert set(reading.cards) == {whole}
    assert isinstance(reading.failed[broken], Failed)
    with pytest.raises(Failed):
        kanboard_project.adapter.listing()


def test_twin_comments_of_the_bot_go(kanboard_project: KanboardProject) -> None:
    server, card, adapter = kanboard_project.server, kanboard_project.add(), kanboard_project.adapter
    adapter.ensure_comment(card, "Место [e1]", marker="[e1]")
    user = server.execute("SELECT id FROM users WHERE username = ?", kanboard_project.bot)[0][0]
    bot = (kanboard_project.bot, BOT_PASSWORD)
    for text in ("Место [e1]", "Место [e1]"):
        server.call("createComment", auth=bot, task_id=int(card), user_id=user, content=text)
    assert adapter.ensure_comment(card, "Место [e1]", marker="[e1]") is True
    assert adapter.ensure_comment(card, "Место [e1]", marker="[e1]") is False
    read = adapter.read([card]).cards[card]
    assert read is not None
    assert [(comment.text, comment.author) for comment in read.comments] == [("Место [e1]", kanboard_project.bot)]


def test_column_removed_under_us(kanboard_project: KanboardProject) -> None:
    column = kanboard_project.columns["Отклонено"]
    card = kanboard_project.add()
    kanboard_project.hands.remove_column(column)
    with pytest.raises(Missing):
        kanboard_project.adapter.move_card(card, column)
    with pytest.raises(Missing):
        kanboard_project.adapter.create_card(NewCard(kanboard_project.id, column, "x", "", "ref-to-no-column"))
    kanboard_project.hands.rename_column(kanboard_project.columns["Одобрено"], "Принято")
    assert kanboard_project.adapter.move_card(card, kanboard_project.columns["Одобрено"]) is True


def test_person_address_of_a_card(kanboard_project: KanboardProject) -> None:
    server, card = kanboard_project.server, kanboard_project.add("Видна по ссылке")
    where = Where(url=server.url, public_url=f"{server.url}/", projects=[kanboard_project.id])
    read = KanboardBoard(CountingSession(), token=server.api_token, **where).read([card]).cards[card]
    assert read is not None
    with kanboard_project.hands.signed_in() as pages:
        assert "Видна по ссылке" in pages.get(read.url, timeout=30).text
