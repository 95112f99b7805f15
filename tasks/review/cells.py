"""A review as the automated cells of its row: values, links and looks.

Manual columns (A to D and N) are never among them. A field for which nothing new is known is left out, so
that the cell keeps its former answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from tasks.advisories.versions import parse_version
from tasks.review.meaning import Meaning, of_recommendation, of_result
from tasks.review.model import PackageReview, ReviewStatus, SourceName
from tasks.review.recommendation import deciding_gap, malware_reports
from tasks.review.unnamed import is_unnamed
from tasks.review.verdicts import NO_CVE, NO_SNYK_TOKEN
from tasks.review.words import result_text
from tasks.settings.addresses import PYPI
from tasks.workbook.model import CellValue, Field, Formula

NOT_AVAILABLE = "Not Available"
_SHOWN_REQUIREMENTS = 5
_LONGEST_IN_FORMULA = 255
"""Characters of a text within a formula (support.microsoft.com, "Excel specifications and limits")."""

RESULT_FIELDS = {
    Field.GITHUB_ADVISORY_RESULT: SourceName.GITHUB,
    Field.NIST_NVD_RESULT: SourceName.NVD,
    Field.MITRE_CVE_RESULT: SourceName.MITRE,
    Field.SNYK_RESULT: SourceName.SNYK,
    Field.EXPLOIT_DB_RESULT: SourceName.EXPLOITDB,
}
"""Which source speaks in which result column."""

_LOOKUPS = {
    Field.NIST_NVD_URL: (
        "https://nvd.nist.gov/vuln/search/results?form_type=Basic&results_type=overview&query=",
        "&search_type=all&isCpeNameSearch=false",
        "NVD NIST",
    ),
    Field.MITRE_CVE_URL: ("https://cve.mitre.org/cgi-bin/cvekey.cgi?keyword=", "", "CVE MITRE"),
    Field.SNYK_URL: ("https://security.snyk.io/vuln/pip?search=", "", "Snyk"),
    Field.EXPLOIT_DB_URL: ("https://www.exploit-db.com/search?text=", "", "Exploit-DB"),
}


@dataclass(frozen=True, slots=True)
class CellProposal:
    """What one automated cell should say.

    only_if_empty: never replaces an earlier answer. after_former: an earlier answer stays in front of the text.
    unanswered names the sources that would have added to it and did not answer, or were not asked; cves those that
    affect the version, which installed is.
    """

    field: Field
    value: CellValue
    meaning: Meaning
    only_if_empty: bool = False
    after_former: bool = False
    unanswered: frozenset[str] = frozenset()
    cves: frozenset[str] = frozenset()
    installed: str = ""

    @property
    def is_recommendation(self) -> bool:
        """Whether it is column W."""
        return self.field is Field.RECOMMENDATION


def proposals(review: PackageReview, pypi_address: str = PYPI) -> tuple[CellProposal, ...]:
    """All automated cells of one reviewed row; of one that names no package, what to do about it alone."""
    if is_unnamed(review):
        return (_recommendation(review),)
    return (*_facts(review, pypi_address), *_results(review), *_links(review), _recommendation(review))


def _facts(review: PackageReview, pypi: str) -> Iterator[CellProposal]:
    facts = review.facts
    if facts is None or not facts.found:
        return
    if not review.is_new and parse_version(review.version) is not None:
        yield _published(facts.released_at)
    if facts.latest_version is not None:
        latest = f"{pypi.rstrip('/')}/project/{quote(facts.name)}/{quote(facts.latest_version)}/"
        yield CellProposal(Field.LATEST_VERSION, facts.latest_version, Meaning.VERSION_UPDATE)
        yield CellProposal(Field.PYPI_LATEST_LINK, latest, Meaning.LINK)
    if facts.latest_released_at is not None:
        yield CellProposal(Field.LATEST_RELEASE_DATE, facts.latest_released_at, Meaning.VERSION_UPDATE)
    if facts.requires:
        yield CellProposal(Field.REQUIRES, ", ".join(facts.requires[:_SHOWN_REQUIREMENTS]), Meaning.UPDATED)
    yield CellProposal(Field.DEVELOPMENT_STATUS, facts.development_status or "Unknown", Meaning.UPDATED)
    if facts.github_url is not None:
        yield CellProposal(Field.GITHUB_URL, facts.github_url, Meaning.GITHUB)
    yield CellProposal(Field.GITHUB_ADVISORY_URL, _advisories_page(facts.github_url, review.project), Meaning.GITHUB)


def _published(released_at: datetime | None) -> CellProposal:
    if released_at is None:
        return CellProposal(Field.DATE_PUBLISHED, NOT_AVAILABLE, Meaning.NOT_AVAILABLE)
    return CellProposal(Field.DATE_PUBLISHED, released_at, Meaning.VERSION_UPDATE)


def _advisories_page(repository: str | None, project: str) -> str:
    if repository is not None:
        return f"{repository.rstrip('/')}/security/advisories"
    return f"https://github.com/advisories?query=ecosystem%3Apip%20{quote(project)}"


def _results(review: PackageReview) -> Iterator[CellProposal]:
    for field, source in RESULT_FIELDS.items():
        text = result_text(review, source)
        if text is not None:
            meaning = of_result(review, source)
            only_if_empty = _answers_nothing(review, source, meaning)
            unanswered = frozenset({source.value} if review.sources[source].enrichment else ())
            yield CellProposal(field, text, meaning, only_if_empty=only_if_empty, unanswered=unanswered)


def _answers_nothing(review: PackageReview, source: SourceName, meaning: Meaning) -> bool:
    """Whether a source was not asked, so that what it said earlier stays."""
    reason = review.sources[source].reason
    without_cve = source is SourceName.EXPLOITDB and reason == NO_CVE
    return meaning is Meaning.COULD_NOT_CHECK or reason == NO_SNYK_TOKEN or without_cve


def _links(review: PackageReview) -> Iterator[CellProposal]:
    for field, (before, after, label) in _LOOKUPS.items():
        address = f"{before}{quote(review.project)}{after}"
        text = f"{label} {review.name} link"
        yield CellProposal(field, _link(address, text), Meaning.LINK)


def _link(address: str, text: str) -> CellValue:
    """A HYPERLINK formula; the plain address where a text would be longer than Excel takes within a formula."""
    quoted = text.replace('"', '""')
    if max(len(address), len(quoted)) > _LONGEST_IN_FORMULA:
        return address
    return Formula(f'HYPERLINK("{address}","{quoted}")', cached=text)


def _recommendation(review: PackageReview) -> CellProposal:
    text = review.recommendation.text if review.recommendation else None
    failed = review.status is ReviewStatus.FAILED or deciding_gap(review)
    alarming = bool(review.vulnerabilities or malware_reports(review))
    without_pypi = () if review.facts is not None else ("pypi",)
    return CellProposal(
        Field.RECOMMENDATION,
        text,
        of_recommendation(review),
        after_former=failed and not alarming,
        unanswered=frozenset((*review.gaps, *review.not_consulted, *without_pypi)),
        cves=frozenset(cve for found in review.vulnerabilities for cve in found.cves),
        installed=review.version,
    )
