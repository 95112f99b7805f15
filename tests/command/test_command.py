"""What all commands share: how they end, and how their words become parameters."""

import gc
import io
import logging
from collections.abc import Iterator

import pytest

from flows.command.ending import ended
from flows.command.requests import request_from
from flows.command.serving import rare_collections
from flows.console import Lines, say
from flows.scan.request import ScanRequest
from tasks.errors import ExitCode, InputError, UsageError
from tasks.github.errors import AuthenticationFailed, RepositoryInaccessible


def raising(error: BaseException) -> int:
    raise error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("list.xlsx: no such file"), ExitCode.USAGE),
        (AuthenticationFailed("github: the token is not accepted"), ExitCode.USAGE),
        (RepositoryInaccessible("github: no organisation acme"), ExitCode.USAGE),
        (BrokenPipeError(), ExitCode.DONE),
        (KeyboardInterrupt(), ExitCode.INTERRUPTED),
        (SystemExit(ExitCode.TERMINATED), ExitCode.TERMINATED),
    ],
)
def test_each_end_has_its_exit_code(error: BaseException, code: ExitCode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)  # put back afterwards: a broken pipe takes it away

    assert ended(lambda: raising(error), "go on like this") == code


def test_an_error_is_one_line_and_an_interruption_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    ended(lambda: raising(InputError("list.xlsx: no such file")))
    ended(lambda: raising(KeyboardInterrupt()), "go on like this")

    assert capsys.readouterr().err == "vetbook: list.xlsx: no such file\nvetbook: interrupted; go on like this\n"


NASTY = "a\x1b[2Jb\nvetbook: all is well\u202e\u200b\ud800"


def test_a_terminal_gets_no_control_character_and_no_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NVD_API_KEY", "key-of-nvd-123")
    ended(lambda: raising(InputError(f"{NASTY} key-of-nvd-123 http://me:pass@word@proxy:3128/")))
    say(NASTY)
    logger = logging.Logger("tasks.nasty")  # one that pytest does not record: half a letter breaks its reports
    logger.addHandler(Lines())
    logger.warning(NASTY)

    told = capsys.readouterr()
    written = "a\\u001b[2Jb\\nvetbook: all is well\\u202e\\u200b\\ud800"
    assert told.err.splitlines()[0] == f"vetbook: {written} [hidden] http://[hidden]@proxy:3128/"
    assert told.out == f"{written}\n"
    assert told.err.splitlines()[1] == f"warning: {written}".replace("\\n", " ")


def test_a_letter_that_the_output_has_not_ends_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    monkeypatch.setattr("sys.stdout", narrow)

    def answer() -> int:
        say("📦 1 → 2")
        return 0

    assert ended(answer) == 0
    narrow.flush()
    assert narrow.buffer.getvalue().split() == [rb"\U0001f4e6", b"1", rb"\u2192", b"2"]


def test_other_exits_are_not_held_up() -> None:
    with pytest.raises(SystemExit, match="2"):
        ended(lambda: raising(SystemExit(2)))


def test_a_wrong_word_is_named_by_its_flag() -> None:
    with pytest.raises(
        UsageError, match=r"--batch-size 0: .* greater than or equal to 1 \(allowed: 1 to 1000\); see --help"
    ):
        request_from(ScanRequest, {"workbook": "a.xlsx", "batch_size": 0})
    with pytest.raises(UsageError, match=r"--input 3: "):
        request_from(ScanRequest, {"workbook": 3}, {"workbook": "input"})
    with pytest.raises(UsageError, match=r"--lock-timeout -1: "):
        request_from(ScanRequest, {"workbook": "a.xlsx", "lock_timeout_s": -1})


def test_words_of_the_command_itself_are_no_parameters() -> None:
    request = request_from(ScanRequest, {"workbook": "a.xlsx", "verbose": True, "packages": ["flask"]})

    assert request.packages == ("flask",)


@pytest.fixture
def collector() -> Iterator[None]:
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)  # Python's own: commands that other tests ran here may have changed it
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("collector")
def test_garbage_is_collected_less_often_in_a_run() -> None:
    before = gc.get_threshold()

    rare_collections()

    assert gc.get_threshold() > before
    assert gc.isenabled()
