"""Every setting: its name, kind, default and what it is for. Docs and the sample config are made of it.

Those of access and network stand in `guarding`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import SecretStr

from sync_service.settings import kinds
from sync_service.settings.about import told
from sync_service.settings.guarding import Guarding
from sync_service.words import DEFAULT_LANGUAGE, Language


def _home_url(above: dict[str, Any]) -> str:
    host = str(above.get("host"))
    shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared with, not bound to
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{above.get('port')}"


class Table(Guarding):
    """The table itself. A default that is a function is worked out from the settings above it."""

    config: Path | None = told(
        None,
        "service",
        "Файл настроек TOML. Не задан: `config/placecard.toml`, если он есть. Только переменная окружения.",
        "The TOML settings file. Unset: `config/placecard.toml` if it is there. Environment only.",
    )
    host: str = told("127.0.0.1", "service", "Адрес, на котором служба слушает.", "Address the service listens on.")
    port: int = told(
        8080, "service", "Порт, на котором служба слушает.", "Port the service listens on.", ge=0, le=65535
    )
    workers: int = told(2, "service", "Число процессов веб-сервера.", "Number of web server processes.", ge=1, le=64)
    public_url: kinds.WebUrl = told(
        _home_url,
        "service",
        "Адрес службы для людей; может иметь путь. Не задан: адрес и порт выше.",
        "Address of the service for people; may carry a path. Unset: host and port above.",
        sample='"https://map.example.org/placecard"',
    )
    publish: kinds.Switch = told(
        False,
        "service",
        "Публикация: пока `off`, наружу не видно ничего.",
        "Publishing: while `off`, nothing at all is public.",
    )
    store_url: kinds.StoreUrl = told(
        "sqlite:///var/placecard.db",
        "service",
        "Хранилище: файл SQLite или база PostgreSQL с PostGIS, `postgresql://имя:пароль@сервер/база`.",
        "The store: an SQLite file, or a PostgreSQL database with PostGIS, `postgresql://name:password@server/database`.",
        repr=False,  # a password may stand in it
    )
    secret_key: SecretStr | None = told(
        None,
        "service",
        "Ключ подписи cookie. Не задан: создаётся и лежит рядом с файлом хранилища. Для PostgreSQL обязателен.",
        "Key that signs cookies. Unset: generated and kept beside the store's file. Required on PostgreSQL.",
        sample='"at least 32 random characters"',
    )
    timezone: kinds.Zone = told(
        "Europe/Samara", "service", "Часовой пояс сроков и расписания.", "Time zone of due dates and of the schedule."
    )
    language: Language = told(
        DEFAULT_LANGUAGE,
        "service",
        "Язык командной строки: `ru` или `en`. Не задан: по LANG.",
        "Language of the command line: `ru` or `en`. Unset: by LANG.",
    )
    plugin_file: kinds.ExistingFile | None = told(
        None,
        "service",
        "Архив модуля для QGIS, который раздаёт служба. Не задан: собранный вместе с ней.",
        "Archive of the plugin for QGIS that the service offers. Unset: the one built with it.",
        sample='"placecard.zip"',
    )
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], kinds.Level] = told(
        "INFO", "service", "Подробность журнала.", "How much is logged."
    )

    board_kind: Literal["kanboard"] = told("kanboard", "board", "Вид доски.", "Kind of board.")
    board_url: kinds.WebUrl = told(
        "",
        "board",
        "Адрес доски, как его видит служба.",
        "Address of the board as the service reaches it.",
        sample='"http://kanboard.internal"',
    )
    board_public_url: kinds.WebUrl = told(
        lambda above: above.get("board_url", ""),
        "board",
        "Адрес доски, как его видит браузер человека. Не задан: тот же.",
        "Address of the board as a person's browser reaches it. Unset: the same.",
        sample='"https://board.example.org"',
    )
    board_token: SecretStr | None = told(
        None,
        "board",
        "Токен приложения доски; не нужен, если бот может всё сам.",
        "Application token of the board; optional when the bot can do everything.",
        sample='"from the board: Settings, API"',
    )
    board_user: str = told(
        "",
        "board",
        "Бот – пользователь доски, допущенный только к проектам. Не задан: пишет токен.",
        "Bot: a user of the board limited to the projects. Unset: the token writes.",
        sample='"placecard"',
    )
    board_password: SecretStr | None = told(
        None, "board", "Пароль или токен бота.", "Password or token of the bot.", sample='"of the bot"'
    )
    board_project: kinds.Names = told(
        (),
        "board",
        "Проекты доски: номера или единственные в своём роде имена, через запятую.",
        "Projects of the board: ids or unique names, comma separated.",
        sample='["Предложения"]',
    )
    webhook_token: SecretStr | None = told(
        None,
        "board",
        "Токен веб-хука доски: доска добавляет его к адресу `/board/events`.",
        "Token of the board's webhook: the board adds it to the address `/board/events`.",
        sample='"from the board: Settings, Webhooks"',
    )

    sweep_seconds: int = told(
        60, "sync", "Пауза между короткими обходами доски, секунды.", "Seconds between short sweeps.", ge=1
    )
    nightly: kinds.Clock = told(
        "02:30", "sync", "Время полного ночного обхода, ЧЧ:ММ.", "When the nightly full sweep runs, HH:MM."
    )
    surge_limit: int = told(
        50,
        "sync",
        "Сколько публикаций, скрытий и снятий за десять минут проходит без человека.",
        "Publications, hidings and retirements in ten minutes that need no person's word.",
        ge=0,
    )
    stages: kinds.Stages = told(
        "{}",
        "sync",
        "Столбец → стадия, объект JSON; дополняет обычный перечень. Действует, когда столбец встречен впервые.",
        "Column title → stage, a JSON object; extends the default. Used when a column is first seen.",
        sample='{ "Согласовано" = "approved" }',
    )
    fields: kinds.Sources = told(
        "{}",
        "sync",
        "Свойство → где оно на карточке, объект JSON: `line`, `category`, `swimlane`, `tag`, `metadata`, `native`; "
        "после двоеточия подпись, ключ или поле.",
        "Property → where it stands on the card, a JSON object: `line`, `category`, `swimlane`, `tag`, `metadata`, "
        "`native`; after a colon the label, key or field.",
        sample='{ direction = "category", partner = "line:Организация" }',
    )

    area: kinds.Area = told(
        "-180,-90,180,90",
        "places",
        "Область: запад, юг, восток, север в градусах. Месту вне её не верят.",
        "The area: west, south, east, north in degrees. A place outside is not believed.",
        sample="[49.0, 53.3, 49.8, 53.7]",
    )
    home_settlement: str = told(
        "",
        "places",
        "Населённый пункт адресов, в которых он не назван.",
        "Settlement of addresses that name none.",
        sample='"Тольятти"',
    )
    gazetteer: Path | None = told(
        None,
        "places",
        "Файл газеттира (дома и улицы) для поиска адресов без сети.",
        "Gazetteer file (buildings and streets) for finding addresses offline.",
        sample='"gazetteer.db"',
    )
    parcels: Path | None = told(
        None,
        "places",
        "Файл слоя с участками: по нему находится кадастровый номер.",
        "Layer file of parcels, where a cadastral number is looked up.",
        sample='"parcels.gpkg"',
    )
    geocoder: Literal["off", "gazetteer", "nominatim", "photon", "yandex"] = told(
        lambda above: "gazetteer" if above.get("gazetteer") else "off",
        "places",
        "Чем искать адреса. Не задан: `gazetteer`, если есть файл газеттира, иначе `off`.",
        "What finds addresses. Unset: `gazetteer` if its file is set, otherwise `off`.",
        sample='"gazetteer"',
    )
    geocoder_url: kinds.WebUrl = told(
        "",
        "places",
        "Адрес своего геокодера. Не задан: общедоступный.",
        "Address of a geocoder of your own. Unset: the public one.",
        sample='"https://nominatim.example.org"',
    )
    geocoder_key: SecretStr | None = told(
        None,
        "places",
        "Ключ геокодера; для `yandex` обязателен.",
        "Key of the geocoder; required for `yandex`.",
        sample='"from the provider"',
    )
    geocoder_rate: float = told(
        1.0,
        "places",
        "Запросов к геокодеру в секунду, не больше.",
        "Requests per second to the geocoder at most.",
        ge=0.01,
        le=1000,
    )

    tiles_url: kinds.Tiles = told(
        "",
        "map",
        "Подложка: адрес тайлов `{z}/{x}/{y}`, WMS или файл PMTiles. Не задана: простая своя.",
        "Base map: address of `{z}/{x}/{y}` tiles, a WMS, or a PMTiles file. Unset: a plain one of our own.",
        sample='"samara.pmtiles"',
        repr=False,  # a key may stand in it
    )
    tiles_attribution: str = told(
        "",
        "map",
        "Чья подложка: подпись на карте.",
        "Whose base map it is: shown on the map.",
        sample='"© участники OpenStreetMap"',
    )
    crs: kinds.EpsgCodes = told(
        (),
        "map",
        "Ещё системы координат для `/ogc/`: коды EPSG через запятую.",
        "More coordinate systems offered at `/ogc/`: EPSG codes, comma separated.",
        sample="[28409]",
    )
    native_edits: kinds.Collections = told(
        (),
        "map",
        "Какие слои можно править прямо по OGC API: имена через запятую или `off`.",
        "Which collections may be edited over OGC API itself: names, comma separated, or `off`.",
        sample='["working_points"]',
    )
