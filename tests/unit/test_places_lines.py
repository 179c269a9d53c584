from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_service.places.lines import Line, labelled_lines, lines_labelled, looks_personal, summary
from sync_service.places.reason import ReasonCode


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ("Адрес: ул. Мира, 5", Line("адрес", None, "ул. Мира, 5")),
        ("АДРЕС : ул. Мира, 5", Line("адрес", None, "ул. Мира, 5")),
        ("**Адрес:** ул. Мира, 5", Line("адрес", None, "ул. Мира, 5")),
        ("**Адрес**: ул. Мира, 5", Line("адрес", None, "ул. Мира, 5")),
        ("- Адрес: ул. Мира, 5", Line("адрес", None, "ул. Мира, 5")),
        ("* **Адрес:** ул. Мира, 5", Line("адрес", None, "ул. Мира, 5")),
        ("• Адрес: ул. Мира, 5", Line("адрес", None, "ул. Мира, 5")),
        ("1. Адрес: ул. Мира, 5", Line("адрес", None, "ул. Мира, 5")),
        ("> Адрес: ул. Мира, 5", Line("адрес", None, "ул. Мира, 5")),
        ("## Адрес: ул. Мира, 5", Line("адрес", None, "ул. Мира, 5")),
        ("- [x] Адрес: ул. Мира, 5", Line("адрес", None, "ул. Мира, 5")),
        ("  Адрес:ул. Мира, 5  ", Line("адрес", None, "ул. Мира, 5")),
        ("Место 1: x", Line("место", 1, "x")),
        ("Место №2: x", Line("место", 2, "x")),
        ("Place 12: x", Line("place", 12, "x")),
        ("Партнёр: Союз", Line("партнер", None, "Союз")),
        ("Направление: a: b", Line("направление", None, "a: b")),
        ("Ссылка: https://example.org", Line("ссылка", None, "https://example.org")),
        ("Место:", Line("место", None, "")),
        ("مكان: x", Line("مكان", None, "x")),
    ],
)
def test_labelled(raw: str, line: Line) -> None:
    assert labelled_lines(raw) == (line,)


@pytest.mark.parametrize(
    "raw",
    [
        "https://example.org",
        "12:30 встреча",
        "просто текст",
        "",
        ": пусто",
        "Очень длинное начало предложения, где после многих слов: да",
    ],
)
def test_not_labelled(raw: str) -> None:
    assert labelled_lines(raw) == ()


def test_labels_compare_folded() -> None:
    assert lines_labelled("ПАРТНЕР: a\r\nпартнёр: b\nМесто: c", ["Партнёр"]) == (
        Line("партнер", None, "a"),
        Line("партнер", None, "b"),
    )


def test_summary_ends_before_the_service_line() -> None:
    text = (
        "Сделать сквер.\nАдрес: ул. Мира, 5\nОтветственный: отдел\n\n\n\nПотом ещё.\n**Служебно:** тайна\nАдрес: тайный"
    )
    assert summary(text, drop=["ответственный"]) == "Сделать сквер.\nАдрес: ул. Мира, 5\n\nПотом ещё."
    assert summary("Plain\n  internal : secret\nmore") == "Plain"
    assert summary("СЛУЖЕБНО: всё") == ""
    assert summary("Работа по служебной части: да") == "Работа по служебной части: да"


@given(st.text(max_size=300))
def test_any_text(text: str) -> None:
    labelled_lines(text)
    looks_personal(text)
    assert summary(text + "\nСлужебно: тайна") == summary(text)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (code, text)
        for code, texts in {
            ReasonCode.PERSONAL_PHONE: [
                "+7 (900) 000-00-00", "+7 900 000 00 00", "+79000000000", "8 900 000 00 00", "8 (900) 000-00-00",
                "8-900-000-00-00", "89000000000", "79000000000", "8.900.000.00.00", "8(8482)00-00-00",
                "8-8482-00-00-00", "(8482) 00-00-00", "900-000-00-00", "900 000 00 00", "9000000000", "тел. 00-00-00",
                "Телефон: 000000", "моб.: 9000000000", "phone 555 01 00", "+1 202 555 0100", "+49 30 000000",
                "tel:+79000000000", "https://wa.me/79000000000", "Звоните 8 900 000-00-00!", "8 900 0000000",
                "(т.89000000000)", "звоните 00-00-00", "Позвонить можно по 000000",
            ],
            ReasonCode.PERSONAL_EMAIL: [
                "user@example.org", "почта: user.name+tag@mail.example.org", "имя@пример.рф", "user (at) example.org",
                "user [at] example [dot] org", "user собака example.org",
                "<user@example.org>", "mailto:user@example.org",
            ],
            ReasonCode.PERSONAL_SNILS: [
                "112-233-445 95", "112-233-445-95", "112 233 445 95", "СНИЛС 11223344595", "снилс: 112 233 445 95",
                "СНИЛС № 112-233-44595",
            ],
            ReasonCode.PERSONAL_PASSPORT: [
                "00 00 000000", "0000 000000", "0000 № 000000", "паспорт 0000 000000", "Паспорт: 0000000000",
                "серия 00 00 № 000000", "паспорт серии 0000 номер 000000", "загранпаспорт 00 0000000",
                "passport 00 0000000",
            ],
        }.items()
        for text in texts
    ],
)  # fmt: skip
def test_personal(code: ReasonCode, text: str) -> None:
    reason = looks_personal(f"Обращаться: {text}")
    assert reason is not None
    assert reason.code is code
    assert not any(char.isdigit() for char in reason.dump())


@pytest.mark.parametrize(
    "text",
    [
        "63:09:0101152:1034", "участок 63:09:0101152:1034, площадь 1200 кв. м", "2023–2055", "2023-2055 годы",
        "этап 2024-2025, этап 2026-2027", "8 000 000 000 руб.", "89 271 234 567 рублей", "8 920 345 678 900 р.",
        "12 500 000", "от 1 000 000 до 2 000 000", "80 000 000,00", "1 200 300 чел.", "53.530300, 49.346100",
        "53°31'49.1\" с.ш.", "12.05.2023", "12.05.2023 10:30", "№ 1234-п/1", "ИНН 6320000001", "ОГРН 1026300000001",
        "ОКТМО 36740000", "р/с 40702810900000012345", "https://yandex.ru/maps/?pt=49.3461,53.5303",
        "https://2gis.ru/togliatti/geo/4504235282783490/49.3461,53.5303", "паспорт проекта № 12 от 12.05.2023",
        "энергетический паспорт 2023 года", "@handle", "pkg@1.2.3", "445000, г. Тольятти, ул. Мира, 5",
        "телефонизация 15 домов", "звонить с 10:00 до 18:00",
        "телефон доверия", "тел. 112", "в 2023 году 150000 рублей", "24/7", "10-12-15",
        "ГОСТ Р 52289-2019", "СП 42.13330.2016", "550e8400-e29b-41d4-a716-446655440000", "дом 13к2, кв. 5", "",
        "мест: 100 200 300", "192.168.100.200",
    ],
)  # fmt: skip
def test_not_personal(text: str) -> None:
    assert looks_personal(text) is None
