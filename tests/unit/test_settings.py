from __future__ import annotations

import multiprocessing
import stat
import tomllib
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr, ValidationError

from sync_service.errors import SettingsError
from sync_service.settings import CardSource, Settings, doubts_about, load_settings, settings_reference, signing_key
from sync_service.settings.fields import secret_names, variable
from sync_service.settings.kinds import COLLECTION_NAMES
from sync_service.settings.reference import sample_config
from sync_service.store.collections import COLLECTIONS
from sync_service.sync.values import Stage
from sync_service.words import LANGUAGES, knows

if TYPE_CHECKING:
    from sync_service.words import Language

ROOT = Path(__file__).parents[2]

CONTRACT = [
    "STORE_URL",
    "PUBLIC_URL",
    "PUBLISH",
    "BOARD_KIND",
    "BOARD_URL",
    "BOARD_PUBLIC_URL",
    "BOARD_TOKEN",
    "BOARD_USER",
    "BOARD_PASSWORD",
    "BOARD_PROJECT",
    "WEBHOOK_TOKEN",
    "SWEEP_SECONDS",
    "NIGHTLY",
    "TIMEZONE",
    "SURGE_LIMIT",
    "AREA",
    "GEOCODER",
    "GAZETTEER",
    "TILES_URL",
    "NATIVE_EDITS",
    "SECRET_KEY",
    "OIDC_ISSUER",
    "OIDC_AUDIENCE",
    "OIDC_CLIENT_ID",
    "OIDC_CLIENT_SECRET",
    "JOBS_CLIENT_ID",
    "JOBS_CLIENT_SECRET",
    "API_TOKEN",
    "CA_BUNDLE",
    "PLUGIN_FILE",
    "PROXY_BOARD",
    "PROXY_OIDC",
    "PROXY_GEOCODER",
    "PROXY_TILES",
    "STAGES",
    "FIELDS",
    "CONFIG",
    "HOST",
    "PORT",
    "WORKERS",
    "GEOCODER_URL",
    "GEOCODER_KEY",
    "GEOCODER_RATE",
    "HOME_SETTLEMENT",
    "PARCELS",
    "TILES_ATTRIBUTION",
    "LANGUAGE",
    "CRS",
    "LOG_LEVEL",
    "EMBED_ORIGINS",
    "INTERNAL_BIND",
    "TRUSTED_PROXIES",
]


def lines_of(environ: dict[str, str], cwd: Path, language: Language = "en") -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ, cwd)
    return caught.value.lines(language)


def write_config(folder: Path, text: str) -> Path:
    path = folder / "config" / "placecard.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def test_every_contract_setting_is_there() -> None:
    assert sorted(name.lower() for name in CONTRACT) == sorted(Settings.model_fields)


def test_defaults_are_the_contract_s(tmp_path: Path) -> None:
    settings = load_settings({}, tmp_path)
    assert settings.store_path == tmp_path / "var/placecard.db"
    assert settings.publish is False
    assert settings.public_url == "http://127.0.0.1:8080"
    assert (settings.sweep_seconds, settings.surge_limit, settings.nightly) == (60, 50, time(2, 30))
    assert settings.timezone == ZoneInfo("Europe/Samara")
    assert settings.area == (-180, -90, 180, 90)
    assert settings.geocoder == "off"
    assert settings.native_edits == ()
    assert settings.language == "ru"
    assert settings.config is None


def test_nothing_is_read_from_this_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLACECARD_PORT", "9999")
    assert load_settings({}, tmp_path).port == 8080
    assert Settings().port == 8080


def test_environment_wins_over_the_file(tmp_path: Path) -> None:
    write_config(tmp_path, 'port = 1000\nboard_user = "file"\nboard_password = "p"')
    settings = load_settings({"PLACECARD_PORT": "2000"}, tmp_path)
    assert (settings.port, settings.board_user) == (2000, "file")
    assert settings.config == tmp_path / "config/placecard.toml"


def test_empty_means_unset(tmp_path: Path) -> None:
    write_config(tmp_path, 'port = 1000\ngeocoder = ""')
    environ = {"PLACECARD_PORT": "", "PLACECARD_API_TOKEN": "", "PLACECARD_API_TOKEN_FILE": "", "PLACECARD_CONFIG": ""}
    settings = load_settings(environ, tmp_path)
    assert (settings.port, settings.geocoder, settings.api_token) == (1000, "off", None)


