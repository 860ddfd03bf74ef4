"""What the matrix sends to each route: a body that fits, aimed at one place's things.

A route without a word here is asked with nothing but its path. What stands in braces, in a path as in a body, is the
name of a thing of `world.World.things`; in a path, `task_id` is the task in the state that `task` says.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.routing import Mount

from api.access.permissions import Action
from tests.agreeing import PDF
from tests.cast import ARRIVAL, TODAY
from tests.matrix.world import PLACES
from tests.signing import IN_JSON, drawing

#: The framework's own: it describes the API and reads nothing.
OF_THE_FRAMEWORK: Final = frozenset({"/api/v1/openapi.json"})

_DAY: Final = ARRIVAL.isoformat()
#: What stands in an address and names nothing that is anyone's.
NO_THING: Final = frozenset({"anchor", "period", "year", "language", "form", "number", "file", "quarter"})
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True)
class Sent:
    """What goes with a request to one route."""

    form: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, Any] | None = None
    task: str = "open"
    which: Mapping[str, str] = field(default_factory=dict)  # in the path: meeting_id="held" is "meeting_id:held"
    files: Mapping[str, tuple[str, bytes]] = field(default_factory=dict)  # by the field's name: their name, and bytes
    query: str = ""
    path: str = ""  # where the route's own path has a part that is no id, such as a file's name
    seen: str = "*"  # the version in If-Match, where it is to be one that was read


@dataclass(frozen=True)
class Route:
    """One route of the application with one of its methods, the action that it names, and what is sent to it."""

    method: str
    path: str
    action: Action | None
    sent: Sent

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return self.method not in _SAFE

    @property
    def is_json(self) -> bool:
        """Whether it is one of the API's."""
        return self.path.startswith("/api/")

    @property
    def places(self) -> tuple[str, ...]:
        """Whose things it can be asked of; one dash where it names none."""
        names = set(re.findall(r"{(\w+)", f"{self.path} {self.sent.form} {self.sent.json} {self.sent.query}"))
        return PLACES if names - NO_THING else ("–",)

    def address(self, things: Mapping[str, str]) -> str:
        """The address of one thing."""
        path = re.sub(r"{(\w+)}", lambda found: "{" + self.thing(found[1]) + "}", self.sent.path or self.path)
        return _filled(path + self.sent.query, things)

    def thing(self, name: str) -> str:
        """The name that the thing of a name in the path has in the world, where there are several of its kind."""
        which = self.sent.task if name == "task_id" else self.sent.which.get(name)
        return f"{name}:{which}" if which else name

    def seen(self, things: Mapping[str, str]) -> str:
        """The version in If-Match."""
        return _filled(self.sent.seen, things)

    def form(self, things: Mapping[str, str]) -> dict[str, str]:
        """The fields of the form."""
        return {name: _filled(value, things) for name, value in self.sent.form.items()}

    def body(self, things: Mapping[str, str]) -> Any:
        """The body in JSON; None where there is none."""
        return _filled_within(self.sent.json, things)


def routes_of(app: FastAPI) -> Iterator[Route]:
    """Each route that the application has, once for each of its methods; the same for every later test.

    Raises LookupError, with what to do, for one that takes a body of which `SENT` knows nothing.
    """
    for found in iter_route_contexts(app.routes):
        route = found.original_route
        path = str(found.path or getattr(route, "path", ""))
        if path in OF_THE_FRAMEWORK:
            continue
        if isinstance(route, Mount):
            yield Route("GET", f"{path}/{{file}}", Action.LOOK, SENT[f"GET {path}/{{file}}"])
            continue
        endpoint = getattr(route, "endpoint", None)
        for method in sorted(set(getattr(route, "methods", None) or ()) - {"HEAD"}):
            name = f"{method} {path}"
            if name not in SENT and method not in _SAFE and getattr(route, "body_field", None) is not None:
                msg = f"{name} takes a body: say in tests/matrix/asked.py, under SENT, what one sends to it"
                raise LookupError(msg)
            yield Route(method, path, getattr(endpoint, "__asks__", None), SENT.get(name, Sent()))


def _filled(text: str, things: Mapping[str, str]) -> str:
    def thing(found: re.Match[str]) -> str:
        if found[1] not in things:
            msg = (
                f"the world of the matrix has no {found[1]!r}: add one to tests/matrix/world.py, in each of its places"
            )
            raise LookupError(msg)
        return things[found[1]]

    return re.sub(r"{(\w[\w:]*)}", thing, text)


