"""The headers every answer carries, so that a page can load, be framed by, and tell nobody but ourselves."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from flask import Flask, Response

    from sync_service.settings import Settings

CONTENT_POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data: blob:",  # map sprites and tiles decoded in the browser
    "worker-src": "'self' blob:",  # MapLibre starts its worker from a blob
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
"""What a page may load. No inline script or style, no third party at all, and nobody frames it."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(self)",
}
SECURE_HEADERS = {"Strict-Transport-Security": "max-age=31536000", "Cross-Origin-Opener-Policy": "same-origin"}
"""Added when people reach the service over https; elsewhere a browser ignores them with a complaint."""


UNFRAMED = "frame-ancestors 'none'"


def content_policy(settings: Settings) -> str:
    """What a page may load. Its form for signing out leads on to the identity provider, and browsers ask about that."""
    issuer = urlsplit(settings.oidc_issuer)
    further = f" {issuer.scheme}://{issuer.netloc}" if settings.oidc_issuer and settings.oidc_client_id else ""
    policy = {**CONTENT_POLICY, "form-action": CONTENT_POLICY["form-action"] + further}
    return "; ".join(f"{name} {sources}" for name, sources in policy.items())


def register_headers(app: Flask, settings: Settings) -> None:
    """Put the headers on every answer of the app; one that a view has set itself stays."""
    headers = HEADERS | {"Content-Security-Policy": content_policy(settings)}
    headers |= SECURE_HEADERS if settings.public_url.startswith("https:") else {}

    @app.after_request
    def guard(response: Response) -> Response:
        if response.headers.get("Access-Control-Allow-Origin") == "*":  # what any page may read it may also load
            response.headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin")
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        if UNFRAMED in response.headers["Content-Security-Policy"]:  # the older header can name no site that may
            response.headers.setdefault("X-Frame-Options", "DENY")
        return response