def test_a_named_config_must_be_there(tmp_path: Path) -> None:
    assert lines_of({"PLACECARD_CONFIG": "gone.toml"}, tmp_path) == [
        (
            f"PLACECARD_CONFIG: cannot read the file {tmp_path}/gone.toml (No such file or directory); "
            "check the path and the permissions."
        )
    ]


def test_config_that_is_not_toml(tmp_path: Path) -> None:
    path = write_config(tmp_path, "port: 8080")
    (line,) = lines_of({}, tmp_path)
    assert line.startswith(f"{path}: this is not TOML")


@pytest.mark.parametrize(
    ("environ", "config", "said"),
    [
        (
            {"PLACECARD_BORD_URL": "x"},
            "",
            "PLACECARD_BORD_URL: there is no such setting. Did you mean PLACECARD_BOARD_URL?",
        ),
        ({"PLACECARD_XYZZY": ""}, "", "PLACECARD_XYZZY: there is no such setting; remove it."),
        (
            {"PLACECARD_PORT_FILE": "x"},
            "",
            "PLACECARD_PORT_FILE: there is no such setting. Did you mean PLACECARD_PORT?",
        ),
        ({}, "prot = 1", "placecard.toml: prot: there is no such setting. Did you mean port?"),
        ({}, 'config = "x"', "placecard.toml: config: there is no such setting; remove it."),
        ({}, "[board]\nurl = 1", "placecard.toml: board: there is no such setting. Did you mean board_url?"),
    ],
)
def test_unknown_names_are_refused(tmp_path: Path, environ: dict[str, str], config: str, said: str) -> None:
    write_config(tmp_path, config)
    (line,) = lines_of(environ, tmp_path)
    assert line == said


def test_other_variables_are_nobody_s_business(tmp_path: Path) -> None:
    load_settings({"PATH": "/bin", "placecard_port": "1", "XPLACECARD_PORT": "1"}, tmp_path)


@pytest.mark.parametrize("name", secret_names())
def test_every_secret_also_from_a_file(tmp_path: Path, name: str) -> None:
    secret = "http://user:pw@proxy.test:3128" if name.startswith("proxy_") else "s3cret-ключ"
    (tmp_path / "secret").write_text(secret + "\n", "utf-8")
    environ = {f"{variable(name)}_FILE": "secret", "PLACECARD_BOARD_USER": "bot", "PLACECARD_BOARD_PASSWORD": "p"}
    if name == "board_password":
        del environ["PLACECARD_BOARD_PASSWORD"]
    settings = load_settings(environ, tmp_path)
    assert getattr(settings, name).get_secret_value() == secret
    assert secret in settings.secrets()
    assert secret not in repr(settings)
    assert secret not in str(settings.model_dump())


def test_secret_file_named_in_the_config(tmp_path: Path) -> None:
    path = write_config(tmp_path, 'api_token_file = "token"')
    (path.parent / "token").write_text("abc", "utf-8")
    settings = load_settings({}, tmp_path)
    assert settings.api_token is not None
    assert settings.api_token.get_secret_value() == "abc"


def test_secret_of_the_environment_wins_over_a_file_of_the_config(tmp_path: Path) -> None:
    path = write_config(tmp_path, 'api_token_file = "token"')
    (path.parent / "token").write_text("abc", "utf-8")
    settings = load_settings({"PLACECARD_API_TOKEN": "direct"}, tmp_path)
    assert settings.api_token is not None
    assert settings.api_token.get_secret_value() == "direct"


