"""Finding an agreement and its versions, and what an asker is to them."""

from __future__ import annotations

from uuid import UUID

from sqlmodel.sql.expression import SelectOfScalar

from api.access.partners import to_partner
from api.access.permissions import Action, Asker, Forbidden, Given, Relation, acting_as, require, to_program
from api.access.session import RequestContext
from domain.agreements import VersionFile, content_of, file_of, organization_of_file
from domain.kernel import SHAPE, Refusal, also, col, every, first, joins, of
from domain.record import reads
from domain.roles import Holder
from locales import N_
from models.agreement import Agreement, AgreementVersion
from models.program import Organization


class WithOrganization(Agreement):
    """An agreement with its organization."""

    model_config = SHAPE

    short_name: str = also(Organization.short_name)
    organization_fr: str = also(Organization.name_fr)
    organization_en: str = also(Organization.name_en)


def agreements_of(context: RequestContext) -> list[WithOrganization]:
    """Every agreement of the program with its organization, by name."""
    return every(context.session, _rows().order_by(col(Organization.short_name)))


def find_agreement(context: RequestContext, agreement_id: UUID) -> tuple[WithOrganization, Given]:
    """An agreement with its organization, and what the asker is to it. Raises Forbidden, also where there is none."""
    found = first(context.session, _rows().where(Agreement.id == agreement_id))
    require(Action.SEE_PROGRAM, to_program(context.asker))
    if found is None:
        raise Forbidden
    return found, _to_its_partner(context.asker, found.organization_id)


def _to_its_partner(asker: Asker, organization_id: UUID) -> Given:
    """What the asker is to a partner. A director who is marked absent and signs in is there, and acts for themselves.

    A signature is a director's own, and is not given by their deputy.
    """
    given = to_partner(asker, organization_id)
    held = {(one.role, one.organization_id) for one in asker.standing.roles_of(asker.person_id)}
    if ("director", organization_id) in held:
        themselves = Holder(asker.person_id, "director", organization_id)
        given[Relation.DIRECTOR_HERE] = acting_as(asker, themselves)
    return given


def versions_of(context: RequestContext, agreement_id: UUID) -> list[AgreementVersion]:
    """The versions of an agreement, the last one first."""
    return every(
        context.session,
        of(AgreementVersion)
        .where(AgreementVersion.agreement_id == agreement_id)
        .order_by(col(AgreementVersion.n).desc()),
    )


def find_version(context: RequestContext, agreement_id: UUID, n: int) -> tuple[AgreementVersion, Given]:
    """One version of an agreement by its number, and what the asker is to it. Raises Forbidden."""
    _, given = find_agreement(context, agreement_id)
    found = next((row for row in versions_of(context, agreement_id) if row.n == n), None)
    if found is None:
        raise Forbidden
    return found, given


def find_file(context: RequestContext, file_id: UUID) -> tuple[VersionFile, Given]:
    """A signed file without its bytes, and what the asker is to its partner. Raises Forbidden."""
    # First whose it is, by one question: a file that is not theirs is to look like one that is not there.
    organization_id = organization_of_file(context.session, file_id)
    if organization_id is None:
        raise Forbidden
    given = _to_its_partner(context.asker, organization_id)
    require(Action.READ_SIGNED_FILE, given)
    return file_of(context.session, file_id), given


def signed_file(context: RequestContext, file_id: UUID) -> tuple[VersionFile, bytes]:
    """A signed file as it was added, given to the asker and told to the record.

    One whose digest is no longer that of the record is not given out: what was signed is what the record says. Raises
    Forbidden and Refusal.
    """
    kept, given = find_file(context, file_id)
    by = require(Action.READ_SIGNED_FILE, given)
    reads.record_read(context.session, "signed_file", file_id, what="document", ground="role", by=by, at=context.at)
    if not kept.is_as_added:
        raise Refusal(
            "signed_file.altered",
            N_("This file is not the one that was added: its fingerprint differs. Ask the administrator."),
        )
    return content_of(context.session, file_id)


def _rows() -> SelectOfScalar[WithOrganization]:
    return of(WithOrganization).join(Organization, joins(Agreement.organization_id, Organization))
