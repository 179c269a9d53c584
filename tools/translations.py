"""What click says in Russian, as the file gettext reads, made from `config/words/`: `python -m tools.translations`."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING

from sync_service.commands.help import DOMAIN
from sync_service.words import catalogue

if TYPE_CHECKING:
    from sync_service.words import Message

ROOT = Path(__file__).parents[1]
FILE = ROOT / "config" / "locale" / "ru" / "LC_MESSAGES" / f"{DOMAIN}.mo"

_HEAD = (
    "Content-Type: text/plain; charset=UTF-8\n"
    "Plural-Forms: nplurals=3; "
    "plural=(n%10==1 && n%100!=11 ? 0 : n%10>=2 && n%10<=4 && (n%100<12 || n%100>14) ? 1 : 2);\n"
)
_FORMS = ("one", "few", "many")
_MAGIC = 0x950412DE
_WORDS_OF_HEAD = 7


def translations() -> dict[str, str]:
    """What click says -> what it says to a Russian, as gettext has it: plural forms follow one another after a NUL."""
    russian, english = catalogue("ru"), catalogue("en")
    keys = [key for key in english if key.startswith("click.")]
    return {"": _HEAD} | {_joined(english[key], "one", "many"): _joined(russian[key], *_FORMS) for key in keys}


def _joined(message: Message, *forms: str) -> str:
    return message if isinstance(message, str) else "\0".join(message[form] for form in forms)


def compiled(texts: dict[str, str]) -> bytes:
    """The texts as a file of gettext: a head, a table of originals, a table of translations, and all of them."""
    pairs = sorted((original.encode(), translated.encode()) for original, translated in texts.items())
    tables = 4 * _WORDS_OF_HEAD
    head = struct.pack("<7I", _MAGIC, 0, len(pairs), tables, tables + 8 * len(pairs), 0, 0)
    place, table, body = tables + 16 * len(pairs), b"", b""
    for column in (0, 1):
        for pair in pairs:
            table += struct.pack("<2I", len(pair[column]), place + len(body))
            body += pair[column] + b"\0"
    return head + table + body


def main() -> None:
    """Write the file."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_bytes(compiled(translations()))


if __name__ == "__main__":
    main()
