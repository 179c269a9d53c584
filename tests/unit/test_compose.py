"""The Compose file: of the right form, with real settings, and without a secret in it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from sync_service.settings import Settings, load_settings
from sync_service.settings.fields import secret_names, variable
from tools.apache import CONFIG, KANBOARD
from tools.keycloak import PLACEHOLDER, REALM
from tools.packages import LISTS, read_list

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
PROFILES = {"kanboard": [], "placecard": [], "postgis": ["postgis"], "keycloak": ["keycloak"]}
SECRET_WORDS = re.compile(r"TOKEN|SECRET|PASSWORD|KEY$")
NO_DEFAULT = re.compile(r"\$\{[A-Z_]+(:-|:\?[^}]+)\}")


BOARD = ROOT / "docker-compose.board.yml"
GATE = ROOT / "config/board/Dockerfile"


def read_compose(path: Path = COMPOSE) -> dict[str, Any]:
    content: dict[str, Any] = YAML(typ="safe").load(path.read_text().replace("!reset ", ""))
    return content


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read_compose()["services"]
    return found


def problems_of(path: Path) -> str:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def leaked_secrets(environment: dict[str, str]) -> list[str]:
    """Names of the secrets whose value stands in the file instead of coming from outside."""
    secrets = {variable(name) for name in secret_names()}
    named = {name for name in environment if name in secrets or SECRET_WORDS.search(name)}
    return sorted(name for name in named if not NO_DEFAULT.fullmatch(str(environment[name])))


def filled_in(environment: dict[str, str], **given: str) -> dict[str, str]:
    """What a container gets from these variables: Compose's own substitution, in the two forms used here."""

    def value(found: re.Match[str]) -> str:
        return given.get(found[1], "") or (found[2] or "")

    return {name: re.sub(r"\$\{([A-Z_]+)(?::-|:\?)([^}]*)\}", value, text) for name, text in environment.items()}


def placeholders() -> set[str]:
    """What the realm is filled with at import."""
    return set(PLACEHOLDER.findall(REALM.read_text(encoding="utf-8")))


def unknown_settings(text: str) -> set[str]:
    known = {variable(name) for name in Settings.model_fields}
    known |= {f"{variable(name)}_FILE" for name in secret_names()}
    known |= placeholders()
    return set(re.findall(r"\bPLACECARD_[A-Z_]+", text)) - known


def test_form_is_compose() -> None:
    assert problems_of(COMPOSE) == ""


def test_form_is_checked(tmp_path: Path) -> None:
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(COMPOSE.read_text().replace("healthcheck:", "healthchek:"))
    assert "healthchek" in problems_of(wrong)


@pytest.mark.parametrize("name", ["docker-compose.yml", "docker-compose.board.yml", "Dockerfile", ".env.example"])
def test_settings_are_real(name: str) -> None:
    assert unknown_settings((ROOT / name).read_text()) == set()


def test_settings_are_accepted(tmp_path: Path) -> None:
    given = {"PLACECARD_BOARD_PROJECT": "1", "PLACECARD_BOARD_TOKEN": "b" * 64, "PLACECARD_API_TOKEN": "a" * 64}
    settings = load_settings(filled_in(services()["placecard"]["environment"], **given), tmp_path)
    assert settings.board_project == ("1",)
    assert settings.store_path == Path("/data/placecard.db")
    assert settings.publish is False


def test_wrong_setting_is_found() -> None:
    assert unknown_settings("PLACECARD_PUBLSH: ${PLACECARD_PUBLISH:-off}") == {"PLACECARD_PUBLSH"}


@pytest.mark.parametrize("name", PROFILES)
def test_secrets_come_from_outside(name: str) -> None:
    assert leaked_secrets(services()[name].get("environment", {})) == []


@pytest.mark.parametrize("value", ["changeme", "${POSTGRES_PASSWORD:-changeme}", "${A:-}${B:-x}"])
def test_leaked_secret_is_found(value: str) -> None:
    assert leaked_secrets({"POSTGRES_PASSWORD": value}) == ["POSTGRES_PASSWORD"]


def test_example_holds_no_secret() -> None:
    lines = (line.lstrip("# ") for line in (ROOT / ".env.example").read_text().splitlines())
    assigned = dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))
    assert {name: value for name, value in assigned.items() if SECRET_WORDS.search(name) and value} == {}


def test_every_variable_is_in_the_example() -> None:
    example = (ROOT / ".env.example").read_text()
    used = set(re.findall(r"\$\{([A-Z_]+)", COMPOSE.read_text() + BOARD.read_text()))
    assert {name for name in used if f"{name}=" not in example} == set()


def test_profiles() -> None:
    assert {name: service.get("profiles", []) for name, service in services().items()} == PROFILES


