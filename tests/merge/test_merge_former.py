"""A source that is down or not consulted takes nothing out of a cell that it had told of before."""

from typing import Any

import pytest

from tasks.errors import SourceUnavailable
from tasks.merge.changes import CellContent, changes
from tasks.merge.vocabulary import meaning_of
from tasks.review.cells import RESULT_FIELDS
from tasks.review.enrich import enriched
from tasks.review.meaning import Meaning
from tasks.review.model import PackageReview
from tasks.sources.enrichment import KevFacts, NvdFacts
from tasks.workbook.model import Field, Formula, Keep, Layout, PackageRow
from tests.review.review_samples import CRITICAL, MEDIUM, NOW, advisory, key, reviewed
from tests.review.test_review_enrich import ONE, TWO, affected, calm, clear, failed, told

LAYOUT = Layout("Review", 3, 4)
WHOLE: dict[str, Any] = {
    "kev": told({ONE: KevFacts()}, TWO),
    "epss": told({ONE: 0.5, TWO: 0.02}),
    "exploits": told({ONE: ("42",)}, bulk=True),
    "nvd": told({ONE: NvdFacts(status="Awaiting Analysis"), TWO: NvdFacts(status="Analyzed", cvss=9.9)}),
}
Cells = dict[Field, CellContent]
TEXTS = (*RESULT_FIELDS, Field.RECOMMENDATION)


def merged(review: PackageReview, cells: Cells) -> Cells:
    row = PackageRow(4, "demo", "demo", "1.0", "1.0", cells=cells)
    found = dict(cells)
    for change in changes([row], {4: review}, LAYOUT):
        value = change.update.value
        assert not isinstance(value, Keep)
        found[change.field] = value.cached if isinstance(value, Formula) else value
    return found


def test_what_was_told_is_there_to_be_lost() -> None:
    advice = str(merged(affected(**WHOLE), {})[Field.RECOMMENDATION])
    for words in ("KNOWN EXPLOITED", "EPSS: 50 %", "EDB-ID 42", "Sources differ on severity"):
        assert words in advice


@pytest.mark.parametrize("name", ["nvd", "mitre", "kev", "epss", "exploits"])
@pytest.mark.parametrize("make", [affected, clear])
def test_each_source_in_turn_down_takes_no_text_and_turns_nothing_green(name: str, make: Any) -> None:
    before = merged(make(**WHOLE), {})
    now = make(**{**WHOLE, name: failed(bulk=name == "exploits")})
    after = merged(now, before)
    for field in TEXTS:
        former, new = (str(cells[field]).split(" | ") for cells in (before, after))
        assert set(former) <= set(new), f"{field}: {set(former) - set(new)}"
        green = meaning_of(field, after[field]) is Meaning.SAFE
        assert not green or meaning_of(field, before[field]) is Meaning.SAFE, field
    assert merged(now, after) == after, "down again, nothing piles up"
    assert merged(make(**WHOLE), after) == before, "back again, nothing is left of it"


def _without_pypi(version: str = "1.0") -> PackageReview:
    records = (advisory("GHSA-1", aliases=(ONE,), vector=CRITICAL), advisory("GHSA-2", aliases=(TWO,), vector=MEDIUM))
    return enriched(reviewed(key(version), *records, pypi=SourceUnavailable("pypi: HTTP 503")), calm(**WHOLE), NOW)


def test_the_way_out_that_pypi_showed_stays_while_it_is_down() -> None:
    before = merged(affected(**WHOLE), {})
    after = merged(_without_pypi(), before)
    former, new = (str(cells[Field.RECOMMENDATION]).split(" | ") for cells in (before, after))
    assert "📦 UPDATE REQUIRED: 1.0 → 3.0" in former
    assert set(former) <= set(new)
    assert merged(_without_pypi(), after) == after, "down again, nothing piles up"
    assert merged(affected(**WHOLE), after) == before


def test_the_way_out_of_another_version_is_not_kept() -> None:
    before = merged(affected(**WHOLE), {})
    assert "UPDATE REQUIRED" not in str(merged(_without_pypi("1.5"), before)[Field.RECOMMENDATION])


def test_what_was_told_of_other_findings_is_not_kept() -> None:
    former: Cells = {
        Field.RECOMMENDATION: "🚨 SECURITY RISK | 🔥 KNOWN EXPLOITED (CVE-1999-0001; CISA KEV): act first"
        " | 9 confirmed vulnerabilities found | 💥 Public exploits: EDB-ID 7"
    }
    down = {**WHOLE, "kev": failed(), "exploits": failed(bulk=True)}
    advice = str(merged(affected(**down), former)[Field.RECOMMENDATION])
    assert "CVE-1999-0001" not in advice
    assert "EDB-ID 7" not in advice


def test_a_clear_row_is_not_a_risk_because_a_source_is_down() -> None:
    former: Cells = {Field.RECOMMENDATION: f"🚨 SECURITY RISK | 🔥 KNOWN EXPLOITED ({ONE}; CISA KEV): act first"}
    advice = str(merged(clear(kev=failed()), former)[Field.RECOMMENDATION])
    assert "KNOWN EXPLOITED" not in advice
