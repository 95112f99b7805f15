"""The one line a person reads when a service did not answer: which service, why, and what to do."""

import httpx

from tasks.errors import SourceAnswerInvalid, SourceError, SourceRefused, SourceUnavailable
from tasks.http.exchange import AnswerTooLarge
from tasks.http.message import InvalidAnswer
from tasks.http.policy import ServiceName, ServicePolicy
from tasks.http.redaction import redact, without_credentials
from tasks.http.verdict import Kind, Outcome

__all__ = ["failure", "not_asked", "outcome_of"]

_TOKEN_HINTS = {
    ServiceName.GITHUB: "check GITHUB_TOKEN",
    ServiceName.NVD: "check NVD_API_KEY",
    ServiceName.SNYK: "check SNYK_TOKEN and SNYK_ORG",
    ServiceName.AI: "check OPENAI_API_KEY or AZURE_OPENAI_KEY",
}


def failure(service: ServiceName, policy: ServicePolicy, path: str, outcome: Outcome, tries: int) -> SourceError:
    """The error for a request whose last attempt came to outcome; path is shown without its query."""
    where = f"{service} ({policy.host}{_clean(path.partition('?')[0])})"
    what = f"{where}: {outcome.reason}" + (f" after {tries} attempts" if tries > 1 else "")
    if outcome.kind is Kind.REFUSED:
        return SourceRefused(f"{what}; {_TOKEN_HINTS.get(service, 'check the credentials and the address')}.")
    if outcome.kind in (Kind.INVALID, Kind.REJECTED):
        setting = "ai.base_url, ai.model" if service is ServiceName.AI else f"sources.{service}.base_url"
        return SourceAnswerInvalid(f"{what}; run again later, or check {setting} and the proxy.")
    return SourceUnavailable(f"{what}; run again later.")


def not_asked(service: ServiceName, policy: ServicePolicy, why: str) -> SourceUnavailable:
    """The error for a request that was not sent at all."""
    return SourceUnavailable(f"{service} ({policy.host}) was not asked: {why}; run again later.")


def outcome_of(error: Exception, policy: ServicePolicy) -> Outcome:
    """What an error on the wire says of the service."""
    if isinstance(error, AnswerTooLarge):
        reason = f"the answer is larger than {policy.max_bytes / 2**20:g} MiB"
        return Outcome(Kind.REJECTED, reason, final=True)
    if isinstance(error, InvalidAnswer):
        return Outcome(Kind.INVALID, _clean(str(error)))
    if isinstance(error, httpx.DecodingError):
        return Outcome(Kind.INVALID, "the answer's compression is damaged")
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return Outcome(Kind.OVERLOADED, _too_slow(error, policy))
    if isinstance(error, httpx.ConnectError | httpx.ProxyError):
        return _not_connected(error)
    return Outcome(Kind.BROKEN, "the connection was cut")


def _too_slow(error: Exception, policy: ServicePolicy) -> str:
    if isinstance(error, TimeoutError):
        return f"no complete answer within {policy.deadline_s:g} s"
    if isinstance(error, httpx.ConnectTimeout):
        return f"no connection within {policy.connect_timeout_s:g} s"
    return f"nothing came for {policy.read_timeout_s:g} s"


def _not_connected(error: httpx.TransportError) -> Outcome:
    text = _clean(str(error)) or "connection failed"
    if "CERTIFICATE_VERIFY_FAILED" in text:
        reason = "the certificate is not trusted (set SSL_CERT_FILE or ca_bundle to the company's certificate)"
        return Outcome(Kind.BROKEN, reason, final=True)
    label = "the proxy did not connect" if isinstance(error, httpx.ProxyError) else "no connection"
    return Outcome(Kind.BROKEN, f"{label}: {text}")


def _clean(text: str) -> str:
    """One printable line without an address's credentials."""
    text = redact(without_credentials(text))
    return "".join(c if c.isprintable() else " " for c in text)[:200].strip()
