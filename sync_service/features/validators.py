"""ETags: made of all an answer depends on, and told apart by the version of the feature when something is written.

The ETag of one feature is `"<version>:<digest>"`. The digest covers what else its text depends on (form, language, the
local date of `overdue_days`, links), so that caches are right; a write asks only whether the version is still the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from werkzeug.datastructures import ETags, Headers

_MARK = ":"


@dataclass(frozen=True, slots=True)
class Tag:
    """What an answer depends on besides its form: a digest, and of a feature its version."""

    digest: str
    version: str = ""

    def text(self, *forms: str) -> str:
        """The ETag of the answer in this form, without quotes."""
        digest = make_digest(self.digest, *forms)
        return f"{self.version}{_MARK}{digest}" if self.version else digest


def make_digest(*parts: object) -> str:
    """A digest of everything an answer depends on."""
    return blake2b("\x1f".join(map(str, parts)).encode(), digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class Demand:
    """What a condition names: whatever is there (`anything`), or these versions."""

    anything: bool
    versions: frozenset[str]

    def meets(self, version: str | None) -> bool:
        """Whether it names this version; None is of what is not there."""
        return version is not None and (self.anything or version in self.versions)


def wanted_versions(headers: Headers, tags: ETags) -> Demand | None:
    """What `If-Match` wants; None without one. A weak ETag is none that can be wanted (RFC 9110, 13.1.1)."""
    return Demand(tags.star_tag, _versions(tags)) if "If-Match" in headers else None


def unwanted_versions(tags: ETags) -> Demand:
    """What `If-None-Match` does not want."""
    return Demand(tags.star_tag, _versions(tags.as_set(include_weak=True)))


def _versions(tags: Iterable[str]) -> frozenset[str]:
    return frozenset(tag.rpartition(_MARK)[0] for tag in tags) - {""}
