"""The page in a real browser: its script runs under its own policy, filters, and leaves everything else alone."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tasks.reports.page.scan import scan_page
from tests.history.history_samples import package, scan, unanswered, vulnerability

_BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
pytestmark = pytest.mark.skipif(_BROWSER is None, reason="no Chromium is installed (Debian: apt-get install chromium)")


@pytest.fixture
def page(tmp_path: Path) -> Path:
    document = scan(
        package("demo", "1.0", vulnerability("CVE-2024-0001", kev=True)), package("fine"), unanswered("silent")
    )
    path = tmp_path / "page.html"
    path.write_text("".join(scan_page(document, None)), encoding="utf-8")
    return path


def in_browser(tmp_path: Path, *words: str) -> str:
    command = [str(_BROWSER), *_FLAGS.split(), f"--user-data-dir={tmp_path / 'profile'}", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


@pytest.mark.parametrize(("words", "shown"), [("", 3), ("#q=cve-2024-0001", 1), ("#q=fine%201", 1), ("#q=zzz", 0)])
def test_the_script_filters_the_table(tmp_path: Path, page: Path, words: str, shown: int) -> None:
    found = in_browser(tmp_path, "--dump-dom", f"{page.as_uri()}{words}")
    assert f">{shown} of 3 packages shown<" in found
    rows = re.findall(r"<tr data-f=[^>]*>", found)
    assert (len(rows), sum("hidden" not in row for row in rows)) == (3, shown)
    assert re.search(r'<div class="tools">', found), "the controls are shown once there is a script"
    assert len(re.findall(r"<th [^>]*><button", found)) == 6


def test_a_script_that_is_not_ours_does_not_run(tmp_path: Path, page: Path) -> None:
    text = page.read_text("utf-8").replace("</main>", "<script>document.title = 'ran'</script></main>")
    page.write_text(text, encoding="utf-8")
    assert "<title>ran" not in in_browser(tmp_path, "--dump-dom", page.as_uri())


def test_it_is_drawn(tmp_path: Path, page: Path) -> None:
    picture = tmp_path / "page.png"
    in_browser(tmp_path, "--window-size=1280,1600", f"--screenshot={picture}", page.as_uri())
    assert picture.stat().st_size > 20_000
