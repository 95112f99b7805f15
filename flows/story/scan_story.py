"""What a scan tells: summary, findings, what could not be checked, where its files are, and tags by outcome."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from flows.story.pieces import (
    LinkPiece,
    MarkdownPiece,
    Piece,
    Row,
    as_code,
    bullets,
    escaped,
    figures_table,
    key_for,
    table_of,
)
from tasks.advisories.model import Severity
from tasks.reports.consulted import KEV, blank, exploitation_gap, silent_words
from tasks.reports.decided import note_words
from tasks.reports.result import ScanResult, summary
from tasks.review.model import PackageReview, ReviewStatus, SourceStatus, Tier, VulnerabilityReview

_TIERS = {
    Tier.SECURITY_RISK: "Security risk",
    Tier.MANUAL_REVIEW: "Manual review",
    Tier.UPDATE: "Update available",
    Tier.PROCEED: "Nothing to do",
}
_WHOLE_PACKAGE = "all"


def scan_pieces(result: ScanResult, problem: str | None, files: Mapping[str, Path]) -> Iterator[Piece]:
    """The artifacts of a scan; problem: why the workbook was not written; files: by what they are, absolute."""
    subject = result.input.name
    yield MarkdownPiece(key_for("scan-summary", subject), f"Summary of {subject}", _text(result, problem, files))
    yield table_of(key_for("scan-findings", subject), "findings", list(finding_rows(result)))
    yield table_of(key_for("scan-coverage", subject), "gaps: what could not be checked", list(coverage_rows(result)))
    for what, path in files.items():
        yield LinkPiece(key_for(f"scan-{what.lower()}", subject), f"{what}: {path.name}", path)


def _text(result: ScanResult, problem: str | None, files: Mapping[str, Path]) -> str:
    lines = [f"# {escaped(result.input.name)}", ""]
    if problem is not None:
        lines += [f"**The workbook was not written:** {escaped(problem)}", ""]
    lines += [*figures_table(_figures(result)), ""]
    if files:
        lines += ["## Files", *(f"- {what}: {as_code(path)}" for what, path in files.items()), ""]
    if result.notes:
        lines += ["## Notes", *bullets(result.notes)]
    return "\n".join(lines)


def _figures(result: ScanResult) -> Iterator[tuple[str, object]]:
    counts, metrics = summary(result.packages), result.metrics
    yield "Packages", f"{counts['packages']:,}"
    yield from ((words, f"{counts['tiers'][tier.value]:,}") for tier, words in _TIERS.items())
    yield "Could not be checked", sum(1 for review in result.packages if _is_unchecked(review))
    yield "Skipped: no usable version", counts["statuses"][ReviewStatus.SKIPPED.value]
    severities = counts["severities"]
    found = ", ".join(f"{severities[s.value]:,} {s.value.lower()}" for s in reversed(Severity) if severities[s.value])
    yield "Vulnerabilities", f"{counts['vulnerabilities']:,}" + (f" ({found})" if found else "")
    yield "Decided by reviewers", sum(1 for one in result.packages for v in one.vulnerabilities if v.settled)
    yield "Exploited or malicious", _urgent(result.packages)
    for line in silent_words(result.packages):
        words, _, sources = line.partition(": ")
        yield words, sources
    yield "Cells changed", f"{result.changed_cells:,}"
    yield "Batches", f"{metrics.batches}, {metrics.cached_batches} from checkpoints"
    yield "Time", f"{metrics.wall_s:.1f} s"


def _urgent(packages: Sequence[PackageReview]) -> str:
    """How many; never zero where KEV was not heard."""
    number = sum(1 for review in packages for found in review.vulnerabilities if found.kev or found.malicious)
    gap = exploitation_gap(packages)
    if gap is None:
        return f"{number:,}"
    return f"{number:,}, perhaps more: {gap}" if number else f"not known: {gap}"


def finding_rows(result: ScanResult) -> Iterator[Row]:
    """One row a vulnerability of a package: malicious and known to be exploited first, then by severity."""
    pairs = [(review, found) for review in result.packages for found in review.vulnerabilities]
    for review, found in sorted(pairs, key=lambda pair: _urgency(pair[1]), reverse=True):
        yield {
            "Row": str(review.row),
            "Package": review.name,
            "Version": review.version,
            "Severity": "MALICIOUS" if found.malicious else found.severity.value,
            "CVSS": "" if found.cvss is None else f"{found.cvss:.1f}",
            "Exploited": "yes" if found.kev else blank(review, KEV, "no") if found.cves else "",
            "Advisories": ", ".join(found.ids),
            "Fixed in": ", ".join(found.fixed_in) or "no fix known",
            "Decision": note_words(found.decision) if found.decision else "",
        }


def _urgency(found: VulnerabilityReview) -> tuple[bool, bool, int, float]:
    return found.malicious, found.kev, found.severity.rank, found.cvss or 0.0


def coverage_rows(result: ScanResult) -> Iterator[Row]:
    """One row a package that was skipped or failed, and one a source that was asked and could not answer."""
    for review in result.packages:
        if review.status is not ReviewStatus.REVIEWED:
            yield _gap(review, _WHOLE_PACKAGE, review.reason or "no reason is known")
            continue
        told = {name.value: answer for name, answer in review.sources.items()}
        for source in review.gaps:
            answer = told.get(source)
            yield _gap(review, source, (answer.reason if answer else None) or "could not answer")
        for name, one in told.items():
            if one.status is SourceStatus.UNKNOWN and not one.enrichment and name not in review.gaps:
                yield _gap(review, name, one.reason or "could not answer")


def _gap(review: PackageReview, source: str, reason: str) -> Row:
    return {
        "Row": str(review.row),
        "Package": review.name,
        "Version": review.version,
        "Source": source,
        "Status": review.status.value,
        "Reason": reason,
    }


def _is_unchecked(review: PackageReview) -> bool:
    return review.status is ReviewStatus.FAILED or bool(review.gaps)


def _waits(review: PackageReview) -> bool:
    """Whether a person has to look at what was checked."""
    advice = review.recommendation
    return review.status is not ReviewStatus.FAILED and advice is not None and advice.tier is Tier.MANUAL_REVIEW


def scan_tags(result: ScanResult, problem: str | None) -> frozenset[str]:
    """`outcome:` tags: findings, critical, unchecked, manual-review, decided, not-written; clean where none applies.

    findings and critical are those that no decision in force is about.
    """
    found = [v for review in result.packages for v in review.open_vulnerabilities]
    applies = {
        "findings": bool(found),
        "critical": any(v.malicious or v.severity is Severity.CRITICAL for v in found),
        "unchecked": any(map(_is_unchecked, result.packages)),
        "decided": any(v.settled for review in result.packages for v in review.vulnerabilities),
        "manual-review": any(map(_waits, result.packages)),
        "not-written": problem is not None,
    }
    return frozenset(f"outcome:{name}" for name, so in applies.items() if so) or frozenset({"outcome:clean"})
