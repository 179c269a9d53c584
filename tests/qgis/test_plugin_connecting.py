"""Connecting by mouse and keys: with a token, in the browser, where the copy goes; and stopping what was begun."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

from sync_service.access.issuer import Endpoints
from sync_service.exchange.beyond import Beyond
from tests.ogc import TOKEN, Town
from tests.qgis import windows, workplace
from tests.qgis.gate import Gate
from tests.qgis.idp import Provider, providing
from tests.qgis.windows import Windows
from tests.qgis.workplace import Workplace, serve_town
from tests.service import until
from tools.kanboard import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.qgis.application import Application

START = (
    workplace.START
    + windows.START
    + f"""
signin.PORT = {free_port()}
store = QgsApplication.authManager()
copies = lambda: sorted(each.name for each in folders.local_folder().glob("*.gpkg"))
dock.setVisible(True)
"""
)
"""QGIS waits for the browser on a port of this module's own: other tests sign in at the same time."""

WRONG = "a-token-of-another-town"


class Newcomer:
    """Somebody with an empty project before the connect dialog."""

    def __init__(self, place: Workplace, hands: Windows) -> None:
        self.place, self.hands = place, hands
        self.app, self.run, self.click = place.application, hands.run, hands.click

    def ask_for(self, url: str) -> None:
        """Open the dialog, and find the service by its address."""
        self.click("[each for each in dock.findChildren(QPushButton) if each.isVisible()][0]")
        self.hands.opened("connect")
        self.hands.write("connect.address", url.removeprefix("http://"))
        self.hands.hands.type("Return")
        self.app.until("connect._step == 1")

    def enter(self, token: str = TOKEN) -> None:
        """Type a token, and have it taken."""
        self.hands.write("connect.token", token)
        self.hands.hands.type("Return")
        self.app.until("connect._step == 2")

    def get(self) -> None:
        """Have the proposals."""
        self.click("connect.next")
        self.hands.closed("connect")
        self.app.until("session.copy is not None and 'points' in session.layers() and not session.busy_with")

    def arrive(self) -> None:
        """All of it."""
        self.ask_for(self.place.url)
        self.enter()
        self.get()

    def told(self) -> str:
        """What the dialog says is wrong."""
        self.app.until("connect.trouble.isVisible()")
        self.hands.has_room("connect")
        return str(self.run("connect.trouble.text()"))


@pytest.fixture
def meet(application: Application, full_town: Town) -> Iterator[Callable[..., Newcomer]]:
    """Makes newcomers to the town."""
    with ExitStack() as stack:

        def create(town: Town = full_town, around: Any = None, beyond: Beyond | None = None) -> Newcomer:
            url, asked = stack.enter_context(serve_town(town, around, beyond))
            hands = Windows(application)
            stack.callback(hands.close)
            stack.callback(leave, application)
            return Newcomer(Workplace(application, town, url, asked), hands)

        application.run("heard.clear(); logged.clear(); iface.messageBar().clearWidgets()")
        yield create


def leave(application: Application) -> None:
    """Nothing goes on, and nothing is left of a test."""
    application.run("session.cancel(); [each.close() for each in list(frame.dialogs.values())]")
    application.until("not session.busy_with and not frame.dialogs")
    application.run("project.clear(); [each.unlink() for each in folders.local_folder().glob('*')]")
    application.run("[signin.forget(each) for each in store.configIds()]")
    application.until("not tasks.RUNNING")
    assert application.run("[text for _, text in logged if 'Traceback' in text]") == []


