"""The faults of the tool that reviewers used before, each by name, and the tests which show that they are not ours.

Of the sources' sections first, then of what hurt its users. Where nothing else showed one, its test is at the end.
"""

import re
from pathlib import Path

import pytest

from tasks.advisories.model import Severity
from tasks.review.cells import RESULT_FIELDS, proposals
from tasks.review.meaning import Meaning
from tasks.review.model import SourceName, SourceStatus, Tier
from tasks.workbook.model import Field, Formula
from tests.review.review_samples import HIGH, MEDIUM, OSV_DOWN, PYPI_DOWN, advisory, facts, key, reviewed

SHOWN: dict[str, tuple[str, ...]] = {
    "PyPI: a version is found by its text only (6 is not 6.0)": (
        "sources/test_sources_pypi.py::test_the_installed_version_is_found_by_equality_and_never_another",
    ),
    "PyPI: names are not those of PEP 503": (
        "workbook/test_reader_rows.py::test_a_name_keeps_its_text_and_gets_its_pep_503_form",
    ),
    "PyPI: the upload time is read from a place where it is not": (
        "sources/test_sources_pypi.py::test_a_date_is_the_first_upload_in_utc_whole_seconds",
    ),
    "PyPI: requirements hold `PySocks!`, `foo~`, `bar @ https://` and extras": (
        "sources/test_sources_pypi.py::test_required_names_in_order_without_extras_and_odd_lines",
        "sources/test_sources_pypi.py::test_what_only_an_extra_asks_for",
    ),
    "PyPI: yanked releases count": (
        "sources/test_sources_pypi.py::test_latest_is_the_highest_stable_release_that_can_be_installed",
        "sources/test_sources_pypi.py::test_where_everything_is_yanked_there_is_no_latest",
    ),
    "PyPI: one request after the other, three a package": (
        "sources/test_sources_pypi.py::test_one_request_per_project",
        "review/test_review_reviewer.py::test_all_packages_of_a_batch_are_looked_up_at_once",
        "http/test_http_wire.py::test_one_connection_serves_many_requests",
    ),
    "NVD: asked by keywords, so that unrelated CVEs count and real ones are dropped": (
        "sources/test_sources_cve_records.py::test_nvd_is_asked_about_each_cve_once_for_ever",
        "review/test_review_former_tool.py::test_findings_come_from_advisories_that_name_the_package",
    ),
    "NVD: a fault of the version check reads as SAFE": (
        "review/test_review_words.py::test_a_version_that_cannot_be_compared_asks_for_a_person",
        "review/test_review_reviewer.py::test_a_fault_of_our_own_is_not_taken_for_a_source_s",
    ),
    "NVD: a failed request reads as None found": (
        "review/test_review_enrich.py::test_a_source_that_is_down_never_reads_as_safe_and_changes_no_other_answer",
        "sources/test_sources_cve_records.py::test_nvd_having_nothing_is_no_record_and_no_answer_is_an_error",
    ),
    "MITRE: NVD under another name": (
        "sources/test_sources_cve_records.py::test_the_cve_list_is_asked_only_where_the_settings_want_it",
        "review/test_review_enrich.py::test_rejected_and_disputed_records_are_said",
    ),
    "MITRE: the lower bound of a range is passed over": (
        "review/test_review_former_tool.py::test_a_version_below_the_first_affected_one_is_safe",
    ),
    "Snyk: its pages are scraped": (
        "sources/test_sources_advisory_services.py::test_snyk_is_asked_by_purl_and_pages_are_followed",
        "review/test_review_words.py::test_snyk_without_a_token_says_so",
    ),
    "Snyk: blocked or unknown reads as None found": (
        "review/test_review_enrich.py::test_snyk_without_issues_with_issues_and_refused",
    ),
    "Snyk: ranges such as `<2.31.0`, `>=2.3.0` are misread": (
        "sources/test_sources_advisory_services.py::test_githubs_way_of_writing_ranges",
        "advisories/test_advisories_evaluate.py::",
    ),
    "Exploit-DB: nothing is asked, a model invents": (
        "sources/test_sources_exploitation.py::test_exploits_are_found_by_whole_cve_ids_in_codes",
        "review/test_review_enrich.py::test_each_source_answers_for_itself",
    ),
    "Exploit-DB: `Manual review required` counts as SAFE": (
        "merge/test_merge_vocabulary.py::test_results",
        "review/test_review_words.py::test_exploit_db_is_left_as_it_is_while_it_is_not_asked",
    ),
    "GitHub: an AFFECTED answer leads to PROCEED": (
        "review/test_review_enrich.py::test_an_advisory_that_only_github_has_yet_is_a_finding",
        "review/test_review_enrich.py::test_github_down_leaves_findings_and_clears_nothing",
    ),
    "GitHub: /sponsors/ and #readme break the links": (
        "sources/test_sources_pypi.py::test_repository_of_an_address",
        "sources/test_sources_pypi.py::test_the_first_address_that_is_a_repository_wins_over_the_home_page",
    ),
    "Limits: up to 45 requests to NVD in 30 s": (
        "http/test_http_window.py::test_retries_count_and_wait_for_the_window",
        "http/test_http_window.py::test_a_slow_answer_in_flight_does_not_let_the_next_window_overflow",
        "http/test_http_window.py::test_processes_that_use_one_file_share_its_window",
    ),
    "Limits: a throttling 403 is not known as one": ("http/test_http_parts.py::test_wait_asked_for",),
    "Severity: every MEDIUM is reported as HIGH": (
        "review/test_review_words.py::test_a_medium_risk_is_not_called_high",
        "review/test_review_recommendation.py::test_medium_is_not_reported_as_high_priority",
    ),
    "1: failure reads as safe, five failed sources as PROCEED": (
        "review/test_review_recommendation.py::test_a_failed_source_never_reads_as_proceed",
        "review/test_review_former_tool.py::test_with_every_source_down_nothing_is_green_and_nothing_proceeds",
        "end_to_end/test_scan_command.py::test_a_source_that_is_down_never_reads_as_safe",
    ),
    "2: reports destroy the result, a new run discards the old one's progress": (
        "end_to_end/test_scan_report_and_retry.py::test_report_only_says_what_the_workbook_says_and_touches_nothing",
        "end_to_end/test_scan_report_and_retry.py::test_report_only_leaves_an_output_of_an_earlier_run_alone",
        "end_to_end/test_scan_merge.py::test_the_reports_tell_what_changed",
        "end_to_end/test_scan_resume.py::test_kill_and_resume_repeat_no_finished_batch",
    ),
    "3: a save that is killed leaves an unreadable file": (
        "merge/test_merge_crash.py::test_killed_at_every_step",
        "files/test_files_crash.py::test_killed_before_any_step_the_workbook_is_old_or_new_and_the_next_run_completes",
    ),
    "4: a save that fails is taken for success": (
        "end_to_end/test_scan_command.py::test_an_open_workbook_is_left_alone_and_the_results_are_kept",
        "merge/test_merge_crash.py::test_a_disk_that_fails_at_any_step_leaves_the_old_or_the_new_workbook",
    ),
    "5: Ctrl-C loses the batch and shows a traceback": (
        "end_to_end/test_scan_resume.py::test_ctrl_c_says_how_to_go_on_and_leaves_no_child",
        "end_to_end/test_scan_stopping.py::test_the_second_signal_ends_it_at_once_and_loses_nothing",
    ),
    "6: reviewers' corrections and known-good data are overwritten": (
        "merge/test_merge_changes.py::test_could_not_check_keeps_every_former_answer",
        "merge/test_merge_changes.py::test_pypi_down_keeps_every_fact",
        "merge/test_merge_changes.py::test_empty_only_fills_empty_cells_and_leaves_filled_ones",
        "review/test_review_cells.py::test_what_pypi_does_not_say_is_not_proposed",
        "end_to_end/test_scan_merge.py::test_edits_made_while_the_scan_ran_are_kept",
    ),
    "6: cleared cells are left out of the changes report": (
        "reports/test_reports_changes.py::test_added_changed_cleared_and_manual_cells_differ",
    ),
    "7: every SAFE cell is red, PROCEED WITH UPDATE too": (
        "review/test_review_words.py::test_every_safe_cell_is_green_not_red",
        "review/test_review_recommendation.py::test_proceed_with_update_is_orange_and_not_red",
        "review/test_review_words.py::test_every_meaning_has_a_look_and_green_means_safe_or_link",
        "review/test_review_former_tool.py::test_a_new_package_without_records_is_not_red",
    ),
    "8: the format check turns VULNERABLE from red to blue, and does not save what it mends": (
        "merge/test_merge_vocabulary.py::test_every_cell_of_a_scan_reads_as_the_meaning_it_was_given",
        "merge/test_merge_formatting.py::test_mending_leaves_no_issue_and_every_value",
        "end_to_end/test_scan_merge.py::test_format_check_lists_and_mends",
    ),
    "9: versions are compared as strings": (
        "review/test_review_recommendation.py::test_equal_versions_by_pep_440_need_no_update",
        "review/test_review_recommendation.py::test_an_installed_version_newer_than_the_latest_needs_no_update",
        "review/test_review_recommendation.py::test_an_older_version_by_pep_440_has_an_update",
    ),
    "9: PyPI down reads as an update to nothing": (
        "review/test_review_recommendation.py::test_pypi_down_never_offers_an_update_to_nothing",
    ),
    "9: CVEs that do not affect are counted as confirmed": (
        "review/test_review_recommendation.py::test_counts_only_vulnerabilities_that_affect",
        "review/test_review_recommendation.py::test_two_records_of_one_vulnerability_are_one",
    ),
    "10: a control character leaves a row half written": (
        "workbook/test_writer_values.py::test_encoded_text_says_the_same",
        "review/test_review_cells.py::test_reasons_and_ids_from_outside_are_text_too",
    ),
    "11: progress counts against 486 and beyond 100 %": (
        "progress/test_progress_figures.py::test_never_more_than_all_and_never_a_negative_figure",
        "progress/test_progress_figures.py::test_no_time_gone_is_no_rate_rather_than_an_absurd_one",
    ),
    "12: what happened does not reach the log file": (
        "flows/test_flows_day_logs.py::test_each_day_has_its_file_and_errors_one_more",
    ),
    "13: underlines, charts and images are lost": (
        "workbook/test_writer_styles.py::test_only_what_was_asked_for_changes",
        "end_to_end/test_scan_command.py::test_everything_else_in_the_package_is_the_same_bytes",
    ),
    "13: rows of one name are mixed up in the report": (
        "reports/test_reports_changes.py::test_every_cell_is_said_by_package_and_duplicates_stay_apart",
    ),
    "13: a number in column B is a crash": ("workbook/test_reader_rows.py::test_what_is_no_name_says_why",),
    "13: a new row goes behind footers and formatted blanks": (
        "workbook/test_writer_rows.py::test_new_rows_follow_the_last_package",
        "workbook/test_writer_rows.py::test_a_footer_is_not_overwritten",
    ),
    "13: text from outside is stored as a formula": (
        "workbook/test_writer_values.py::test_text_is_never_a_formula",
        "review/test_review_cells.py::test_package_metadata_never_becomes_a_formula",
        "review/test_review_cells.py::test_a_name_cannot_break_out_of_a_formula",
    ),
    "14: backups and exports are claimed and not there": (
        "end_to_end/test_scan_command.py::test_the_bundled_sample_runs_offline",
        "reports/test_reports_result.py::test_the_document_has_the_documented_keys",
    ),
    "14: 1.0rc1 is read as 1.01": ("workbook/test_reader_versions.py::test_a_usable_version_is_normalised",),
}


