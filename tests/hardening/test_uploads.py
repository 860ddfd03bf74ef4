"""Documents as they come from cameras and from those who mean harm: real bytes, made by Pillow and zipfile."""

from __future__ import annotations

import io
import zipfile
from hashlib import sha256

import pytest
from PIL import Image, PngImagePlugin
from sqlalchemy import select

from duties import tasks
from duties.images import Broken, bare
from duties.proofs import Proof, judged_type
from duties.refusals import Refusal
from models.base import table_of
from models.casework import Evidence, EvidenceFile
from tests.casework import complete, open_onboarding, step
from tests.cast import AT, Cast

_PLACE = "45.5017 N, 73.5673 W"


def photograph(kind: str, **how: object) -> bytes:
    """A picture with a place, an owner and a comment beside it."""
    picture = Image.effect_noise((64, 48), 60).convert("RGB")
    about = Image.Exif()
    about[0x013B] = _PLACE
    about[0x8825] = {1: "N", 3: "W"}
    file = io.BytesIO()
    if kind == "PNG":
        texts = PngImagePlugin.PngInfo()
        texts.add_text("Comment", _PLACE)
        picture.save(file, "PNG", exif=about, pnginfo=texts)
    else:
        picture.save(file, "JPEG", exif=about, comment=_PLACE.encode(), **how)
    return file.getvalue()


@pytest.mark.parametrize("given", [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {})])
def test_a_photograph_loses_its_place_and_nothing_of_its_picture(given: tuple[str, dict[str, object]]) -> None:
    before = photograph(given[0], **given[1])
    assert _PLACE.encode() in before
    after = bare(before)
    assert _PLACE.encode() not in after
    first, second = Image.open(io.BytesIO(before)), Image.open(io.BytesIO(after))
    assert dict(second.getexif()) == {}
    assert first.tobytes() == second.tobytes()
    assert bare(after) == after


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_what_follows_a_picture_is_left_behind(kind: str) -> None:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("page.html", "<script>")
    whole = photograph(kind)
    assert bare(whole + package.getvalue()) == bare(whole)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_picture_that_is_cut_off_is_refused_wherever_it_is_cut(kind: str) -> None:
    whole = bare(photograph(kind))
    signature = 8 if kind == "PNG" else 3
    for length in range(signature, len(whole) - 1, 7):
        with pytest.raises(Broken):
            bare(whole[:length])


def test_a_package_that_unpacks_to_far_more_than_its_own_size_is_refused() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"\0" * (210 << 20))
    assert len(file.getvalue()) < 1 << 20
    with pytest.raises(Refusal, match=r"document\.not_what_it_says|not what the ending"):
        judged_type("a.docx", file.getvalue())


def test_what_is_kept_of_a_photograph_given_as_proof_is_the_bare_picture(cast: Cast) -> None:
    case_id = open_onboarding(cast, "worker_codim", "codim")
    complete(cast, case_id, "request_secure_access")
    whole = photograph("JPEG")
    with cast.session() as session:
        task = step(session, case_id, "welcome_in_organization")
        proof = Proof("document", "accueil.jpg", whole)
        tasks.complete_task(session, task["id"], by=cast.actor("manager_codim"), at=AT, note="", evidence=[proof])
        kept = bytes(session.execute(select(table_of(EvidenceFile).c.content)).scalar_one())
        row = session.execute(select(table_of(Evidence))).one()
    assert kept == bare(whole)
    assert (row.size, row.sha256) == (len(kept), sha256(kept).hexdigest())
