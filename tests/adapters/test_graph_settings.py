"""How mail leaves, as it is set: by a relay or by a mailbox of Microsoft Graph, never by both, and over TLS alone."""

import ssl
from pathlib import Path

import pytest
import trustme

from adapters.environment import SettingsError
from adapters.settings import Settings
from tests.adapters.test_settings import ONE, OTHER, RELAY, pair


@pytest.fixture
def registration(tmp_path: Path) -> dict[str, str]:
    """A registration with a secret."""
    secret = tmp_path / "secret"
    secret.write_text("s3cr3t\n", encoding="utf-8")
    return {
        "SPHERES_MAIL": "graph",
        "GRAPH_CLIENT_ID": OTHER.upper(),
        "GRAPH_TENANT": ONE.upper(),
        "GRAPH_MAILBOX": "Coordination@agency.example",
        "GRAPH_CLIENT_SECRET_FILE": str(secret),
    }


def test_letters_come_from_the_mailbox_and_its_secret_is_read_each_time(registration: dict[str, str]) -> None:
    settings = Settings.from_env(registration)
    graph = settings.graph
    assert graph is not None
    assert (settings.smtp, settings.sender) == (None, "Coordination@agency.example")
    assert (graph.client_id, graph.tenant) == (OTHER, ONE)
    assert (graph.authority, graph.url) == ("https://login.microsoftonline.com", "https://graph.microsoft.com")
    assert graph.credential() == "s3cr3t"
    Path(registration["GRAPH_CLIENT_SECRET_FILE"]).write_text("n3w", encoding="utf-8")
    assert graph.credential() == "n3w"
    assert graph.trusted() is None
    assert "n3w" not in repr(settings)


def test_another_cloud_and_a_certificate_are_told_by_their_variables(
    registration: dict[str, str], tmp_path: Path
) -> None:
    del registration["GRAPH_CLIENT_SECRET_FILE"]
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    given = {
        "GRAPH_CERTIFICATE_FILE": pair(tmp_path, "ours"),
        "GRAPH_AUTHORITY": "https://login.cloud.example/",
        "GRAPH_URL": "https://graph.cloud.example:8443/",
        "GRAPH_CA_FILE": str(tmp_path / "ca.pem"),
    }
    graph = Settings.from_env(registration | given).graph
    assert graph is not None
    assert isinstance(graph.credential(), dict)
    assert isinstance(graph.trusted(), ssl.SSLContext)
    assert (graph.authority, graph.url) == ("https://login.cloud.example", "https://graph.cloud.example:8443")


def test_a_relay_may_be_named_as_what_it_is() -> None:
    settings = Settings.from_env(RELAY | {"SPHERES_MAIL": "SMTP"})
    assert settings.smtp is not None
    assert settings.graph is None
    assert settings.sender == "spheres@example.org"


@pytest.mark.parametrize(
    ("given", "without", "variable"),
    [
        ({"SPHERES_MAIL": "pigeon"}, "", "SPHERES_MAIL"),
        ({"SPHERES_MAIL": "smtp"}, "", "GRAPH_CLIENT_ID"),
        ({}, "SPHERES_MAIL", "GRAPH_CLIENT_ID"),
        (RELAY, "", "SMTP_HOST"),
        ({"SMTP_FROM": "spheres@example.org"}, "", "SMTP_FROM"),
        ({}, "GRAPH_CLIENT_ID", "GRAPH_CLIENT_ID"),
        ({"GRAPH_CLIENT_ID": "s3cr3t"}, "", "GRAPH_CLIENT_ID"),
        ({}, "GRAPH_TENANT", "GRAPH_TENANT"),
        ({"GRAPH_TENANT": "organizations"}, "", "GRAPH_TENANT"),
        ({"GRAPH_TENANT": "agency.example"}, "", "GRAPH_TENANT"),
        ({}, "GRAPH_MAILBOX", "GRAPH_MAILBOX"),
        ({"GRAPH_MAILBOX": "Coordination <coordination@agency.example>"}, "", "GRAPH_MAILBOX"),
        ({"GRAPH_MAILBOX": "a@agency.example,b@agency.example"}, "", "GRAPH_MAILBOX"),
        ({"GRAPH_MAILBOX": "coordination/../director@agency.example"}, "", "GRAPH_MAILBOX"),
        ({"GRAPH_MAILBOX": ONE}, "", "GRAPH_MAILBOX"),
        ({}, "GRAPH_CLIENT_SECRET_FILE", "GRAPH_CERTIFICATE_FILE"),
        ({"GRAPH_CLIENT_SECRET_FILE": "/nonexistent"}, "", "GRAPH_CLIENT_SECRET_FILE"),
        ({"GRAPH_CLIENT_SECRET_FILE": "/dev/null"}, "", "GRAPH_CLIENT_SECRET_FILE"),
        ({"GRAPH_CERTIFICATE_FILE": "/dev/null"}, "", "GRAPH_CERTIFICATE_FILE"),
        ({"GRAPH_CERTIFICATE_FILE": "/dev/null"}, "GRAPH_CLIENT_SECRET_FILE", "GRAPH_CERTIFICATE_FILE"),
        ({"GRAPH_CA_FILE": "/dev/null"}, "", "GRAPH_CA_FILE"),
        ({"GRAPH_URL": "http://127.0.0.1:9000"}, "", "GRAPH_URL"),  # not even to this very machine
        ({"GRAPH_URL": "https://graph.microsoft.com/v1.0"}, "", "GRAPH_URL"),
        ({"GRAPH_URL": "https://someone:s3cr3t@graph.cloud.example"}, "", "GRAPH_URL"),
        ({"GRAPH_AUTHORITY": "http://localhost:9000"}, "", "GRAPH_AUTHORITY"),
    ],
)
def test_a_registration_that_cannot_be_is_named_in_one_sentence(
    registration: dict[str, str], given: dict[str, str], without: str, variable: str
) -> None:
    registration.pop(without, None)
    with pytest.raises(SettingsError) as refused:
        Settings.from_env(registration | given)
    said = str(refused.value)
    assert refused.value.variable == variable
    assert said.startswith(f"{variable} ")
    assert said.endswith(".")
    assert "s3cr3t" not in said


def test_a_relay_that_is_named_and_not_told_is_refused() -> None:
    with pytest.raises(SettingsError, match="SMTP_HOST is needed with SPHERES_MAIL=smtp"):
        Settings.from_env({"SPHERES_MAIL": "smtp"})
