"""What the figures of a run say of its speed: the slowest service, and what would help. Numbers in, sentences out."""

from collections.abc import Iterator, Mapping

from tasks.http.metrics import ServiceMetrics

__all__ = ["advice"]

MANY = 20
"""Requests from which an average means something."""

NOTABLE_S = 1.0
"""Seconds spent with one service below which nobody needs advice."""

NOTABLE_SHARE = 0.1
"""Share of attempts that came to nothing, from which it is worth a sentence."""

_TOKENS = {"github": "GITHUB_TOKEN", "nvd": "NVD_API_KEY", "snyk": "SNYK_TOKEN"}
_KEPT = {"pypi": "processing.pypi_cache_hours", "osv": "sources.osv.cache_hours"}


def advice(services: Mapping[str, ServiceMetrics]) -> Iterator[str]:
    """One sentence on the slowest service, then one for each thing that would make the next run faster or fuller."""
    asked = {name: figures for name, figures in services.items() if figures.requests}
    slowest = max(asked, key=lambda name: _seconds(asked[name]), default=None)
    if slowest is not None and _seconds(asked[slowest]) >= NOTABLE_S:
        yield _spent(slowest, asked[slowest])
    for name, figures in services.items():
        yield from _about(name, figures)


def _seconds(figures: ServiceMetrics) -> float:
    return figures.latency_s + figures.waits_s


def _spent(name: str, figures: ServiceMetrics) -> str:
    average = figures.latency_s / figures.requests
    at_once = f", at most {figures.peak_in_flight} in flight" if figures.peak_in_flight else ""
    waits = f", {figures.waits_s:.0f} s of waits between attempts" if figures.waits_s >= NOTABLE_S else ""
    return f"Slowest service: {name} ({figures.requests} requests, {average * 1000:.0f} ms each{at_once}{waits})."


def _about(name: str, figures: ServiceMetrics) -> Iterator[str]:
    if figures.breaker_trips:
        yield _down(name, figures)
    elif figures.not_asked:
        yield _limited(name, figures)
    elif figures.requests >= MANY and figures.limited > NOTABLE_SHARE * figures.requests:
        yield (
            f"{name}: asked {figures.limited} times for fewer requests; fewer at once would spare the waits"
            f" (sources.{name}.max_in_flight, up to {figures.peak_in_flight} were in flight)."
        )
    elif figures.requests >= MANY and figures.retries > NOTABLE_SHARE * figures.requests:
        share = 100 * figures.retries / figures.requests
        yield (
            f"{name}: {share:.0f} % of its requests were second or later attempts after failures; a mirror may be"
            f" steadier (sources.{name}.base_url)."
        )
    if name in _KEPT and figures.cache_hits >= MANY and figures.requests >= figures.cache_hits:
        yield (
            f"{name}: {figures.cache_hits} answers had not changed since an earlier run; {_KEPT[name]}: 12 would use"
            " them unasked."
        )


def _down(name: str, figures: ServiceMetrics) -> str:
    times = "once" if figures.breaker_trips == 1 else f"{figures.breaker_trips} times"
    now = "" if figures.breaker == "closed" else " and was not back at the end"
    unasked = f"; {figures.not_asked} questions were not asked" if figures.not_asked else ""
    return (
        f"{name}: failed so often that asking was stopped {times}{now}{unasked}; run again later for what is missing."
    )


def _limited(name: str, figures: ServiceMetrics) -> str:
    token = f"set {_TOKENS[name]}, or " if name in _TOKENS else ""
    return (
        f"{name}: {figures.not_asked} questions were left out because of its rate limit; {token}allow longer waits"
        f" (sources.{name}.max_wait_s)."
    )
