"""How letters leave: the relay greets, encrypts and signs us in, though no letter is sent; and whether any is stuck."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Final

from adapters.environment import SettingsError
from adapters.graph_settings import GraphSettings
from adapters.outside import by_relay
from adapters.smtp_dialogue import Step, Stopped
from adapters.smtp_settings import Smtp
from api.cli.checkup.finding import Check, Finding, Group, named, words
from api.cli.checkup.house import Away, House
from api.cli.mail import REFUSED_AT, why_stopped
from api.cli.spoken import NO_MAIL
from domain.casework import letters_given_up, post_state
from locales import N_
from models.ports import Later, Refused

WAY: Final = Check("mail.way", N_("Letters can leave"))
STUCK: Final = Check("mail.letters", N_("No letter is stuck"))

#: How long a step with the relay may take, and all of them together.
PATIENCE_SECONDS: Final = 1.5
ALL_SECONDS: Final = 4.0
_TRY: Final = N_("Try: spheres mail test ADDRESS")
_SOON: Final = timedelta(days=30)


def look(house: House) -> Iterator[Finding]:
    """Look at the way out, then at what waits for it."""
    yield _way(house)
    yield _letters(house)


def _way(house: House) -> Finding:
    settings = house.settings
    if house.is_demonstration:
        return WAY.ok(
            N_("In the demonstration no letter leaves: each is a file in %(folder)s."),
            folder=str(settings.data / "mail"),
        )
    if settings.graph is not None:
        return _by_graph(settings.graph)
    if settings.smtp is not None:
        return _by_relay(settings.smtp)
    return WAY.warn(words(N_("No way of sending letters is set: all of them wait.")), words(NO_MAIL))


def _by_relay(relay: Smtp) -> Finding:
    facts: dict[str, object] = {
        "host": relay.host,
        "port": str(relay.port),
        "user": relay.username,
        "sender": relay.sender,
    }
    steps: list[Step] = ["connect"]
    try:
        with closing(by_relay(relay, timeout=PATIENCE_SECONDS, begins=steps.append)) as mailer:
            mailer.greet(ALL_SECONDS)
    except Stopped as stopped:
        sentence = why_stopped(relay, steps[-1], stopped.why, seconds=PATIENCE_SECONDS)
        if not sentence:
            sentence = REFUSED_AT[steps[-1]]
        code = stopped.outcome.code if isinstance(stopped.outcome, Later | Refused) else ""
        return WAY.wrong(
            words(
                N_("The relay %(host)s, port %(port)s, does not let us in (%(code)s)."),
                code=code or stopped.why,
                **facts,
            ),
            words(sentence, code=code, **facts),
        )
    return WAY.ok(N_("The relay %(host)s, port %(port)s, takes us."), **facts)


def _by_graph(registration: GraphSettings) -> Finding:
    """Whether the files of the registration can be used: whether Microsoft takes them, a letter tells."""
    facts: dict[str, object] = {"sender": registration.mailbox}
    try:
        registration.credential()
        ends = registration.certificate_ends()
    except SettingsError as error:
        return WAY.wrong(
            words("%(variable)s %(why)s", variable=error.variable, why=words(error.sentence, **error.facts)),
            words(_TRY),
        )
    if ends is not None and ends - datetime.now(UTC) < _SOON:
        seen = words(N_("The certificate in GRAPH_CERTIFICATE_FILE ends on %(day)s."), day=ends.date())
        todo = words(N_("Make a new one, and give it to the registration in Microsoft Entra."))
        return WAY.wrong(seen, todo) if ends < datetime.now(UTC) else WAY.warn(seen, todo)
    return WAY.ok(
        N_("By the mailbox %(sender)s. Whether Microsoft takes it is told by: spheres mail test ADDRESS"), **facts
    )


def _letters(house: House) -> Finding:
    failed: Counter[str] = Counter()
    still, waiting, code = False, 0, ""
    try:
        for program_id, *_ in house.programs:
            with house.of_program(program_id) as session:
                post = post_state(session, house.at)
                failed.update(letters_given_up(session))
            still, waiting, code = still or post.is_still, waiting + post.queued, post.code or code
    except Away as away:
        return STUCK.not_asked(away.why)
    if still:
        return STUCK.wrong(
            words(
                N_("None leaves: %(waiting)s wait. The last answer was: %(code)s."), waiting=waiting, code=code or "–"
            ),
            words(_TRY),
        )
    if failed:
        told = named([f"{one or '–'} {count}" for one, count in failed.most_common()])
        return STUCK.warn(
            words(N_("Not delivered, by the last answer: %(codes)s."), codes=told),
            words(N_("See “Outgoing mail”: the coordination sends again what may arrive now.")),
        )
    return STUCK.ok(N_("Waiting: %(waiting)s."), waiting=waiting)


GROUP: Final = Group("mail", N_("Letters"), (WAY, STUCK), look)
