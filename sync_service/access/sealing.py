"""Texts that only this service can read again: encrypted with a key made from the one that signs cookies."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

if TYPE_CHECKING:
    from pydantic import SecretStr


class Seal:
    """Seals texts for one `purpose`; what was sealed for another, it does not open."""

    def __init__(self, key: SecretStr, purpose: str) -> None:
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"placecard {purpose}".encode())
        self._fernet = Fernet(urlsafe_b64encode(derived.derive(key.get_secret_value().encode())))

    def close(self, text: str) -> str:
        """The text, sealed."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str, *, within: int | None = None) -> str | None:
        """The text again; None for what this seal has not closed, or not `within` so many seconds."""
        try:
            return self._fernet.decrypt(sealed.encode("utf-8", "replace"), ttl=within).decode()
        except InvalidToken:
            return None
