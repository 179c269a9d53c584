"""Signing in with an identity provider, by QGIS's own OAuth2: a real log-in of every release, and sessions that end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.qgis.hands import Hands
from tests.qgis.idp import Provider, providing
from tests.service import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.qgis.application import Application


START = """
from placecard.core.errors import SignInNeeded
from placecard.core.transport import Request
from placecard.host import network, signin, tasks
button = QPushButton("stop")
button.setGeometry(200, 200, 200, 80)
button.clicked.connect(signin.give_up)
def enter(address, config):
    global entered
    entered = None
    heart.reset()
    try:
        signin.ask_first(config, address)
        entered = "in"
    except SignInNeeded as error:
        entered = error.key
def ask(address, config):
    global answer
    answer = None
    def work(progress, stop):
        return network.QgisTransport(config, stop.feedback).send(Request("GET", address + "/who")).body.decode()
    tasks.run_in_background("ask", work, lambda came: globals().update(answer=came), failed)
def failed(error):
    global answer
    answer = error.key
def ask_twice(address, config):
    answers.clear()
    for path in ("/one", "/two"):
        def work(progress, stop, path=path):
            return network.QgisTransport(config, stop.feedback).send(Request("GET", address + path)).body.decode()
        tasks.run_in_background("ask", work, answers.append, lambda error: answers.append(error.key))
answers = []
"""


@pytest.fixture
def provider() -> Iterator[Provider]:
    with providing() as answering:
        yield answering


@pytest.fixture
def config(application: Application, provider: Provider) -> str:
    """The id of a configuration made of what the service tells."""
    made: str = application.run(f"config = signin.keep_oidc({provider.url!r}, {provider.oidc!r}); config")
    return made


def log_in(application: Application, provider: Provider) -> None:
    """A person who signs in with the browser that QGIS opens."""
    before = len(application.opened())
    application.run(f"enter({provider.url!r}, config)", later=True)
    (address,) = until(lambda: application.opened()[before:])
    provider.log_in(address)
    application.until("entered")


def end(application: Application, provider: Provider) -> None:
    """A session that is over as soon as it began, found over by whoever asks next: the browser is open for them."""
    provider.lifetime = 1
    log_in(application, provider)
    provider.ended = True
    before = len(application.opened())

    def opens() -> bool:
        application.run(f"enter({provider.url!r}, config)", later=True)
        until(lambda: application.opened()[before:] or application.run("entered"))
        return len(application.opened()) > before

    until(opens)


@pytest.mark.usefixtures("config")
def test_a_person_signs_in_with_the_browser(application: Application, provider: Provider) -> None:
    """With the code flow and PKCE: the provider takes nothing else. The number it has in QGIS is in one table."""
    log_in(application, provider)
    assert application.run("entered") == "in"
    assert [form["grant_type"] for form in provider.asked] == ["authorization_code"]
    application.run(f"ask({provider.url!r}, config)")
    assert application.until("answer").removeprefix("Bearer ") in provider.given


@pytest.mark.usefixtures("config")
def test_a_session_goes_on_by_itself(application: Application, provider: Provider) -> None:
    provider.lifetime = 1
    log_in(application, provider)
    provider.lifetime = 300
    until(lambda: _asks_refreshed(application, provider))
    assert len(application.opened()) == len(set(application.opened()))


def _asks_refreshed(application: Application, provider: Provider) -> bool:
    application.run(f"ask({provider.url!r}, config)")
    assert application.until("answer").removeprefix("Bearer ") in provider.given
    return provider.asked[-1]["grant_type"] == "refresh_token"


@pytest.mark.usefixtures("config")
def test_a_session_that_is_over_opens_the_browser_and_can_be_given_up(
    application: Application, provider: Provider
) -> None:
    application.run("button.show()")
    application.until("button.isVisible()")
    end(application, provider)
    assert application.run("entered") is None
    hands = Hands(application)
    hands.click(*hands.spot("button"))
    assert application.until("entered") == "error.sign_in"
    hands.close()
    assert application.longest_block()[1] < 0.1
    provider.ended = False
    log_in(application, provider)
    assert application.run("entered") == "in"
    application.run("button.hide()")


def two_ask(application: Application, provider: Provider) -> tuple[str, int]:
    """Two questions of a session that is over; what the browser was asked to open, and how often it was before."""
    end(application, provider)
    application.run("signin.give_up()")
    application.until("entered")
    before = len(application.opened())
    application.run(f"ask_twice({provider.url!r}, config)")
    (address,) = until(lambda: application.opened()[before:])
    application.until("len(network.courier()._held) == 1")
    return address, before


@pytest.mark.usefixtures("config")
def test_two_who_ask_at_once_wait_for_one_browser(application: Application, provider: Provider) -> None:
    """A second wait inside the first would bring QGIS down."""
    address, before = two_ask(application, provider)
    application.run(f"enter({provider.url!r}, config)")
    assert application.run("entered") == "error.sign_in"  # and no second browser
    provider.ended, provider.lifetime = False, 300
    provider.log_in(address)
    application.until("len(answers) == 2")
    assert {answer.removeprefix("Bearer ") for answer in application.run("answers")} <= provider.given
    assert len(application.opened()) == before + 1


@pytest.mark.usefixtures("config")
def test_two_who_ask_at_once_give_up_at_once(application: Application, provider: Provider) -> None:
    _, before = two_ask(application, provider)
    application.run("signin.give_up()")
    application.until("len(answers) == 2")
    assert application.run("answers") == ["error.sign_in", "error.sign_in"]
    assert len(application.opened()) == before + 1


def test_a_token_is_kept_encrypted_and_sent(application: Application, provider: Provider) -> None:
    application.run(f"config = signin.keep_token({provider.url!r}, ' a-secret-token '); ask({provider.url!r}, config)")
    assert application.until("answer") == "Bearer a-secret-token"
    kept = [path.read_bytes() for path in application.home.rglob("*.db")]
    assert kept
    assert not any(b"a-secret-token" in content for content in kept)


def test_a_configuration_that_is_gone_is_told(application: Application, provider: Provider) -> None:
    application.run(f"config = signin.keep_token({provider.url!r}, 'token'); signin.forget(config)")
    assert application.run("signin.is_ready(config)") is False
    application.run(f"enter({provider.url!r}, config)")
    assert application.run("entered") == "error.sign_in"
    application.run(f"ask({provider.url!r}, config)")
    assert application.until("answer") == "error.sign_in"