@pytest.mark.parametrize("name", PROFILES)
def test_service_looks_after_itself(name: str) -> None:
    service = services()[name]
    assert service["restart"] == "unless-stopped"
    assert service["volumes"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "interval" in service["healthcheck"]
    asks = service["healthcheck"].get("test") or re.search(
        r"^HEALTHCHECK ", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    )
    assert asks


@pytest.mark.parametrize("name", sorted(PROFILES.keys() - {"placecard"}))
def test_image_is_pinned(name: str) -> None:
    _, tag = services()[name]["image"].split(":")
    assert re.match(r"v?\d+(\.\d+|-\d)", tag)


def test_keycloak_has_the_fix() -> None:
    tag = services()["keycloak"]["image"].split(":")[1]
    assert tuple(map(int, tag.split("."))) >= (26, 6, 4)


def test_keycloak_imports_our_realm_with_every_placeholder_filled() -> None:
    service = services()["keycloak"]
    assert placeholders() <= service["environment"].keys()
    assert f"./{REALM.parent.relative_to(ROOT)}:/opt/keycloak/data/import:ro" in service["volumes"]
    assert service["command"][0].endswith("kc.sh start-dev --import-realm")


@pytest.mark.parametrize("lacking", ["", *(name for name in sorted(placeholders()) if name.endswith("_SECRET"))])
def test_keycloak_does_not_start_with_an_empty_secret(lacking: str) -> None:
    (script,) = services()["keycloak"]["command"]
    script = script.replace("$$", "$").replace("exec /opt/keycloak/bin/kc.sh", "echo")
    given = {name: "" if name == lacking else "x" for name in placeholders()}
    done = subprocess.run(["bash", "-c", script], env=given, check=False, capture_output=True, text=True)
    said = "start-dev --import-realm\n" if not lacking else f"{lacking} is empty: set it in .env\n"
    assert (done.returncode, done.stdout + done.stderr) == (2 if lacking else 0, said)


def test_volumes_are_declared() -> None:
    volumes = [volume for service in services().values() for volume in service["volumes"]]
    mounted = {volume.split(":")[0] for volume in volumes if not volume.startswith("./")}
    assert mounted == set(read_compose()["volumes"])


def test_ports_stay_on_this_machine() -> None:
    ports = [port for service in services().values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("${BIND_ADDRESS:-127.0.0.1}:") for port in ports)


def test_kanboard_may_call_a_private_address() -> None:
    assert services()["kanboard"]["environment"]["WEBHOOK_ALLOW_PRIVATE_NETWORKS"] == "true"


def test_image_is_built_from_pins_and_runs_without_rights() -> None:
    text = (ROOT / "Dockerfile").read_text()
    final = text[text.rindex("\nFROM ") :]
    assert "--require-hashes -r /build/requirements/run.txt" in text
    assert re.search(r"^USER placecard$", final, re.MULTILINE)
    assert "exec placecard serve" in final
    assert services()["placecard"]["read_only"] is True


def test_dockerfile_copies_what_is_there() -> None:
    copies = re.findall(r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    sources = [source for line in copies for source in line.split()]
    assert sources
    assert [source for source in sources if not (ROOT / source).exists()] == []


# --- the board behind its gate


def test_form_of_the_board_is_compose(tmp_path: Path) -> None:
    plain = tmp_path / "docker-compose.yml"
    plain.write_text(BOARD.read_text().replace("!reset ", ""))
    assert problems_of(plain) == ""


def test_kanboard_behind_the_gate_has_no_port() -> None:
    assert "    ports: !reset []\n" in BOARD.read_text()
    assert services()["kanboard"]["ports"]


def test_kanboard_behind_the_gate_is_told_what_the_tests_tell_it() -> None:
    given = read_compose(BOARD)["services"]["kanboard"]["environment"]
    address = read_compose(BOARD)["services"]["board"]["networks"]["board"]["ipv4_address"]
    assert given == {**KANBOARD, "TRUSTED_PROXY_NETWORKS": f"{address}/32"}
    assert read_compose(BOARD)["services"]["board"]["environment"]["BOARD_SOURCE"] == address


def test_gate_has_every_value_its_configuration_wants() -> None:
    wanted = set(re.findall(r"\$\{(BOARD_[A-Z_]+)\}", CONFIG.read_text()))
    given = read_compose(BOARD)["services"]["board"]["environment"].keys()
    built = set(re.findall(r"\b(BOARD_[A-Z_]+)=", GATE.read_text()))
    assert wanted == given | built


def test_gate_has_no_rights_and_no_secret_in_it() -> None:
    gate = read_compose(BOARD)["services"]["board"]
    assert leaked_secrets(gate["environment"]) == []
    assert gate["read_only"] is True
    assert gate["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in gate["security_opt"]
    assert gate["ports"] == ["${BIND_ADDRESS:-127.0.0.1}:${KANBOARD_PORT:-8081}:8080"]
    text = GATE.read_text()
    assert re.search(r"^USER www-data$", text, re.MULTILINE)
    assert set(re.findall(r"^COPY (\S+)", text, re.MULTILINE)) == {str(CONFIG.relative_to(ROOT))}


def test_gate_is_of_the_packages_of_the_tests() -> None:
    assert set(read_list(LISTS / "apache.txt").packages) <= set(GATE.read_text().split())


def test_keycloak_reaches_the_gate() -> None:
    told = services()["keycloak"]["environment"]["PLACECARD_BOARD_BACKCHANNEL_URL"]
    assert told == "http://board:8080"
    assert "BOARD_LISTEN=0.0.0.0:8080" in GATE.read_text()
