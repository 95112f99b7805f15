"""Decisions out of YAML and out of the sheet: each row counts or is refused by its place, and nothing is guessed."""

from datetime import date, datetime
from pathlib import Path

import pytest

from tasks.advisories.model import Severity
from tasks.decisions.checking import FIELDS
from tasks.decisions.model import DecisionKind
from tasks.decisions.reading import read_decisions
from tasks.errors import InputError
from tests.decisions.decision_samples import CELLS, book_with, decision, refusal

HEADERS: list[object] = ["Package", "Advisory", "Decision", "Owner", "Reason", "Expiry"]
PLAIN: list[object] = ["demo", "CVE-2020-0001", "accepted risk", "Jane Doe", "behind the proxy", "2026-12-31"]


def _no_sheet(folder: Path) -> Path:
    return book_with(folder / "packages.xlsx", [], title="Other")


def test_a_decision_of_yaml_keeps_every_field(tmp_path: Path) -> None:
    file = tmp_path / "decisions.yaml"
    file.write_text(
        """# reviewed in November
decisions:
  - package: Flask_Login
    advisory: ghsa-AAAA-bbbb-cccc
    decision: Fix-Planned
    owner: 'Jane Doe'
    reason: update with the next release
    expiry: 2026-12-31
    version: 1.0
    decided_on: 2026-11-01
    severity: high
    known_exploited: no
""",
        encoding="utf-8",
    )
    (found,) = read_decisions(_no_sheet(tmp_path), file).valid
    assert (found.project, found.advisory, found.kind) == (
        "flask-login",
        "GHSA-AAAA-BBBB-CCCC",
        DecisionKind.FIX_PLANNED,
    )
    assert (found.expiry, found.decided_on, found.version) == (date(2026, 12, 31), date(2026, 11, 1), "1.0")
    assert (found.severity, found.known_exploited) == (Severity.HIGH, False)
    assert (found.owner, found.reason) == ("Jane Doe", "update with the next release")
    assert found.place == f"{file}:3"


@pytest.mark.parametrize("missing", FIELDS[:6])
def test_a_decision_without_a_needed_field_is_refused_by_row_and_the_others_count(tmp_path: Path, missing: str) -> None:
    file = tmp_path / "decisions.yaml"
    incomplete = "".join(f"\n  {name}: {'' if name == missing else value}" for name, value in CELLS.items())
    file.write_text(f"-{incomplete}\n-{incomplete.replace(f'{missing}: ', f'{missing}: {CELLS[missing]}')}\n", "utf-8")
    found = read_decisions(_no_sheet(tmp_path), file)
    assert [one.place for one in found.valid] == [f"{file}:9"]
    assert [str(one) for one in found.refused] == [f"{file}:2: no {missing}; fill it in; this decision does not count"]


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ({"expiry": "31.12.2026"}, "expiry '31.12.2026' is no date; write YYYY-MM-DD"),
        ({"expiry": "2026-02-30"}, "is no date"),
        ({"expiry": "20261231"}, "is no date"),
        ({"expiry": "never"}, "is no date"),
        ({"owner": "   "}, "no owner; fill it in"),
        ({"reason": "\n"}, "no reason; fill it in"),
        ({"decision": "ignore"}, "'ignore' is no decision; write one of accepted risk, not affected"),
        ({"advisory": "*"}, "is no advisory id"),
        ({"advisory": "CVE-2020-0001, CVE-2020-0002"}, "is no advisory id"),
        ({"package": "demo; other"}, "is no package name"),
        ({"version": ">=1"}, "is no version"),
        ({"severity": "severe"}, "is none of CRITICAL, HIGH"),
        ({"known_exploited": "perhaps"}, "is neither yes nor no"),
        ({"decided_on": "2027-01-01"}, "expiry 2026-12-31 is before decided_on 2027-01-01"),
        ({"decided_on": "yesterday"}, "decided_on 'yesterday' is no date"),
        ({"expirey": "2026-12-31"}, "'expirey' is no field of a decision, did you mean expiry?"),
        ({"valid until": "2027-01-01"}, "expiry is given twice"),
        ({"reason": "x" * 501}, "reason has 501 characters"),
    ],
)
def test_a_wrong_value_is_refused_with_what_to_do(cell: dict[str, str], words: str) -> None:
    said = refusal(CELLS | cell)
    assert said.startswith("decisions.yaml:2: ")
    assert words in said
    assert "\n" not in said


def test_a_person_may_write_fields_and_words_as_people_do() -> None:
    assert decision(decision="NOT_AFFECTED").kind is DecisionKind.NOT_AFFECTED
    assert decision(decision="False positive").kind is DecisionKind.FALSE_POSITIVE
    assert decision(package="Demo[extra]").project == "demo"
    assert decision(reason="two\n lines").reason == "two lines"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("decisions: [", "not YAML or JSON"),
        ("[" * 5000, "not YAML or JSON"),
        ("just text", "holds no list of decisions"),
        ("other: []\n", "something other than 'decisions:'"),
        ("decisions: {}\n", "holds no list of decisions"),
    ],
)
def test_a_file_that_is_none_of_decisions_is_wrong_use(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "decisions.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=words):
        read_decisions(_no_sheet(tmp_path), file)


def test_a_file_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="give an existing file to --decisions"):
        read_decisions(_no_sheet(tmp_path), tmp_path / "missing.yaml")


