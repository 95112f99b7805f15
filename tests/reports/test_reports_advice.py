"""Advice from measured figures: true, about the right service, and none where nothing is wrong."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.http.metrics import ServiceMetrics
from tasks.http.policy import ServiceName
from tasks.reports.advice import advice

QUIET = ServiceMetrics(requests=10, latency_s=0.5, peak_in_flight=4)


def said(**services: ServiceMetrics) -> list[str]:
    return list(advice(services))


def test_a_quick_run_needs_no_advice() -> None:
    assert said() == []
    assert said(pypi=QUIET, osv=ServiceMetrics()) == []


def test_the_slowest_service_is_the_one_that_took_most_seconds_waits_included() -> None:
    slow = ServiceMetrics(requests=100, latency_s=20.0, waits_s=60.0, peak_in_flight=8)
    many = ServiceMetrics(requests=1000, latency_s=50.0, peak_in_flight=32)
    assert said(pypi=many, osv=slow) == [
        "Slowest service: osv (100 requests, 200 ms each, at most 8 in flight, 60 s of waits between attempts)."
    ]


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("pypi", {"requests": 100, "limited": 30}, "pypi: asked 30 times for fewer requests"),
        ("pypi", {"requests": 100, "retries": 40}, "pypi: 40 % of its requests were second or later attempts"),
        ("osv", {"breaker_trips": 1, "breaker": "open", "not_asked": 7}, "stopped once and was not back at the end; 7"),
        ("osv", {"breaker_trips": 2}, "osv: failed so often that asking was stopped 2 times; run again later"),
        ("nvd", {"not_asked": 5}, "nvd: 5 questions were left out because of its rate limit; set NVD_API_KEY, or"),
        ("pypi", {"requests": 100, "cache_hits": 90}, "processing.pypi_cache_hours: 12 would use them unasked"),
    ],
)
def test_each_opportunity_is_named_with_its_setting(name: str, change: dict[str, object], sentence: str) -> None:
    found = said(**{name: dataclasses.replace(QUIET, **change)})  # type: ignore[arg-type]  # fields by name
    assert len(found) == 1
    assert sentence in found[0]


figures = st.builds(
    ServiceMetrics,
    requests=st.integers(0, 10_000),
    retries=st.integers(0, 10_000),
    not_asked=st.integers(0, 100),
    waits_s=st.floats(0, 1e5),
    latency_s=st.floats(0, 1e5),
    limited=st.integers(0, 1000),
    cache_hits=st.integers(0, 10_000),
    breaker_trips=st.integers(0, 5),
)


@given(services=st.dictionaries(st.sampled_from([name.value for name in ServiceName]), figures))
def test_any_figures_make_whole_sentences_about_services_that_were_asked(services: dict[str, ServiceMetrics]) -> None:
    for sentence in advice(services):
        assert sentence.endswith(".")
        assert "\n" not in sentence
        assert any(name in sentence for name in services)
