"""No secret in a message, a log line or a traceback."""

import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.http.client import HttpClient
from tasks.http.redaction import guard_logs, redact, secrets_of, without_credentials

TOKEN = "ghp_" + "a1B2" * 9


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("GET https://user:pa55word@mirror.example/x", "pa55word"),
        ("redis://:pa55word@host/0 is down", "pa55word"),
        ("Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
        ("{'authorization': 'token s3cr3t-value'}", "s3cr3t-value"),
        ("Proxy-Authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("apiKey: 1234-5678-90ab", "1234-5678-90ab"),
        ("?api_key=1234567890&x=1", "1234567890"),
        ("password=hunter2!", "hunter2!"),
        (f"bad credentials {TOKEN}.", TOKEN),
        ("github_pat_" + "x" * 30, "x" * 30),
    ],
)
def test_what_looks_like_a_credential_is_hidden(text: str, secret: str) -> None:
    assert secret in text
    assert secret not in redact(text)
    assert "[hidden]" in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "pypi (pypi.org/pypi/a/json): HTTP 503 after 5 attempts; run again later.",
        "https://pypi.org/project/a@b/",
        "mail someone@example.org about https://pypi.org",
        "nvd: HTTP 404; check NVD_API_KEY.",
    ],
)
def test_ordinary_messages_stay_as_they_are(text: str) -> None:
    assert redact(text, ["", "abc"]) == text


@given(before=st.text(), secret=st.text(alphabet="abcdefghXYZ0123456789", min_size=6), after=st.text())
def test_a_known_secret_is_hidden_wherever_it_stands(before: str, secret: str, after: str) -> None:
    assert secret not in redact(before + secret + after, [secret]).replace("[hidden]", " ")


def test_an_address_keeps_everything_but_its_credentials() -> None:
    assert without_credentials("https://u:p@h.example:8443/a?b=c@d") == "https://h.example:8443/a?b=c@d"
    assert without_credentials("https://h.example/a@b") == "https://h.example/a@b"


def test_secrets_are_the_token_variables_that_are_set() -> None:
    environment = {"GITHUB_TOKEN": " t0ken-value ", "NVD_API_KEY": "", "SNYK_ORG": "organisation", "HOME": "/home/x"}
    assert secrets_of(environment) == ("t0ken-value",)
    assert secrets_of({"PREFECT_API_AUTH_STRING": "user:password"}) == ("user:password",)


@pytest.fixture
def guarded(monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.Logger]:
    """A logger whose records a handler of somebody else's collects, as text and as they are."""
    former = logging.getLogRecordFactory()
    logging.setLogRecordFactory(logging.LogRecord)
    monkeypatch.setenv("GITHUB_TOKEN", "t0ken-value")
    guard_logs()
    yield logging.getLogger("redaction-test")
    logging.setLogRecordFactory(former)


class Sent(logging.Handler):
    """Stands for any handler: what it makes of a record."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(self.format(record))
        self.records.append(record)


@pytest.fixture
def sent(guarded: logging.Logger) -> Iterator[Sent]:
    handler = Sent()
    guarded.addHandler(handler)
    yield handler
    guarded.removeHandler(handler)


def test_no_handler_gets_a_secret_in_messages_arguments_or_tracebacks(guarded: logging.Logger, sent: Sent) -> None:
    child = guarded.getChild("child")
    child.warning("asked with %s at %s", "t0ken-value", "https://u:pw-of-u@h")
    child.warning("100%% of %d", 7)
    child.error("failed", exc_info=ValueError("Authorization: Bearer t0ken-value"))
    child.error("failed", exc_info=ValueError("harmless"))
    said = "\n".join(sent.texts)
    assert "t0ken-value" not in said
    assert "pw-of-u" not in said
    assert sent.texts[1] == "100% of 7"
    assert "ValueError: Authorization: [hidden]" in said
    assert [record.exc_info is None for record in sent.records] == [True, True, True, False]


def test_a_message_that_cannot_be_formed_stops_nobody_and_tells_no_argument(
    guarded: logging.Logger, sent: Sent
) -> None:
    guarded.warning("%d of %d", "t0ken-value")
    assert sent.texts == ["a message that cannot be formed: '%d of %d'"]


def test_logs_are_guarded_once(guarded: logging.Logger) -> None:
    factory = logging.getLogRecordFactory()
    guard_logs()
    assert logging.getLogRecordFactory() is factory
    assert guarded.name


def test_whoever_asks_a_service_guards_the_logs_of_its_process(guarded: logging.Logger) -> None:
    assert guarded.name
    logging.setLogRecordFactory(logging.LogRecord)
    HttpClient({})
    assert logging.getLogRecordFactory() is not logging.LogRecord


def test_the_wire_s_loggers_say_warnings_only() -> None:
    guard_logs()
    assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)
    assert not logging.getLogger("httpcore.http11").isEnabledFor(logging.DEBUG)


def test_a_value_too_short_for_a_token_is_none_and_tears_no_words_apart() -> None:
    assert secrets_of({"GITHUB_TOKEN": "t", "NVD_API_KEY": "long-enough"}) == ("long-enough",)
