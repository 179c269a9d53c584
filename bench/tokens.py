"""One token of the identity provider checked, with its keys known: ours beside what the libraries do by themselves.

Every token is another one, as Keycloak makes them, so that nothing remembered helps. Ours is the check as the service
wires it: with the sign-ins that have ended, and all that the libraries leave to whoever calls them.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import requests
from keycloak import KeycloakOpenID

from bench.figures import Figure, middle, percentile, print_table
from sync_service.access.endings import Endings
from sync_service.access.issuer import Issuer
from sync_service.access.keys import KeyRing
from sync_service.access.tokens import TokenVerifier
from sync_service.store.database import Database
from sync_service.store.migrate import migrate
from tests.mint import AUDIENCE, Provider, claims, publishing, rsa, sign

if TYPE_CHECKING:
    from collections.abc import Callable

TOKENS, ROUNDS = 1000, 11
KEY = rsa("bench")


def measure() -> list[Figure]:
    """Measure and give the figures."""
    print("tokens: each checked once a round …", flush=True)
    with ExitStack() as stack:
        provider = stack.enter_context(publishing(KEY))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        session = stack.enter_context(requests.Session())
        session.trust_env = False
        tokens = [sign(claims(provider.url, jti=f"onrtac:{n}", sid=f"s-{n}"), KEY) for n in range(TOKENS)]
        checks = {
            "ours": ours(provider, session, folder),
            "keycloak": by_keycloak(provider),
            "pyjwt": by_pyjwt(provider),
        }
        for check in checks.values():
            check(tokens[0])  # keys are fetched and whatever is made once is made
        asked = len(provider.asked)
        took: dict[str, list[list[tuple[float, float]]]] = {name: [] for name in checks}
        for _ in range(ROUNDS):
            for name, check in checks.items():
                took[name].append([timed(check, token) for token in tokens])
        return figures(took, len(provider.asked) - asked)


def timed(check: Callable[[str], object], token: str) -> tuple[float, float]:
    """Milliseconds that one check takes: by the clock, and of the processor.

    It waits for nobody, so that on an idle machine both are the same; others on a busy one add to the first only.
    """
    begun, worked = time.perf_counter(), time.thread_time()
    check(token)
    return (time.perf_counter() - begun) * 1000, (time.thread_time() - worked) * 1000


def ours(provider: Provider, session: requests.Session, folder: Path) -> Callable[[str], object]:
    """The service's own check."""
    url = f"sqlite:///{folder / 'store.db'}"
    migrate(url)
    keys = KeyRing(Issuer(provider.url, session), session)
    return Endings(Database(url)).watching(TokenVerifier(provider.url, AUDIENCE, keys).verify)


def by_keycloak(provider: Provider) -> Callable[[str], object]:
    """python-keycloak, given the key and told what to look at: left to itself it asks for the keys every time."""
    reader = KeycloakOpenID(provider.url, realm_name="", client_id=AUDIENCE)
    wanted = {"iss": provider.url, "aud": AUDIENCE, "sub": None, "exp": None, "iat": None, "typ": "Bearer"}

    def check(token: str) -> Any:
        return reader.decode_token(token, key=KEY, algs=["RS256"], check_claims=wanted, leeway=5)

    return check


def by_pyjwt(provider: Provider) -> Callable[[str], object]:
    """PyJWT, given the key."""
    key = jwt.PyJWK(KEY.export_public(as_dict=True)).key
    options: Any = {"require": ["exp", "iat", "iss", "aud", "sub"]}

    def check(token: str) -> Any:
        return jwt.decode(
            token, key, algorithms=["RS256"], audience=AUDIENCE, issuer=provider.url, leeway=5, options=options
        )

    return check


def figures(took: dict[str, list[list[tuple[float, float]]]], asked: int) -> list[Figure]:
    """Of each the middle round; by the clock the quietest one."""
    work = {name: [[spent for _, spent in each] for each in rounds] for name, rounds in took.items()}
    slow = {name: middle(percentile(each, 99) for each in rounds) for name, rounds in work.items()}
    usual = {name: middle(sum(each) / len(each) for each in rounds) for name, rounds in work.items()}
    clock = min(percentile((passed for passed, _ in each), 99) for each in took["ours"])
    return [
        Figure("token checked, p99 of processor time", slow["ours"], "ms", target=1.0),
        Figure("… p99 by the clock, quietest round", clock, "ms"),
        Figure("… mean, beside python-keycloak", usual["ours"], "ms", usual["keycloak"], "python-keycloak", target=1.5),
        Figure("… mean, beside PyJWT", usual["ours"], "ms", usual["pyjwt"], "PyJWT"),
        Figure(f"… questions to the provider, {TOKENS * ROUNDS:,} checks", asked, "requests", target=0),
    ]


if __name__ == "__main__":
    print_table(measure())
