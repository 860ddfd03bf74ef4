"""How the tests have consent forms signed: on paper, with a scan that shows a signature; or drawn."""

from __future__ import annotations

import io
from base64 import b64encode
from dataclasses import replace
from datetime import date, datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

from fastapi.testclient import TestClient
from PIL import Image, ImageDraw
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, NameObject
from sqlmodel import Session

from domain.accompaniment import consent_forms, consents
from domain.accompaniment.consent_forms import GivenSignature, PartnerTick, SignedForm
from domain.kernel import Actor, first, local_day, of
from models.consent import Consent
from tests.api.pages.looking import fields_of


@cache
def drawing() -> bytes:
    """A signature as a screen draws it: some strokes of ink on nothing."""
    picture = Image.new("RGBA", (600, 200), (0, 0, 0, 0))
    ImageDraw.Draw(picture).line([(40, 150), (120, 40), (200, 150), (320, 60), (520, 120)], fill="black", width=5)
    return _as_png(picture)


@cache
def nothing_drawn() -> bytes:
    """The same screen with nothing on it."""
    return _as_png(Image.new("RGBA", (600, 200), (0, 0, 0, 0)))


@cache
def a_touch() -> bytes:
    """The same screen with one touch on it."""
    picture = Image.new("RGBA", (600, 200), (0, 0, 0, 0))
    ImageDraw.Draw(picture).ellipse([(100, 100), (110, 110)], fill="black")
    return _as_png(picture)


def _as_png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return file.getvalue()


def scanned_words(words: str) -> bytes:
    """A paper as a scanner that reads gives it: a page on which these words stand, in letters without accents."""
    writer, stream = PdfWriter(), DecodedStreamObject()
    stream.set_data(f"BT ({words}) Tj ET 0 0 m 90 90 l S".encode())
    writer.add_blank_page(200, 200)[NameObject("/Contents")] = writer._add_object(stream)
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


DRAWN: Final = GivenSignature("drawn", drawing())
SCAN: Final = GivenSignature("paper", drawing(), "scan.png")


def sign(
    session: Session,
    participant_id: UUID,
    purpose: str,
    signed: SignedForm,
    *,
    organization_id: UUID | None = None,
    by: Actor,
    at: datetime,
    signature: GivenSignature = SCAN,
) -> UUID:
    """Have a form signed anew that says this, besides all that stands; the id of the consent that was asked for."""
    standing = consents.standing_of(session, participant_id, local_day(session, at))
    ticks = [
        PartnerTick(row.organization_id, row.purpose, row.ends_on)
        for row in standing
        if signed.text_version > 1
        and row.organization_id is not None
        and (row.purpose, row.organization_id) != (purpose, organization_id)
    ]
    ends: date | None = signed.ends_on
    if organization_id is not None:
        ticks.append(PartnerTick(organization_id, purpose, signed.ends_on))
        ends = next((row.ends_on for row in standing if row.purpose == "program"), None)
    form = replace(signed, ends_on=ends, partners=tuple(ticks), signed_after=True)
    made = consent_forms.sign_form(session, participant_id, form, signature, by=by, at=at)
    return made[0] if organization_id is None else made[-1]


#: The picture of a signature as JSON brings it, and as a canvas gives it.
IN_JSON: Final = b64encode(drawing()).decode("ascii")
ON_CANVAS: Final = f"data:image/png;base64,{IN_JSON}"


def on_page(
    client: TestClient,
    participant_id: object,
    *ticked: str,
    drawn: str = "",
    scan: tuple[str, bytes] | None = None,
    **more: str,
) -> Any:
    """Send the page's form, as it is shown and filled in: `ticked` are partners, "purpose:organization"."""
    here = f"/participants/{participant_id}/consents"
    shown = {name: values[-1] for name, values in fields_of(client.get(f"{here}/form").text, here).items()}
    today = shown["signed_on"]
    lines = {"line": list(ticked), "until": [more.pop("until", "")] * len(ticked), "ticked": list(ticked)}
    said = {"text": shown["text"], "seen": shown["seen"], "once": shown["once"], "text_version": "3"}
    days = dict.fromkeys(("explained_on", "signed_on", "worker_signed_on"), today)
    form = {**said, **days, "limits": "yes", "program": "yes", "signed_by": "self", "drawn": drawn, **lines, **more}
    if not drawn and scan is None:
        scan = ("scan.png", drawing())
    return client.post(here, data=form, files={"scan": scan} if scan else None, follow_redirects=False)


def standing(session: Session, participant_id: UUID, purpose: str, organization_id: UUID | None = None) -> UUID:
    """The consent to a purpose that stands."""
    found = consents.standing_of(session, participant_id, date.min)
    return next(row.id for row in found if (row.purpose, row.organization_id) == (purpose, organization_id))


def store(session: Session, consent_id: UUID, *, copy_given_on: date | None = None, by: Actor, at: datetime) -> None:
    """Have the coordinator store the form of a consent."""
    row = first(session, of(Consent).where(Consent.id == consent_id))
    assert row is not None
    consent_forms.store_form(session, row.participant_id, row.form_id, copy_given_on=copy_given_on, by=by, at=at)
