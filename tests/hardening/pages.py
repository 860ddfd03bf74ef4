"""A page as a crawler reads it: where it leads, which forms it has, what it says; and whether any of it is amiss."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urljoin, urlsplit

from locales import catalogue
from tests.api.application import ADDRESS

#: In everything hostile that is sent or stored: by it one finds again what became of it.
MARK: Final = "zq7hellebore"

#: Of two numbers that a template would multiply, the product; it follows the mark.
_RECKONED: Final = f"{MARK}1517"

_NO_END: Final = frozenset({"input", "link", "meta", "br", "img", "hr", "path", "use", "circle", "rect"})
_READ_OUT: Final = frozenset({"aria-label", "placeholder", "title", "alt"})
_LEAVES: Final = frozenset({"href", "src", "action", "formaction", "srcset", "data", "poster", "srcdoc"})


@dataclass
class Field:
    """One field of a form, with what the page put into it; `choices` where one picks from a list."""

    name: str
    kind: str
    value: str = ""
    choices: list[str] = field(default_factory=list)

    @property
    def is_free(self) -> bool:
        """Whether people write into it what they like."""
        return self.kind in ("text", "textarea", "search")

    @property
    def filled(self) -> str:
        """What a reader would send who changes nothing, but chooses where one must."""
        if self.value or not self.choices:
            return self.value
        return next((choice for choice in self.choices if choice), "")


@dataclass
class Form:
    """One form of a page. `also` are the other addresses to which its buttons send it."""

    method: str
    action: str
    is_multipart: bool
    fields: list[Field] = field(default_factory=list)
    also: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, address: str, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.address = address
        self.language = ""
        self.links: list[str] = []
        self.forms: list[Form] = []
        self.said: list[str] = []
        self.amiss: list[str] = []
        self._open: list[str] = []
        self._form: Form | None = None
        self._select: Field | None = None
        self._is_foreign = 0
        self._text = ""
        self.feed(html)
        self.close()
        if _RECKONED in html:
            self.amiss.append("a template reckoned what was sent")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A tag, of whose attributes none may come from what was typed."""
        given = {name: value or "" for name, value in attrs}
        self._say()
        self._suspect(tag, given)
        if tag == "html":
            self.language = given.get("lang", "")
        if tag not in _NO_END:
            self._open.append(tag)
            # A part that says itself to be in the other language, such as the link to it, or a code in none.
            if tag != "html" and (self._is_foreign or "lang" in given or given.get("translate") == "no"):
                self._is_foreign += 1
        if not self._is_foreign:
            self.said += [given[name] for name in _READ_OUT & given.keys()]
        if tag == "a" and "href" in given:
            self.links.append(urljoin(self.address, given["href"]))
        self._in_form(tag, given)

    def handle_endtag(self, tag: str) -> None:
        """The end of the innermost tag, if it is this one."""
        self._say()
        if tag == "form":
            self._form = None
        if tag == "select":
            self._select = None
        if self._open and self._open[-1] == tag:
            self._open.pop()
            self._is_foreign = max(0, self._is_foreign - 1)

    def handle_data(self, data: str) -> None:
        """Words, to be read when they end; of a text area, what stands in it."""
        self._text += data

    def handle_comment(self, data: str) -> None:
        """None of our pages has any."""
        self.amiss.append(f"a comment: {data[:60]}")

    def close(self) -> None:
        """Read to the end."""
        super().close()
        self._say()
        if self._open:
            self.amiss.append(f"never ended: {self._open}")

    def _say(self) -> None:
        if self._open and self._open[-1] == "textarea" and self._form and self._form.fields:
            self._form.fields[-1].value = self._text.removeprefix("\n")
        elif self._text.strip() and not self._is_foreign:
            self.said.append(self._text)
        self._text = ""

    def _suspect(self, tag: str, given: Mapping[str, str]) -> None:
        if any(MARK in word for word in (tag, *given)):
            self.amiss.append(f"markup of what was sent: <{tag} {sorted(given)}>")
        if tag in ("iframe", "object", "embed", "base", "style") or (tag == "script" and not given.get("src")):
            self.amiss.append(f"<{tag}>")
        self.amiss += [f"<{tag} {name}>" for name in given if name.startswith("on") or name == "style"]
        for name in _LEAVES & given.keys():
            if not _stays(self.address, given[name]):
                self.amiss.append(f"<{tag} {name}> leads elsewhere")

    def _in_form(self, tag: str, given: Mapping[str, str]) -> None:
        if tag == "form":
            action = urljoin(self.address, given.get("action") or self.address)
            self._form = Form(given.get("method", "get").upper(), action, "multipart" in given.get("enctype", ""))
            self.forms.append(self._form)
            if urlsplit(action).path.startswith("/api/"):
                self.amiss.append(f"a form for people is sent to {action}")
        elif self._form is None:
            return
        elif tag == "button" and "formaction" in given:
            self._form.also.append(urljoin(self.address, given["formaction"]))
        if "name" not in given and tag != "option":
            return
        if tag == "select":
            self._select = Field(given["name"], "select")
            self._form.fields.append(self._select)
        elif tag == "option" and self._select is not None:
            self._select.choices.append(given.get("value", ""))
            if "selected" in given:
                self._select.value = given.get("value", "")
        elif tag == "textarea":
            self._form.fields.append(Field(given["name"], "textarea"))
        elif tag in ("input", "button"):
            kind = given.get("inputmode") or given.get("type", "text")
            self._choice(Field(given["name"], kind, given.get("value", "")), "checked" in given)

    def _choice(self, new: Field, is_checked: bool) -> None:
        """Add a field; of radios of one name, one field with their choices."""
        assert self._form is not None
        if new.kind not in ("radio", "checkbox"):
            self._form.fields.append(new)
            return
        known = next((one for one in self._form.fields if one.name == new.name), None)
        if known is None:
            known = Field(new.name, new.kind)
            self._form.fields.append(known)
        known.choices.append(new.value)
        known.value = new.value if is_checked else known.value


def _stays(address: str, target: str) -> bool:
    """Whether an address in a page is one of ours, or one that writes a letter or dials."""
    if re.match(r"\s*(mailto|tel):", target):
        return True
    there = urlsplit(urljoin(address, target))
    return f"{there.scheme}://{there.netloc}" == ADDRESS


#: A language in which one may be written to is called by its own name, in whatever language the page is.
_OF_THEMSELVES: Final = frozenset({"English", "Français"})


def foreign(page: Page, language: str) -> Iterator[str]:
    """What a page says in words of our own that are those of the other language."""
    other = _only_in("en" if language == "fr" else "fr") - _OF_THEMSELVES
    yield from (text for text in map(_plain, page.said) if text in other)


@cache
def _only_in(language: str) -> frozenset[str]:
    """The sentences of our own that the pages say in one language alone, those with no place for a fact in them."""
    known = catalogue("fr")._catalog  # type: ignore[attr-defined]  # gettext keeps it there, and names it nowhere else
    pairs = {msgid: said for msgid, said in known.items() if isinstance(msgid, str) and msgid and "%" not in msgid}
    english, french = {_plain(msgid) for msgid in pairs}, {_plain(said) for said in pairs.values()}
    return frozenset(english - french if language == "en" else french - english)


def _plain(text: str) -> str:
    return " ".join(text.replace("’", "'").split())
