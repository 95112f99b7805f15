"""What is told, once: by the names of the findings, noted only after it was sent."""

from pathlib import Path

from tasks.advisories.model import Severity
from tasks.notifying.news import News, body_of, scan_news
from tasks.notifying.told import Told
from tests.review.review_samples import CRITICAL, MEDIUM, advisory, key, reviewed


def news(*names: str, line: str = "line") -> News:
    return News(frozenset(names), line)


def test_grave_exploited_and_malicious_findings_are_news() -> None:
    mild = reviewed(key("1.0"), advisory("GHSA-1", vector=MEDIUM))
    grave = reviewed(key("1.0"), advisory("GHSA-2", vector=CRITICAL, aliases=("CVE-2",)))
    (found,) = mild.vulnerabilities
    exploited = mild.model_copy(update={"vulnerabilities": (found.model_copy(update={"kev": True}),)})
    malicious = mild.model_copy(update={"vulnerabilities": (found.model_copy(update={"malicious": True}),)})
    told = list(scan_news([mild, grave, exploited, malicious], Severity.CRITICAL))
    assert [one.line for one in told] == [
        "demo 1.0: CRITICAL GHSA-2, fixed in 2.0",
        "demo 1.0: MEDIUM, known to be exploited, GHSA-1, fixed in 2.0",
        "demo 1.0: MALICIOUS GHSA-1, fixed in 2.0",
    ]
    assert told[0].names == {"demo GHSA-2", "demo CVE-2"}
    assert len(list(scan_news([mild], Severity.MEDIUM))) == 1


def test_what_was_told_is_not_told_again_until_it_comes_back(tmp_path: Path) -> None:
    told = Told(tmp_path, "a.xlsx")
    one, two = news("p GHSA-1", "p CVE-1"), news("q GHSA-2")
    assert told.not_told([one, two]) == (one, two)
    told.note([one, two])
    assert told.not_told([news("p CVE-1", "p PYSEC-1"), two]) == ()
    assert Told(tmp_path, "b.xlsx").not_told([one]) == (one,)
    told.note([two])
    assert told.not_told([one, two]) == (one,)


def test_a_torn_note_tells_everything_again(tmp_path: Path) -> None:
    told = Told(tmp_path, "a.xlsx")
    told.note([news("p")])
    for text in ("{", "[]", '{"told": 1}', ""):
        told.path.write_text(text)
        assert len(told.not_told([news("p")])) == 1


def test_a_long_list_is_cut_and_counted() -> None:
    body = body_of([news(str(n), line=f"line {n}") for n in range(20)])
    assert body.splitlines()[-1] == "... and 5 more"
    assert len(body.splitlines()) == 16


def test_a_report_of_malware_that_no_version_could_be_held_against_is_news() -> None:
    reported = reviewed(key(None, text="latest"), advisory("MAL-2026-1"))
    (told,) = scan_news([reported], Severity.CRITICAL)
    assert told.line == "demo latest: REPORTED AS MALICIOUS MAL-2026-1, check by hand"
