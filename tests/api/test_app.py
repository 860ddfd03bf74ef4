"""Several applications in one process: they share their routes, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from api.access.session import LONGEST
from tests.api.application import ADDRESS, app_on, token_for
from tests.cast import AT, Cast


def test_each_application_of_a_process_keeps_to_its_own_office(cast: Cast) -> None:
    """Asked in turn: the clock of one, on which the sign-in has ended, is not the other's."""
    now, much_later = (app_on(cast.database, at=at) for at in (AT, AT + LONGEST + timedelta(minutes=1)))
    cookie = {"Cookie": f"spheres={token_for(cast.database, cast.people['coordinator'])}"}
    clients = [TestClient(app, base_url=ADDRESS, follow_redirects=False) for app in (now, much_later)]
    for _ in range(2):
        assert [client.get("/", headers=cookie).status_code for client in clients] == [200, 303]


@pytest.mark.ci
def test_the_demonstrations_pages_are_on_no_other_application(cast: Cast) -> None:
    """Whichever of the two was made first."""
    for is_demonstration, status in ((True, 200), (False, 404), (True, 200)):
        app = app_on(cast.database, demonstration=is_demonstration)
        assert TestClient(app, base_url=ADDRESS).get("/style-guide").status_code == status


def test_a_route_that_is_put_on_one_application_is_on_no_other(cast: Cast) -> None:
    def nothing() -> dict[str, str]:
        return {}

    one, other = app_on(cast.database), app_on(cast.database)
    one.add_api_route("/of-one-alone", nothing)
    assert [TestClient(app, base_url=ADDRESS).get("/of-one-alone").status_code for app in (one, other)] == [200, 404]