def test_secret_given_twice_or_missing_or_empty(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n", "utf-8")
    environ = {
        "PLACECARD_API_TOKEN": "very-secret",
        "PLACECARD_API_TOKEN_FILE": "other",
        "PLACECARD_BOARD_TOKEN_FILE": "gone",
        "PLACECARD_WEBHOOK_TOKEN_FILE": "empty",
    }
    twice, gone, empty = lines_of(environ, tmp_path)
    assert twice == "PLACECARD_API_TOKEN_FILE: set together with PLACECARD_API_TOKEN; keep one of them."
    assert gone.startswith(f"PLACECARD_BOARD_TOKEN_FILE: cannot read the file {tmp_path}/gone")
    assert empty.startswith(f"PLACECARD_WEBHOOK_TOKEN_FILE: the file {tmp_path}/empty is empty")


def test_paths_are_relative_to_where_they_are_written(tmp_path: Path) -> None:
    path = write_config(tmp_path, 'gazetteer = "g.csv"\nstore_url = "sqlite:///s.db"\ntiles_url = "t.pmtiles"')
    settings = load_settings({"PLACECARD_PARCELS": "p.gpkg"}, tmp_path)
    assert settings.gazetteer == path.parent / "g.csv"
    assert settings.store_path == path.parent / "s.db"
    assert settings.tiles_url == str(path.parent / "t.pmtiles")
    assert settings.parcels == tmp_path / "p.gpkg"
    assert settings.geocoder == "gazetteer"


def test_addresses_and_absolute_paths_stay(tmp_path: Path) -> None:
    tiles = "https://tiles.test/{z}/{x}/{y}.png?style=a"
    settings = load_settings({"PLACECARD_STORE_URL": "sqlite:////a/b.db", "PLACECARD_TILES_URL": tiles}, tmp_path)
    assert settings.store_path == Path("/a/b.db")
    assert settings.tiles_url == tiles


WRONG = {
    "PORT": ["q", "70000", "-1", "1.5"],
    "WORKERS": ["0"],
    "SWEEP_SECONDS": ["0", "soon"],
    "SURGE_LIMIT": ["-1"],
    "GEOCODER_RATE": ["0", "often"],
    "PUBLISH": ["yes", "true", "1", "onn"],
    "BOARD_KIND": ["trello"],
    "GEOCODER": ["bing"],
    "LANGUAGE": ["de"],
    "LOG_LEVEL": ["loud"],
    "TIMEZONE": ["Mars/Base", "../etc/passwd", "Europe"],
    "NIGHTLY": ["25:00", "2:3", "0230", "9000"],
    "AREA": ["1,2,3", "a,b,c,d", "50,1,40,2", "1,50,2,40", "nan,1,2,3", "-181,0,1,1"],
    "CRS": ["МСК-63", "12"],
    "NATIVE_EDITS": ["../x", "Points", "points", "working_points,salaries"],
    "BOARD_URL": ["board", "ftp://x", "http://", "http://u:p@x", "http://x:port", "http://x/?a=1", "http://[x"],
    "PUBLIC_URL": ["map.test/placecard", "https://x/#a"],
    "PROXY_BOARD": ["proxy", "socks5://x"],
    "STORE_URL": [
        "postgres://h/db",
        "postgresql://h",
        "postgresql://h:port/db",
        "postgresql+psycopg://h/db",
        "sqlite://",
        "sqlite:///:memory:",
        "mysql://x",
        "x",
    ],
    "STAGES": ["{", "[]", '{"a": 1}', '{"a": "later"}'],
    "FIELDS": ["x", '{"stage": "tag"}', '{"direction": "colour"}', '{"direction": "category:x"}', '{"nothing": "tag"}'],
    "CA_BUNDLE": ["gone.pem"],
    "INTERNAL_BIND": [
        "8090",
        "inner:8090",
        "10.0.0.5",
        "10.0.0.5:0",
        "10.0.0.5:x",
        "10.0.0.5:8090/metrics",
        "u@10.0.0.5:1",
    ],
    "TRUSTED_PROXIES": ["proxy", "10.0.0.1/8", "10.0.0.0/33", "*"],
    "EMBED_ORIGINS": [
        "www.example.org",
        "*",
        "https://*.example.org",
        "https://a/b",
        "https://a 'none'",
        "https://a;x",
    ],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_wrong_values_say_what_to_do(tmp_path: Path, name: str, value: str) -> None:
    for language in LANGUAGES:
        (line,) = lines_of({f"PLACECARD_{name}": value}, tmp_path, language)
        assert line.startswith(f"PLACECARD_{name}: ")
        assert "{" not in line.replace(value, "").replace('{"', "")
        assert any(mark in line[20:] for mark in ";:.")


def test_wrong_address_of_a_server_is_not_echoed(tmp_path: Path) -> None:
    (line,) = lines_of({"PLACECARD_STORE_URL": "postgresql://u:hidden@h:port/db"}, tmp_path, "ru")
    assert "postgresql://имя:пароль@сервер/база" in line
    assert "hidden" not in line


def test_store_on_a_server_wants_the_key_that_signs_cookies(tmp_path: Path) -> None:
    store = {"PLACECARD_STORE_URL": "postgresql://u:hidden@h/db"}
    (line,) = lines_of(store, tmp_path)
    assert "PLACECARD_SECRET_KEY" in line
    assert "hidden" not in line
    assert load_settings({**store, "PLACECARD_SECRET_KEY": "k"}, tmp_path).store_url == store["PLACECARD_STORE_URL"]


def test_wrong_secret_is_not_echoed(tmp_path: Path) -> None:
    (line,) = lines_of({"PLACECARD_PROXY_BOARD": "user:hidden"}, tmp_path)
    assert "hidden" not in line


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    environ = {"PLACECARD_A": "1", "PLACECARD_PORT": "q", "PLACECARD_AREA": "x", "PLACECARD_API_TOKEN_FILE": "gone"}
    assert len(lines_of(environ, tmp_path)) == 4


@pytest.mark.parametrize(
    ("environ", "names"),
    [
        ({"PLACECARD_GEOCODER": "gazetteer"}, ("PLACECARD_GEOCODER", "PLACECARD_GAZETTEER")),
        ({"PLACECARD_GEOCODER": "yandex"}, ("PLACECARD_GEOCODER", "PLACECARD_GEOCODER_KEY")),
        ({"PLACECARD_BOARD_USER": "bot"}, ("PLACECARD_BOARD_USER", "PLACECARD_BOARD_PASSWORD")),
        ({"PLACECARD_BOARD_PASSWORD": "p"}, ("PLACECARD_BOARD_PASSWORD", "PLACECARD_BOARD_USER")),
        ({"PLACECARD_OIDC_ISSUER": "https://i.test"}, ("PLACECARD_OIDC_ISSUER", "PLACECARD_OIDC_AUDIENCE")),
        ({"PLACECARD_INTERNAL_BIND": "10.0.0.5:8080"}, ("PLACECARD_INTERNAL_BIND", "PLACECARD_PORT")),
    ],
)
def test_contradictions(tmp_path: Path, environ: dict[str, str], names: tuple[str, str]) -> None:
    (line,) = lines_of(environ, tmp_path)
    assert line.startswith(names[0] + ":")
    assert names[1] in line


def test_values_of_the_environment(tmp_path: Path) -> None:
    environ = {
        "PLACECARD_PUBLISH": "ON",
        "PLACECARD_BOARD_PROJECT": "1, Предложения жителей ,",
        "PLACECARD_AREA": "49.0,53.3,49.8,53.7",
        "PLACECARD_CRS": "EPSG:28409, 3857",
        "PLACECARD_NIGHTLY": "3:05",
        "PLACECARD_NATIVE_EDITS": "working_points,working_lines",
        "PLACECARD_LOG_LEVEL": "debug",
        "PLACECARD_BOARD_URL": "http://board.test/kb/",
        "PLACECARD_STAGES": '{"  Согласовано   советом ": "approved", "backlog": "review"}',
        "PLACECARD_FIELDS": '{"direction": "category", "partner": "line: Организация", "due": "native:date_due"}',
    }
    settings = load_settings(environ, tmp_path)
    assert settings.publish is True
    assert settings.board_project == ("1", "Предложения жителей")
    assert settings.area == (49.0, 53.3, 49.8, 53.7)
    assert settings.crs == (28409, 3857)
    assert settings.nightly == time(3, 5)
    assert settings.native_edits == ("working_points", "working_lines")
    assert settings.log_level == "DEBUG"
    assert settings.board_public_url == settings.board_url == "http://board.test/kb"
    assert settings.stage_of("согласовано СОВЕТОМ") is Stage.APPROVED
    assert settings.stage_of("Backlog") is Stage.REVIEW
    assert settings.fields == {
        "direction": CardSource("category"),
        "partner": CardSource("line", "Организация"),
        "due": CardSource("native", "date_due"),
    }


def test_values_of_toml(tmp_path: Path) -> None:
    write_config(
        tmp_path,
        """
        publish = true
        board_project = [1, "Жители, и гости"]
        area = [49, 53.3, 49.8, 53.7]
        crs = [28409]
        nightly = 03:05:00
        stages = { "Согласовано" = "approved" }
        fields = { direction = "tag:тема" }
        native_edits = "off"
        """,
    )
    settings = load_settings({}, tmp_path)
    assert settings.publish is True
    assert settings.board_project == ("1", "Жители, и гости")
    assert settings.area == (49, 53.3, 49.8, 53.7)
    assert (settings.crs, settings.nightly, settings.native_edits) == ((28409,), time(3, 5), ())
    assert settings.stage_of("СОГЛАСОВАНО") is Stage.APPROVED
    assert settings.fields == {"direction": CardSource("tag", "тема")}


@pytest.mark.parametrize(
    ("title", "stage"),
    [
        ("Предложено", "proposed"), ("BACKLOG", "proposed"), ("На рассмотрении", "review"), ("Ready", "review"),
        ("одобрено", "approved"), ("В работе", "in_progress"), ("Work in progress", "in_progress"),
        ("Выполнено", "done"), ("Rejected", "rejected"), ("Отклонено", "rejected"), ("Архив", None),
    ],
)  # fmt: skip
def test_default_stages(title: str, stage: str | None) -> None:
    assert Settings().stage_of(title) == stage


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "ru"), ({"LANG": "C.UTF-8"}, "ru"), ({"LANG": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "ru_RU.UTF-8"}, "ru"), ({"LANG": "en", "PLACECARD_LANGUAGE": "ru"}, "ru"),
    ],
)  # fmt: skip
def test_language(tmp_path: Path, environ: dict[str, str], language: str) -> None:
    assert load_settings(environ, tmp_path).language == language
    with pytest.raises(SettingsError) as caught:
        load_settings({**environ, "PLACECARD_PORT": "q"}, tmp_path)
    assert caught.value.language == language
    assert ("целое" in str(caught.value)) == (language == "ru")


