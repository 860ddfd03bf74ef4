"""The program's protocols that are declared alone, without code, as tests load them into their program."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from domain.casework import versions
from domain.declarations.protocol import Protocol
from domain.declared.reading import Declared, load_declared_text
from flows.protocols import PROTOCOLS, read_protocol
from tests.cast import AT, LOADING, Cast, program_file

DECLARED_ALONE: Final = ("renewal", "financial_report", "communication_plan", "compassion_fatigue")

#: A yearly talk with each youth worker, which no file of the program declares: what begins by itself about a person.
YEARLY_TALK: Final = """\
protocol: yearly_talk
version: 1
title: {fr: Entretien de l’année, en: Yearly talk}
source: {fr: Essai, en: Trial}
subject: {kind: worker}
starts: {each: calendar_year, days: 30, before: end}
calendar: employer
anchors:
  year_end: {title: {fr: la fin de l’année, en: the end of the year}, from: period.ends_on}
accountable: coordinator
roles:
  coordinator: {title: {fr: Coordination, en: Coordinator}, holds: coordinator, at: coordination}
  manager: {title: {fr: Gestionnaire, en: Manager}, holds: manager, at: employer, else: [coordinator]}
  worker: {title: {fr: Intervenant·e, en: Worker}, subject: worker, else: [manager]}
stages:
  - {id: talk, title: {fr: Entretien, en: Talk}}
steps:
  - id: prepare
    title: {fr: Préparer, en: Prepare}
    stage: talk
    by: worker
    due: {days: 10, before: year_end}
  - id: talk
    title: {fr: Se parler, en: Talk}
    stage: talk
    by: manager
    needs: [prepare]
    due: {days: 5, before: year_end}
close: {when: all_required}
cancel: {by: [coordinator]}
reopen: {by: [coordinator]}
"""


def declared(key: str) -> Declared[Protocol]:
    """One of the program's protocols, held against the real program."""
    return read_protocol(PROTOCOLS[key].file, program_file().value)


def record(cast: Cast, *keys: str, at: datetime = AT) -> None:
    """Have the program follow these protocols from a moment on."""
    with cast.session() as session:
        for key in keys:
            versions.record_protocol(session, declared(key), by=LOADING, at=at)


def record_text(cast: Cast, text: str, *, at: datetime = AT) -> None:
    """Have the program follow a protocol that a test declares."""
    with cast.session() as session:
        versions.record_protocol(session, load_declared_text(text, "trial.yaml", Protocol), by=LOADING, at=at)
