"""The settings of access and network: who may come in, and by which ways."""

from __future__ import annotations

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from sync_service.settings import kinds
from sync_service.settings.about import told


class Guarding(BaseSettings):
    """The part of the table about access and network."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", coerce_numbers_to_str=True, str_strip_whitespace=True, hide_input_in_errors=True
    )

    api_token: SecretStr | None = told(
        None,
        "access",
        "Токен редактора: с ним можно всё. Без него и без OIDC всё можно только на самой машине.",
        "Editor token: it may do everything. Without it and without OIDC only this machine itself may.",
        sample='"openssl rand -hex 32"',
    )
    oidc_issuer: kinds.WebUrl = told(
        "",
        "access",
        "Адрес издателя OIDC.",
        "Address of the OIDC issuer.",
        sample='"https://sso.example.org/realms/city"',
    )
    oidc_audience: str = told(
        "",
        "access",
        "Для кого должен быть выдан токен; обязателен вместе с издателем.",
        "Audience a token must be made for; required with the issuer.",
        sample='"placecard"',
    )
    oidc_client_id: str = told(
        "", "access", "Имя службы у издателя.", "Name of the service at the issuer.", sample='"placecard"'
    )
    oidc_client_secret: SecretStr | None = told(
        None, "access", "Секрет службы у издателя.", "Secret of the service at the issuer.", sample='"from the issuer"'
    )
    jobs_client_id: str = told(
        "",
        "access",
        "Служебная учётная запись в Keycloak: с ней люди доски следуют за ним. Не задана: не следуют.",
        "Service account in Keycloak: with it the board's people follow it. Unset: they do not.",
        sample='"placecard-jobs"',
    )
    jobs_client_secret: SecretStr | None = told(
        None, "access", "Секрет служебной учётной записи.", "Secret of the service account.", sample='"from the issuer"'
    )
    embed_origins: kinds.Origins = told(
        (),
        "access",
        "Сайты, которым можно встроить к себе публичную карту `/`: адреса через запятую. Других страниц не встроить.",
        "Sites that may embed the public map `/`: addresses, comma separated. No other page can be embedded.",
        sample='["https://www.example.org"]',
    )

    internal_bind: kinds.Bind = told(
        "",
        "network",
        "Адрес и порт для внутренней сети: `/metrics`, `/readyz` и `/board/events` тогда есть только там. "
        "Не задан: они там же, где всё.",
        "Address and port for the inner network: `/metrics`, `/readyz` and `/board/events` are only there then. "
        "Unset: they are where everything is.",
        sample='"10.0.0.5:8090"',
    )
    trusted_proxies: kinds.Networks = told(
        "127.0.0.0/8,::1/128",
        "network",
        "Сети своих прокси, через запятую: только от них берётся адрес человека из `X-Forwarded-For`, по которому "
        "считаются попытки.",
        "Networks of your own proxies, comma separated: only they are believed about the address of a person "
        "(`X-Forwarded-For`), by which attempts are counted.",
        sample='["127.0.0.0/8", "::1/128"]',
    )
    ca_bundle: kinds.ExistingFile | None = told(
        None,
        "network",
        "Файл корневых сертификатов для исходящих соединений.",
        "File of root certificates for outgoing connections.",
        sample='"city-ca.pem"',
    )
    proxy_board: kinds.ProxyUrl | None = told(
        None, "network", "Прокси к доске.", "Proxy to the board.", sample='"http://proxy.example.org:3128"'
    )
    proxy_oidc: kinds.ProxyUrl | None = told(
        None,
        "network",
        "Прокси к издателю OIDC.",
        "Proxy to the OIDC issuer.",
        sample='"http://proxy.example.org:3128"',
    )
    proxy_geocoder: kinds.ProxyUrl | None = told(
        None, "network", "Прокси к геокодеру.", "Proxy to the geocoder.", sample='"http://proxy.example.org:3128"'
    )
    proxy_tiles: kinds.ProxyUrl | None = told(
        None, "network", "Прокси к подложке.", "Proxy to the base map.", sample='"http://proxy.example.org:3128"'
    )
