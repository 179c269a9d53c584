"""What the page says and how it looks: words in both languages, colours everybody can tell apart, styles."""

from __future__ import annotations

import itertools
import math
import re
from typing import Any

import pytest

from sync_service.publicmap.archive import ArchiveHead
from sync_service.publicmap.assets import FOLDER
from sync_service.publicmap.legend import LOOKS
from sync_service.publicmap.style import archive_style, picture_style, plain_style, template_source
from sync_service.publicmap.words import words

# Machado, Oliveira and Fernandes (2009), severity 1.0, for linear RGB.
BLINDNESS = {
    "none": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protan": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deutan": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritan": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def linear(colour: str) -> list[float]:
    values = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    return [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values]


def seen_as(colour: str, kind: str) -> tuple[float, float, float]:
    """CIE L*a*b* (D65) of a colour as somebody with that colour vision sees it."""
    red, green, blue = (
        min(1, max(0, sum(share * value for share, value in zip(row, linear(colour), strict=True))))
        for row in BLINDNESS[kind]
    )
    x = (0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.95047
    y = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    z = (0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.08883
    fx, fy, fz = (value ** (1 / 3) if value > 0.008856 else 7.787 * value + 16 / 116 for value in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def apart(one: str, other: str, kind: str) -> float:
    pairs = zip(seen_as(one, kind), seen_as(other, kind), strict=True)
    return math.sqrt(sum((a - b) ** 2 for a, b in pairs))


@pytest.mark.parametrize("kind", BLINDNESS)
@pytest.mark.parametrize("name", ["colour", "dark"])
def test_stages_stay_apart_for_everybody(kind: str, name: str) -> None:
    colours = [getattr(look, name) for look in LOOKS]
    assert min(apart(one, other, kind) for one, other in itertools.combinations(colours, 2)) > 20


def test_stages_are_told_apart_without_colour() -> None:
    assert len({look.mark for look in LOOKS}) == len(LOOKS)


def test_signs_stand_out_from_their_discs() -> None:
    for look in LOOKS:
        for colour, sign in ((look.colour, "#ffffff"), (look.dark, "#151b20")):
            light, dark = sorted((_luminance(colour), _luminance(sign)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 3, (look.stage, colour)


def _luminance(colour: str) -> float:
    return sum(share * value for share, value in zip((0.2126, 0.7152, 0.0722), linear(colour), strict=True))


def test_both_languages_say_the_same() -> None:
    russian, english = words("ru"), words("en")
    assert list(russian) == list(english)
    for key, text in russian.items():
        assert text, key
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", english[key])), key


def test_every_word_is_used_and_every_used_word_is_known() -> None:
    sources = [*FOLDER.glob("*.js"), FOLDER.parent / "templates" / "publicmap" / "map.html"]
    text = "\n".join(source.read_text("utf-8") for source in sources)
    said = set(re.findall(r'say\("(\w+)"', text)) | set(re.findall(r'data-(?:text|label|hint)="(\w+)"', text))
    said |= set(re.findall(r"words\.(\w+) }}", text))
    assert said - set(words("ru")) == set()
    quoted = set(re.findall(r'["`](\w+)["`]', text)) | {"count_one", "count_few", "count_many"}
    assert set(words("ru")) - said - quoted == set()


def layer_ids(style: dict[str, Any]) -> list[str]:
    return [layer["id"] for layer in style["layers"]]


@pytest.mark.parametrize("dark", [False, True])
def test_plain_style_is_paper(dark: bool) -> None:
    assert layer_ids(plain_style(dark=dark)) == ["paper"]
    assert plain_style(dark=dark)["sources"] == {}


def test_pictures_come_from_us() -> None:
    style = picture_style(template_source("/placecard", "© city"), dark=False)
    assert style["sources"]["base"]["tiles"] == ["/placecard/map/tiles/{z}/{x}/{y}"]
    assert style["sources"]["base"]["attribution"] == "© city"
    assert "glyphs" not in style
    assert "sprite" not in style


def head(*layers: str) -> ArchiveHead:
    return ArchiveHead(
        vector=True, min_zoom=0, max_zoom=14, box=(49.0, 53.0, 50.0, 54.0), layers=layers, attribution="© head"
    )


@pytest.mark.parametrize(
    ("layers", "wanted"),
    [
        (("earth", "water", "roads", "places"), ["paper", "earth-fill", "water-fill", "roads-line", "places-symbol"]),
        (("water", "transportation", "building"), ["paper", "water-fill", "building-fill", "transportation-line"]),
        (("lots",), ["paper", "lots-fill", "lots-line"]),
    ],
    ids=["protomaps", "openmaptiles", "unknown"],
)
def test_vector_layers_by_their_names(layers: tuple[str, ...], wanted: list[str]) -> None:
    style = archive_style("/p", head(*layers), "", dark=True)
    assert layer_ids(style) == wanted
    assert style["sources"]["base"]["tiles"] == ["pmtiles:///p/map/tiles.pmtiles/{z}/{x}/{y}"]
    assert style["sources"]["base"]["attribution"] == "© head"
