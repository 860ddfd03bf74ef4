"""Settings: what stands when nothing is set, and one sentence for each thing that cannot be."""

import ssl
from pathlib import Path
from uuid import UUID

import pytest
import trustme

from adapters.environment import SettingsError
from adapters.settings import Settings
from tests.cast import ROOT

APP = "postgresql://spheres_app:g4rd3n@db.example/spheres"
OWNER = "postgresql://spheres_owner:h3dg3@db.example/spheres"
ONE = "01234567-89ab-cdef-0123-456789abcdef"
OTHER = "fedcba98-7654-3210-fedc-ba9876543210"
RELAY = {"SMTP_HOST": "relay.example", "SMTP_FROM": "spheres@example.org"}


def test_nothing_set_is_a_demonstration_ready_machine_of_ones_own() -> None:
    settings = Settings.from_env({})
    assert settings.data == ROOT / "data"
    assert (settings.host, settings.port, settings.prefect_port) == ("127.0.0.1", 8400, 8401)
    assert settings.base_url == "http://localhost:8400", "by name: no browser binds a passkey to a number"
    assert settings.trusted_proxies == ()
    assert not settings.demo
    assert settings.smtp is None
    assert settings.database_url is None


def test_only_named_proxies_say_where_a_request_comes_from() -> None:
    settings = Settings.from_env({"SPHERES_TRUSTED_PROXIES": "10.0.0.5, 2001:db8::/64"})
    assert settings.trusted_proxies == ("10.0.0.5", "2001:db8::/64")


def test_an_empty_variable_counts_as_none() -> None:
    assert Settings.from_env({"SPHERES_PORT": "", "DATABASE_URL": " "}) == Settings.from_env({})


def test_a_database_of_ones_own_is_reached_by_the_drivers_we_are_tried_with() -> None:
    settings = Settings.from_env(
        {"DATABASE_URL": APP, "DATABASE_OWNER_URL": OWNER, "PREFECT_DATABASE_URL": "postgres://p:w@db.example/prefect"}
    )
    assert settings.database_url == "postgresql+psycopg://spheres_app:g4rd3n@db.example/spheres"
    assert settings.database_owner_url == "postgresql+psycopg://spheres_owner:h3dg3@db.example/spheres"
    assert settings.prefect_database_url == "postgresql+asyncpg://p:w@db.example/prefect"


def test_settings_can_be_shown_without_showing_a_password() -> None:
    settings = Settings.from_env({"DATABASE_URL": APP, "DATABASE_OWNER_URL": OWNER})
    assert "g4rd3n" not in repr(settings)
    assert "h3dg3" not in repr(settings)


def test_a_relay_elsewhere_is_spoken_to_under_tls_unless_said_otherwise(tmp_path: Path) -> None:
    word = tmp_path / "word"
    word.write_text("s3cr3t\n", encoding="utf-8")
    relay = Settings.from_env(RELAY | {"SMTP_USER": "spheres", "SMTP_PASSWORD_FILE": str(word)}).smtp
    assert relay is not None
    assert (relay.port, relay.encryption, relay.password()) == (587, "starttls", "s3cr3t")
    word.write_text("n3w\n", encoding="utf-8")
    assert relay.password() == "n3w"


def test_a_relay_on_this_machine_needs_no_tls() -> None:
    relay = Settings.from_env(RELAY | {"SMTP_HOST": "localhost"}).smtp
    assert relay is not None
    assert (relay.port, relay.encryption, relay.password()) == (25, "none", "")