def test_public_url_of_a_service_for_all_addresses() -> None:
    assert Settings(host="0.0.0.0", port=80).public_url == "http://127.0.0.1:80"
    assert Settings(host="fd00::1", port=81).public_url == "http://[fd00::1]:81"


def test_settings_do_not_change() -> None:
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]  # that is what is tried
    with pytest.raises(TypeError):
        settings.stages["x"] = Stage.DONE  # type: ignore[index]  # that it cannot be done is the point


def test_demand_names_what_is_missing() -> None:
    with pytest.raises(SettingsError, match=r"PLACECARD_BOARD_URL: .*\nPLACECARD_BOARD_PROJECT: "):
        Settings().demand("board_url", "board_project", "store_url")
    Settings(board_url="http://b.test").demand("board_url")


def test_doubts() -> None:
    assert list(doubts_about(Settings())) == []
    assert list(doubts_about(Settings(public_url="https://m.test", api_token=SecretStr("x" * 16)))) == []
    assert [doubt.key for doubt in doubts_about(Settings(public_url="https://m.test"))] == ["settings.open_house"]
    assert [doubt.key for doubt in doubts_about(Settings(api_token=SecretStr("short")))] == ["settings.weak_token"]


def test_signing_key_is_made_once_and_private(tmp_path: Path) -> None:
    settings = load_settings({}, tmp_path)
    key = signing_key(settings)
    assert len(key.get_secret_value()) == 64
    assert signing_key(settings) == key
    path = tmp_path / "var/placecard.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["placecard.key"]
    assert signing_key(Settings(secret_key=SecretStr("mine"))).get_secret_value() == "mine"


