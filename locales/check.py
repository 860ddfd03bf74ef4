"""Reports what a catalogue lacks: `python -m locales.check` ends with 1 and one line for each fault."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Final

from babel.messages.catalog import Catalog, Message

from locales import po_file
from locales.update import TRANSLATED, UnreadableSourceError, forms, read, words_in_use

LONGEST_NAMED: Final = 90  # letters of a msgid in a complaint: enough to find it

_PLACE: Final = re.compile(r"%(?:\((?P<name>[^)]*)\))?[#0\- +]*\d*(?:\.\d+)?(?P<kind>.)", re.DOTALL)


def faults(in_use: Catalog, catalogue: Catalog) -> list[str]:
    """Each thing wrong with `catalogue` for the words in use, as a line that names the msgid."""
    wanted = [message for message in in_use if message.id]
    found = [f"{_named(message)}: {what}" for message in wanted for what in _wrong_with(message, catalogue)]
    unused = [message for message in catalogue if message.id and in_use.get(message.id, message.context) is None]
    return found + [f"{_named(message)}: no longer used" for message in (*unused, *catalogue.obsolete.values())]


def _wrong_with(message: Message, catalogue: Catalog) -> Iterator[str]:
    """What is wrong with one of the words in use, or with its translation."""
    yield from _unfit(message)
    known = catalogue.get(message.id, message.context)
    if known is None:
        yield "missing"
    elif isinstance(known.id, str) != isinstance(message.id, str):
        yield "one has a plural, the other has not"
    else:
        yield from _untrue(known, catalogue.num_plurals)


def _unfit(message: Message) -> Iterator[str]:
    """The reason why a msgid cannot be translated, whatever its translation."""
    for form in forms(message.id):
        yield from _bad_places(form)


def _untrue(message: Message, plurals: int) -> Iterator[str]:
    """What is wrong with one translation."""
    if message.fuzzy:
        yield "fuzzy"
    written = forms(message.string)
    if not all(written) or (not isinstance(message.id, str) and len(written) != plurals):
        yield "not translated"
        return
    # In "one task" and "%(n)s tasks" the second tells what a form may say; every French form must say it, since the
    # French singular also stands for 0.
    wanted = _places(forms(message.id)[-1])
    for form in written:
        yield from _bad_places(form)
        if _places(form) != wanted:
            yield f"placeholders differ: {_listed(wanted)} became {_listed(_places(form))}"


def _bad_places(text: str) -> Iterator[str]:
    for place in _PLACE.finditer(text):
        if place["kind"] == "%" and place["name"] is None:
            continue
        if place["name"] is None:
            yield "a % that is neither %(named)s nor %%"
        elif place["kind"] not in "sd":
            yield f"%({place['name']}){place['kind']} is no placeholder: use s or d"
    if re.sub(_PLACE, "", text).count("%"):
        yield "a % at its end: write %%"


def _places(text: str) -> frozenset[str]:
    return frozenset(place["name"] for place in _PLACE.finditer(text) if place["name"] is not None)


def _listed(places: frozenset[str]) -> str:
    return "{" + ", ".join(sorted(places)) + "}"


def _named(message: Message) -> str:
    text = forms(message.id)[0]
    where = f" ({message.locations[0][0]})" if message.locations else ""
    return f"“{text if len(text) <= LONGEST_NAMED else text[:LONGEST_NAMED] + '…'}”{where}"


def main() -> int:
    """Checks every catalogue against the words in use."""
    try:
        in_use = words_in_use()
    except UnreadableSourceError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    found = [f"{lang}: {fault}" for lang in TRANSLATED for fault in faults(in_use, read(lang, po_file(lang)))]
    (sys.stderr if found else sys.stdout).write(("\n".join(found) or "The catalogues are complete.") + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