def test_a_wrong_token_is_told_and_not_kept_and_the_right_one_is_taken(meet: Callable[..., Newcomer]) -> None:
    person = meet()
    person.ask_for(person.place.url)
    assert person.run("[name for name, way in connect.ways.items() if way.isVisible()]") == ["token"]
    person.app.until("connect.token.hasFocus() or not connect.isActiveWindow()")
    person.hands.write("connect.token", WRONG)
    person.click("connect.next")
    assert person.told() == "Служба не знает такого токена. Проверьте, весь ли он скопирован"
    assert person.run("store.configIds()") == []
    person.enter()
    assert person.run("connect.service.text()") == "Placecard. Вы вошли: по токену"
    person.get()
    assert person.run("[len(store.configIds()), store.configIds()[0] == session.authcfg]") == [1, True]
    assert person.run("copies()") == ["Placecard.gpkg"]
    assert person.place.titles("lines") == ["Велодорожка"]
    assert person.run("dock.head.text()") == "Placecard · по токену"


def test_a_folder_of_this_machine_is_offered_for_one_of_another(meet: Callable[..., Newcomer]) -> None:
    person = meet()
    person.ask_for(person.place.url)
    person.enter()
    person.hands.write("connect.path.lineEdit()", "//server/share/map.gpkg")
    person.click("connect.next")
    told = person.told()
    assert told.startswith("//server/share/map.gpkg – на другом компьютере")
    assert told.endswith("Предложена папка на этом компьютере.")
    assert person.run("Path(connect.path.filePath()) == folders.local_folder() / 'map.gpkg'")
    person.get()
    assert person.run("copies()") == ["map.gpkg"]
    assert person.run("said('told')") == []  # the dialog has said it


def test_the_copy_of_another_service_is_not_taken_for_this_ones(
    meet: Callable[..., Newcomer], town: Town, full_town: Town
) -> None:
    first = meet(full_town)
    first.arrive()
    first.run("project.clear()")
    person = meet(town)
    person.ask_for(person.place.url)
    person.enter()
    assert person.run("Path(connect.path.filePath()).name") == "Placecard 2.gpkg"
    person.run("connect.path.setFilePath(str(folders.local_folder() / 'Placecard.gpkg'))")
    person.click("connect.next")
    assert f"рабочая копия другой службы: {first.place.url}" in person.told()
    assert person.run("session.copy") is None
    person.run("connect.path.setFilePath(str(folders.local_folder() / 'Placecard 2.gpkg'))")
    person.get()
    assert person.run("session.copy.facts.address") == person.place.url


def test_a_copy_that_is_there_is_gone_on_with_and_signed_in_anew(meet: Callable[..., Newcomer]) -> None:
    person = meet()
    person.arrive()
    before = person.run("kept = session.authcfg; project.clear(); signin.forget(kept); kept")
    person.ask_for(person.place.url)
    person.enter()
    assert person.run("Path(connect.path.filePath()).name") == "Placecard.gpkg"
    person.get()
    assert person.run("session.authcfg") not in (before, "")
    person.place.do("pull()", "pulled")


# --- in the browser


@pytest.fixture
def provider() -> Iterator[Provider]:
    with providing() as answering:
        yield answering


@pytest.fixture
def citizen(meet: Callable[..., Newcomer], full_town: Town, provider: Provider) -> Newcomer:
    """A newcomer to a town with an identity provider, whose tokens the service takes for its own."""

    def around(application: Any) -> Any:
        def trusting(environ: dict[str, Any], start: Any) -> Any:
            if environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ") in provider.given:
                environ = {**environ, "HTTP_AUTHORIZATION": f"Bearer {TOKEN}"}
            return application(environ, start)

        return trusting

    full_town.settings = full_town.settings.model_copy(update={"oidc_issuer": provider.url})
    places = Endpoints(provider.url, provider.oidc["authorization"], provider.oidc["token"])
    return meet(full_town, around, Beyond(issuer=lambda: places))


def browse(person: Newcomer, button: str) -> str:
    """Click what signs in; the address that the browser was asked to open."""
    before = len(person.app.opened())
    person.click(button)
    opened: list[str] = until(lambda: person.app.opened()[before:])
    return opened[0]


