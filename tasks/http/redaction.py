"""Keeping secrets out of messages and logs: the tokens of the environment, and whatever looks like credentials."""

import logging
import os
import re
from collections.abc import Iterable, Mapping

__all__ = ["SECRET_VARIABLES", "SecretFilter", "quiet_wire_loggers", "redact", "secrets_of", "without_credentials"]

SECRET_VARIABLES = (
    "GITHUB_TOKEN",
    "GITHUB_APP_PRIVATE_KEY",
    "NVD_API_KEY",
    "SNYK_TOKEN",
    "AZURE_OPENAI_KEY",
    "OPENAI_API_KEY",
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


class SecretFilter(logging.Filter):
    """Hides secrets in every record of the handler it is added to (a logger's own filter would miss its children).

    `handler.addFilter(SecretFilter())` is all it takes; the traceback's text is hidden too.
    """

    def __init__(self, secrets: Iterable[str] | None = None) -> None:
        super().__init__()
        self._secrets = tuple(secrets_of(os.environ) if secrets is None else secrets)

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, redacted; the message is formed here, its arguments are gone then."""
        message = record.getMessage()
        hidden = redact(message, self._secrets)
        if hidden != message:
            record.msg, record.args = hidden, None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text, self._secrets)
        return True


def quiet_wire_loggers() -> None:
    """Let httpx and httpcore log warnings only: below that they log addresses, and headers with their tokens."""
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