@pytest.mark.parametrize(
    ("given", "encryption", "port"),
    [
        ({}, "starttls", 587),
        ({"SMTP_PORT": "465"}, "implicit", 465),
        ({"SMTP_PORT": "465", "SMTP_HOST": "localhost"}, "implicit", 465),
        ({"SMTP_TLS": "implicit"}, "implicit", 465),
        ({"SMTP_TLS": "Implicit", "SMTP_PORT": "4650"}, "implicit", 4650),
        ({"SMTP_TLS": "starttls", "SMTP_PORT": "465"}, "starttls", 465),
        ({"SMTP_TLS": "starttls", "SMTP_HOST": "::1"}, "starttls", 587),
        ({"SMTP_TLS": "none"}, "none", 25),
        ({"SMTP_STARTTLS": "yes"}, "starttls", 587),
        ({"SMTP_STARTTLS": "yes", "SMTP_PORT": "465"}, "starttls", 465),
        ({"SMTP_STARTTLS": "no"}, "none", 25),
        ({"SMTP_STARTTLS": "no", "SMTP_TLS": "none"}, "none", 25),
        ({"SMTP_STARTTLS": "on", "SMTP_TLS": "starttls"}, "starttls", 587),
    ],
)
def test_how_the_way_is_encrypted_is_said_or_follows_the_port(
    given: dict[str, str], encryption: str, port: int
) -> None:
    relay = Settings.from_env(RELAY | given).smtp
    assert relay is not None
    assert (relay.encryption, relay.port) == (encryption, port)


def test_letters_leave_by_what_is_set_and_in_a_demonstration_they_are_shown() -> None:
    assert not Settings.from_env({}).letters_leave
    assert Settings.from_env(RELAY).letters_leave
    assert Settings.from_env({"SPHERES_DEMO": "yes"}).letters_leave


def test_the_address_people_type_loses_its_final_slash() -> None:
    assert Settings.from_env({"SPHERES_BASE_URL": "https://spheres.example/"}).base_url == "https://spheres.example"
    assert Settings.from_env({"SPHERES_HOST": "::1"}).base_url == "http://[::1]:8400"