@pytest.mark.parametrize("text", ["", "decisions:\n", "[]", "# nothing yet\n"])
def test_an_empty_file_has_no_decisions(tmp_path: Path, text: str) -> None:
    file = tmp_path / "decisions.yaml"
    file.write_text(text, encoding="utf-8")
    assert read_decisions(_no_sheet(tmp_path), file).valid == ()


def test_yaml_values_stay_the_texts_that_they_are(tmp_path: Path) -> None:
    file = tmp_path / "decisions.yaml"
    same = ", ".join(f"{name}: '{value}'" for name, value in CELLS.items() if name != "reason")
    odd = ("reason: !!python/object/apply:os.getcwd []", "reason: [a, b]", "reason: {a: b}", "reason: null")
    file.write_text("".join(f"- {{{same}, {one}}}\n" for one in (*odd, "reason: 2026-01-01", "reason: yes")), "utf-8")
    found = read_decisions(_no_sheet(tmp_path), file)
    assert [one.place for one in found.refused] == [f"{file}:{line}" for line in (1, 2, 3, 4)]
    assert [one.reason for one in found.valid] == ["2026-01-01", "yes"]


def test_anchors_cannot_blow_a_file_up(tmp_path: Path) -> None:
    file = tmp_path / "decisions.yaml"
    levels = "".join(f"  - &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 30))
    file.write_text(f"decisions:\n  - &l0 [x]\n{levels}", encoding="utf-8")
    assert len(read_decisions(_no_sheet(tmp_path), file).refused) == 30


def test_the_sheet_is_read_with_dates_numbers_and_columns_of_the_team(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        ["Decisions of the security team"],
        [],
        [*HEADERS, "Ticket", "Known exploited", "Version"],
        [*PLAIN[:5], datetime.fromisoformat("2026-12-31"), "SEC-1", False, 1.0],
        [],
        [*PLAIN[:5], date(2027, 1, 31), None, None, "1.5"],
        [*PLAIN[:3], None, "a reason", "2026-12-31"],
        [*PLAIN[:5], 46387],
    ]
    found = read_decisions(book_with(tmp_path / "packages.xlsx", rows, title="decisions"), None)
    assert [(one.place, one.expiry) for one in found.valid] == [
        ("decisions!4", date(2026, 12, 31)),
        ("decisions!6", date(2027, 1, 31)),
    ]
    assert (found.valid[0].known_exploited, found.valid[1].version) == (False, "1.5")
    assert [str(one) for one in found.refused] == [
        "decisions!7: no owner; fill it in; this decision does not count",
        "decisions!8: expiry '46387' is no date; write YYYY-MM-DD, such as 2027-01-31; this decision does not count",
    ]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([["a", "b"], PLAIN], "no row of the first 10 has the headers package, advisory"),
        ([[*HEADERS, "Expires"], PLAIN], "two columns are headed expiry"),
    ],
)
def test_a_sheet_that_cannot_be_read_says_so(tmp_path: Path, rows: list[list[object]], words: str) -> None:
    found = read_decisions(book_with(tmp_path / "packages.xlsx", rows), None)
    assert found.valid == ()
    assert words in str(found.refused[0])


def test_a_formula_that_was_never_calculated_is_a_missing_value(tmp_path: Path) -> None:
    found = read_decisions(book_with(tmp_path / "packages.xlsx", [HEADERS, [*PLAIN[:5], "=TODAY()"]]), None)
    assert [str(one) for one in found.refused] == ["Decisions!2: no expiry; fill it in; this decision does not count"]


def test_file_and_sheet_count_together(tmp_path: Path) -> None:
    file = tmp_path / "decisions.yaml"
    file.write_text("-" + "".join(f"\n  {name}: {value}" for name, value in CELLS.items()), encoding="utf-8")
    found = read_decisions(book_with(tmp_path / "packages.xlsx", [HEADERS, PLAIN]), file)
    assert [one.place for one in found.valid] == [f"{file}:2", "Decisions!2"]
    assert [one.project for one in found.valid] == ["demo", "demo"]


def test_very_many_refusals_are_told_in_few_lines(tmp_path: Path) -> None:
    found = read_decisions(book_with(tmp_path / "packages.xlsx", [HEADERS, *([list[object](["demo"])] * 50)]), None)
    said = list(found.sentences())
    assert len(found.refused) == 50
    assert len(said) == 21
    assert said[-1] == "30 more decisions do not count either; --json FILE names them all"
