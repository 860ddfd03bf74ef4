"""Mail from the command line: one test letter, and at which step it stopped."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from html import escape
from typing import Annotated, Final, cast
from uuid import uuid4

import typer

from adapters.folder_mail import FolderMailer
from adapters.graph_settings import GraphSettings
from adapters.outside import by_relay
from adapters.settings import Settings
from adapters.smtp_dialogue import Step, Stopped, Why, how_it_speaks
from adapters.smtp_settings import Smtp
from api.access.permissions import Action, asks, at_the_terminal, require
from api.cli.spoken import NO_MAIL, Ending, fail, tell
from api.cli.terminal import sender_of
from domain.kernel import Language
from domain.mail import Letter, Mailbox, checked_address, message_id, mime
from locales import N_, current_language, say
from models.ports import Accepted, Later, Outcome, Refused, Unknown

#: Seconds for each step: at the terminal somebody waits.
PATIENCE = 15.0
#: Seconds for a look at how a relay speaks that said nothing we understand.
PATIENCE_OF_A_LOOK: Final = 5.0

app = typer.Typer(no_args_is_help=True, help="How letters leave.")

_BEGINS: Final[Mapping[Step, str]] = {
    "connect": N_("Connecting to %(host)s, port %(port)s…"),
    "greeting": N_("Waiting for its greeting…"),
    "tls": N_("Encrypting the connection, and looking at its certificate…"),
    "sign_in": N_("Signing in as %(user)s…"),
    "sender": N_("Naming the sender, %(sender)s…"),
    "recipient": N_("Naming the recipient, %(to)s…"),
    "text": N_("Handing over the letter…"),
}
#: Why a dialogue with a relay stopped, and what to do; where a step has sentences of its own, those are below.
_STOPPED: Final[Mapping[Why, str]] = {
    "name": N_("The name %(host)s leads nowhere. Check SMTP_HOST, and that this machine can look names up."),
    "port": N_("Nothing takes connections there. Check SMTP_HOST and SMTP_PORT, and that the relay runs."),
    "unreachable": N_("No way leads there from this machine. Check its network, and the firewalls on the way."),
    "silent": N_("The relay stopped answering. Try again; if this continues, ask its operator."),
    "hung_up": N_("The relay ended the connection. Ask its operator whether this machine may send by it."),
    "not_offered": N_(
        "The relay offers no STARTTLS, and was told nothing. If it wants TLS at once, "
        "set SMTP_TLS=implicit, mostly with SMTP_PORT=465; otherwise, ask its operator "
        "for a port with TLS."
    ),
    "certificate": N_(
        "The relay’s certificate is not trusted, and it was told nothing. SMTP_HOST must be the very name that stands"
        " in the certificate; if an authority of your own signed it, name the file of that authority in SMTP_CA_FILE."
    ),
    "encryption": N_(
        "No encrypted connection came about, and the relay was told nothing. Ask its operator which TLS it supports."
    ),
    "password": N_(
        "The password cannot be read. Look at the file that SMTP_PASSWORD_FILE names: it is gone, empty or not for us."
    ),
    "no_way": N_(
        "The relay knows no way of signing in that we know. If it needs none, remove "
        "SMTP_USER and SMTP_PASSWORD_FILE; otherwise, ask its operator for PLAIN, LOGIN "
        "or CRAM-MD5."
    ),
}
_STOPPED_AT: Final[Mapping[tuple[Step, Why], str]] = {
    ("connect", "silent"): N_(
        "Nothing answers there. Check SMTP_HOST and SMTP_PORT, and the firewalls on the "
        "way: many let nothing out by 25."
    ),
    ("greeting", "silent"): N_(
        "The relay took the connection and does not answer. Check SMTP_PORT, and ask its "
        "operator whether this machine may send by it."
    ),
}
_WANTS_TLS: Final = N_("The relay waits for TLS at once. Set SMTP_TLS=implicit, and no SMTP_STARTTLS.")
_SPEAKS_CLEAR: Final = N_(
    "The relay greets before TLS, and was told nothing. Set SMTP_TLS=starttls, mostly with SMTP_PORT=587."
)
_ITSELF: Final = N_("The letter itself is refused (%(code)s). Ask the operator of the relay why.")
#: What a relay refused, by the step, with its code.
REFUSED_AT: Final[Mapping[Step, str]] = {
    "greeting": N_("The relay refuses this machine (%(code)s). Ask its operator whether this machine may send by it."),
    "tls": N_("The relay cannot encrypt now (%(code)s). Try again; if this continues, ask its operator."),
    "sign_in": N_(
        "The sign-in is refused (%(code)s). Check SMTP_USER, and the password in the file that SMTP_PASSWORD_FILE"
        " names."
    ),
    "sender": N_(
        "The sender %(sender)s is refused (%(code)s). SMTP_FROM must be an address that may send by this relay; it may"
        " also want a sign-in first (SMTP_USER), or TLS (SMTP_TLS)."
    ),
    "recipient": N_(
        "The recipient %(to)s is refused (%(code)s). Check the address; if it is right, "
        "ask the operator of the relay whether it accepts our letters to outside "
        "addresses."
    ),
    "text": _ITSELF,
}
_LATER: Final = N_(
    "The relay puts the letter off (%(code)s), as many do with a sender that is new to them. Try again in some minutes."
)
_UNKNOWN: Final = N_(
    "The letter was handed over, and no answer came: it may have arrived. Look into the mailbox of %(to)s."
)
_TAKEN: Final = N_("Taken: the letter is on its way to %(to)s. Look whether it arrives, also among the unwanted mail.")
_GRAPH: Final[Mapping[str, str]] = {
    "connect": N_("Microsoft Graph cannot be reached. Check this machine’s network, and the firewalls on the way."),
    "credential": N_(
        "Microsoft does not take our registration. Check GRAPH_CLIENT_ID, GRAPH_TENANT, and the secret or certificate."
    ),
    "403": N_(
        "The registration may not send from %(sender)s (403). It needs Mail.Send, with an access policy for this"
        " mailbox."
    ),
    "404": N_("There is no mailbox %(sender)s (404). Check GRAPH_MAILBOX."),
}


@app.callback()
def letters() -> None:
    """How letters leave."""


@app.command()
@asks(Action.RUN_INSTALLATION)
def test(to: Annotated[str, typer.Argument(metavar="ADDRESS", help="Where the test letter goes.")]) -> None:
    """Send one test letter by the means that is set, and say what failed and what to do.

    Status 1 where it was not taken. No database is needed, and no password is ever shown.
    """
    require(Action.RUN_INSTALLATION, at_the_terminal())
    checked_address(to)
    settings = Settings.from_env(os.environ)
    if not settings.letters_leave:
        raise Ending(say(current_language(), NO_MAIL))
    letter = _letter(settings, to)
    if settings.demo:
        _into_the_folder(settings, to, letter)
    elif settings.smtp is not None:
        _by_relay(settings.smtp, to, letter)
    elif settings.graph is not None:
        _by_graph(settings.graph, to, letter)


def _letter(settings: Settings, to: str) -> bytes:
    language = current_language()
    subject, why, nothing = (
        say(language, one)
        for one in (
            N_("A test letter of SPHÈRES"),
            N_("The operator of SPHÈRES sent this letter to check that letters arrive."),
            N_("There is nothing to do."),
        )
    )
    paragraphs = [why, nothing, settings.base_url]
    page = "".join(f"<p>{escape(one)}</p>" for one in paragraphs)
    sender = sender_of(settings)
    return mime(
        Letter(subject, "\n\n".join(paragraphs) + "\n", f'<html lang="{language}-CA"><body>{page}</body></html>'),
        sender=sender,
        to=Mailbox(to),
        message_id=message_id(uuid4(), sender.address.rpartition("@")[2]),
        date=datetime.now(UTC),
        language=cast("Language", language),
    )


def _into_the_folder(settings: Settings, to: str, letter: bytes) -> None:
    folder = settings.data / "mail"
    if FolderMailer(folder).send(to=to, message=letter) != Accepted():
        fail(say(current_language(), N_("The folder %(folder)s cannot be written."), folder=folder), 1)
    tell(N_("In the demonstration no letter leaves: this one is a file in %(folder)s."), folder=folder)


def _by_graph(registration: GraphSettings, to: str, letter: bytes) -> None:
    # Read where it is used, as by the worker: what speaks to Graph is large.
    from adapters.graph import Graph  # noqa: PLC0415
    from adapters.graph_mail import GraphMailer  # noqa: PLC0415

    facts = {"to": to, "sender": registration.mailbox}
    tell(N_("Asking Microsoft Graph to send from %(sender)s…"), **facts)
    with closing(Graph(registration)) as graph:
        outcome = GraphMailer(graph).send(to=to, message=letter)
    if isinstance(outcome, Later | Refused):
        other = N_("Microsoft Graph does not take the letter (%(code)s). Try again; then check the registration.")
        fail(say(current_language(), _GRAPH.get(outcome.code, other), code=outcome.code, **facts), 1)
    _end(outcome, facts)


def _by_relay(smtp: Smtp, to: str, letter: bytes) -> None:
    facts = {"host": smtp.host, "port": str(smtp.port), "user": smtp.username, "sender": smtp.sender, "to": to}
    steps: list[Step] = ["connect"]

    def begins(step: Step) -> None:
        steps.append(step)
        tell(_BEGINS[step], **facts)

    with closing(by_relay(smtp, timeout=PATIENCE, begins=begins)) as mailer:
        try:
            outcome = mailer.attempt(to=to, message=letter)
        except Stopped as stopped:
            sentence, outcome = why_stopped(smtp, steps[-1], stopped.why), stopped.outcome
        else:
            sentence = ""
    if isinstance(outcome, Later | Refused):
        sentence = sentence or (_LATER if isinstance(outcome, Later) else REFUSED_AT.get(steps[-1], _ITSELF))
        fail(say(current_language(), sentence, code=outcome.code, **facts), 1)
    _end(outcome, facts)


def why_stopped(smtp: Smtp, step: Step, why: Why, *, seconds: float = PATIENCE_OF_A_LOOK) -> str:
    """What to say where the dialogue stopped; "" where the relay's own answer says it."""
    if why == "answer":
        return ""
    if (
        step == "greeting"
        and smtp.encryption != "implicit"
        and how_it_speaks(smtp.host, smtp.port, seconds=seconds) == "tls"
    ):
        return _WANTS_TLS
    if (
        step == "tls"
        and smtp.encryption == "implicit"
        and how_it_speaks(smtp.host, smtp.port, seconds=seconds) == "clear"
    ):
        return _SPEAKS_CLEAR
    return _STOPPED_AT.get((step, why)) or _STOPPED[why]


def _end(outcome: Outcome, facts: Mapping[str, str]) -> None:
    """Say that it was taken; or that it is not known, which is status 1."""
    if isinstance(outcome, Unknown):
        fail(say(current_language(), _UNKNOWN, **facts), 1)
    tell(_TAKEN, **facts)