def _key_made_at(folder: str) -> str:
    return signing_key(load_settings({}, Path(folder))).get_secret_value()


def test_processes_agree_on_the_signing_key(tmp_path: Path) -> None:
    with multiprocessing.get_context("fork").Pool(4) as pool:
        for attempt in range(20):
            folder = tmp_path / str(attempt)
            folder.mkdir()
            assert len(set(pool.map(_key_made_at, [str(folder)] * 8, chunksize=1))) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_docs_are_made_from_the_table(language: Language) -> None:
    page = (ROOT / f"docs/settings.{language}.md").read_text("utf-8")
    assert page == settings_reference(language), "run: python -m sync_service.settings"
    assert all(f"`PLACECARD_{name}`" in page for name in CONTRACT)


def test_sample_names_every_setting_and_works(tmp_path: Path) -> None:
    sample = (ROOT / "config/placecard.example.toml").read_text("utf-8")
    assert sample == sample_config(), "run: python -m sync_service.settings"
    assert tomllib.loads(sample) == {}
    settings = [line[2:] for line in sample.splitlines() if " = " in line]
    path = write_config(tmp_path, "\n".join(settings))
    for name in ("city-ca.pem", "placecard.zip"):
        (path.parent / name).touch()
    assert {*tomllib.loads("\n".join(settings)), "config"} == set(Settings.model_fields)
    assert load_settings({}, tmp_path).home_settlement == "Тольятти"


def test_every_refusal_has_words(tmp_path: Path) -> None:
    for name, values in WRONG.items():
        for value in values:
            with pytest.raises(SettingsError) as caught:
                load_settings({f"PLACECARD_{name}": value}, tmp_path)
            assert all(knows(problem.key) for problem in caught.value.problems)


def test_collections_that_may_be_edited_are_those_there_are() -> None:
    assert set(COLLECTIONS) == COLLECTION_NAMES
