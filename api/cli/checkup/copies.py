"""Copies of the installation: whether any are made, where to, and how the last one and the last trial ended."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from adapters.backups.faults import BackupError
from adapters.backups.marked import refuse_unmarked
from api.cli.backing_up import refuse_folder
from api.cli.checkup.finding import Check, Finding, Group, words
from api.cli.checkup.house import Away, House
from domain.casework import CopySchedule, RunsOfKind, copies_state
from locales import N_

PLACE: Final = Check("copies.place", N_("Copies have a place to go to, each day"))
LAST: Final = Check("copies.last", N_("The last copy ended well, and none is late"))
TRIED: Final = Check("copies.drill", N_("Restoring a copy was tried, and went well"))

_IN_DEMONSTRATION: Final = N_("A demonstration needs no copies.")
_NONE_SET: Final = N_("No place for copies is set here.")
_SET_THEM: Final = N_(
    "Make a key pair on another machine (spheres backup key FILE), and set SPHERES_BACKUP_TO, SPHERES_BACKUP_KEY and "
    "SPHERES_BACKUP_AT, as the guide says. Then run once: spheres backup"
)
_RUN_ONCE: Final = N_("See that its disk is there, then run once: spheres backup")
_SEE_PLACE: Final = N_("Mount what belongs there, or give it to the account that runs SPHÈRES, or name another.")
_NO_OWNER: Final = N_("DATABASE_OWNER_URL is not set, and a copy is made as the owner.")
_NAME_OWNER: Final = N_("Say in DATABASE_OWNER_URL how the owner signs in.")
_BACK_UP: Final = N_("Run: spheres backup, which says what is in the way.")
_DRILL: Final = N_("Where the private key is, run: spheres restore --drill --key FILE")


def look(house: House) -> Iterator[Finding]:
    """Look at the settings and the folder, then at what is noted of each run."""
    if house.is_demonstration:
        yield from (one.not_asked(words(_IN_DEMONSTRATION)) for one in (PLACE, LAST, TRIED))
        return
    yield _place(house)
    try:
        with house.before_a_program() as session:
            runs = {one.kind: one for one in copies_state(session, house.at, _schedule(house))}
    except Away as away:
        yield from (one.not_asked(away.why) for one in (LAST, TRIED))
        return
    yield _ended(LAST, runs.get("backup"), _BACK_UP, is_expected=house.settings.backups.to is not None)
    yield _ended(TRIED, runs.get("drill"), _DRILL, is_expected=house.settings.backups.drill_key_file is not None)


def _schedule(house: House) -> CopySchedule | None:
    backups = house.settings.backups
    return CopySchedule(backups.last_due, backups.drill_key_file is not None) if backups.at is not None else None


def _place(house: House) -> Finding:
    backups = house.settings.backups
    if backups.to is None:
        return PLACE.warn(words(_NONE_SET), words(_SET_THEM))
    todo = _SEE_PLACE
    try:
        refuse_folder(house.settings, backups.to)
        todo = _RUN_ONCE
        if backups.at is not None:
            refuse_unmarked(backups.to)
    except BackupError as refused:
        return PLACE.wrong(words(refused.sentence, **refused.facts), words(todo))
    if not os.access(backups.to, os.W_OK | os.X_OK):
        return PLACE.wrong(
            words(N_("%(folder)s cannot be written by this account."), folder=str(backups.to)), words(_SEE_PLACE)
        )
    if house.embedded_folder is None and not house.urls.owner:
        return PLACE.wrong(words(_NO_OWNER), words(_NAME_OWNER))
    if backups.at is None:
        return PLACE.warn(
            words(N_("Copies go to %(folder)s when a command makes one; none is made by itself."), folder=backups.to),
            words(N_("Set SPHERES_BACKUP_AT to a time of day, or have another program run: spheres backup")),
        )
    return PLACE.ok(N_("They go to %(folder)s, each day at %(time)s."), folder=backups.to, time=f"{backups.at:%H:%M}")


def _ended(check: Check, run: RunsOfKind | None, todo: str, *, is_expected: bool) -> Finding:
    """How the runs of a kind ended: where none ever did, that is a fault where one is expected here."""
    if run is None:
        none = words(N_("None is noted here."))
        return check.warn(none, words(todo)) if is_expected else check.not_asked(none)
    good = (
        words(N_("The last good one ended at %(moment)s."), moment=_utc(run.last_good)) if run.last_good else words("")
    )
    if run.code:
        return check.wrong(words(N_("The last one failed (%(code)s). %(good)s"), code=run.code, good=good), words(todo))
    if run.is_late:
        return check.wrong(words(N_("The one that was due was not made. %(good)s"), good=good), words(todo))
    return check.ok("%(good)s", good=good)


def _utc(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


GROUP: Final = Group("copies", N_("Copies"), (PLACE, LAST, TRIED), look)