@pytest.mark.parametrize("fault", SHOWN)
def test_each_fault_has_tests_that_are_there(fault: str, project_root: Path) -> None:
    for place in SHOWN[fault]:
        file, _, name = place.partition("::")
        text = (project_root / "tests" / file).read_text("utf-8")
        assert re.search(rf"^(async )?def {name}\(" if name else r"^def test_", text, re.MULTILINE), place


def test_findings_come_from_advisories_that_name_the_package() -> None:
    review = reviewed(key(), advisory("GHSA-1", aliases=("CVE-2020-0001",)), advisory("GHSA-2", name="demo-tools"))
    assert [found.ids for found in review.vulnerabilities] == [("GHSA-1",)]


@pytest.mark.parametrize(("version", "found"), [("1.0", 0), ("3.0", 1), ("3.9", 1), ("4.0", 0)])
def test_a_version_below_the_first_affected_one_is_safe(version: str, found: int) -> None:
    review = reviewed(key(version), advisory("GHSA-1", introduced="3.0", fixed="4.0"))
    assert len(review.vulnerabilities) == found


def test_with_every_source_down_nothing_is_green_and_nothing_proceeds() -> None:
    review = reviewed(pypi=PYPI_DOWN, osv=OSV_DOWN)
    told = {proposal.field: proposal for proposal in proposals(review)}
    answers = [told[field] for field in (*RESULT_FIELDS, Field.RECOMMENDATION) if field in told]
    assert {proposal.meaning for proposal in answers} <= {Meaning.COULD_NOT_CHECK, Meaning.UPDATED}
    assert review.sources[SourceName.OSV].status is SourceStatus.UNKNOWN
    assert review.recommendation is not None
    assert (review.recommendation.tier, "PROCEED" in review.recommendation.text) == (Tier.MANUAL_REVIEW, False)
    assert "0 CVEs" not in review.recommendation.text


def test_a_new_package_without_records_is_not_red() -> None:
    review = reviewed(key(new=True))
    shown = [p for p in proposals(review) if p.field in RESULT_FIELDS and "NEW package - No" in str(p.value)]
    assert len(shown) >= 3
    assert Meaning.RISK not in {proposal.meaning for proposal in shown}


@pytest.mark.parametrize(
    ("vector", "severity", "pressing"), [(MEDIUM, Severity.MEDIUM, False), (HIGH, Severity.HIGH, True)]
)
def test_the_word_highest_makes_no_risk_a_high_one(vector: str, severity: Severity, pressing: bool) -> None:
    review = reviewed(key(), advisory("GHSA-1", vector=vector), pypi=facts())
    cell = next(p for p in proposals(review) if p.field is Field.GITHUB_ADVISORY_RESULT)
    assert not isinstance(cell.value, Formula)
    assert f"(Highest: {severity})" in str(cell.value)
    assert review.recommendation is not None
    assert ("HIGH PRIORITY" in review.recommendation.text) is pressing