def test_a_person_signs_in_in_the_browser_and_is_told_that_it_is_waited_for(
    citizen: Newcomer, provider: Provider
) -> None:
    citizen.ask_for(citizen.place.url)
    assert citizen.run("[name for name, way in connect.ways.items() if way.isVisible()]") == ["oidc", "token"]
    address = browse(citizen, "connect.next")
    assert citizen.told() == "Войдите в открывшемся окне браузера: QGIS ждёт этого"
    provider.log_in(address)
    citizen.app.until("connect._step == 2")
    assert citizen.run("connect.trouble.isVisible()") is False
    citizen.get()
    assert [form["grant_type"] for form in provider.asked] == ["authorization_code"]
    citizen.place.do("pull()", "pulled")


def test_who_does_not_come_back_from_the_browser_closes_the_window(citizen: Newcomer, provider: Provider) -> None:
    citizen.ask_for(citizen.place.url)
    browse(citizen, "connect.next")
    citizen.told()
    citizen.click("[each for each in connect.findChildren(QPushButton) if each is not connect.next][0]")
    citizen.hands.closed("connect")
    assert citizen.run("[session.copy, store.configIds(), signin.signer().busy]") == [None, [], False]
    assert provider.asked == []


def pulls(person: Newcomer) -> bool:
    """Click what pulls; whether that wants the browser now, as it does once the token is too old.

    Something else that is asked of the service may want it first: then a person is told so, and that is stopped.
    """
    before = len(person.app.opened())
    person.run("heard.clear()")
    person.click("dock.pull")
    until(lambda: len(person.app.opened()) > before or person.run("said('pulled') or said('failed')"))
    if any(told.startswith("Сначала закончится начатое") for told in person.run("said('told')")):
        person.run("session.cancel()")
        person.app.until("not signin.signer().busy")
        return False
    return len(person.app.opened()) > before


def test_a_session_that_is_over_is_waited_for_in_the_dock_and_can_be_stopped(
    citizen: Newcomer, provider: Provider
) -> None:
    provider.lifetime = 1
    citizen.ask_for(citizen.place.url)
    provider.log_in(browse(citizen, "connect.next"))
    citizen.app.until("connect._step == 2")
    citizen.get()
    provider.ended = True

    def stops() -> list[str]:
        until(lambda: pulls(citizen))
        citizen.app.until("dock.stop.isVisible()")
        assert citizen.run("[dock.progress.format(), dock.pull.isEnabled()]") == ["Жду входа в браузере", False]
        citizen.click("dock.stop")
        citizen.app.until("not dock.stop.isVisible() and dock.pull.isEnabled()")
        told: list[str] = citizen.run("said('failed') and said('told')")
        return told

    # Nothing has failed where it was another question that had been stopped.
    assert until(stops)[-1] == "Нужно войти: вход не выполнен или срок его истёк"
    citizen.run("heard.clear()")
    provider.ended = False
    provider.log_in(browse(citizen, "dock.pull"))
    citizen.place.wait("pulled")


# --- stopping


def version(town: Town, guid: str) -> int:
    """How often the service was told something of a proposal."""
    found: int = town.json(f"/ogc/collections/proposals/items/{guid}")["properties"]["row_version"]
    return found


def test_a_first_pull_is_stopped_by_closing_the_window_and_made_again(meet: Callable[..., Newcomer]) -> None:
    gate = Gate("/snapshot", after=True)
    person = meet(around=gate.around)
    person.ask_for(person.place.url)
    person.enter()
    person.click("connect.next")
    assert gate.reached.wait(60)
    person.click("[each for each in connect.findChildren(QPushButton) if each is not connect.next][0]")
    person.hands.closed("connect")
    person.app.until("not session.busy_with")
    gate.go_on.set()
    assert person.run("said('told')") == ["Остановлено. Ничего не потеряно"]
    assert person.run("[session.copy, copies()]") == [None, []]
    person.arrive()
    assert person.place.titles("areas") == ["Парк"]


