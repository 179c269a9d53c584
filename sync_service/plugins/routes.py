"""`/plugins/plugins.xml`, the address a person gives QGIS's plugin manager, and `/plugins/placecard.zip`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, render_template, request

from sync_service.pages import request_language
from sync_service.plugins.archive import NAME, read_archive

if TYPE_CHECKING:
    from sync_service.settings import Settings

ROOT = "/plugins"
_ASK_AGAIN = "public, no-cache"


def create_blueprint(settings: Settings) -> Blueprint:
    """The blueprint `plugins`, to be registered at the root. The plugin is no secret: anybody may have it."""
    blueprint = Blueprint("plugins", __name__, template_folder="templates")

    @blueprint.get(f"{ROOT}/plugins.xml")
    def repository() -> Response:
        text = render_template(
            "plugins/plugins.xml",
            archive=read_archive(settings.plugin_file),
            language=request_language(),
            folder=f"{settings.public_url}{ROOT}",
            file=f"{NAME}.zip",
            icon=f"{settings.public_url}/pages/static/icon.svg",
        )
        headers = {"Cache-Control": _ASK_AGAIN, "Vary": "Accept-Language"}
        return Response(text, mimetype="text/xml", headers=headers)

    @blueprint.get(f"{ROOT}/{NAME}.zip")
    def archive() -> Response:
        found = read_archive(settings.plugin_file)
        headers = {"Cache-Control": _ASK_AGAIN, "Content-Disposition": f"attachment; filename={NAME}.zip"}
        answer = Response(found.content, mimetype="application/zip", headers=headers)
        answer.set_etag(found.etag)
        answer.make_conditional(request)
        return answer

    return blueprint
