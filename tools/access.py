"""The page of who may do what, made from the two tables of access: `python -m tools.access`."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from sync_service.access.doors import DOORS, LAYERS, Key
from sync_service.access.table import RIGHTS, Action, Role

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sync_service.words import Language

ROOT = Path(__file__).parents[1]

HEADS: dict[Language, str] = {
    "ru": """\
# Кто что может

Роли даёт единый вход (OIDC): это роли клиента, имя которого задаёт `PLACECARD_OIDC_AUDIENCE`, в поле \
`resource_access` токена. Человек узнаётся по паре «издатель и `sub`», а не по имени или почте. Кто вошёл без роли, \
видит то же, что все. Токен из `PLACECARD_API_TOKEN` и человек за самой машиной службы, пока ни токена, ни единого \
входа нет, могут всё. Эта страница создана из `sync_service/access/table.py` и `doors.py`: `python -m tools.access`; \
тест проверяет каждую её строку на работающей службе.
""",
    "en": """\
# Who may do what

Roles are given by the identity provider (OIDC): they are the roles of the client that `PLACECARD_OIDC_AUDIENCE` \
names, in `resource_access` of the token. A person is told by the pair of issuer and `sub`, not by a name or a \
mailbox. Whoever signs in and has no role sees what everybody sees. The token of `PLACECARD_API_TOKEN`, and whoever \
sits at the service's own machine while there is neither a token nor an identity provider, may do everything. This \
page is made from `sync_service/access/table.py` and `doors.py`: `python -m tools.access`; a test tries every row of \
it on the running service.
""",
}
ROLES: dict[Language, dict[Role, str]] = {
    "ru": {
        Role.ANONYMOUS: "все",
        Role.VIEWER: "сотрудник города, который смотрит",
        Role.PARTNER: "организация-участник",
        Role.MODERATOR: "модератор",
        Role.GIS_EDITOR: "специалист ГИС",
        Role.EXPERT: "эксперт",
        Role.PROJECT_GROUP: "проектная группа",
        Role.OPERATOR: "оператор и ночные задания",
        Role.STAFF: "токен, сама машина",
    },
    "en": {
        Role.ANONYMOUS: "everybody",
        Role.VIEWER: "works for the city and looks on",
        Role.PARTNER: "an organisation that takes part",
        Role.MODERATOR: "moderator",
        Role.GIS_EDITOR: "GIS specialist",
        Role.EXPERT: "expert",
        Role.PROJECT_GROUP: "project group",
        Role.OPERATOR: "operator and nightly jobs",
        Role.STAFF: "the token, the machine itself",
    },
}
ACTIONS: dict[Language, dict[Action, str]] = {
    "ru": {
        Action.READ_PUBLIC: "видеть опубликованное",
        Action.READ_OWN: "видеть предложения своей организации на всех стадиях",
        Action.SUBMIT: "вносить предложения",
        Action.READ_WORKING: "видеть все стадии, историю, расхождения",
        Action.EDIT: "менять места и общие поля, рисовать",
        Action.MODERATE: "утверждать, возвращать, решать ожидающее",
        Action.OPERATE: "обходы и состояние службы",
        Action.METRICS: "измерения",
    },
    "en": {
        Action.READ_PUBLIC: "see what is published",
        Action.READ_OWN: "see the proposals of one's own organisation at every stage",
        Action.SUBMIT: "bring in proposals",
        Action.READ_WORKING: "see every stage, the history, clashes",
        Action.EDIT: "change places and shared fields, draw",
        Action.MODERATE: "approve, return, settle what waits",
        Action.OPERATE: "sweeps and the state of the service",
        Action.METRICS: "measurements",
    },
}
KEYS: dict[Language, dict[Key, str]] = {
    "ru": {
        Key.NONE: "ничего",
        Key.SOMEBODY: "вход",
        Key.WEBHOOK: "токен веб-хука доски",
        Key.ISSUER: "токен выхода, который подписал издатель",
    },
    "en": {
        Key.NONE: "nothing",
        Key.SOMEBODY: "to be signed in",
        Key.WEBHOOK: "the token of the board's webhook",
        Key.ISSUER: "a logout token that the issuer has signed",
    },
}
TITLES: dict[Language, tuple[str, str, str, str]] = {
    "ru": ("## Роли", "Роль", "## Адреса", "| Адрес | Что для него нужно |"),
    "en": ("## Roles", "Role", "## Addresses", "| Address | What it needs |"),
}


def access_page(language: Language) -> str:
    """The text of `docs/access.<language>.md`."""
    roles, role, addresses, columns = TITLES[language]
    actions = [ACTIONS[language][action] for action in RIGHTS]
    rights = (_cells(f"{ROLES[language][each]} (`{each}`)", *_rights(each)) for each in Role)
    doors = chain(DOORS.items(), ((f"… {layer}", needs) for layer, needs in LAYERS.items()))
    return "\n".join(
        (
            f"{HEADS[language]}\n{roles}\n",
            *_table(_cells(role, *actions), rights),
            f"\n{addresses}\n",
            *_table(columns, (_cells(f"`{door}`", _need(needs, language)) for door, needs in doors)),
            "",
        )
    )


def _rights(role: Role) -> list[str]:
    return ["+" if role in roles else "–" for roles in RIGHTS.values()]


def _need(needs: Action | Key, language: Language) -> str:
    return KEYS[language][needs] if isinstance(needs, Key) else ACTIONS[language][needs]


def _table(head: str, rows: Iterable[str]) -> list[str]:
    return [head, "|" + "---|" * (head.count("|") - 1), *rows]


def _cells(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Write both pages."""
    for language in HEADS:
        (ROOT / f"docs/access.{language}.md").write_text(access_page(language), "utf-8")


if __name__ == "__main__":
    main()
