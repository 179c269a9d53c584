"""What all pages share: the frame they stand in, their language, how errors look, and the headers that guard them."""

from __future__ import annotations

from sync_service.pages.bodies import register_bodies
from sync_service.pages.frame import request_language, show
from sync_service.pages.headers import register_headers
from sync_service.pages.problems import register_errors, wants_page

__all__ = ["register_bodies", "register_errors", "register_headers", "request_language", "show", "wants_page"]
