"""No secret in a message, a log line or a traceback."""

import io
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.http.redaction import SecretFilter, quiet_wire_loggers, redact, secrets_of, without_credentials

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


def test_the_filter_hides_in_messages_arguments_and_tracebacks_of_child_loggers() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(SecretFilter(["t0ken-value"]))
    parent, child = logging.getLogger("redaction-test"), logging.getLogger("redaction-test.child")
    parent.addHandler(handler)
    parent.propagate = False
    try:
        child.warning("asked with %s at %s", "t0ken-value", "https://u:pw-of-u@h")
        child.warning("100%% of %d", 7)
        child.error("failed", exc_info=ValueError("Authorization: Bearer t0ken-value"))
    finally:
        parent.removeHandler(handler)
    said = stream.getvalue()
    assert "t0ken-value" not in said
    assert "pw-of-u" not in said
    assert "100% of 7" in said
    assert "ValueError: Authorization: [hidden]" in said


def test_the_wire_s_loggers_say_warnings_only() -> None:
    quiet_wire_loggers()
    assert not logging.getLogger("httpx").isEnabledFor(logging.INFO)
    assert not logging.getLogger("httpcore.http11").isEnabledFor(logging.DEBUG)


def test_a_value_too_short_for_a_token_is_none_and_tears_no_words_apart() -> None:
    assert secrets_of({"GITHUB_TOKEN": "t", "NVD_API_KEY": "long-enough"}) == ("long-enough",)
