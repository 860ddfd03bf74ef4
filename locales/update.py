"""Brings the catalogues up to date with the words that the project uses: `python -m locales.update`.

New msgids come in untranslated, words no longer used go out, translations stay. Nothing is guessed (no
fuzzy match), and the file holds neither dates nor line numbers, so that a change shows only its own words.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from locales import DEFAULT_LANGUAGE, LANGUAGES, po_file

ROOT: Final = Path(__file__).resolve().parent.parent

PACKAGES: Final = ("adapters", "api", "demo", "domain", "flows", "locales", "meetings", "models", "programs")

KEYWORDS: Final[Mapping[str, tuple[int | tuple[int, str], ...] | None]] = {
    "N_": None,
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "say": (2,),
    "say_n": (2, 3),
    "Counted": (1, 2),
    "Refusal": (2,),
    "refuse": (2,),
    "SettingsError": (2,),
    "PostgresError": (1,),
    "NoKeys": (1,),
    "NoLedger": (1,),
    "NoSealKey": (1,),
    "BackupError": (2,),
}
"""The calls whose literal arguments are msgids, and at which places those stand."""

TEMPLATES: Final = (".html", ".txt", ".j2", ".jinja")

JINJA: Final[Mapping[str, str]] = {
    "trimmed": "true",
    "newstyle_gettext": "true",
    "silent": "false",
    "extensions": "jinja2.ext.do,jinja2.ext.loopcontrols",
}

HEADER: Final = """\
# {name} of SPHÈRES. The msgids are the English words; `python -m locales.update` brings in new ones.
msgid ""
msgstr ""
"Language: {lang}\\n"
"Plural-Forms: {plural}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""

NAMES: Final = {"fr": "Les mots français", "en": "The English words"}

TRANSLATED: Final = tuple(lang for lang in LANGUAGES if lang != "en")
"""The languages that have a catalogue: all but that of the msgids."""


class UnreadableSourceError(Exception):
    """A file whose words cannot be extracted; the catalogues were left as they were."""


def words_in_use(root: Path = ROOT, packages: Iterable[str] = PACKAGES) -> Catalog:
    """Every msgid that the project's code and templates hold, with the files it stands in.

    Raises UnreadableSourceError for a file that does not parse: its words must not seem to have gone.
    """
    found = Catalog(locale=DEFAULT_LANGUAGE, fuzzy=False)
    for path in _sources(root, packages):
        for msgid, context, comments in _words_of(path):
            found.add(
                msgid, context=context, auto_comments=comments, locations=[(path.relative_to(root).as_posix(), 1)]
            )
    return found


def read(lang: str, path: Path | None = None) -> Catalog:
    """The catalogue of `lang` as it stands on disk, or an empty one."""
    path = path or po_file(lang)
    if not path.exists():
        return Catalog(locale=lang, fuzzy=False)
    with path.open("rb") as stream:
        return read_po(stream, locale=lang, abort_invalid=True)


def merged(lang: str, in_use: Catalog, old: Catalog) -> Catalog:
    """The words in use, each with the translation that `old` has for exactly that msgid and context."""
    new = Catalog(locale=lang, fuzzy=False)
    for message in in_use:
        if not message.id:
            continue
        known = old.get(message.id, message.context)
        same_kind = known is not None and isinstance(known.id, str) == isinstance(message.id, str)
        new.add(
            message.id,
            known.string if known is not None and same_kind else None,
            context=message.context,
            locations=message.locations,
            auto_comments=message.auto_comments,
            user_comments=known.user_comments if known is not None else (),
        )
    return new


def written(catalogue: Catalog) -> bytes:
    """The catalogue as its file: sorted by msgid, files named without lines, no date."""
    body = BytesIO()
    write_po(body, catalogue, width=100, omit_header=True, sort_output=True, include_lineno=False, ignore_obsolete=True)
    lang = str(catalogue.locale)
    header = HEADER.format(name=NAMES[lang], lang=lang, plural=catalogue.plural_forms)
    return header.encode() + body.getvalue().strip() + b"\n"


def forms(text: object) -> tuple[str, ...]:
    """A msgid or a translation as its forms: one, or one for each plural; "" where a form is not written."""
    if isinstance(text, list | tuple):
        return tuple(str(form or "") for form in text)
    return (str(text or ""),)


def _sources(root: Path, packages: Iterable[str]) -> Iterator[Path]:
    for package in packages:
        for path in sorted((root / package).rglob("*")):
            if path.suffix == ".py" or (path.suffix in TEMPLATES and path.is_file()):
                yield path


def _words_of(path: Path) -> Iterator[tuple[Any, str | None, list[str]]]:
    method = "python" if path.suffix == ".py" else "jinja2"
    try:
        with path.open("rb") as stream:
            if method == "python":
                compile(stream.read(), str(path), "exec")  # Babel reads tokens, and passes over broken code
                stream.seek(0)
            options = {} if method == "python" else dict(JINJA)
            for _line, msgid, comments, context in extract(
                method,
                stream,
                keywords=KEYWORDS,
                comment_tags=("Translators:",),
                options=options,
                strip_comment_tags=True,
            ):
                yield msgid, context, comments
    except Exception as error:  # a template's or a module's own syntax error, of many kinds
        raise UnreadableSourceError(f"{path}: {error}") from error


def main() -> int:
    """Rewrites each catalogue, and says how many words wait for a translation."""
    try:
        in_use = words_in_use()
    except UnreadableSourceError as error:
        sys.stderr.write(f"Nothing was changed. {error}\n")
        return 1
    for lang in TRANSLATED:
        catalogue = merged(lang, in_use, read(lang))
        path = po_file(lang)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(written(catalogue))
        waiting = sum(not all(forms(message.string)) for message in catalogue if message.id)
        sys.stdout.write(f"{lang}: {len(catalogue)} messages, {waiting} to translate\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
