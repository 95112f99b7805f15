"""The block: typed, described, secret, and leading to an access that works."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from prefect.testing.standard_test_suites.blocks import BlockStandardTestSuite
from pydantic import SecretStr, ValidationError

from blocks.github import GitHub
from tasks.engine.lookup import lookup_settings
from tasks.errors import SettingsError
from tasks.ioc.config import BatchConfig
from tasks.ioc.terms import IocTerms
from tasks.ioc_lookup import close_ioc_engine, ioc_engine_for
from tasks.settings.load import load_settings


class TestStandard(BlockStandardTestSuite):
    """What Prefect asks of every block."""

    @pytest.fixture
    def block(self) -> type[GitHub]:
        return GitHub


def test_the_block_s_limits_reach_the_access() -> None:
    block = GitHub(
        token=SecretStr("s3cret-token"),
        base_url="https://ghe.example/api/v3",
        max_in_flight=5,
        points_per_minute=100,
        rate_limit_buffer=0.5,
        max_wait_s=7,
        files_per_query=9,
    )
    access = block.access()
    assert (access.budget.max_in_flight, access.budget.points_per_minute) == (5, 100)
    assert (access.budget.rate_limit_buffer, access.budget.max_wait_s, access.limits.files) == (0.5, 7, 9)
    policy = access.policy()
    assert (policy.address, policy.max_in_flight) == ("https://ghe.example/api/v3", 5)
    assert "s3cret" not in repr(block) + repr(access) + repr(policy) + str(block.model_dump())


def test_every_field_is_described() -> None:
    assert all(field.description for name, field in GitHub.model_fields.items() if not name.startswith("_"))


def test_an_app_s_token_replaces_the_token() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = SecretStr(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
    access = GitHub(app_id="1", private_key=pem).access(org="acme")
    assert access.credentials is not None
    assert "Authorization" not in access.policy().request_headers()
    with pytest.raises(SettingsError, match="installation_id"):
        GitHub(app_id="1", private_key=pem).access()


@pytest.mark.parametrize(
    "fields",
    [
        {"base_url": "ftp://x"},
        {"max_in_flight": 101},
        {"rate_limit_buffer": 0},
        {"app_id": "1"},
        {"app_id": "1", "private_key": "k", "token": "t"},
    ],
)
def test_what_cannot_work_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        GitHub.model_validate(fields)


@pytest.mark.usefixtures("prefect_server")
def test_a_saved_block_s_credentials_reach_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "of-the-environment")
    settings = lookup_settings(load_settings(None, environment={}).settings, offline=False, store=None)
    config = BatchConfig()
    GitHub(token=SecretStr("of-the-block"), base_url="http://127.0.0.1:1/api").save("ours", overwrite=True)

    def terms(name: str) -> IocTerms:
        strategy = config.default_strategy
        return IocTerms(
            lookup=settings, config=config, strategy=strategy, max_wait_s=1, store=tmp_path, github_block=name
        )

    engine = ioc_engine_for(terms("ours"))
    try:
        policy = engine.access.policy()
        assert policy.request_headers()["Authorization"] == "Bearer of-the-block"
        assert policy.address == "http://127.0.0.1:1/api"
    finally:
        close_ioc_engine(terms("ours"))
    with pytest.raises(SettingsError, match="no such block"):
        ioc_engine_for(terms("theirs"))