def test_a_pull_is_stopped_and_made_again(meet: Callable[..., Newcomer]) -> None:
    gate = Gate("/changes", after=True)
    person = meet(around=gate.around)
    person.arrive()
    guid = person.place.guid("Где-то")
    person.run(f"session.set_placement({guid!r}, 'citywide')")
    person.place.town.change(person.place.town.planted[0], title="Переименован")
    person.run("heard.clear()")
    person.click("dock.pull")
    assert gate.reached.wait(60)
    person.click("dock.stop")
    person.app.until("said('failed') and not session.busy_with and not dock.stop.isVisible()")
    gate.go_on.set()
    assert person.run("said('told')") == ["Остановлено. Ничего не потеряно"]
    assert "Переименован" not in person.place.titles("points")
    person.run("heard.clear()")
    person.click("dock.pull")
    person.place.wait("pulled")
    assert "Переименован" in person.place.titles("points")
    assert person.run("[session.counts.local, session.edits()[0].set['placement']]") == [1, "citywide"]


@pytest.mark.parametrize("after", [False, True], ids=["before the service heard", "before its answer came"])
def test_a_push_is_stopped_and_done_once(meet: Callable[..., Newcomer], full_town: Town, *, after: bool) -> None:
    gate = Gate("/push", after=after)
    gate.go_on.set()
    person = meet(around=gate.around)
    person.arrive()
    guid = person.place.guid("Парк")
    before = version(full_town, guid)
    person.run(f"session.set_fields({guid!r}, {{'address': 'Мира, 9'}})")
    person.hands.tool("push")
    person.hands.opened("push")
    person.app.until("push.push.isEnabled() and not session.busy_with")
    gate.go_on.clear()
    person.click("push.push")
    assert gate.reached.wait(60)
    person.click("dock.stop")
    person.app.until("push.push.isEnabled() and not session.busy_with")
    assert person.run("[push.told.text(), push.push.text()]") == ["Остановлено. Ничего не потеряно", "Повторить"]
    assert person.run("session.counts.local") == 1
    gate.go_on.set()
    until(lambda: version(full_town, guid) == before + after)
    person.click("push.push")
    person.app.until("push.push.isHidden() and not session.busy_with")
    assert person.run("push.told.text()") == "Принято 1."
    assert version(full_town, guid) == before + 1
    assert person.run("session.counts.local") == 0


# --- windows that are closed before they hear


CLOSE = "[each for each in {0}.findChildren(QPushButton) if each.text() == words.say('connect.close')][0]"


def test_a_window_that_was_closed_hears_no_answer(meet: Callable[..., Newcomer]) -> None:
    gate = Gate("/capabilities", after=True)
    person = meet(around=gate.around)
    person.click("[each for each in dock.findChildren(QPushButton) if each.isVisible()][0]")
    person.hands.opened("connect")
    person.hands.write("connect.address", person.place.url.removeprefix("http://"))
    person.click("connect.next")
    assert gate.reached.wait(60)
    person.click(CLOSE.format("connect"))
    person.hands.closed("connect")
    gate.go_on.set()
    person.app.until("not tasks.RUNNING")
    assert person.hands.errors() == []


def test_a_push_is_put_back_whether_its_window_is_still_there_or_not(
    meet: Callable[..., Newcomer], full_town: Town
) -> None:
    gate = Gate("/undo", after=True)
    gate.go_on.set()
    person = meet(around=gate.around)
    person.arrive()
    guid = person.place.guid("Парк")
    person.run(f"session.set_fields({guid!r}, {{'address': 'Мира, 9'}})")
    person.place.do("push()", "pushed")
    person.place.wait("pulled")
    person.run("frame.undo_push(session.pushes()[0][0])")
    person.hands.opened("undo")
    person.app.until("undo.undo.isEnabled()")
    gate.go_on.clear()
    person.click("undo.undo")
    assert gate.reached.wait(60)
    person.click(CLOSE.format("undo"))
    person.hands.closed("undo")
    person.run("heard.clear()")
    gate.go_on.set()
    person.place.wait("pulled")
    assert person.run(f"session.copy.proposal({guid!r}).address") is None
    assert version(full_town, guid) > 1
    person.app.until("not tasks.RUNNING")
    assert person.hands.errors() == []
