"""What one attempt came to: an answer, or why not and whether asking again makes sense.

Statuses: RFC 9110. Rate limits: GitHub sends 403 or 429 with Retry-After or x-ratelimit-remaining: 0 and
x-ratelimit-reset (docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api); NVD throttles with 403 and
says so in a `message` header, and answers a bad key with 404 and `message: Invalid apiKey.`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import Enum
from http import HTTPStatus

from tasks.http.message import Answer

__all__ = ["ANSWERED", "Kind", "Outcome", "Unanswered", "judge", "retry_after"]

_RETRIED_4XX = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY})
_OVERLOAD = frozenset({HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT, HTTPStatus.REQUEST_TIMEOUT})
_LIMIT_WORDS = (b"rate limit", b"abuse detection", b"too many requests")


class Kind(Enum):
    """What an attempt says of the service."""

    ANSWERED = "answered"
    LIMITED = "limited"
    """Alive, and asks for fewer requests (429, 403 with signs of a rate limit)."""
    OVERLOADED = "overloaded"
    """503, 504 or no answer in time."""
    BROKEN = "broken"
    """Another 5xx, or a connection that fails."""
    INVALID = "invalid"
    """An answer that is not one."""
    REFUSED = "refused"
    """The credentials are missing or not accepted."""
    REJECTED = "rejected"
    """Alive, and will never answer this request otherwise (400, 404 ...)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt: its kind, one reason in words, and the wait that the service asks for in seconds.

    final stops the retries; account_wide says that every other request would fare alike (quota used up, bad token).
    """

    kind: Kind
    reason: str = ""
    retry_after_s: float | None = None
    final: bool = False
    account_wide: bool = False


ANSWERED = Outcome(Kind.ANSWERED)


class Unanswered(Exception):
    """An attempt without an answer; spent is how many seconds it took."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome
        self.spent = 0.0


def judge(answer: Answer, accept: frozenset[int], wall: float) -> Outcome:
    """Sort an answer by its status; wall is the present time in seconds since the epoch."""
    status = answer.status
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES or (status in accept and not _bad_key(answer)):
        return ANSWERED
    wish = retry_after(answer.headers, wall)
    if status == HTTPStatus.TOO_MANY_REQUESTS or (status == HTTPStatus.FORBIDDEN and _rate_limited(answer)):
        return Outcome(Kind.LIMITED, f"HTTP {status}, rate limit", wish, account_wide=_quota_spent(answer))
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN) or _bad_key(answer):
        return Outcome(Kind.REFUSED, f"HTTP {status}", final=True, account_wide=status != HTTPStatus.FORBIDDEN)
    if status in _OVERLOAD:
        return Outcome(Kind.OVERLOADED, f"HTTP {status}", wish)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _RETRIED_4XX:
        return Outcome(Kind.BROKEN, f"HTTP {status}", wish)
    return Outcome(Kind.REJECTED, f"HTTP {status}", final=True)


def retry_after(headers: Mapping[str, str], wall: float) -> float | None:
    """Seconds the service asks to wait: Retry-After as seconds or HTTP date, else the reset of a spent quota."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    if text:
        return _until_date(text, wall)
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isascii() and reset.isdigit():
        return max(0.0, float(reset[:12]) - wall)
    return None


def _until_date(text: str, wall: float) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - wall)


def _quota_spent(answer: Answer) -> bool:
    return answer.status == HTTPStatus.FORBIDDEN or answer.headers.get("x-ratelimit-remaining") == "0"


def _rate_limited(answer: Answer) -> bool:
    if "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0":
        return True
    said = (answer.headers.get("message", "").encode() + b" " + answer.body[:2000]).lower()
    return any(words in said for words in _LIMIT_WORDS)


def _bad_key(answer: Answer) -> bool:
    return "apikey" in answer.headers.get("message", "").lower()
