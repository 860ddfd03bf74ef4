"""The ledger, outside the database, of what must not come back: whether it is sound, and this database's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

from adapters.keys import FileSealKeys
from adapters.ledger import NAME, FileLedger
from adapters.places import is_there
from api.cli.checkup.finding import Check, Finding, Group, words
from api.cli.checkup.house import Away, House
from domain.restoring import Disagrees, refuse_another_epoch, why_of_ledger
from locales import N_
from models.ports import NoLedger

SOUND: Final = Check("ledger.lines", N_("Each line of the ledger is as it was written, and more can be added"))
KNOWN: Final = Check("ledger.known", N_("The ledger and the database belong together"))

_MADE_LATER: Final = N_("None was made here yet: “spheres up” makes it.")
_DO_SO: Final = N_("Do as it says. The guide says more: after a restore.")
_GIVE_FILE: Final = N_("Give the file and its folder to the account that runs SPHÈRES.")


def look(house: House) -> Iterator[Finding]:
    """Read every line, then compare the last with the database."""
    path = house.settings.ledger / NAME
    if not is_there(path) and house.settings.ledger_folder is None and not _has_programs(house):
        yield from (one.not_asked(words(_MADE_LATER)) for one in (SOUND, KNOWN))
        return
    ledger = FileLedger(house.settings.ledger, FileSealKeys(house.settings.seal_keys))
    try:
        lines = len(ledger.lines())
    except NoLedger as error:
        yield SOUND.wrong(words(error.sentence, **error.facts), words(_DO_SO))
        yield KNOWN.not_asked(words(N_("The ledger cannot be read.")))
        return
    if not os.access(path, os.W_OK):
        yield SOUND.wrong(
            words(N_("%(file)s cannot be written: whatever ends something is refused."), file=str(path)),
            words(_GIVE_FILE),
        )
    else:
        yield SOUND.ok(N_("Lines: %(lines)s, in %(file)s."), lines=lines, file=str(path))
    yield _known(house, ledger)


def _has_programs(house: House) -> bool:
    try:
        return bool(house.programs)
    except Away:
        return False


def _known(house: House, ledger: FileLedger) -> Finding:
    try:
        with house.before_a_program() as session:
            epoch = refuse_another_epoch(session, ledger)
    except Away as away:
        return KNOWN.not_asked(away.why)
    except (Disagrees, NoLedger) as error:
        sentence, facts = why_of_ledger(error, house.settings.ledger)
        return KNOWN.wrong(words(sentence, **facts), words(_DO_SO))
    if not epoch:
        return KNOWN.ok(N_("The database was never restored."))
    return KNOWN.ok(N_("Since the last restore they agree. Restores so far: %(count)s."), count=epoch)


GROUP: Final = Group("ledger", N_("What must not come back"), (SOUND, KNOWN), look)
