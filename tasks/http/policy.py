"""How each service may be asked: address, limits, time-outs, credentials; and the public services' own terms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from urllib.parse import unquote, urlsplit, urlunsplit

from pydantic import SecretStr

__all__ = ["ServiceName", "ServicePolicy", "public_policies", "user_agent"]

_MIB = 1024 * 1024


class ServiceName(StrEnum):
    """The services the product talks to; the values are the keys of the `sources` setting."""

    PYPI = "pypi"
    OSV = "osv"
    OSV_BULK = "osv_bulk"
    GITHUB = "github"
    NVD = "nvd"
    NVD_FEEDS = "nvd_feeds"
    MITRE = "mitre"
    SNYK = "snyk"
    EXPLOITDB = "exploitdb"
    KEV = "kev"
    EPSS = "epss"
    AI = "ai"
    """A language model's server; its settings are the section `ai`, not one of `sources`."""


@dataclass(frozen=True, slots=True)
class ServicePolicy:
    """One service's address and limits; times in seconds, sizes in bytes. Neither token nor address is ever printed.

    base_url may carry a path prefix (a mirror) and credentials; a request's path is appended to it.
    max_in_flight bounds the requests in flight; fewer are used while the service shows signs of overload.
    requests_per_second spaces requests evenly (None: no spacing), requests_in_window bounds those within any window_s,
    retries included (None: no bound), and a request that would have to wait
    longer than max_wait_s for its turn is not asked at all (None: any wait is fine).
    deadline_s bounds one request with all its attempts and waits, not counting its place in our own queue.
    max_bytes bounds one decoded answer. The token is sent as "auth_header: auth_scheme token".
    shared_limit says that a 429 concerns the account, not one request. breaker_failures in a row
    without any success stop all asking for breaker_window_s.
    """

    base_url: str = field(repr=False)
    max_in_flight: int = 32
    requests_per_second: float | None = None
    requests_in_window: int | None = None
    window_s: float = 30.0
    max_wait_s: float | None = None
    connect_timeout_s: float = 10.0
    read_timeout_s: float = 30.0
    deadline_s: float = 120.0
    attempts: int = 5
    max_bytes: int = 64 * _MIB
    token: SecretStr | None = None
    auth_header: str = "Authorization"
    auth_scheme: str = "Bearer"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    shared_limit: bool = False
    breaker_failures: int = 12
    breaker_window_s: float = 30.0

    def __post_init__(self) -> None:
        """Raise ValueError where a limit leaves nothing to ask with."""
        if self.max_in_flight < 1 or self.attempts < 1 or self.max_bytes < 1:
            raise ValueError("max_in_flight, attempts and max_bytes must be at least 1")
        if self.requests_in_window is not None and self.requests_in_window < 1:
            raise ValueError("requests_in_window must be at least 1; leave it out for no bound")
        if self.requests_per_second is not None and self.requests_per_second <= 0:
            raise ValueError("requests_per_second must be above 0; leave it out for no spacing")

    @property
    def host(self) -> str:
        """Host and port of the service, without credentials: what messages may show."""
        parts = urlsplit(self.base_url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)

    @property
    def address(self) -> str:
        """base_url without credentials and without a trailing slash."""
        parts = urlsplit(self.base_url)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])).rstrip("/")

    @property
    def credentials(self) -> tuple[str, str] | None:
        """User and password given in base_url, kept apart so that no logged address shows them."""
        parts = urlsplit(self.base_url)
        return (unquote(parts.username), unquote(parts.password or "")) if parts.username else None

    def request_headers(self) -> dict[str, str]:
        """What every request to this service carries."""
        headers = {"User-Agent": user_agent(), "Accept": "application/json, */*;q=0.5", **self.headers}
        if self.token is not None and self.token.get_secret_value():
            headers[self.auth_header] = f"{self.auth_scheme} {self.token.get_secret_value()}".strip()
        return headers


def user_agent() -> str:
    """Name and version, as PyPI and GitHub ask of every client."""
    try:
        return f"vetbook/{version('vetbook')}"
    except PackageNotFoundError:
        return "vetbook/0"


def public_policies() -> dict[ServiceName, ServicePolicy]:
    """The public services under their own terms; settings replace single fields with `dataclasses.replace`.

    GitHub: at most 100 requests at once, 900 points a minute
    (docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api). NVD: 5 requests in a rolling 30 s
    without a key (nvd.nist.gov/developers/start-here). OSV states no rate limit.
    """
    bulk_bytes = 2048 * _MIB
    github = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    return {
        ServiceName.PYPI: ServicePolicy("https://pypi.org"),
        ServiceName.OSV: ServicePolicy("https://api.osv.dev"),
        ServiceName.OSV_BULK: _bulk("https://osv-vulnerabilities.storage.googleapis.com", bulk_bytes),
        ServiceName.GITHUB: ServicePolicy("https://api.github.com", headers=github, shared_limit=True),
        ServiceName.NVD: ServicePolicy(
            "https://services.nvd.nist.gov",
            max_in_flight=4,
            requests_in_window=5,
            max_wait_s=30.0,
            auth_header="apiKey",
            auth_scheme="",
            shared_limit=True,
        ),
        ServiceName.NVD_FEEDS: _bulk("https://nvd.nist.gov", bulk_bytes),
        ServiceName.MITRE: ServicePolicy("https://cveawg.mitre.org", max_in_flight=8),
        ServiceName.SNYK: ServicePolicy(
            "https://api.snyk.io", max_in_flight=16, requests_per_second=25, auth_scheme="token", shared_limit=True
        ),
        ServiceName.EXPLOITDB: _bulk("https://gitlab.com/exploit-database/exploitdb/-/raw/main", bulk_bytes),
        ServiceName.KEV: _bulk("https://www.cisa.gov/sites/default/files/feeds", bulk_bytes),
        ServiceName.EPSS: ServicePolicy("https://api.first.org", max_in_flight=4),
        ServiceName.AI: ServicePolicy(
            "https://api.openai.com/v1", max_in_flight=4, max_bytes=_MIB, shared_limit=True, breaker_failures=4
        ),
    }


def _bulk(base_url: str, max_bytes: int) -> ServicePolicy:
    return ServicePolicy(base_url, max_in_flight=4, deadline_s=1800.0, max_bytes=max_bytes)
