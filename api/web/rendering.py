"""How a page is made: the templates' environment, its filters, and the headers that every page carries."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from types import BuiltinMethodType, FunctionType, MethodType
from typing import Any, Final, Protocol, cast
from uuid import uuid4

import jinja2
from fastapi.responses import HTMLResponse
from jinja2.compiler import CodeGenerator, Frame
from jinja2.nodes import Expr
from jinja2.runtime import Context, Macro
from jinja2.utils import missing
from markupsafe import Markup, escape
from starlette.datastructures import Headers
from starlette.types import Scope

import locales
from api.views.states import STATES, state_of_case, state_of_version
from api.web.language import address_in
from locales import LANGUAGES, current_language

TEMPLATES: Final = Path(__file__).resolve().parent.parent / "templates"
STATIC: Final = Path(__file__).resolve().parent.parent / "static"

PART_HEADER: Final = "X-Part"
"""Sent by enhance.js: the id of the one part of the page that it will put in place."""

PAGE_HEADERS: Final[Mapping[str, str]] = {
    # Nothing inline and nothing from elsewhere: a name that reads <script> is a name, even where we err.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    # A page shows people: it must not come back from a cache after signing out.
    "Cache-Control": "no-store",
}


class PageRequest(Protocol):
    """What a page needs of the request that it answers; a Starlette request is one."""

    @property
    def scope(self) -> Scope:
        """The ASGI scope: path, query, and the state under `page`."""
        ...

    @property
    def headers(self) -> Headers:
        """The request's headers."""
        ...

    @property
    def app(self) -> Any:
        """The application, which knows its routes' addresses."""
        ...


def render(
    request: PageRequest,
    name: str,
    /,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: object,
) -> HTMLResponse:
    """The template `name` as an answer, in the current language.

    What `request.state.page` holds (a mapping: nav, person, program, demonstration, notices; or what makes it) is
    on every page; `context` goes over it. If the script asked for one part (X-Part) and the template has a block of
    that name ("tasks-3" is the block `part`, "tasks" the block `tasks`), that block alone is the answer.
    """
    values = page_context(request) | context
    template = environment().get_template(name)
    part = request.headers.get(PART_HEADER, "").replace("-", "_")
    if part and part in template.blocks:
        html = "".join(template.blocks[part](template.new_context(values)))
    else:
        html = template.render(values)
    answer = HTMLResponse(html, status, {**PAGE_HEADERS, **(headers or {})})
    answer.headers.add_vary_header(PART_HEADER)
    return answer


def page_context(request: PageRequest) -> dict[str, object]:
    """What every page knows: its languages, the addresses of routes and files, and who is looking."""
    lang = current_language()
    other = next(code for code in LANGUAGES if code != lang)
    given = request.scope.get("state", {}).get("page", {})
    if callable(given):
        given = given()

    def path_for(route: str, /, **params: object) -> str:
        # Not url_for, whose absolute addresses take the wrong scheme behind a proxy.
        return str(request.app.url_path_for(route, **params))

    def static(path: str) -> str:
        return f"{path_for('static', path=path)}?v={_digest(path)}"

    return {
        "language": lang,
        "locale_tag": LANGUAGES[lang].replace("_", "-"),
        "other_language": other,
        "other_locale_tag": LANGUAGES[other].replace("_", "-"),
        "other_address": address_in(other, request.scope),
        "path_for": path_for,
        "static": static,
        **given,
    }


