"""The last step of a recruiting: who is hired, in which role and for which day; their onboarding opens at once."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Form, Query, Request, Response
from fastapi.responses import HTMLResponse

from api.access.cases import to_task
from api.access.permissions import Action, Forbidden, asks, require
from api.access.session import InContext, RequestContext
from api.access.tasks import find_task
from api.pages.choices import names_to_choose, roles_to_give
from api.pages.forms import Detailed, Text, Typed
from api.pages.frame import framed_pages, page, see_other
from api.web.readers import day_of, id_or_none, number_of, role_and_organization
from domain.departure import Hired, hiring, interviews, welcoming
from domain.kernel import Actor, Refusal, title_of
from locales import N_, say
from models.casework import Case, Task

router = framed_pages()

Seen = Annotated[int, Form()]


@router.get("/tasks/{task_id}/hiring", name="hiring")
@asks(Action.HIRE)
def show_hiring(
    context: InContext, request: Request, task_id: UUID, q: Annotated[str, Query(max_length=200)] = ""
) -> HTMLResponse:
    """The form that names who is hired: a person of the program, or a new one. Who had left is found by name."""
    return _page(context, request, task_id, Typed(), q=q)


@router.post("/tasks/{task_id}/hiring")
@asks(Action.HIRE)
def hire(
    context: InContext,
    request: Request,
    task_id: UUID,
    details: Detailed,
    seen: Seen,
    form: Annotated[Literal["known", "new"], Form()],
    applicant: Text = "",
    person: Text = "",
    place: Text = "",
    starts_on: Text = "",
) -> Response:
    """Name who is hired: they are appointed, and what welcomes them opens in the same act."""
    _, case, by = _found(context, task_id)
    hired: list[Hired] = []

    def act() -> None:
        role, organization_id = role_and_organization(place)
        if organization_id != case.organization_id:
            raise Refusal("role.missing", N_("Choose the role."))
        person_id = id_or_none(person) if form == "known" else None
        if form == "known" and person_id is None:
            raise Refusal("person.missing", N_("Choose a person, or enter a new one: one of the two."))
        hired.append(
            hiring.hire(
                context.session,
                task_id,
                applicant=number_of(applicant),
                role=role,
                starts_on=day_of(starts_on),
                person_id=person_id,
                new=details.meant if form == "new" else None,
                by=by,
                at=context.at,
                seen=seen,
            )
        )

    refusal = context.attempt(act)
    if refusal is not None:
        typed = {**details.fields, "applicant": applicant, "person": person, "place": place, "starts_on": starts_on}
        return _page(context, request, task_id, Typed(form, refusal, typed))
    welcome_id = hired[0].welcome_id
    return see_other(f"/cases/{welcome_id}" if welcome_id else f"/people/{hired[0].person_id}")


def _found(context: RequestContext, task_id: UUID) -> tuple[Task, Case, Actor]:
    task, case = find_task(context.session, context.asker, task_id)
    by = require(Action.HIRE, to_task(context.session, context.asker, task, case))
    if case is None or task.step != hiring.NAMES_THEM:
        raise Forbidden
    return task, case, by


def _page(context: RequestContext, request: Request, task_id: UUID, typed: Typed, *, q: str = "") -> HTMLResponse:
    task, case, _ = _found(context, task_id)
    roles = [one for one in roles_to_give(context) if one[0].endswith(f":{case.organization_id}")]
    return page(
        context,
        request,
        "hiring.html",
        typed=typed,
        task=task,
        title=title_of(task, context.language),
        passed=[
            (str(number), say(context.language, _APPLICANT, number=number))
            for number in interviews.passing(context.session, case.id)
        ],
        roles=roles,
        likely=next((value for value, _ in roles if value.partition(":")[0] in welcoming.WELCOMED), ""),
        q=q,
        people=[
            (str(person), name)
            for person, name in names_to_choose(context, _chosen(typed), named=q)
            if person != context.asker.person_id
        ],
    )


def _chosen(typed: Typed) -> UUID | None:
    """Who was chosen in a form that was refused: they stay among the choices."""
    try:
        return id_or_none(typed.get("known", "person"))
    except Refusal:
        return None


_APPLICANT = N_("Applicant %(number)s")
