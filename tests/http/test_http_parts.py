"""The parts by themselves: limiter, breaker, pacer, verdicts, policies, certificates."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path

import certifi
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from tasks.http.breaker import Breaker, BreakerState
from tasks.http.connections import trust
from tasks.http.limiter import AdaptiveLimiter
from tasks.http.message import Answer
from tasks.http.pacer import Pacer
from tasks.http.policy import ServiceName, ServicePolicy, public_policies
from tasks.http.verdict import Kind, judge, retry_after
from tests.clocks import Clock

STEPS = st.lists(st.sampled_from(["ask", "ask urgently", "end", "cancel", *Kind]), max_size=200)


@settings(max_examples=60, deadline=None)
@given(STEPS, st.integers(1, 40))
def test_limiter_keeps_its_limit_and_forgets_nobody(steps: list[str | Kind], ceiling: int) -> None:
    async def run() -> None:
        limiter = AdaptiveLimiter(ceiling)
        waiting: list[asyncio.Task[None]] = []
        holding = 0
        for step in steps:
            if isinstance(step, Kind):
                limiter.learn(step)
            elif step.startswith("ask"):
                waiting.append(asyncio.create_task(limiter.acquire(urgent=step == "ask urgently")))
            elif step == "end" and holding:
                limiter.release()
                holding -= 1
            elif step == "cancel" and waiting:
                waiting.pop(0).cancel()
            for _ in range(3):
                await asyncio.sleep(0)
            holding += sum(task.done() for task in waiting)
            waiting = [task for task in waiting if not task.done()]
            assert limiter.in_flight == holding
            assert 1 <= limiter.limit <= ceiling
            assert limiter.peak <= ceiling
            assert not waiting or holding >= limiter.limit
        while waiting:
            limiter.release()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            waiting = [task for task in waiting if not task.done()]

    asyncio.run(run())


def test_limiter_grows_to_its_ceiling_on_answers_alone() -> None:
    limiter = AdaptiveLimiter(32)
    assert limiter.limit == 8
    for _ in range(24):
        limiter.learn(Kind.ANSWERED)
    assert limiter.limit == 32


def test_limiter_falls_to_one_while_everything_is_turned_down() -> None:
    limiter = AdaptiveLimiter(32)
    for _ in range(60):
        limiter.learn(Kind.OVERLOADED)
    assert limiter.limit == 1


def test_broken_answers_say_nothing_about_load() -> None:
    limiter = AdaptiveLimiter(32)
    for _ in range(60):
        limiter.learn(Kind.BROKEN)
    assert limiter.limit == 8


def test_a_crowd_of_failing_retries_says_nothing_about_load_but_too_many_requests_does() -> None:
    limiter = AdaptiveLimiter(32)
    for _ in range(60):
        limiter.learn(Kind.OVERLOADED, fresh=False)
    assert limiter.limit == 8
    for _ in range(60):
        limiter.learn(Kind.LIMITED, fresh=False)
    assert limiter.limit == 1


def rows(breaker: Breaker, count: int, kind: Kind, *, fresh: bool) -> None:
    for _ in range(count):
        breaker.record(kind, "HTTP 503", fresh=fresh)


def test_breaker_opens_after_a_row_of_failing_first_attempts() -> None:
    breaker = Breaker(12, 30.0, Clock(0.0))
    breaker.record(Kind.ANSWERED, "", fresh=True)
    rows(breaker, 11, Kind.BROKEN, fresh=True)
    assert not breaker.blocked
    rows(breaker, 1, Kind.INVALID, fresh=True)
    assert (breaker.state, breaker.blocked, breaker.trips, breaker.reason) == (BreakerState.OPEN, True, 1, "HTTP 503")


def test_a_row_of_failing_retries_opens_it_only_without_recent_success() -> None:
    clock = Clock(0.0)
    breaker = Breaker(12, 30.0, clock)
    breaker.record(Kind.ANSWERED, "", fresh=True)
    clock.now = 9.9
    rows(breaker, 100, Kind.OVERLOADED, fresh=False)
    assert not breaker.blocked
    clock.now = 10.0
    rows(breaker, 1, Kind.OVERLOADED, fresh=False)
    assert breaker.state is BreakerState.OPEN


def test_a_service_that_only_says_too_many_is_left_alone_after_half_a_minute() -> None:
    clock = Clock(0.0)
    breaker = Breaker(12, 30.0, clock)
    rows(breaker, 500, Kind.LIMITED, fresh=True)
    assert not breaker.blocked
    clock.now = 30.0
    rows(breaker, 1, Kind.LIMITED, fresh=True)
    assert breaker.state is BreakerState.OPEN


def test_one_success_ends_the_row() -> None:
    breaker = Breaker(12, 30.0, Clock(0.0))
    for _ in range(50):
        rows(breaker, 11, Kind.BROKEN, fresh=True)
        breaker.record(Kind.REJECTED, "HTTP 404", fresh=True)
    assert breaker.trips == 0


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (Kind.ANSWERED, BreakerState.CLOSED),
        (Kind.LIMITED, BreakerState.CLOSED),
        (Kind.REFUSED, BreakerState.CLOSED),
        (Kind.BROKEN, BreakerState.OPEN),
    ],
)
def test_the_probe_decides(kind: Kind, state: BreakerState) -> None:
    clock = Clock(0.0)
    breaker = Breaker(1, 30.0, clock)
    rows(breaker, 1, Kind.BROKEN, fresh=True)
    clock.now = 30.0
    assert [breaker.admit(), breaker.admit(), breaker.blocked] == [True, False, True]
    breaker.record(kind, "", fresh=True)
    assert breaker.state is state


def test_pacer_spaces_turns_and_keeps_pauses() -> None:
    clock = Clock(0.0)
    pacer = Pacer(0.5, clock)
    assert [pacer.reserve(), pacer.reserve(), pacer.expected()] == [0.0, 2.0, 4.0]
    clock.now = 100.0
    pacer.hold(7.0)
    pacer.hold(3.0)
    assert (pacer.held, pacer.reserve(), pacer.reserve()) == (7.0, 7.0, 9.0)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "12"}, 12.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Thu, 01 Jan 1970 00:17:00 GMT"}, 20.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1090"}, 90.0),
        ({"x-ratelimit-remaining": "1", "x-ratelimit-reset": "1090"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "later"}, None),
    ],
)
def test_wait_asked_for(headers: Mapping[str, str], seconds: float | None) -> None:
    assert retry_after(headers, wall=1000.0) == seconds


@given(st.text())
def test_any_header_gives_a_wait_or_none(text: str) -> None:
    for headers in ({"retry-after": text}, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": text}):
        wait = retry_after(headers, 0.0)
        assert wait is None or 0.0 <= wait < 1e15


@given(st.integers(100, 599), st.binary(max_size=50))
def test_only_success_is_an_answer(status: int, body: bytes) -> None:
    outcome = judge(Answer(status, {}, body, len(body)), frozenset(), 0.0)
    assert (outcome.kind is Kind.ANSWERED) == (200 <= status < 300)


def test_every_service_has_public_terms() -> None:
    policies = public_policies()
    assert set(policies) == set(ServiceName)
    assert all(policy.address.startswith("https://") for policy in policies.values())
    assert policies[ServiceName.NVD].requests_in_window == 5


def test_a_policy_prints_neither_token_nor_password() -> None:
    policy = ServicePolicy("https://me:pw@mirror.test:8443/pypi/", token=SecretStr("s3cret"), headers={"X": "hidden"})
    for secret in ("s3cret", "pw", "hidden"):
        assert secret not in repr(policy)
        assert secret not in policy.host + policy.address
    assert (policy.host, policy.address) == ("mirror.test:8443", "https://mirror.test:8443/pypi")
    assert policy.credentials == ("me", "pw")
    assert ServicePolicy("https://pypi.org").credentials is None


@pytest.mark.parametrize(
    ("name", "header", "value"),
    [
        (ServiceName.GITHUB, "Authorization", "Bearer t0k"),
        (ServiceName.NVD, "apiKey", "t0k"),
        (ServiceName.SNYK, "Authorization", "token t0k"),
    ],
)
def test_tokens_are_sent_as_each_service_wants_them(name: ServiceName, header: str, value: str) -> None:
    public = public_policies()[name]
    policy = ServicePolicy(
        public.base_url, token=SecretStr("t0k"), auth_header=public.auth_header, auth_scheme=public.auth_scheme
    )
    assert policy.request_headers()[header] == value
    assert header not in public.request_headers()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: ServicePolicy("http://a", attempts=0),
        lambda: ServicePolicy("http://a", max_in_flight=0),
        lambda: ServicePolicy("http://a", requests_per_second=0),
    ],
)
def test_a_policy_that_lets_nobody_ask_is_refused(wrong: Callable[[], ServicePolicy]) -> None:
    with pytest.raises(ValueError, match=r"at least 1|above 0"):
        wrong()


def test_a_company_certificate_is_trusted_beside_the_public_ones(tmp_path: Path) -> None:
    some = (
        Path(certifi.where()).read_text("ascii").split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n"
    )
    bundle = tmp_path / "company.pem"
    bundle.write_text(some[some.index("-----BEGIN") :], "ascii")
    assert len(trust(bundle).get_ca_certs()) >= len(trust(None).get_ca_certs()) > 1
    with pytest.raises(FileNotFoundError):
        trust(tmp_path / "missing.pem")
    bundle.write_text("no certificate", "ascii")
    with pytest.raises(ssl.SSLError):
        trust(bundle)