def _filled_within(value: Any, things: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _filled(value, things)
    if isinstance(value, Mapping):
        return {name: _filled_within(one, things) for name, one in value.items()}
    return [_filled_within(one, things) for one in value] if isinstance(value, list) else value


def _task_form(task: str, **fields: str) -> Sent:
    return Sent(task=task, form={"seen": "{version_of_task:" + task + "}", **fields})


_ENDED: Final = {"follow_up_id": "ended"}
_WHERE: Final = {"held_on": TODAY.isoformat(), "begins": "20:00", "minutes": "60", "place": "Parc"}
_PERSON: Final = {
    "given_name": "Jaspe",
    "family_name": "Grenat",
    "email": "jaspe.grenat@codim.example",
    "phone": "514-555-0199",
    "language": "fr",
}
_NEW: Final = {"form": "new", **_PERSON, "organization": "{organization_id}", "starts_on": _DAY}
_CASE: Final = {"seen": "{version_of_case}"}

_INCIDENT: Final = {
    "information": "Notes de travail",
    "circumstances": "Un portable oublié dans un train.",
    "known_on": TODAY.isoformat(),
    "measures": "Effacé à distance.",
}
_SEEN_INCIDENT: Final = {"seen": "{version_of_incident}"}
_ASSESSED: Final = {"risk_reasons": "Le disque est chiffré."}

_NOBODY: Final = "00000000-0000-4000-8000-000000000000"
_MEETING: Final = {"seen": "{version_of_meeting}"}
_HELD: Final = {"meeting_id": "held"}
_SITS: Final = {"meeting_id": "sits"}
_SITTING: Final = {"seen": "{version_of_sitting}"}
_UNOPENED: Final = {"meeting_id": "unopened"}
_TOLD: Final = {"meeting_id": "told"}
_LEAVING: Final = {"case_id": "departure"}
_RECRUITING: Final = {"case_id": "recruiting"}
_OFFERED: Final = {"hand_over_id": "offered"}
_REFUSED: Final = {"participant_id": "refused"}
#: A last day that is later than the calendar's, and why.
_KEPT_LONGER: Final = {"day": (TODAY + timedelta(days=400)).isoformat(), "reason": "Un juge"}
#: A person whose data are not here asks about them, and is answered.
_RIGHTS: Final = {
    "kind": "complaint",
    "received_on": TODAY.isoformat(),
    "asked_by": "self",
    "verified_by": "card_shown",
    "verified_on": TODAY.isoformat(),
    "language": "fr",
}
_ANSWERED: Final = {"answered_on": TODAY.isoformat(), "handed_over": "in_person", "words": "Remis et lu ensemble."}
_MADE: Final = {"rights_request_id": "made"}
#: A file whose destruction the coordinator asked for ten days ago.
_ASKED: Final = {"participant_id": "asked"}
_TRIAGED: Final = {"participant_id": "triaged"}
_JOINED: Final = {"referral_id": "joined"}
_ASKED_FOR_MORE: Final = {"referral_id": "asked_for_more"}
_GIVEN: Final = {"participant_id": "given"}
_RESEARCHED: Final = {"participant_id": "in_research"}
_ETHICS: Final = {"ethics_reference": "CER-2", "ethics_ends_on": "2027-12-31"}
_WHY: Final = {"purpose_fr": "Décrire", "purpose_en": "Describe"}
_STUDY: Final = _ETHICS | _WHY | {"title_fr": "Étude", "title_en": "Study", "ethics_body": "CER"}
_FILE: Final = {"document": ("entente.pdf", PDF)}
_FILE_IN_JSON: Final = b64encode(PDF).decode()
#: What was said without consent.
_DISCLOSED: Final = {
    "ground": "court_order",
    "to_whom": "Le tribunal",
    "what": "Ce qu’il ordonne",
    "disclosed_on": TODAY.isoformat(),
}
_REFERRAL: Final = {
    "given_name": "Viorne",
    "family_name": "Sorbier",
    "age": 15,
    "phone": "514 555-0123",
    "languages": ["fr"],
    "reasons": "Demande de l’aide.",
}
_CONSENT: Final = {
    **dict.fromkeys(("explained_on", "signed_on", "worker_signed_on"), TODAY.isoformat()),
    "signed_by": "self",
    "language": "fr",
    "limits_stated": True,
    "worker_id": "{signer_id}",
    "signature": {"way": "paper", "file_name": "scan.png", "content": IN_JSON},
}
_WAITING: Final = {"participant_id": "waiting"}
_ITEM: Final = {"seen": "{version_of_item}"}

SENT: Final[Mapping[str, Sent]] = {
    # Nobody's, and no one in particular.
    "GET /static/{file}": Sent(path="/static/app.css"),
    "POST /sign-in": Sent(form={"program": "{program_id}", "person": "{person_id}"}),
    "POST /sign-in/letter": Sent(form={"address": "worker.codim@codim.example"}),
    "POST /sign-in/passkey": Sent(form={"answer": "{}"}),
    "POST /door/{token}/passkey": Sent(form={"answer": "{}"}),
    "POST /sign-in/entra": Sent(form={"door": "{token}"}),
    "POST /sign-in/program": Sent(form={"program": "{program_id}"}),
    # Pages.
    "POST /cases": Sent(form=_NEW),
    "POST /cases/new": Sent(form={"form": "known", "worker": "{newcomer}"}),
    "POST /cases/{case_id}/days/{anchor}": Sent(form={**_CASE, "day": "2026-12-08"}),
    "POST /cases/{case_id}/cancellation": Sent(form={**_CASE, "reason": "Ne viendra pas."}),
    "POST /cases/{case_id}/reopening": Sent(
        which={"case_id": "off"}, form={"seen": "{version_of_off_case}", "reason": "Viendra."}
    ),
    "POST /cases/{case_id}/closing": Sent(form=_CASE),
    "POST /cases/{case_id}/version": Sent(form={**_CASE, "version": "{version_id}"}),
    "GET /cases/{case_id}/interviews": Sent(which=_RECRUITING),
    "POST /cases/{case_id}/interviews": Sent(
        which=_RECRUITING, form={"applicant": "1", "leadership": "80", "clinical": "70", "note": "Solide."}
    ),
    "POST /departures": Sent(form={"who": "{worker}", "last_day": _DAY}),
    "GET /departures/{case_id}": Sent(which=_LEAVING),
    "POST /departures/{case_id}/offers": Sent(which=_LEAVING, form={"really": "yes"}),
    "POST /hand-overs/{hand_over_id}/acceptance": Sent(which=_OFFERED),
    "POST /hand-overs/{hand_over_id}/refusal": Sent(form={"reason": "Trop de suivis."}),
    "POST /tasks/{task_id}/settlement": _task_form("equipment", how="end:returned", note="En ordre."),
    "POST /tasks/{task_id}/missing": _task_form("equipment", note="Introuvable."),
    "POST /equipment": Sent(form={"kind": "phone", "serial": "M-1", "label": "Noir"}),
    "POST /equipment/{equipment_id}": Sent(form={"serial": "M-2", "label": "Bleu"}),
    "POST /equipment/{equipment_id}/moves": Sent(form={"move": "take_out_of_use", "words": "Brisé."}),
    "POST /equipment/{equipment_id}/loan": Sent(form={"person": "{person_id}"}),
    "POST /follow-ups/{follow_up_id}/taking-up": Sent(which=_ENDED, form={}),
    "GET /follow-ups/{follow_up_id}/ended": Sent(which=_ENDED),
    "GET /tasks/{task_id}/hiring": Sent(task="to_hire"),
    "POST /tasks/{task_id}/hiring": _task_form(
        "to_hire",
        form="known",
        applicant="1",
        person="{person_id}",
        place="youth_worker:{organization_id}",
        starts_on=_DAY,
    ),
    "GET /tasks/{task_id}/summary": Sent(task="to_sum_up"),
    "POST /tasks/{task_id}/summary": Sent(
        task="to_sum_up", form={"seen": "0", "situation": "Elle va bien.", "steps": "Elle a appelé.", "do": "complete"}
    ),
    "GET /tasks/{task_id}/summary/taking-back": Sent(task="summed_up"),
    "POST /tasks/{task_id}/summary/taking-back": Sent(task="summed_up", form={"reason": "Une erreur."}),
    "GET /follow-ups/{follow_up_id}/summaries/{task_id}": Sent(task="summed_up"),
    "POST /tasks/{task_id}/completion": _task_form("open", words="Fait."),
    "POST /tasks/{task_id}/approval": _task_form("submitted", words="Accordé."),
    "POST /tasks/{task_id}/rejection": _task_form("submitted", words="À revoir."),
    "POST /tasks/{task_id}/handing-back": _task_form("open", words="Je ne peux pas."),
    "POST /tasks/{task_id}/returning": _task_form("handed_back", words="La voici de nouveau."),
    "POST /tasks/{task_id}/waiver": _task_form("waivable", words="Inutile ici."),
    "POST /tasks/{task_id}/undoing": _task_form("done", words="Par erreur."),
    "POST /people": Sent(form={**_PERSON, "place": "{role_and_place}", "starts_on": _DAY}),
    "POST /people/{person_id}": Sent(form={**_PERSON, "seen": "{version_of_person}"}),
    "POST /people/{person_id}/roles": Sent(form={"place": "{role_and_place}", "starts_on": _DAY}),
    "POST /people/{person_id}/roles/{tenure_id}/end": Sent(form={"ends_on": _DAY, "really": "yes"}),
    "POST /people/{person_id}/absences": Sent(
        form={"starts_on": _DAY, "ends_on": _DAY, "deputy": "{deputy_id}", "kinds": "tasks"}
    ),
    "POST /words": Sent(form={"field": "title_fr", "text": "Le budget est adopté."}),
    "POST /meetings/{meeting_id}/words/answer": Sent(form={}),
    "POST /meetings/{meeting_id}/redactions": Sent(form={"others": "Un mot qui n’y est pas", "kind": "name"}),
    "POST /privacy/incidents/{incident_id}/redactions": Sent(form={"others": "portable", "kind": "other"}),
    "POST /redactions/{redaction_id}/confirmation": Sent(form={"seen": "1"}),
    "POST /redactions/{redaction_id}/refusal": Sent(form={"seen": "1"}),
    "POST /redactions/{redaction_id}/taking-back": Sent(form={"seen": "1"}),
    "POST /engine/retry": Sent(form={"code": "seat.none"}),
    "POST /api/v1/engine/retry": Sent(json={"code": "seat.none"}),
    "POST /restored/{matter_id}/undone": Sent(form={"reason": "Ce n’est plus le cas"}),
    "POST /privacy/rights": Sent(form={**_RIGHTS}),
    "POST /privacy/rights/{rights_request_id}/extension": Sent(form={"seen": "1", "notice_on": TODAY.isoformat()}),
    "POST /privacy/rights/{rights_request_id}/answer": Sent(
        which=_MADE, form={"seen": "{version_of_made}", **_ANSWERED}
    ),
    "POST /privacy/rights/{rights_request_id}/refusal": Sent(
        which=_MADE, form={"seen": "{version_of_made}", **_ANSWERED, "ground": "outside"}
    ),
    "POST /privacy/rights/{rights_request_id}/withdrawal": Sent(form={"seen": "1"}),
    "POST /privacy/rights/{rights_request_id}/acceptance": Sent(
        which={"rights_request_id": "correct"}, form={"seen": "1"}
    ),
    "POST /privacy/rights/{rights_request_id}/restriction": Sent(
        which={"rights_request_id": "restrict"}, form={"seen": "1"}
    ),
    "GET /privacy/rights/{rights_request_id}/package": Sent(which={"rights_request_id": "looked_at"}),
    "GET /privacy/rights/{rights_request_id}/letter.pdf": Sent(which=_MADE),
    "GET /privacy/rights/{rights_request_id}/package.pdf": Sent(which=_MADE),
    "GET /privacy/rights/{rights_request_id}/package.json": Sent(which=_MADE),
    "GET /privacy/rights/{rights_request_id}/package.csv": Sent(which=_MADE),
    "POST /privacy/rights/file": Sent(
        form={"given_name": "Romarin", "family_name": "Tilleul", "birth_date": "2008-05-02"}
    ),
    "GET /tasks/{task_id}/correction": Sent(task="to_correct"),
    "POST /privacy/rights/{rights_request_id}/masks": Sent(
        which={"rights_request_id": "looked_at"}, form={"seen": "2", "others": "Romarin"}
    ),
    "POST /privacy/rights/{rights_request_id}/package": Sent(
        which={"rights_request_id": "looked_at"}, form={"seen": "2", "digest": "{digest_of:looked_at}"}
    ),
    "POST /privacy/rights/{rights_request_id}/statement": Sent(
        which={"rights_request_id": "refused"}, form={"seen": "2", "part": "referral", "words": "Ce n’est pas exact"}
    ),
    "POST /api/v1/privacy/rights": Sent(json=_RIGHTS),
    "POST /api/v1/privacy/rights/{rights_request_id}/extension": Sent(json={"notice_on": TODAY.isoformat()}),
    "POST /api/v1/privacy/rights/{rights_request_id}/answer": Sent(which=_MADE, json=_ANSWERED),
    "POST /api/v1/privacy/rights/{rights_request_id}/refusal": Sent(
        which=_MADE, json={**_ANSWERED, "ground": "outside"}
    ),
    "POST /api/v1/privacy/rights/{rights_request_id}/acceptance": Sent(which={"rights_request_id": "correct"}),
    "POST /api/v1/privacy/rights/{rights_request_id}/restriction": Sent(which={"rights_request_id": "restrict"}),
    "POST /api/v1/privacy/rights/{rights_request_id}/masks": Sent(
        which={"rights_request_id": "looked_at"}, json={"others": "Romarin"}
    ),
    "POST /api/v1/privacy/rights/{rights_request_id}/package": Sent(
        which={"rights_request_id": "looked_at"}, json={"digest": "{digest_of:looked_at}"}
    ),
    "PUT /api/v1/privacy/rights/{rights_request_id}/statement": Sent(
        which={"rights_request_id": "refused"}, json={"part": "referral", "words": "Ce n’est pas exact"}
    ),
    "POST /privacy/incidents": Sent(form={**_INCIDENT, "organization": "{organization_id}"}),
    "POST /privacy/incidents/{incident_id}": Sent(
        form={**_SEEN_INCIDENT, **_INCIDENT, "organization": "{organization_id}"}
    ),
    "POST /privacy/incidents/{incident_id}/assessment": Sent(
        form={**_SEEN_INCIDENT, **_ASSESSED, "serious_risk": "no"}
    ),
    "POST /privacy/incidents/{incident_id}/telling": Sent(
        form={**_SEEN_INCIDENT, "commission_told_on": TODAY.isoformat()}
    ),
    "POST /privacy/incidents/{incident_id}/closing": Sent(
        which={"incident_id": "assessed"}, form={"seen": "{version_of_assessed}"}
    ),
    "POST /privacy/incidents/{incident_id}/reopening": Sent(
        which={"incident_id": "closed"}, form={"seen": "{version_of_closed}"}
    ),
    "POST /referrals": Sent(form={"given_name": "Viorne", "do": "save"}),
    "POST /referrals/{referral_id}": Sent(form={"seen": "1", "given_name": "Viorne", "do": "save"}),
    "GET /refer/{token}": Sent(path="/refer/{refer_token}"),
    "POST /refer/{token}": Sent(
        path="/refer/{refer_token}",
        form={
            **{name: str(value) for name, value in _REFERRAL.items() if name != "languages"},
            "languages": "fr",
            "referrer_name": "Cornaline Béryl",
            "referrer_contact": "514 555-0188",
            "do": "send",
        },
    ),
    "POST /participants/{participant_id}/facts": Sent(form={"purpose": "urgent_help"}),
    "POST /participants/{participant_id}/identity": Sent(form={"purpose": "urgent_help"}),
    "POST /participants/{participant_id}/findings": Sent(
        which=_WAITING,
        form={
            "seen": "{version_of_waiting}",
            "referral": "{referral_id:waiting}",
            "finding_c0": "met",
            "fact_c0": "Dit.",
        },
    ),
    "GET /participants/{participant_id}/triage": Sent(which=_WAITING),
    "POST /participants/{participant_id}/questions": Sent(
        which=_WAITING, form={"seen": "{version_of_waiting}", "referral": "{referral_id:waiting}", "missing": "setting"}
    ),
    "POST /api/v1/participants/{participant_id}/questions": Sent(
        which=_WAITING, json={"referral_id": "{referral_id:waiting}", "missing": ["setting"]}
    ),
    "POST /referrals/{referral_id}/hearing": Sent(which=_JOINED, form={"hears": "nothing"}),
    "POST /api/v1/referrals/{referral_id}/hearing": Sent(which=_JOINED, json={"hears": "nothing"}),
    "POST /referrals/{referral_id}/answer": Sent(which=_ASKED_FOR_MORE, form={"setting": "Foyer"}),
    "POST /api/v1/referrals/{referral_id}/answer": Sent(which=_ASKED_FOR_MORE, json={"setting": "Foyer"}),
    "POST /participants/{participant_id}/triage/opening": Sent(which=_WAITING),
    "POST /api/v1/participants/{participant_id}/triage/opening": Sent(which=_WAITING),
    "POST /participants/{participant_id}/triage": Sent(
        which=_WAITING,
        form={
            "seen": "3",
            "referral": "{referral_id:waiting}",
            "result": "refused",
            "reason": "Non",
            "offered": "Autre",
        },
    ),
    "POST /participants/{participant_id}/joining": Sent(
        which=_WAITING, form={"referral": "{referral_id:waiting}", "to": "{participant_id}", "reason": "La même"}
    ),
    "POST /participants/{participant_id}/decision": Sent(
        which=_WAITING, form={"seen": "1", "item": _NOBODY, "outcome": "assign"}
    ),
    "POST /participants/{participant_id}/worker": Sent(
        which=_GIVEN, form={"seen": "{version_of_given_file}", "worker": "{newcomer_id}"}
    ),
    "POST /participants/{participant_id}/triage/taking-back": Sent(
        which=_TRIAGED, form={"seen": "{version_of_triaged}", "referral": "{referral_id:triaged}"}
    ),
    "POST /participants/{participant_id}/hold": Sent(form={"reason": "Un juge"}),
    "POST /participants/{participant_id}/hold/release": Sent(
        which={"participant_id": "held"}, form={"reason": "Un juge"}
    ),
    "POST /participants/{participant_id}/destruction": Sent(which=_REFUSED, form={"ground": "calendar"}),
    "GET /participants/{participant_id}/destruction": Sent(which=_ASKED),
    "POST /participants/{participant_id}/destruction/withdrawal": Sent(which=_ASKED),
    "POST /participants/{participant_id}/destruction/confirmation": Sent(
        which=_ASKED, form={"seen": "{destruction_id:asked}"}
    ),
    "POST /participants/{participant_id}/destruction/refusal": Sent(
        which=_ASKED, form={"seen": "{destruction_id:asked}", "reason": "On en a besoin"}
    ),
    "POST /participants/{participant_id}/disclosures": Sent(form={**_DISCLOSED, "only_necessary": "yes"}),
    "POST /participants/{participant_id}/retention": Sent(which=_REFUSED, form=_KEPT_LONGER),
    "POST /research-consents/{participant_id}/withdrawal": Sent(which=_RESEARCHED),
    "POST /research-consents/{participant_id}/keeping": Sent(which=_RESEARCHED),
    "POST /staff-research-consents/{person_id}/withdrawal": Sent(which={"person_id": "consented"}),
    "POST /staff-research-consents": Sent(form={"person_id": "{person_id}", "signed_on": TODAY.isoformat()}),
    "POST /studies": Sent(form=_STUDY | {"first_month": "2026-09", "last_month": "2027-12", "field": "age"}),
    "POST /studies/{study_id}/ethics": Sent(form=_ETHICS | {"seen": "{version_of_study}"}),
    "POST /studies/{study_id}/end": Sent(form={"seen": "{version_of_study}"}),
    "POST /studies/{study_id}/recipients": Sent(form={"person_id": "{researcher_id}"}),
    "POST /studies/{study_id}/recipients/{person_id}/removal": Sent(which={"person_id": "receives"}),
    "POST /study-exports/{export_id}/approval": Sent(form={"seen": "{version_of_export}"}),
    "POST /study-exports/{export_id}/refusal": Sent(form={"seen": "{version_of_export}"}),
    "POST /study-exports/{export_id}/taking-back": Sent(form={"seen": "{version_of_export}"}),
    "GET /study-exports/{export_id}/{language}/{file}": Sent(path="/study-exports/{export_id}/fr/data.csv"),
    "GET /measures/{quarter}": Sent(path="/measures/2026-Q3"),
    "GET /measures/{quarter}/{language}.pdf": Sent(path="/measures/2026-Q3/fr.pdf"),
    "POST /research-consents": Sent(form={"number": "#2026-10", "signed_on": TODAY.isoformat()}),
    "POST /activities": Sent(form={**_WHERE, "kind": "meal", "follow_up": "{follow_up_id}"}),
    "POST /activities/{activity_id}/moving": Sent(form=_WHERE),
    "POST /participants/{participant_id}/meetings": Sent(
        which=_GIVEN, form={"met_on": TODAY.isoformat(), "way": "remote", "outcome": "thinks"}
    ),
    "POST /participants/{participant_id}/consents": Sent(
        form={
            "seen": "{version_of_file}",
            "signed_by": "self",
            **dict.fromkeys(("explained_on", "signed_on", "worker_signed_on"), TODAY.isoformat()),
            "worker": "{signer_id}",
            "limits": "yes",
            "program": "yes",
            "text": "fr",
            "text_version": "3",
        },
        files={"scan": ("scan.png", drawing())},
    ),
    "POST /participants/{participant_id}/consents/narrowing": Sent(
        form={"seen": "{version_of_file}", "no_research": "yes"}
    ),
    "POST /participants/{participant_id}/consent-forms/{form_id}/storing": Sent(
        form={"copy_given_on": TODAY.isoformat()}
    ),
    "POST /participants/{participant_id}/consent-forms/{form_id}/copy": Sent(form={"copy_given_on": TODAY.isoformat()}),
    "POST /participants/{participant_id}/risk": Sent(form={"kind": "admission", "level": "green"}),
    "POST /participants/{participant_id}/corrections": Sent(
        form={"seen": "{version_of_file}", "phone": "514-555-0144"}
    ),
    "POST /participants/{participant_id}/number": Sent(form={"seen": "{version_of_file}"}),
    "POST /participants/{participant_id}/recruiting": Sent(form={"seen": "{version_of_file}"}),
    "POST /participants/{participant_id}/barred": Sent(form={"person": "{deputy_id}"}),
    "POST /participants/{participant_id}/barred/{person_id}/lifting": Sent(
        path="/participants/{participant_id}/barred/{barred_id}/lifting"
    ),
    "GET /answer/{token}": Sent(path="/answer/{answer_token}"),
    "POST /answer/{token}": Sent(path="/answer/{answer_token}", form={"said": "accepted", "meeting": "{meeting_id}"}),
    "GET /calendar/{token}.ics": Sent(path="/calendar/{feed_token}.ics"),
    "GET /statements/{period}": Sent(path="/statements/2026-Q3"),
    "POST /statements/{period}/release": Sent(path="/statements/2026-Q3/release", form={"seen": "0" * 64}),
    "GET /statements/{period}/{language}.{form}": Sent(path="/statements/2026-Q3/fr.xlsx"),
    "GET /partners/{organization_id}/statements/{year}/{language}.{form}": Sent(
        path="/partners/{organization_id}/statements/2026/fr.pdf"
    ),
    "GET /committees/{key}": Sent(path="/committees/{committee_key}"),
    "POST /meetings/{meeting_id}/answer": Sent(form={"said": "accepted"}),
    "POST /committees/{key}/seats/{seat_id}/holders": Sent(
        path="/committees/{committee_key}/seats/{seat_id}/holders",
        form={"person": "{seated_id}", "kind": "principal", "day": _DAY},
    ),
    "POST /committees/{key}/seats/{seat_id}/ending": Sent(
        path="/committees/{committee_key}/seats/{seat_id}/ending", form={"person": "{seated_id}", "day": _DAY}
    ),
    "POST /strays/{stray_id}/setting-aside": Sent(form={"seen": "1"}),
    "POST /strays/{stray_id}/answer": Sent(
        form={"seen": "1", "meeting": "{meeting_id}", "person": "{seated_id}", "said": "declined"}
    ),
    "POST /meetings/{meeting_id}/time": Sent(form={**_MEETING, "day": "2027-01-14", "hour": "09:30"}),
    "POST /meetings/{meeting_id}/cancellation": Sent(form={**_MEETING, "reason": "Tempête."}),
    "POST /meetings/{meeting_id}/place": Sent(form={**_MEETING, "place": "Salle 4"}),
    "POST /meetings/{meeting_id}/hour": Sent(form={"seen": "{version_of_season}", "hour": "10:00"}),
    "POST /meetings/{meeting_id}/guests/{guest_id}/withdrawal": Sent(form={"shown": ""}),
    "POST /meetings/{meeting_id}/run/opening": Sent(which=_UNOPENED, form={"seen": "{version_of_unopened}"}),
    "POST /meetings/{meeting_id}/run/putting-back": Sent(
        which={"meeting_id": "begun"}, form={"seen": "{version_of_begun}"}
    ),
    "POST /meetings/{meeting_id}/run/closing": Sent(which=_SITS, form={**_SITTING, "rest": "carried"}),
    "POST /meetings/{meeting_id}/run/attendance": Sent(
        which=_SITS, form={"seen": "1", "seat": "{sitting_seat_id}", "state": "absent"}
    ),
    "POST /meetings/{meeting_id}/run/attendance/rest": Sent(which=_SITS),
    "POST /meetings/{meeting_id}/run/outcome": Sent(
        which=_SITS, form={"seen": "{version_of_item_on_it}", "item": "{item_id:sits}", "outcome": "treated"}
    ),
    "POST /meetings/{meeting_id}/run/current": Sent(
        which=_SITS, form={"seen": "{version_of_item_on_it}", "item": "{item_id:sits}"}
    ),
    "POST /meetings/{meeting_id}/run/cases": Sent(
        which=_SITS, form={"seen": "1", "case": "{follow_up_id}", "outcome": "goes_on", "note": "Entendu."}
    ),
    "GET /meetings/{meeting_id}/sitting": Sent(which=_SITS),
    "GET /meetings/{meeting_id}/sitting/events": Sent(which=_SITS),
    "GET /meetings/{meeting_id}/sitting/raised/{item_id}": Sent(which={**_SITS, "item_id": "sits"}),
    "GET /api/v1/meetings/{meeting_id}/sitting/raised/{item_id}": Sent(which={**_SITS, "item_id": "sits"}),
    "GET /meetings/{meeting_id}/sitting/end": Sent(which=_SITS),
    "GET /meetings/{meeting_id}/projector": Sent(which=_SITS),
    "GET /meetings/{meeting_id}/projector/events": Sent(which=_SITS),
    "GET /meetings/{meeting_id}/run/events": Sent(which=_SITS),
    "GET /api/v1/meetings/{meeting_id}/cases": Sent(which=_SITS),
    "POST /meetings/{meeting_id}/run/decision": Sent(which=_SITS, form={"kind": "other", "text_fr": "On continue."}),
    "POST /meetings/{meeting_id}/run/items": Sent(which=_SITS, form={"title_fr": "Un point", "reason": "Cette nuit."}),
    "GET /meetings/{meeting_id}/agenda.pdf": Sent(which=_HELD, query="?version=1"),
    "GET /meetings/{meeting_id}/agenda.docx": Sent(which=_HELD, query="?version=1"),
    "POST /meetings/{meeting_id}/agenda/items": Sent(form={"title_fr": "Un point", "title_en": "An item"}),
    "POST /meetings/{meeting_id}/agenda/items/{item_id}": Sent(form={**_ITEM, "title_fr": "Un autre"}),
    "POST /meetings/{meeting_id}/agenda/items/{item_id}/place": Sent(form={**_ITEM, "to": "up"}),
    "POST /meetings/{meeting_id}/agenda/items/{item_id}/removal": Sent(form=_ITEM),
    "POST /meetings/{meeting_id}/agenda/items/{item_id}/restoring": Sent(
        which={"item_id": "off"}, form={"seen": "{version_of_off}"}
    ),
    "POST /meetings/{meeting_id}/agenda/items/{item_id}/scheduling": Sent(
        which={"item_id": "waiting"}, form={"seen": "1"}
    ),
    "POST /meetings/{meeting_id}/agenda/items/{item_id}/withdrawal": Sent(
        which={"item_id": "waiting"}, form={"seen": "1"}
    ),
    "POST /meetings/{meeting_id}/agenda/items/{item_id}/late": Sent(
        which={"meeting_id": "frozen", "item_id": "waiting"}, form={"seen": "1", "reason": "Cette nuit."}
    ),
    "POST /meetings/{meeting_id}/agenda/items/{item_id}/late-refusal": Sent(
        which={"meeting_id": "frozen", "item_id": "late"}, form={"seen": "1"}
    ),
    "POST /meetings/{meeting_id}/agenda/freezing": Sent(form=_MEETING),
    "GET /meetings/{meeting_id}/minutes": Sent(which=_HELD),
    "GET /meetings/{meeting_id}/minutes/{language}.{form}": Sent(
        which=_HELD, path="/meetings/{meeting_id}/minutes/fr.pdf"
    ),
    "POST /meetings/{meeting_id}/minutes/notes": Sent(
        which=_HELD, form={"seen": "1", "number": "1", "said_fr": "Entendu."}
    ),
    "POST /meetings/{meeting_id}/minutes/refreshing": Sent(which=_HELD, form={"seen": "1"}),
    "POST /meetings/{meeting_id}/minutes/circulation": Sent(which=_HELD, form={"seen": "1"}),
    "POST /meetings/{meeting_id}/minutes/amendment": Sent(which=_TOLD, form={"seen": "2"}),
    "POST /meetings/{meeting_id}/minutes/approval": Sent(
        which=_TOLD, form={"seen": "2", "meeting": "{meeting_id:sits}"}
    ),
    "GET /committees/{key}/decisions/{year}/{language}.{form}": Sent(
        path="/committees/{committee_key}/decisions/2026/fr.pdf"
    ),
    "POST /decisions/{decision_id}/endorsement": Sent(
        form={"seen": "0", "organization": "{organization_id}", "said": "endorsed"}
    ),
    "POST /decisions/{decision_id}/wanted-endorsement": Sent(
        which={"decision_id": "other"},
        form={"seen": "1", "organization": "{organization_id}", "reason": "De la gestion."},
    ),
    "POST /decisions/{decision_id}/translation": Sent(form={"seen": "2", "language": "en", "text": "It goes on."}),
    "POST /decisions/{decision_id}/settlement": Sent(
        form={"meeting": "{meeting_id:sits}", "settled_as": "kept", "text_fr": "On la garde."}
    ),
    "GET /committees/{key}/dates": Sent(path="/committees/{committee_key}/dates", query="?first=2027-04-07"),
    "POST /committees/{key}/dates": Sent(
        path="/committees/{committee_key}/dates",
        form={"first": "2027-04-07", "last": "2027-04-07", "date": "2027-04-07|2027-04-07T09:30"},
    ),
    "POST /committees/{key}/meetings": Sent(
        path="/committees/{committee_key}/meetings", form={"day": "2027-04-08", "hour": "13:30"}
    ),
    "POST /committees/{key}/drafts/{draft_id}/dismissal": Sent(
        path="/committees/{committee_key}/drafts/{draft_id}/dismissal"
    ),
    "POST /meetings/{meeting_id}/guests": Sent(form={"person": "{researcher_id}"}),
    **{
        f"POST /program/agreements/{{agreement_id}}/versions/{{n}}/{act}": Sent(
            path=f"/program/agreements/{{agreement_id}}/versions/2/{act}",
            form={"seen": "{version_of_agreement}", **fields},
        )
        for act, fields in (
            ("sending", {}),
            ("taking-back", {}),
            ("signature", {"has_read": "yes"}),
            ("signatures", {"director": "{director_id}", "day": TODAY.isoformat()}),
            ("signatures/taking-back", {"director": "{director_id}", "reason": "Autre jour."}),
            ("start", {"first": _DAY}),
        )
    },
    "POST /program/agreements/{agreement_id}/versions/{n}/files": Sent(
        path="/program/agreements/{agreement_id}/versions/1/files", files=_FILE
    ),
    "POST /program/agreements/{agreement_id}/versions/{n}/ending": Sent(
        path="/program/agreements/{agreement_id}/versions/1/ending",
        form={"seen": "{version_of_first}", "notice": TODAY.isoformat(), "last": _DAY, "shorter": "yes"},
    ),
    "GET /program/agreements/{agreement_id}/versions/{n}/text": Sent(
        path="/program/agreements/{agreement_id}/versions/2/text"
    ),
    "POST /program/agreements/{agreement_id}/versions/{n}/text": Sent(
        path="/program/agreements/{agreement_id}/versions/2/text",
        form={"seen": "{version_of_agreement}", "notice": "60", "role": "director", "people": "1", "hours": ""},
    ),
    "POST /obligations/{period_id}/attestation": Sent(form={"said": "held"}),
    "POST /obligations/{period_id}/documents": Sent(
        which={"period_id": "paper"}, form={"day": TODAY.isoformat()}, files=_FILE
    ),
    "POST /obligations/{period_id}/documents/{document_id}/withdrawal": Sent(
        which={"period_id": "paper"}, form={"reason": "Mauvais fichier."}
    ),
    "POST /obligations/{period_id}/acceptance": Sent(which={"period_id": "paper"}, form={"proof": "{document_id}"}),
    "POST /obligations/{period_id}/return": Sent(
        which={"period_id": "paper"}, form={"proof": "{document_id}", "reason": "La date manque."}
    ),
    "POST /obligations/{period_id}/waiver-proposals": Sent(
        which={"period_id": "paper"}, form={"first": _DAY, "last": _DAY, "reason": "Aucune place."}
    ),
    "POST /obligations/{period_id}/waiver-proposals/{proposal_id}/decision": Sent(which={"period_id": "paper"}),
    "GET /obligations/{period_id}/proofs/{evidence_id}": Sent(which={"period_id": "paper"}),
    "POST /obligations/{period_id}/waivers": Sent(
        form={"first": _DAY, "last": _DAY, "decision": "{decision_id}", "reason": "Aucune place."}
    ),
    # Who may send a workbook is told that this is none; what was sent is found by its sender alone.
    "POST /caseload/imports": Sent(form={}, files={"content": ("notes.xlsx", PDF)}),
    "POST /caseload/imports/{note_import_id}/saving": Sent(form={}),
    "POST /follow-ups/{follow_up_id}/notes/{week}": Sent(
        form={"met": "1", "minutes": "60", "complete": "yes", "seen": "1"}
    ),
    "POST /follow-ups/{follow_up_id}/issue": Sent(form={"words": "Je voudrais en parler.", "version": "1"}),
    "POST /follow-ups/{follow_up_id}/issue/taking-back": Sent(form={"version": "1"}),
    "POST /follow-ups/{follow_up_id}/processes": Sent(form={"week": "{week}", "processes": "focus", "version": "0"}),
    "GET /follow-ups/{follow_up_id}/discussions/{meeting_id}": Sent(which=_SITS),
    "GET /api/v1/follow-ups/{follow_up_id}/discussions/{meeting_id}": Sent(which=_SITS),
    "POST /follow-ups/{follow_up_id}/attempts": Sent(form={"means": "call", "reached": "yes"}),
    "POST /follow-ups/{follow_up_id}/missed-meetings": Sent(
        form={"day": TODAY.isoformat(), "hour": "08:00", "minutes": "15"}
    ),
    "POST /follow-ups/{follow_up_id}/missed-meetings/{no_show_id}/strategy": Sent(form={"strategy": "new_meeting"}),
    "POST /follow-ups/{follow_up_id}/self-reports/{n}": Sent(
        path="/follow-ups/{follow_up_id}/self-reports/1", form={"done_on": _DAY, "risk": "green"}
    ),
    "POST /follow-ups/{follow_up_id}/state": Sent(form={"seen": "{version_of_follow_up}", "move": "resume"}),
    "POST /follow-ups/{follow_up_id}/workers": Sent(form={"seen": "{version_of_follow_up}", "intensity": "intense"}),
    # JSON.
    "GET /api/v1/statements/{period}": Sent(path="/api/v1/statements/2026-Q3"),
    "POST /api/v1/statements/{period}/release": Sent(
        path="/api/v1/statements/2026-Q3/release", json={"digest": "0" * 64}
    ),
    **{
        f"POST /api/v1/agreements/{{agreement_id}}/versions/{{n}}/{act}": Sent(
            path=f"/api/v1/agreements/{{agreement_id}}/versions/{n}/{act}",
            json=body,
            seen='"{version_of_first}"' if act == "ending" else '"{version_of_agreement}"',
        )
        for act, n, body in (
            ("sending", 2, None),
            ("taking-back", 2, None),
            ("signature", 2, {"has_read": True}),
            ("signatures", 2, {"director_id": "{director_id}", "signed_on": TODAY.isoformat()}),
            ("signatures/taking-back", 2, {"director_id": "{director_id}", "reason": "Autre jour."}),
            ("start", 2, {"starts_on": _DAY}),
            ("ending", 1, {"notice_on": TODAY.isoformat(), "ends_on": _DAY, "shorter_agreed": True}),
        )
    },
    "PUT /api/v1/agreements/{agreement_id}/versions/{n}/text": Sent(
        path="/api/v1/agreements/{agreement_id}/versions/2/text",
        json={"notice_days": 60, "roles": [{"role": "director"}], "obligations": {}},
    ),
    "POST /api/v1/agreements/{agreement_id}/versions/{n}/files": Sent(
        path="/api/v1/agreements/{agreement_id}/versions/1/files",
        json={"name": "entente.pdf", "content": _FILE_IN_JSON},
    ),
    "GET /api/v1/agreements/{agreement_id}/versions/{n}": Sent(path="/api/v1/agreements/{agreement_id}/versions/1"),
    "POST /api/v1/restored/{matter_id}/undone": Sent(json={"reason": "Ce n’est plus le cas"}),
    "POST /api/v1/obligations/{period_id}/attestation": Sent(json={"said": "held"}),
    "POST /api/v1/obligations/{period_id}/documents": Sent(
        which={"period_id": "paper"},
        json={"name": "bilan.txt", "content": "c2hvd24=", "effective_on": TODAY.isoformat()},
    ),
    "POST /api/v1/obligations/{period_id}/documents/{document_id}/withdrawal": Sent(
        which={"period_id": "paper"}, json={"reason": "Mauvais fichier."}
    ),
    "POST /api/v1/obligations/{period_id}/acceptance": Sent(
        which={"period_id": "paper"}, json={"proof_id": "{document_id}"}
    ),
    "POST /api/v1/obligations/{period_id}/return": Sent(
        which={"period_id": "paper"}, json={"proof_id": "{document_id}", "reason": "La date manque."}
    ),
    "POST /api/v1/obligations/{period_id}/waiver-proposals": Sent(
        which={"period_id": "paper"}, json={"starts_on": _DAY, "ends_on": _DAY, "reason": "Aucune place."}
    ),
    "POST /api/v1/obligations/{period_id}/waiver-proposals/{proposal_id}/decision": Sent(which={"period_id": "paper"}),
    "POST /api/v1/obligations/{period_id}/waivers": Sent(
        json={"starts_on": _DAY, "ends_on": _DAY, "decision_id": "{decision_id}", "reason": "Aucune place."}
    ),
    "GET /api/v1/partners/{organization_id}/statements/{year}": Sent(
        path="/api/v1/partners/{organization_id}/statements/2026"
    ),
    "POST /api/v1/cases": Sent(
        json={"protocol": "onboarding", "subject_id": "{newcomer_id}", "organization_id": "{organization_id}"}
    ),
    "POST /api/v1/cases/{case_id}/cancellation": Sent(json={"reason": "Ne viendra pas."}),
    "POST /api/v1/cases/{case_id}/reopening": Sent(which={"case_id": "off"}, json={"reason": "Viendra."}),
    "PUT /api/v1/cases/{case_id}/days/{anchor}": Sent(json={"day": "2026-12-08"}),
    "PUT /api/v1/cases/{case_id}/version": Sent(json={"version_id": "{version_id}"}),
    "POST /api/v1/departures": Sent(
        json={"person_id": "{subject_id}", "organization_id": "{organization_id}", "last_day": _DAY}
    ),
    "GET /api/v1/departures/{case_id}": Sent(which=_LEAVING),
    "POST /api/v1/departures/{case_id}/offers": Sent(which=_LEAVING, json={"dry_run": False}),
    "POST /api/v1/hand-overs/{hand_over_id}/acceptance": Sent(which=_OFFERED),
    "POST /api/v1/hand-overs/{hand_over_id}/refusal": Sent(json={"reason": "Trop de suivis."}),
    "POST /api/v1/tasks/{task_id}/settlement": Sent(
        task="equipment", json={"ended_as": "returned", "note": "En ordre."}
    ),
    "POST /api/v1/tasks/{task_id}/missing": Sent(task="equipment", json={"reason": "Introuvable."}),
    "POST /api/v1/cases/{case_id}/interviews": Sent(
        which=_RECRUITING, json={"applicant": 1, "leadership": 80, "clinical": 70, "note": "Solide."}
    ),
    "POST /api/v1/tasks/{task_id}/hiring": Sent(
        task="to_hire", json={"applicant": 1, "person_id": "{person_id}", "role": "youth_worker", "starts_on": _DAY}
    ),
    "GET /api/v1/tasks/{task_id}/summary": Sent(task="to_sum_up"),
    "PUT /api/v1/tasks/{task_id}/summary": Sent(task="to_sum_up", json={"situation": "Elle va bien."}),
    "POST /api/v1/tasks/{task_id}/summary/completion": Sent(
        task="to_sum_up", json={"situation": "Elle va bien.", "steps": "Elle a appelé."}
    ),
    "POST /api/v1/tasks/{task_id}/summary/taking-back": Sent(task="summed_up", json={"reason": "Une erreur."}),
    "GET /api/v1/follow-ups/{follow_up_id}/summaries/{task_id}": Sent(task="summed_up"),
    "POST /api/v1/tasks/{task_id}/completion": Sent(json={"note": "Fait."}),
    "POST /api/v1/tasks/{task_id}/approval": Sent(task="submitted", json={"note": ""}),
    "POST /api/v1/tasks/{task_id}/rejection": Sent(task="submitted", json={"reason": "À revoir."}),
    "POST /api/v1/tasks/{task_id}/undoing": Sent(task="done", json={"reason": "Par erreur."}),
    "POST /api/v1/tasks/{task_id}/waiver": Sent(task="waivable", json={"reason": "Inutile ici."}),
    "POST /api/v1/tasks/{task_id}/handing-back": Sent(json={"reason": "Je ne peux pas."}),
    "POST /api/v1/tasks/{task_id}/returning": Sent(task="handed_back", json={"reason": "La voici de nouveau."}),
    "POST /api/v1/people": Sent(
        json={**_PERSON, "organization_id": "{organization_id}", "role": "second_representative", "starts_on": _DAY}
    ),
    "PUT /api/v1/people/{person_id}": Sent(json=_PERSON),
    "POST /api/v1/people/{person_id}/tenures": Sent(
        json={"role": "second_representative", "organization_id": "{organization_id}", "starts_on": _DAY}
    ),
    "POST /api/v1/tenures/{tenure_id}/ending": Sent(json={"ends_on": _DAY}),
    "POST /api/v1/tenures/{tenure_id}/ending/preview": Sent(json={"ends_on": _DAY}),
    "POST /api/v1/people/{person_id}/absences": Sent(
        json={"starts_on": _DAY, "ends_on": _DAY, "deputy_id": "{deputy_id}"}
    ),
    "GET /api/v1/committees/{key}": Sent(path="/api/v1/committees/{committee_key}"),
    "GET /api/v1/committees/{key}/decisions": Sent(path="/api/v1/committees/{committee_key}/decisions"),
    "GET /api/v1/committees/{key}/decisions/{year}/{language}/{form}": Sent(
        path="/api/v1/committees/{committee_key}/decisions/2026/fr/pdf"
    ),
    "GET /api/v1/meetings/{meeting_id}/agenda/versions": Sent(which=_HELD),
    "GET /api/v1/meetings/{meeting_id}/agenda/versions/{n}/{language}/{form}": Sent(
        which=_HELD, path="/api/v1/meetings/{meeting_id}/agenda/versions/1/fr/pdf"
    ),
    "GET /api/v1/meetings/{meeting_id}/minutes/files/{language}/{form}": Sent(
        which=_HELD, path="/api/v1/meetings/{meeting_id}/minutes/files/fr/pdf"
    ),
    "GET /api/v1/committees/{key}/proposals": Sent(
        path="/api/v1/committees/{committee_key}/proposals", query="?first=2027-04-07&last=2027-04-28"
    ),
    "POST /api/v1/committees/{key}/seasons": Sent(
        path="/api/v1/committees/{committee_key}/seasons",
        json={"first": "2027-04-07", "last": "2027-04-14", "hour": "09:30"},
    ),
    "POST /api/v1/committees/{key}/meetings": Sent(
        path="/api/v1/committees/{committee_key}/meetings", json={"starts": ["2027-04-08T13:30"]}
    ),
    "POST /api/v1/committees/{key}/agenda-items": Sent(
        path="/api/v1/committees/{committee_key}/agenda-items", json={"title_fr": "Un point"}
    ),
    "PUT /api/v1/meetings/{meeting_id}/time": Sent(json={"starts": "2027-01-14T09:30"}),
    "POST /api/v1/meetings/{meeting_id}/cancellation": Sent(json={"reason": "Tempête."}),
    "PUT /api/v1/meetings/{meeting_id}/place": Sent(json={"place": "Salle 4"}),
    "PUT /api/v1/meetings/{meeting_id}/hour": Sent(json={"hour": "10:00"}),
    "POST /api/v1/meetings/{meeting_id}/guests": Sent(json={"person_id": "{researcher_id}"}),
    "POST /api/v1/committees/{key}/seats/{seat_id}/holders": Sent(
        path="/api/v1/committees/{committee_key}/seats/{seat_id}/holders",
        json={"person_id": "{seated_id}", "kind": "principal", "starts_on": _DAY},
    ),
    "POST /api/v1/committees/{key}/seats/{seat_id}/ending": Sent(
        path="/api/v1/committees/{committee_key}/seats/{seat_id}/ending",
        json={"person_id": "{seated_id}", "last_day": _DAY},
    ),
    "POST /api/v1/strays/{stray_id}/answer": Sent(
        json={"person_id": "{seated_id}", "answer": "declined", "meeting_id": "{meeting_id}"}
    ),
    "PUT /api/v1/meetings/{meeting_id}/answer": Sent(json={"answer": "accepted"}),
    "POST /api/v1/meetings/{meeting_id}/opening": Sent(which=_UNOPENED),
    "POST /api/v1/meetings/{meeting_id}/putting-back": Sent(which={"meeting_id": "begun"}),
    "POST /api/v1/meetings/{meeting_id}/closing": Sent(which=_SITS, json={"carry_rest": True}),
    "PUT /api/v1/meetings/{meeting_id}/attendance": Sent(
        which=_SITS, json={"seat_id": "{sitting_seat_id}", "state": "absent"}, seen='"1"'
    ),
    "POST /api/v1/meetings/{meeting_id}/attendance/rest": Sent(which=_SITS),
    "PUT /api/v1/meetings/{meeting_id}/outcomes/{item_id}": Sent(
        which={**_SITS, "item_id": "sits"}, json={"outcome": "treated"}
    ),
    "PUT /api/v1/meetings/{meeting_id}/current/{item_id}": Sent(which={**_SITS, "item_id": "sits"}),
    "PUT /api/v1/meetings/{meeting_id}/cases/{follow_up_id}": Sent(which=_SITS, json={"outcome": "goes_on"}),
    "POST /api/v1/meetings/{meeting_id}/additions": Sent(
        which=_SITS, json={"title_fr": "Un point", "reason": "Cette nuit."}
    ),
    "PUT /api/v1/meetings/{meeting_id}/agenda/items/{item_id}": Sent(json={"title_fr": "Un autre"}),
    "PUT /api/v1/meetings/{meeting_id}/agenda/items/{item_id}/place": Sent(json={"place": 1}),
    "POST /api/v1/meetings/{meeting_id}/agenda/items/{item_id}/restoring": Sent(which={"item_id": "off"}),
    "POST /api/v1/meetings/{meeting_id}/agenda/items/{item_id}/scheduling": Sent(which={"item_id": "waiting"}),
    "POST /api/v1/meetings/{meeting_id}/agenda/items/{item_id}/withdrawal": Sent(which={"item_id": "waiting"}),
    "POST /api/v1/meetings/{meeting_id}/agenda/items/{item_id}/late": Sent(
        which={"meeting_id": "frozen", "item_id": "waiting"}, json={"reason": "Cette nuit."}
    ),
    "POST /api/v1/meetings/{meeting_id}/agenda/items/{item_id}/late-refusal": Sent(
        which={"meeting_id": "frozen", "item_id": "late"}
    ),
    "GET /api/v1/meetings/{meeting_id}/minutes": Sent(which=_HELD),
    "PUT /api/v1/meetings/{meeting_id}/minutes/notes/{number}": Sent(
        which=_HELD, path="/api/v1/meetings/{meeting_id}/minutes/notes/1", json={"said_fr": "Entendu."}
    ),
    "POST /api/v1/meetings/{meeting_id}/minutes/refreshing": Sent(which=_HELD),
    "POST /api/v1/meetings/{meeting_id}/minutes/circulation": Sent(which=_HELD),
    "POST /api/v1/meetings/{meeting_id}/minutes/amendment": Sent(which=_TOLD),
    "POST /api/v1/meetings/{meeting_id}/minutes/approval": Sent(which=_TOLD, json={"meeting_id": "{meeting_id:sits}"}),
    "POST /api/v1/decisions/{decision_id}/wanted-endorsement": Sent(
        which={"decision_id": "other"}, json={"organization_id": "{organization_id}", "reason": "De la gestion."}
    ),
    "POST /api/v1/decisions/{decision_id}/translation": Sent(json={"language": "en", "text": "It goes on."}),
    "POST /api/v1/decisions/{decision_id}/settlement": Sent(
        json={"meeting_id": "{meeting_id:sits}", "settled_as": "kept", "text_fr": "On la garde."}
    ),
    "GET /api/v1/committees/{key}/drafts": Sent(path="/api/v1/committees/{committee_key}/drafts"),
    "POST /api/v1/committees/{key}/drafts/{draft_id}/dismissal": Sent(
        path="/api/v1/committees/{committee_key}/drafts/{draft_id}/dismissal"
    ),
    "POST /api/v1/meetings/{meeting_id}/decisions": Sent(which=_SITS, json={"text_fr": "On continue."}),
    "PUT /api/v1/endorsements": Sent(
        json={"decision_id": "{decision_id}", "organization_id": "{organization_id}", "said": "endorsed"}
    ),
    "POST /api/v1/caseload/imports": Sent(json={"content": "bm9uZQ=="}),
    "POST /api/v1/caseload/imports/{note_import_id}/saving": Sent(json={}),
    "PUT /api/v1/follow-ups/{follow_up_id}/notes/{week}": Sent(json={"met": 1, "minutes": 60, "seen": 1}),
    "PUT /api/v1/follow-ups/{follow_up_id}/issue": Sent(json={"words": "Je voudrais en parler.", "version": 1}),
    "POST /api/v1/follow-ups/{follow_up_id}/issue/taking-back": Sent(json={"version": 1}),
    "PUT /api/v1/follow-ups/{follow_up_id}/processes": Sent(
        json={"week": "{week}", "processes": ["focus"], "version": None}
    ),
    "POST /api/v1/follow-ups/{follow_up_id}/attempts": Sent(json={"means": "call", "reached": True}),
    "POST /api/v1/follow-ups/{follow_up_id}/missed-meetings": Sent(
        json={"expected_at": "2026-11-23T08:00:00-05:00", "waited_minutes": 15}
    ),
    "PUT /api/v1/follow-ups/{follow_up_id}/missed-meetings/{no_show_id}": Sent(json={"strategy": "new_meeting"}),
    "PUT /api/v1/follow-ups/{follow_up_id}/self-reports/{n}": Sent(
        path="/api/v1/follow-ups/{follow_up_id}/self-reports/1", json={"done_on": _DAY, "risk": "green"}
    ),
    "PUT /api/v1/follow-ups/{follow_up_id}/state": Sent(json={"move": "resume"}),
    "PUT /api/v1/follow-ups/{follow_up_id}/workers": Sent(
        json={"person_id": "{newcomer_id}", "instead_of": "{person_id}"}
    ),
    "POST /api/v1/referrals": Sent(json={"given_name": "Viorne"}),
    "PUT /api/v1/referrals/{referral_id}": Sent(json={"given_name": "Viorne"}),
    "POST /api/v1/referrals/{referral_id}/sending": Sent(json=_REFERRAL),
    "PUT /api/v1/participants/{participant_id}/identity": Sent(json={"phone": "514-555-0144"}),
    "POST /api/v1/participants/{participant_id}/facts": Sent(json={"purpose": "urgent_help"}),
    "POST /api/v1/participants/{participant_id}/identity": Sent(json={"purpose": "urgent_help"}),
    "POST /api/v1/participants/{participant_id}/duplicates": Sent(which=_WAITING),
    "POST /api/v1/participants/{participant_id}/joining": Sent(
        which=_WAITING, json={"referral_id": "{referral_id:waiting}", "to": "{participant_id}", "reason": "La même"}
    ),
    "PUT /api/v1/participants/{participant_id}/findings": Sent(
        which=_WAITING,
        json={"referral_id": "{referral_id:waiting}", "findings": {"AD-C0": {"finding": "met", "fact": "Dit."}}},
    ),
    "POST /api/v1/participants/{participant_id}/triage": Sent(
        which=_WAITING,
        json={"referral_id": "{referral_id:waiting}", "result": "refused", "reason": "Non", "offered": "Autre"},
    ),
    "POST /api/v1/participants/{participant_id}/triage/taking-back": Sent(
        which=_TRIAGED, json={"referral_id": "{referral_id:triaged}"}
    ),
    "PUT /api/v1/participants/{participant_id}/hold": Sent(json={"reason": "Un juge"}),
    "POST /api/v1/participants/{participant_id}/hold/release": Sent(
        which={"participant_id": "held"}, json={"reason": "Un juge"}
    ),
    "POST /api/v1/participants/{participant_id}/destruction": Sent(which=_REFUSED, json={"ground": "calendar"}),
    "GET /api/v1/participants/{participant_id}/destruction-request": Sent(which=_ASKED),
    "POST /api/v1/participants/{participant_id}/destruction/withdrawal": Sent(which=_ASKED),
    "POST /api/v1/participants/{participant_id}/destruction/confirmation": Sent(
        which=_ASKED, json={"seen": "{destruction_id:asked}"}
    ),
    "POST /api/v1/participants/{participant_id}/destruction/refusal": Sent(
        which=_ASKED, json={"seen": "{destruction_id:asked}", "reason": "On en a besoin"}
    ),
    "GET /api/v1/participants/{participant_id}/destruction": Sent(which={"participant_id": "destroyed"}),
    "POST /api/v1/participants/{participant_id}/decision": Sent(
        which=_WAITING, json={"item_id": _NOBODY, "outcome": "defer", "reason": "Plus tard."}
    ),
    "PUT /api/v1/participants/{participant_id}/worker": Sent(which=_GIVEN, json={"worker_id": "{newcomer_id}"}),
    "POST /api/v1/participants/{participant_id}/meetings": Sent(
        which=_GIVEN, json={"met_on": TODAY.isoformat(), "way": "remote", "outcome": "thinks"}
    ),
    "POST /api/v1/participants/{participant_id}/consents": Sent(json=_CONSENT),
    "POST /api/v1/participants/{participant_id}/consents/narrowing": Sent(json={"kept": [], "no_research": True}),
    "POST /api/v1/participants/{participant_id}/consent-forms/{form_id}/storing": Sent(
        json={"copy_given_on": TODAY.isoformat()}
    ),
    "POST /api/v1/participants/{participant_id}/consent-forms/{form_id}/copy": Sent(
        json={"copy_given_on": TODAY.isoformat()}
    ),
    "POST /api/v1/participants/{participant_id}/risks": Sent(json={"level": "green"}),
    "POST /api/v1/participants/{participant_id}/barred": Sent(json={"person_id": "{deputy_id}"}),
    "DELETE /api/v1/participants/{participant_id}/barred/{person_id}": Sent(
        path="/api/v1/participants/{participant_id}/barred/{barred_id}"
    ),
    "POST /api/v1/participants/{participant_id}/disclosures": Sent(json={**_DISCLOSED, "only_necessary": True}),
    "PUT /api/v1/participants/{participant_id}/retention": Sent(which=_REFUSED, json=_KEPT_LONGER),
    "POST /api/v1/research-consents/{participant_id}/withdrawal": Sent(which=_RESEARCHED),
    "POST /api/v1/research-consents/{participant_id}/keeping": Sent(which=_RESEARCHED),
    "POST /api/v1/staff-research-consents/{person_id}/withdrawal": Sent(which={"person_id": "consented"}),
    "POST /api/v1/staff-research-consents": Sent(json={"person_id": "{person_id}", "signed_on": TODAY.isoformat()}),
    "POST /api/v1/studies": Sent(
        json=_STUDY | {"first_month": "2026-09-01", "last_month": "2027-12-01", "fields": ["age"]}
    ),
    "PUT /api/v1/studies/{study_id}/ethics": Sent(json=_ETHICS),
    "POST /api/v1/studies/{study_id}/recipients": Sent(json={"person_id": "{researcher_id}"}),
    "DELETE /api/v1/studies/{study_id}/recipients/{person_id}": Sent(which={"person_id": "receives"}),
    "GET /api/v1/study-exports/{export_id}/{language}/{file}": Sent(
        path="/api/v1/study-exports/{export_id}/fr/data.csv"
    ),
    "GET /api/v1/measures/{quarter}": Sent(path="/api/v1/measures/2026-Q3"),
    "POST /api/v1/research-consents": Sent(json={"number": "#2026-10", "signed_on": TODAY.isoformat()}),
    "POST /api/v1/equipment": Sent(json={"kind": "phone", "serial": "M-1"}),
    "PUT /api/v1/equipment/{equipment_id}": Sent(json={"serial": "M-2"}),
    "POST /api/v1/equipment/{equipment_id}/moves": Sent(json={"move": "take_out_of_use", "words": "Brisé."}),
    "POST /api/v1/equipment/{equipment_id}/loan": Sent(json={"person_id": "{person_id}"}),
    "POST /api/v1/follow-ups/{follow_up_id}/taking-up": Sent(which=_ENDED),
    "POST /api/v1/activities": Sent(
        json={**_WHERE, "minutes": 60, "kind": "meal", "follow_up_ids": ["{follow_up_id}"]}
    ),
    "PUT /api/v1/activities/{activity_id}": Sent(json={**_WHERE, "minutes": 60}),
    "POST /api/v1/privacy/incidents": Sent(json={**_INCIDENT, "organization_id": "{organization_id}"}),
    "PUT /api/v1/privacy/incidents/{incident_id}": Sent(json={**_INCIDENT, "organization_id": "{organization_id}"}),
    "PUT /api/v1/privacy/incidents/{incident_id}/assessment": Sent(json={**_ASSESSED, "serious_risk": False}),
    "POST /api/v1/privacy/incidents/{incident_id}/closing": Sent(which={"incident_id": "assessed"}),
    "POST /api/v1/privacy/incidents/{incident_id}/reopening": Sent(which={"incident_id": "closed"}),
    "PUT /api/v1/privacy/incidents/{incident_id}/telling": Sent(json={"commission_told_on": TODAY.isoformat()}),
}
"""For each route that takes a body, one that it takes."""
