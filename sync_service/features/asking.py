"""One request as the answers need it: who asks, for which form and language, with which parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from sync_service.access import Action
from sync_service.errors import BadRequest, NotFound
from sync_service.words import language_wanted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from flask import Request

    from sync_service.access import Person
    from sync_service.words import Language

JSON = "application/json"
GEOJSON = "application/geo+json"
HTML = "text/html"
SCHEMA = "application/schema+json"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"

_FORMS = ("json", "html")


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: `root` is the address of `/ogc`, `path` what follows it, `parameters` the `query` without `f`.

    `html`: a page for people is wanted. Whoever asks may read what is not public (`working`), and write (`editing`).
    """

    root: str
    path: str
    query: str
    parameters: Mapping[str, str]
    form: str | None
    html: bool
    language: Language
    working: bool
    editing: bool
    gzip: bool

    def expect(self, names: Collection[str]) -> None:
        """BadRequest for a parameter that means nothing here."""
        for name in self.parameters:
            if name not in names:
                raise BadRequest(name, "parameter_unknown")

    def url(self, path: str | None = None, *, form: str | None = None, **parameters: str) -> str:
        """Address below `/ogc`: of this request (with parameters changed), or of another path."""
        kept = {**self.parameters, **parameters} if path is None else parameters
        query = urlencode({**kept, **({"f": form} if form else {})}, safe=",:/")
        return f"{self.root}{self.path if path is None else path}{'?' if query else ''}{query}"

    def link(self, rel: str, media: str, url: str, title: str | None = None) -> dict[str, str]:
        """A link as it stands in documents. Titles are in the language of the answer, and so is what they lead to."""
        found = {"rel": rel, "type": media, "href": url}
        return found if title is None else {**found, "title": title, "hreflang": self.language}

    def own_links(self, media: str) -> list[dict[str, str]]:
        """`self` and `alternate`."""
        links = []
        for form, each in (("json", media), ("html", HTML)):
            shown = self.html == (form == "html")
            rel, address = ("self", self.url(form=self.form)) if shown else ("alternate", self.url(form=form))
            links.append(self.link(rel, each, address))
        return sorted(links, key=lambda link: link["rel"] != "self")


def read_ask(request: Request, root: str, person: Person) -> Ask:
    """What a request asks for. BadRequest for a parameter given twice or a form not known.

    A zero byte is in no text that any store can hold: nothing has such an address.
    """
    if "\0" in request.path:
        raise NotFound
    parameters = dict(_singles(request.args.lists()))
    form = parameters.pop("f", None)
    if form is not None and form not in _FORMS:
        raise BadRequest("f", "not_one_of", choices=", ".join(_FORMS))
    return Ask(
        root=root,
        path=request.path.removeprefix("/ogc"),
        query=request.query_string.decode("latin-1"),
        parameters=parameters,
        form=form,
        html=form == "html" if form else _prefers_html(request),
        language=language_wanted(request.headers.get("Accept-Language")),
        working=person.may(Action.READ_WORKING),
        editing=person.may(Action.EDIT),
        gzip=request.accept_encodings["gzip"] > 0,
    )


def _singles(lists: Iterable[tuple[str, list[str]]]) -> Iterable[tuple[str, str]]:
    for name, values in lists:
        if len(values) > 1:
            raise BadRequest(name, "parameter_twice")
        if "\0" in values[0]:
            raise BadRequest(name, "parameter_string")
        yield name, values[0]


def _prefers_html(request: Request) -> bool:
    accepted = request.accept_mimetypes
    forms = [GEOJSON, SCHEMA, JSON, "application/vnd.oai.openapi+json"]
    return bool(accepted) and accepted[HTML] > max(accepted[form] for form in forms)
