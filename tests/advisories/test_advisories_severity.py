"""CVSS scores and ratings; the expected scores are those of FIRST's calculators for these vectors."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.advisories.model import Severity
from tasks.advisories.severity import base_score, highest_score, rating


@pytest.mark.parametrize(
    ("vector", "score"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:U", 9.8),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 9.3),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", 10.0),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N", 0.0),
        ("AV:N/AC:L/Au:N/C:C/I:C/A:C", None),
        ("CVSS:3.1/AV:N", None),
        ("CVSS:3.2/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", None),
        ("CVSS:4.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", None),
        ("9.8", None),
        ("", None),
    ],
)
def test_base_scores(vector: str, score: float | None) -> None:
    assert base_score(vector) == score


@pytest.mark.parametrize(
    ("score", "severity"),
    [
        (0.0, Severity.LOW),
        (0.1, Severity.LOW),
        (3.9, Severity.LOW),
        (4.0, Severity.MEDIUM),
        (6.9, Severity.MEDIUM),
        (7.0, Severity.HIGH),
        (8.9, Severity.HIGH),
        (9.0, Severity.CRITICAL),
        (10.0, Severity.CRITICAL),
    ],
)
def test_the_qualitative_scale(score: float, severity: Severity) -> None:
    assert rating(score) is severity


def test_a_score_of_zero_is_a_score() -> None:
    nothing = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N"
    assert highest_score([nothing, "CVSS:3.1/broken"]) == 0.0
    assert highest_score(["CVSS:3.1/broken"]) is None


PARTS = st.sampled_from(
    ["AV:N", "AC:L", "PR:N", "UI:N", "S:U", "C:H", "I:H", "A:H", "VC:H", "SC:N", "E:U", ":", "/", "X:Y", "AV:", "é"]
)
VECTORS = st.builds(
    lambda head, parts: head + "/".join(parts),
    st.sampled_from(["CVSS:3.1/", "CVSS:3.0/", "CVSS:4.0/", "CVSS:"]),
    st.lists(PARTS, max_size=12),
)


@settings(deadline=None)
@given(VECTORS | st.text(max_size=50).map("CVSS:4.0/".__add__) | st.text(max_size=500))
def test_no_text_makes_scoring_raise(vector: str) -> None:
    score = base_score(vector)
    assert score is None or 0.0 <= score <= 10.0
