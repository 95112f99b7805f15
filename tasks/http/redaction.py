"""Keeping secrets out of messages and logs: the tokens of the environment, and whatever looks like credentials."""

import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["SECRET_VARIABLES", "guard_logs", "redact", "secrets_of", "without_credentials"]

SECRET_VARIABLES = (
    "GITHUB_TOKEN",
    "GITHUB_APP_PRIVATE_KEY",
    "NVD_API_KEY",
    "SNYK_TOKEN",
    "AZURE_OPENAI_KEY",
    "OPENAI_API_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "PREFECT_API_AUTH_STRING",
    "PREFECT_API_KEY",
)
"""Environment variables that hold tokens. SNYK_ORG names an account and opens nothing."""

HIDDEN = "[hidden]"
_SHORTEST = 6
"""Shorter values are no tokens, and hiding them would tear words apart."""

_PATTERNS = (
    # RFC 3986 section 3.2.1.
    # Credentials in an address, up to the last "@" before its path: passwords hold that letter too.
    (re.compile(r"(?<=://)[^/\s\"'<>]+@"), f"{HIDDEN}@"),
    (
        re.compile(r"(?i)((?:proxy-)?authorization[\"']?\s*[:=]\s*[\"']?)(?:(?:bearer|token|basic)\s+)?[^\s\"',}]+"),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(?i)(api[-_]?key[\"']?\s*[:=]\s*[\"']?)[^\s\"',&}]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)((?:access_token|password|passwd|secret)[\"']?\s*[:=]\s*[\"']?)[^\s\"',&}]+"), rf"\1{HIDDEN}"),
    # GitHub's token formats: github.blog/2021-04-05-behind-githubs-new-authentication-token-formats.
    (re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,})\b"), HIDDEN),
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """The text with the given secrets, credentials in addresses, and authorization values hidden."""
    for secret in sorted((s for s in secrets if len(s) >= _SHORTEST), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def without_credentials(address: str) -> str:
    """An address without user and password; text that is none unchanged."""
    return re.sub(r"(?<=://)[^/\s]*@", "", address, count=1)


def secrets_of(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The values of the token variables that are set, without those too short to be tokens."""
    values = (environment.get(name, "").strip() for name in SECRET_VARIABLES)
    return tuple(value for value in values if len(value) >= _SHORTEST)


def guard_logs() -> None:
    """Let no log record of this process hold a secret, whoever logs it and whichever handler takes it elsewhere.

    Prefect's handlers send records to its server, in this process and in those of a cluster: what is hidden where a
    record is made is hidden from all of them. httpx, httpcore and botocore, which log addresses and headers, keep to
    warnings.
    """
    for name in ("httpx", "httpcore", "botocore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    former = logging.getLogRecordFactory()
    if not isinstance(former, _SecretFree):
        logging.setLogRecordFactory(_SecretFree(former))


class _SecretFree:
    """Makes log records as `former` does, and hides secrets in their message and traceback."""

    def __init__(self, former: Callable[..., logging.LogRecord]) -> None:
        self._former = former

    def __call__(self, *args: Any, **more: Any) -> logging.LogRecord:
        record, secrets = self._former(*args, **more), secrets_of(os.environ)
        message = _message(record)
        hidden = redact(message, secrets)
        if hidden != message:
            record.msg, record.args = hidden, None
        if record.exc_info:
            _hide_in_traceback(record, secrets)
        return record


def _hide_in_traceback(record: logging.LogRecord, secrets: Iterable[str]) -> None:
    assert record.exc_info is not None  # noqa: S101  as the caller looked
    trace = logging.Formatter().formatException(record.exc_info)
    record.exc_text = redact(trace, secrets)
    if record.exc_text != trace:
        # A handler that forms the traceback by itself would say everything.
        record.exc_info = None


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001  any object's own text may fail, and logging must not fail with it
        record.msg, record.args = f"a message that cannot be formed: {record.msg!r:.200}", None
        return record.getMessage()
