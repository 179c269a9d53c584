"""Text that looks like personal data: phones, e-mail addresses, СНИЛС and passport numbers.

A summary that looks so is kept back until a moderator has looked: a false alarm costs a look, a miss cannot be undone.
Yet numbers every proposal has (parcels, years, sums, coordinates) must not raise one.
"""

from __future__ import annotations

import re

from sync_service.places.reason import Reason, ReasonCode

_GAP = r"[ \t\u00a0\u2009\u202f.\-–—‑]{0,3}"
_MARK = r"[ \u00a0.\-–—‑]"
_OPEN, _SHUT = r"(?<![\w:/\-+])(?<!\d\.)", r"(?![\w:]|[.,/\-]\d)"
_NO_SUM = r"(?!\s{0,3}(?:₽|%|(?i:руб|тыс|млн|млрд|р\.|коп|чел|шт|кв\.?\s?м|м2|м²|га\b|тонн)))"
_CODE = r"(?:[3489]\d\d|7[0-7]\d)"

_PHONE_FORMS = (
    rf"(?<![\w+])\+\s?\d{{1,3}}{_GAP}\(?\d{{2,5}}\)?(?:{_GAP}\d{{2,4}}){{2,4}}(?!\d)",
    rf"{_OPEN}(?:7|8){_GAP}\(\s?\d{{3,5}}\s?\)(?:{_GAP}\d{{1,4}}){{2,5}}(?!\d)",
    rf"{_OPEN}(?:7|8){_MARK}?{_CODE}{_MARK}\d{{3}}{_MARK}?\d{{2}}{_MARK}?\d{{2}}{_SHUT}{_NO_SUM}",
    rf"{_OPEN}(?:7|8)[ \-–—‑]\d{{4}}[ \-–—‑]\d{{2}}[ \-–—‑]?\d{{2}}[ \-–—‑]?\d{{2}}{_SHUT}{_NO_SUM}",
    rf"{_OPEN}(?:7|8)[ \-–—‑]?{_CODE}[ \-–—‑]?\d{{7}}{_SHUT}{_NO_SUM}",
    rf"{_OPEN}\(\s?\d{{3,5}}\s?\){_GAP}\d{{1,3}}[ \-–—‑]\d{{2}}[ \-–—‑]?\d{{2}}(?!\d)",
    rf"{_OPEN}9\d\d[ .\-–—‑]\d{{3}}[ .\-–—‑]\d{{2}}[ .\-–—‑]?\d{{2}}{_SHUT}{_NO_SUM}",
    rf"(?<!ИНН )(?<!ИНН: ){_OPEN}9\d{{9}}{_SHUT}{_NO_SUM}",
    (
        r"(?i:\b(?:тел|моб|сот|факс|(?:по)?звони|phone|call|whats\s?app|вотсап|ватсап|viber|вайбер))[^\d\n]{0,20}"
        r"\d[\d \-–—‑()]{3,14}\d(?!\d)"
    ),
    r"(?i:tel:|wa\.me/|viber://\S{0,40}number=)[+%\d]{7,16}",
)
_PHONE = re.compile("|".join(_PHONE_FORMS))
_EMAIL = re.compile(
    r"(?<=[\w.%+\-])@[\w\-]{1,63}(?:\.[\w\-]{1,63})*\.[^\W\d_]{2,24}"
    r"|\w\s?[(\[]\s?(?i:at|собака|эт)\s?[)\]]\s?[\w\-]{1,63}\s?(?:\.|[(\[]\s?(?i:dot|точка)\s?[)\]])\s?[^\W\d_]{2,24}"
    r"|[A-Za-z0-9_]\s(?i:собака)\s[A-Za-z0-9\-]{1,63}\s?(?:\.|(?i:точка))\s?[A-Za-zрф]{2,24}"
)
_SNILS_SHAPED = re.compile(rf"{_OPEN}\d{{3}}[\-–—‑]\d{{3}}[\-–—‑]\d{{3}}[ \u00a0\-–—‑]\d{{2}}{_SHUT}")
_SNILS_SPACED = re.compile(rf"{_OPEN}\d{{3}}[ \u00a0]\d{{3}}[ \u00a0]\d{{3}}[ \u00a0]\d{{2}}{_SHUT}")
_SNILS_NAMED = re.compile(r"(?i:снилс|snils)[^\d\n]{0,30}(?:\d[ \-–—‑]{0,2}){10}\d(?!\d)")
_PASSPORT = re.compile(
    r"(?i:паспорт|passport)[^\d\n]{0,40}\d{2}\s?\d{2}[^\d\n]{0,10}\d{6}(?!\d)"
    r"|(?i:загран|passport)[^\d\n]{0,40}\d{2}\s?(?:№|N|No)?\s?\d{7}(?!\d)"
    r"|(?i:\bсер(?:ия|ии|\.))\s{0,3}\d{2}\s?\d{2}[^\d\n]{0,12}\d{6}(?!\d)"
    rf"|{_OPEN}\d{{2}}[ \u00a0]\d{{2}}[ \u00a0]{{1,2}}(?:№\s?|N\s?)?\d{{6}}{_SHUT}{_NO_SUM}"
    rf"|{_OPEN}\d{{4}}\s?(?:№|N)\s?\d{{6}}{_SHUT}"
    rf"|{_OPEN}\d{{4}}[ \u00a0]\d{{6}}{_SHUT}{_NO_SUM}"
)
_URL = re.compile(r"(?i:https?://)(?!(?i:wa\.me/|api\.whatsapp))[^\s<>@]+")


def looks_personal(text: str) -> Reason | None:
    """Say what kind of personal data the text seems to hold, or None. The reason carries no data, so it may be logged.

    Map links and other addresses of pages are left out, save those that are phone numbers themselves.
    """
    plain = _URL.sub(" ", text)
    if _PASSPORT.search(plain):
        return Reason.of(ReasonCode.PERSONAL_PASSPORT)
    if _has_snils(plain):
        return Reason.of(ReasonCode.PERSONAL_SNILS)
    if _PHONE.search(plain):
        return Reason.of(ReasonCode.PERSONAL_PHONE)
    if _EMAIL.search(plain):
        return Reason.of(ReasonCode.PERSONAL_EMAIL)
    return None


def _has_snils(text: str) -> bool:
    if _SNILS_SHAPED.search(text) or _SNILS_NAMED.search(text):
        return True
    return any(_snils_checks(match[0]) for match in _SNILS_SPACED.finditer(text))


def _snils_checks(written: str) -> bool:
    """Whether the last two digits are the control number of the first nine (weights 9 to 1, modulo 101)."""
    digits = [int(char) for char in written if char.isdigit()]
    total = sum(digit * weight for digit, weight in zip(digits[:9], range(9, 0, -1), strict=True))
    return total % 101 % 100 == digits[9] * 10 + digits[10]