@pytest.mark.parametrize(
    ("given", "variable"),
    [
        ({"SPHERES_PORT": "web"}, "SPHERES_PORT"),
        ({"SPHERES_PORT": "0"}, "SPHERES_PORT"),
        ({"SPHERES_PORT": "65536"}, "SPHERES_PORT"),
        ({"SPHERES_PORT": "8401"}, "SPHERES_PREFECT_PORT"),
        ({"SPHERES_PREFECT_PORT": "-1"}, "SPHERES_PREFECT_PORT"),
        ({"SPHERES_PREFECT_HOST": "0.0.0.0"}, "SPHERES_PREFECT_HOST"),  # noqa: S104  # no other machine reaches it so
        ({"SPHERES_PREFECT_HOST": "::"}, "SPHERES_PREFECT_HOST"),
        ({"SPHERES_PREFECT_HOST": "one/two"}, "SPHERES_PREFECT_HOST"),
        ({"SPHERES_PREFECT_HOST": "one@two"}, "SPHERES_PREFECT_HOST"),
        ({"SPHERES_PREFECT_URL": "one.spheres.example"}, "SPHERES_PREFECT_URL"),
        ({"SPHERES_PREFECT_URL": "https://one.spheres.example/engine"}, "SPHERES_PREFECT_URL"),
        ({"SPHERES_DEMO": "perhaps"}, "SPHERES_DEMO"),
        ({"SPHERES_DATA": "data"}, "SPHERES_DATA"),
        ({"SPHERES_DATA": "./data"}, "SPHERES_DATA"),
        ({"SPHERES_DATA": "/dev/null"}, "SPHERES_DATA"),
        ({"SPHERES_DATA": "~nobody-of-this-name/data"}, "SPHERES_DATA"),
        ({"SPHERES_SEAL_KEY_FILE": "keys/seal.json"}, "SPHERES_SEAL_KEY_FILE"),
        ({"SPHERES_PEOPLE_KEYS": "people"}, "SPHERES_PEOPLE_KEYS"),
        ({"SPHERES_HOST": "0.0.0.0"}, "SPHERES_BASE_URL"),  # noqa: S104 - that it is open is the point
        ({"SPHERES_TRUSTED_PROXIES": "proxy.example"}, "SPHERES_TRUSTED_PROXIES"),
        ({"SPHERES_TRUSTED_PROXIES": "10.0.0.5, 0.0.0.0/0"}, "SPHERES_TRUSTED_PROXIES"),
        ({"SPHERES_TRUSTED_PROXIES": "*"}, "SPHERES_TRUSTED_PROXIES"),
        ({"SPHERES_BASE_URL": "spheres.example"}, "SPHERES_BASE_URL"),
        ({"SPHERES_BASE_URL": "ftp://spheres.example"}, "SPHERES_BASE_URL"),
        ({"SPHERES_BASE_URL": "http://spheres.example"}, "SPHERES_BASE_URL"),
        ({"SPHERES_BASE_URL": "https://spheres.example/app"}, "SPHERES_BASE_URL"),
        ({"SPHERES_BASE_URL": "https://spheres.example:port"}, "SPHERES_BASE_URL"),
        ({"SPHERES_BASE_URL": "https://someone:s3cr3t@spheres.example"}, "SPHERES_BASE_URL"),
        ({"DATABASE_URL": "s3cr3t"}, "DATABASE_URL"),
        ({"DATABASE_URL": "sqlite:///s3cr3t.db"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://role:s3cr3t@db.example:port/spheres"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://role:s3cr3t@db.example"}, "DATABASE_URL"),
        ({"DATABASE_URL": OWNER, "DATABASE_OWNER_URL": OWNER}, "DATABASE_URL"),
        ({"DATABASE_OWNER_URL": OWNER}, "DATABASE_OWNER_URL"),
        ({"PREFECT_DATABASE_URL": APP}, "PREFECT_DATABASE_URL"),
        ({"SMTP_FROM": "spheres@example.org"}, "SMTP_FROM"),
        ({"SMTP_HOST": "relay.example"}, "SMTP_FROM"),
        (RELAY | {"SMTP_FROM": "Sphères <spheres@example.org>"}, "SMTP_FROM"),
        (RELAY | {"SMTP_FROM": "nowhere"}, "SMTP_FROM"),
        (RELAY | {"SMTP_USER": "spheres"}, "SMTP_PASSWORD_FILE"),
        (RELAY | {"SMTP_PASSWORD_FILE": "/nonexistent"}, "SMTP_USER"),
        (RELAY | {"SMTP_USER": "spheres", "SMTP_PASSWORD_FILE": "/nonexistent"}, "SMTP_PASSWORD_FILE"),
        (RELAY | {"SMTP_USER": "spheres", "SMTP_PASSWORD_FILE": "/dev/null"}, "SMTP_PASSWORD_FILE"),
        (RELAY | {"SMTP_USER": "spheres", "SMTP_PASSWORD_FILE": "/dev/null", "SMTP_STARTTLS": "no"}, "SMTP_STARTTLS"),
        (RELAY | {"SMTP_PORT": "smtp"}, "SMTP_PORT"),
        (RELAY | {"SMTP_TLS": "yes"}, "SMTP_TLS"),
        (RELAY | {"SMTP_TLS": "implicit", "SMTP_STARTTLS": "yes"}, "SMTP_STARTTLS"),
        (RELAY | {"SMTP_TLS": "starttls", "SMTP_STARTTLS": "no"}, "SMTP_STARTTLS"),
        (RELAY | {"SMTP_STARTTLS": "perhaps"}, "SMTP_STARTTLS"),
        ({"SMTP_TLS": "implicit"}, "SMTP_TLS"),
        (RELAY | {"SMTP_USER": "spheres", "SMTP_PASSWORD_FILE": "/dev/null", "SMTP_TLS": "none"}, "SMTP_TLS"),
        (RELAY | {"SMTP_USER": "sphères", "SMTP_PASSWORD_FILE": "/dev/null"}, "SMTP_USER"),
        (RELAY | {"SMTP_FROM": "sphères@example.org"}, "SMTP_FROM"),
        (RELAY | {"SMTP_CA_FILE": "/nonexistent"}, "SMTP_CA_FILE"),
        (RELAY | {"SMTP_CA_FILE": "/dev/null", "SMTP_TLS": "none"}, "SMTP_CA_FILE"),
    ],
)
def test_a_wrong_setting_is_named_in_one_sentence_without_its_secret(given: dict[str, str], variable: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Settings.from_env(given)
    said, in_french = str(refused.value), refused.value.told_in("fr")
    assert refused.value.variable == variable
    for each in (said, in_french):
        assert each.startswith(f"{variable} ")
        assert each.endswith((".", ")."))
        assert "\n" not in each
        for secret in ("s3cr3t", "g4rd3n", "h3dg3"):
            assert secret not in each
    assert in_french != said


@pytest.fixture
def registration(tmp_path: Path) -> dict[str, str]:
    """A registration in Entra with a secret, of one tenant."""
    secret = tmp_path / "secret"
    secret.write_text("s3cr3t\n", encoding="utf-8")
    return {
        "SPHERES_BASE_URL": "https://spheres.example",
        "ENTRA_CLIENT_ID": OTHER.upper(),
        "ENTRA_TENANT": ONE,
        "ENTRA_CLIENT_SECRET_FILE": str(secret),
    }


def pair(folder: Path, *names: str) -> str:
    """A file with a private key and a certificate, of one name or, where they do not belong together, of two."""
    ca = trustme.CA()
    made = [ca.issue_cert(f"{name}.example", key_type=trustme.KeyType.RSA) for name in names]
    file = folder / "-".join(names)
    file.write_bytes(made[-1].cert_chain_pems[0].bytes() + made[0].private_key_pem.bytes())
    return str(file)


def test_one_tenant_allows_itself_and_its_secret_is_read_each_time(registration: dict[str, str]) -> None:
    entra = Settings.from_env(registration).entra
    assert entra is not None
    assert (entra.client_id, entra.tenant, entra.tenants) == (OTHER, ONE, frozenset({UUID(ONE)}))
    assert entra.authority == "https://login.microsoftonline.com"
    assert entra.credential() == "s3cr3t"
    Path(registration["ENTRA_CLIENT_SECRET_FILE"]).write_text("n3w", encoding="utf-8")
    assert entra.credential() == "n3w"
    assert entra.trusted() is None
    assert "n3w" not in repr(entra)


def test_several_tenants_are_those_of_the_list(registration: dict[str, str]) -> None:
    listed = {"ENTRA_TENANT": "organizations", "ENTRA_ALLOWED_TENANTS": f"{ONE}, {OTHER}"}
    entra = Settings.from_env(registration | listed).entra
    assert entra is not None
    assert (entra.tenant, entra.tenants) == ("organizations", frozenset({UUID(ONE), UUID(OTHER)}))


def test_a_certificate_comes_with_its_key_and_another_cloud_with_its_authority(
    registration: dict[str, str], tmp_path: Path
) -> None:
    del registration["ENTRA_CLIENT_SECRET_FILE"]
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    given = {
        "ENTRA_CERTIFICATE_FILE": pair(tmp_path, "ours"),
        "ENTRA_AUTHORITY": "https://login.cloud.example:8443/",
        "ENTRA_CA_FILE": str(tmp_path / "ca.pem"),
    }
    entra = Settings.from_env(registration | given).entra
    assert entra is not None
    proof = entra.credential()
    assert isinstance(proof, dict)
    assert proof["private_key"].startswith("-----BEGIN")
    assert proof["public_certificate"].startswith("-----BEGIN CERTIFICATE")
    assert entra.authority == "https://login.cloud.example:8443"
    trusted = entra.trusted()
    assert isinstance(trusted, ssl.SSLContext)
    assert len(trusted.get_ca_certs()) == 1, "the file's own CA, and no other"


@pytest.mark.parametrize(
    ("given", "without", "variable"),
    [
        ({}, "ENTRA_CLIENT_ID", "ENTRA_TENANT"),
        ({"ENTRA_CLIENT_ID": "s3cr3t"}, "", "ENTRA_CLIENT_ID"),
        ({}, "SPHERES_BASE_URL", "SPHERES_BASE_URL"),  # loopback without TLS
        ({}, "ENTRA_TENANT", "ENTRA_TENANT"),
        ({"ENTRA_TENANT": "common"}, "", "ENTRA_TENANT"),
        ({"ENTRA_TENANT": "agency.example"}, "", "ENTRA_TENANT"),
        ({"ENTRA_ALLOWED_TENANTS": OTHER}, "", "ENTRA_ALLOWED_TENANTS"),
        ({"ENTRA_TENANT": "organizations"}, "", "ENTRA_ALLOWED_TENANTS"),
        ({"ENTRA_TENANT": "organizations", "ENTRA_ALLOWED_TENANTS": f"{ONE} *"}, "", "ENTRA_ALLOWED_TENANTS"),
        ({}, "ENTRA_CLIENT_SECRET_FILE", "ENTRA_CERTIFICATE_FILE"),
        ({"ENTRA_CLIENT_SECRET_FILE": "/nonexistent"}, "", "ENTRA_CLIENT_SECRET_FILE"),
        ({"ENTRA_CLIENT_SECRET_FILE": "/dev/null"}, "", "ENTRA_CLIENT_SECRET_FILE"),
        ({"ENTRA_CERTIFICATE_FILE": "/dev/null"}, "", "ENTRA_CERTIFICATE_FILE"),
        ({"ENTRA_CERTIFICATE_FILE": "/dev/null"}, "ENTRA_CLIENT_SECRET_FILE", "ENTRA_CERTIFICATE_FILE"),
        ({"ENTRA_CERTIFICATE_FILE": "/nonexistent"}, "ENTRA_CLIENT_SECRET_FILE", "ENTRA_CERTIFICATE_FILE"),
        ({"ENTRA_AUTHORITY": "http://login.cloud.example"}, "", "ENTRA_AUTHORITY"),
        ({"ENTRA_AUTHORITY": f"https://login.cloud.example/{ONE}"}, "", "ENTRA_AUTHORITY"),
        ({"ENTRA_AUTHORITY": "https://someone:s3cr3t@login.cloud.example"}, "", "ENTRA_AUTHORITY"),
        ({"ENTRA_AUTHORITY": "https://login.cloud.example:port"}, "", "ENTRA_AUTHORITY"),
        ({"ENTRA_CA_FILE": "/nonexistent"}, "", "ENTRA_CA_FILE"),
        ({"ENTRA_CA_FILE": "/dev/null"}, "", "ENTRA_CA_FILE"),
    ],
)
def test_a_registration_that_cannot_be_is_named_in_one_sentence(
    registration: dict[str, str], given: dict[str, str], without: str, variable: str
) -> None:
    registration.pop(without, None)
    with pytest.raises(SettingsError) as refused:
        Settings.from_env(registration | given)
    said, in_french = str(refused.value), refused.value.told_in("fr")
    assert refused.value.variable == variable
    for each in (said, in_french):
        assert each.startswith(f"{variable} ")
        assert each.endswith(".")
        assert "s3cr3t" not in each
    assert in_french != said


def test_a_key_that_is_not_the_certificates_is_refused(registration: dict[str, str], tmp_path: Path) -> None:
    del registration["ENTRA_CLIENT_SECRET_FILE"]
    with pytest.raises(SettingsError, match="ENTRA_CERTIFICATE_FILE must hold a private key"):
        Settings.from_env(registration | {"ENTRA_CERTIFICATE_FILE": pair(tmp_path, "ours", "theirs")})