@cache
def environment() -> jinja2.Environment:
    """The one environment of all pages: escapes everything, and stops at a name that it does not know."""
    env = _Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=_Absent,
        auto_reload=False,  # else the date of every file is asked at every page
        extensions=["jinja2.ext.i18n", "jinja2.ext.do", "jinja2.ext.loopcontrols"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.policies["ext.i18n.trimmed"] = True  # as the extraction reads them, else no long msgid is found
    env.newstyle_gettext = True  # type: ignore[attr-defined]  # the i18n extension has it: a block's facts come along
    # The extension's own ask the context thrice for each word, and a page says hundreds.
    env.globals |= {"_": _gettext, "gettext": _gettext, "ngettext": _ngettext, "pgettext": _pgettext}
    env.filters |= FILTERS
    env.globals |= {"words": words, "STATES": STATES, "fresh_key": _fresh_key}
    env.globals |= {"state_of_case": state_of_case, "state_of_version": state_of_version}
    # Every page's components, without an import in each; they know no page, so one reading serves all.
    env.globals["ui"] = env.get_template("macros.html").module
    return env


@cache
def _translated(lang: str, context: str, msgid: str) -> Markup:
    """The words for a msgid of a template, its %(named)s places left open. A word of one meaning has no `context`."""
    said = locales.catalogue(lang)
    return _as_markup(said.pgettext(context, msgid) if context else said.gettext(msgid))


@cache
def _translated_alone(lang: str, context: str, msgid: str) -> Markup:
    """The words for a msgid of a template that has no places."""
    return _translated(lang, context, msgid) % {"context": context}


def _pgettext(context: str, msgid: str, /, **facts: object) -> Markup:
    """The words for a msgid that stands in a template, which is trusted as markup; the facts are escaped.

    `context` tells two meanings of a word apart.
    """
    lang = current_language()
    if not facts:
        return _translated_alone(lang, context, msgid)
    return _translated(lang, context, msgid) % {"context": context, **facts}


def _gettext(msgid: str, /, **facts: object) -> Markup:
    """As `_pgettext`, for a word of one meaning."""
    return _pgettext("", msgid, **facts)


def _ngettext(singular: str, plural: str, n: int, /, **facts: object) -> Markup:
    """As `_gettext`, in the form that the language wants for `n`."""
    return _as_markup(locales.ngettext(singular, plural, n)) % {"num": n, **facts}


def _as_markup(written: str) -> Markup:
    """What a template wrote, or the catalogue says for it, in which all else is escaped already."""
    return str.__new__(Markup, written)


#: What is called as it stands, unless it is marked as one that takes the context.
_CALLED_AT_ONCE: Final = (FunctionType, MethodType, BuiltinMethodType)


class _Context(Context):
    """A context that calls macros and functions at once: a page calls thousands, of which few take the context."""

    def call(self, called: Callable[..., Any], /, *args: Any, **named: Any) -> Any:
        """Call what a template calls."""
        is_macro = type(called) is Macro
        if not is_macro and (not isinstance(called, _CALLED_AT_ONCE) or hasattr(called, "jinja_pass_arg")):
            return super().call(called, *args, **named)
        if named:
            named.pop("_loop_vars", None)
            named.pop("_block_vars", None)
        return _written_by(cast("Macro", called), args, named) if is_macro else called(*args, **named)


def _written_by(macro: Macro, args: tuple[Any, ...], named: dict[str, object]) -> str:
    """What a macro writes. It raises and catches an error for each argument left out: so all have their place here."""
    given = [*args, *[named.pop(name, missing) for name in macro.arguments[len(args) :]]]
    if named or macro.caller or macro.catch_kwargs or macro.catch_varargs:
        return macro(*given, **named)
    return _as_markup(macro._func(*given))  # noqa: SLF001  # all that is left of its own call


class _CodeGenerator(CodeGenerator):
    """What makes Python of a template: of what is written, only what is not markup yet is escaped.

    Most of what a page writes comes from a macro, which a plain `escape` would wrap once more.
    """

    def _output_child_pre(self, node: Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape or finalize.src is not None:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.written(")


#: What a dict has besides its keys, and before them.
_OF_DICTS: Final = frozenset(dir(dict))
#: Most words hold no letter that means something else on a page.
_HOLDS_MARKUP: Final = re.compile("[&<>'\"]").search


class _Environment(jinja2.Environment):
    context_class = _Context
    code_generator_class = _CodeGenerator

    def getattr(self, obj: Any, attribute: str) -> Any:
        """What a template names after a dot. Of a dict, without the error that is raised and caught for each key."""
        if type(obj) is dict and attribute not in _OF_DICTS:
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        try:
            return getattr(obj, attribute)
        except AttributeError:
            return super().getattr(obj, attribute)

    @staticmethod
    def written(value: object) -> str:
        """A value as it stands on a page."""
        if type(value) is Markup or (type(value) is str and not _HOLDS_MARKUP(value)):
            return value
        return escape(value)


def _fresh_key() -> str:
    """By which a form is known again that is sent twice: another each time that it is shown."""
    return str(uuid4())


class _Absent(jinja2.StrictUndefined):
    """A name that a template has wrong stops the page; an item may leave out what it has not (a count)."""

    def __bool__(self) -> bool:  # type: ignore[override]  # the strict parent never answers
        if self._undefined_obj is missing:
            self._fail_with_undefined_error()
        return False


def words(msgid: str, /, **facts: object) -> str:
    """A msgid that is not written in the template (a refusal's, a state's), in the current language.

    `_()` is for what stands in the template itself: it trusts its msgid as markup, and this does not.
    """
    return locales.say(current_language(), msgid, **facts)


def _day(day: date, style: locales.DayStyle = "long") -> str:
    return locales.show_day(current_language(), day, style)


def _weekday(day: date) -> str:
    return locales.show_weekday(current_language(), day)


def _moment(at: datetime, style: locales.DayStyle = "long") -> str:
    return locales.show_moment(current_language(), at, style=style)


def _clock(at: datetime) -> str:
    return locales.show_clock(current_language(), at)


def _length_of_time(minutes: int) -> str:
    return locales.show_length(current_language(), minutes)


def _delay(days: int, working: bool = False) -> str:
    return _delay_in(current_language(), days, working)


#: A list says the same few delays over and over.
@lru_cache(maxsize=4096)
def _delay_in(lang: str, days: int, working: bool) -> str:
    return locales.show_delay(lang, days, working=working)


def _since(at: datetime, now: datetime) -> str:
    return locales.show_since(current_language(), at, now)


def _number(value: float) -> str:
    return locales.show_number(current_language(), value)


def _listed(items: Sequence[str]) -> str:
    return locales.show_list(current_language(), items)


def _pick(text: object) -> str:
    return locales.pick(current_language(), text)


def _plus_days(day: date, days: int) -> date:
    return day + timedelta(days=days)


def _for_the_reader(filter_: Callable[..., object]) -> Callable[..., object]:
    """The filter, reckoned each time that a page is written.

    Jinja reckons a filter of constants once, when it reads the template: {fr: …, en: …} | pick would stay in
    the language of the first reader. A filter that takes the context is left for each rendering.
    """

    @jinja2.pass_context
    def reckoned(_context: jinja2.runtime.Context, /, *args: object, **named: object) -> object:
        return filter_(*args, **named)

    return reckoned


def _begun(text: str) -> str:
    """`text` as it begins a line: its first letter large, all others as they are. Jinja's own makes them small."""
    return text[:1].upper() + text[1:]


_PLAIN: Final[Mapping[str, Callable[..., object]]] = {
    "begun": _begun,
    "day": _day,
    "weekday": _weekday,
    "moment": _moment,
    "clock": _clock,
    "length_of_time": _length_of_time,
    "delay": _delay,
    "since": _since,
    "number": _number,
    "listed": _listed,
    "pick": _pick,
    "plus_days": _plus_days,
}


FILTERS: Final[Mapping[str, Callable[..., object]]] = {
    name: _for_the_reader(filter_) for name, filter_ in _PLAIN.items()
}
"""What templates write days, counts and declared texts with, in the current language."""


@cache
def _digest(path: str) -> str:
    """The first letters of a file's digest, so that browsers may keep it until it changes."""
    return sha256((STATIC / path).read_bytes()).hexdigest()[:12]
