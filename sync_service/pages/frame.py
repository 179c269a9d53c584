"""The frame of a page: a template shown in the language its reader asked for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from flask import Blueprint, render_template, request

from sync_service.words import language_wanted, say

if TYPE_CHECKING:
    from sync_service.words import Language

pages = Blueprint(
    "pages", __name__, template_folder="templates", static_folder="static", static_url_path="/pages/static"
)


def request_language() -> Language:
    """The language of the person who asks, by `Accept-Language`."""
    return language_wanted(request.headers.get("Accept-Language"))


def show(template: str, **data: object) -> str:
    """The HTML of a template. It has `say(key, **data)` in the reader's language, `language`, and `home`."""
    language = request_language()
    home = f"{request.script_root}/"
    return render_template(template, say=partial(say, language=language), language=language, home=home, **data)
