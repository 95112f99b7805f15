"""The look at a written workbook before it replaces the old one, by other means than the writer's own.

Values are read back by calamine; parts are compared byte by byte; of the styles only appending is allowed, and
of the sheet only the spans that the writer reports.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook

from tasks.errors import InputError, MergeError
from tasks.workbook.archive import part_key
from tasks.workbook.areas import cell_key, cell_name, column_letters
from tasks.workbook.model import KEEP, CellUpdate
from tasks.workbook.package import CONTENT_TYPES, Package, open_package, rels_part
from tasks.workbook.plan import NewRow, Plan, plan_of
from tasks.workbook.splicer import Spans
from tasks.workbook.styles import GROWING_SECTIONS
from tasks.workbook.values import Content, Kind, content_of, date_serial
from tasks.workbook.verify_kept import first_lost
from tasks.workbook.writer import WriteReport
from tasks.workbook.xmltree import Element

__all__ = ["verify_written"]

CLOSE_ENOUGH = 2e-8
"""Days; calamine rounds times to a millisecond."""

_NO_TAG = re.compile(rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>", re.DOTALL)
_CELL_NAME = re.compile(rb"""<(?:[\w.-]+:)?c\s(?:[^<>]*?\s)?r\s*=\s*["']([A-Z]{1,3})(\d{1,7})["']""")
MANY = 1_000
"""Pieces that are looked through at a time; a piece cut by a chunk's end is whole again when joined."""

_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_Read = str | int | float | bool | datetime | date | time | timedelta | None


def verify_written(
    source: Path,
    written: Path,
    sheet: str,
    updates: Sequence[CellUpdate],
    new_rows: Sequence[NewRow] = (),
    *,
    after_row: int | None = None,
    report: WriteReport,
) -> None:
    """Raise MergeError, in one line, unless written is source with exactly these cells changed.

    Checks every checksum, that every part the writer may not touch is there with the same bytes, that old cell
    formats are unchanged, that the sheet differs only where report says, and that every cell reads back.
    """
    try:
        with open_package(source) as old, open_package(written) as new:
            new.archive.check_all()
            if old.sheets != new.sheets or old.date1904 != new.date1904:
                raise _fail("the list of sheets was changed")
            _check_parts(old, new, sheet, report)
            plan = plan_of(updates, new_rows, after_row)
            _check_sheet(old, new, report, plan)
            _check_styles(old, new, report)
            with _reading_back():
                _check_values(written, new.sheet(sheet).name, plan, date1904=new.date1904)
                _check_kept(old, new, new.sheet(sheet).name, plan)
    except InputError as error:
        raise MergeError(f"the written workbook cannot be read back: {error}") from error


def _fail(what: str) -> MergeError:
    return MergeError(f"the written workbook is not as intended: {what}; the old one stays, please report this")


def _allowed(package: Package, sheet: str) -> set[str]:
    """The parts that a merge may change or drop, by part key."""
    workbook, part = package.workbook_part, package.sheet(sheet).part
    chains = package.related(workbook, "calcChain")
    styles = package.related(workbook, "styles")
    names = (part, workbook, rels_part(workbook), CONTENT_TYPES, *chains, *styles, *package.related(part, "table"))
    return {part_key(name) for name in names}


def _check_parts(old: Package, new: Package, sheet: str, report: WriteReport) -> None:
    dropped = {part_key(name) for name in report.dropped_parts}
    changed = {part_key(name) for name in report.changed_parts}
    foreign = (dropped | {key for key in changed if old.archive.find(key)}) - _allowed(old, sheet)
    if foreign:
        raise _fail(f"part {min(foreign)} is not the merge's to change")
    kept = [member for member in old.archive.members if member.key not in dropped]
    for member, copy in zip_longest(kept, new.archive.members[: len(kept)]):
        if copy is None or member.raw_name != copy.raw_name:
            raise _fail(f"part {member.name} is missing or out of its place")
        same = member.info.CRC == copy.info.CRC and member.info.file_size == copy.info.file_size
        if member.key not in changed and not (same and _equal(old.archive.packed(member), new.archive.packed(copy))):
            raise _fail(f"part {member.name} was changed")
    added = {member.key for member in new.archive.members[len(kept) :]}
    if added - changed:
        raise _fail(f"part {min(added - changed)} was added")


def _equal(first: Iterator[bytes], second: Iterator[bytes]) -> bool:
    return all(one == other for one, other in zip_longest(first, second))


def _check_sheet(old: Package, new: Package, report: WriteReport, plan: Plan) -> None:
    spans, part = report.spans, report.sheet_part
    if part not in report.changed_parts:
        return
    before, after = (_pieces(package.stream(part), spans, side) for package, side in ((old, 0), (new, 2)))
    if not _same_bytes(_outside(before, plan), _outside(after, None)):
        raise _fail(f"part {part} differs outside the target cells")


def _pieces(chunks: Iterator[bytes], spans: Spans, side: int) -> Iterator[tuple[bool, bytes]]:
    """The stream cut at the spans: whether a piece lies in one, and its bytes; side is 0 for old, 2 for new."""
    numbers = spans.numbers
    place = index = 0
    for chunk in chunks:
        position, end = place, place + len(chunk)
        while index < len(numbers) and numbers[index + side] < end:
            start, stop = numbers[index + side], numbers[index + side + 1]
            yield False, chunk[position - place : max(position, start) - place]
            position, begin = min(stop, end), max(position, start)
            yield True, chunk[begin - place : position - place]
            if stop > end:
                break
            index += 4
        yield False, chunk[position - place :]
        place = end


def _outside(pieces: Iterator[tuple[bool, bytes]], plan: Plan | None) -> Iterator[bytes]:
    """The pieces outside the spans; with a plan, every cell named inside one has to be a target."""
    inside: list[bytes] = []
    for is_inside, piece in pieces:
        if is_inside:
            inside.append(piece)
        elif piece:
            if len(inside) > MANY:
                _check_names(b"".join(inside), plan)
                inside.clear()
            yield piece
    _check_names(b"".join(inside), plan)


def _check_names(inside: bytes, plan: Plan | None) -> None:
    if plan is None:
        return
    if b"<!" in inside or b"<?" in inside:
        inside = _NO_TAG.sub(b"", inside)
    rows: dict[bytes, set[bytes]] = {}
    for letters, digits in _CELL_NAME.findall(inside):
        rows.setdefault(digits, set()).add(letters)
    for digits, letters in rows.items():
        first = bisect_left(plan.keys, cell_key(int(digits), 0))
        wanted = _letters(plan.columns(first)) if first < len(plan) and plan.row(first) == int(digits) else frozenset()
        if not letters <= wanted:
            cell = min(letters - wanted).decode() + digits.decode()
            raise _fail(f"{cell} was written though it is no target")


@lru_cache(maxsize=1 << 8)
def _letters(columns: tuple[int, ...]) -> frozenset[bytes]:
    # Most rows have the same target columns.
    return frozenset(column_letters(column).encode() for column in columns)


def _same_bytes(first: Iterator[bytes], second: Iterator[bytes]) -> bool:
    """True where both give the same bytes, however they are cut into pieces."""
    left = right = b""
    while True:
        left = left or next(first, b"")
        right = right or next(second, b"")
        if not left or not right:
            return left == right
        size = min(len(left), len(right))
        if left[:size] != right[:size]:
            return False
        left, right = left[size:], right[size:]


def _check_styles(old: Package, new: Package, report: WriteReport) -> None:
    part = next(iter(old.related(old.workbook_part, "styles")), None)
    if part is None or part not in report.changed_parts:
        return
    before, after = old.read(part), new.read(part)
    former = {element.name: element for element in old.tree(part).children}
    for element in new.tree(part).children:
        if element.name in former and not _only_grown(before, former[element.name], after, element):
            raise _fail(f"part {part}: {element.name} were changed, not only added to")
    if not former.keys() <= {element.name for element in new.tree(part).children}:
        raise _fail(f"part {part} lost a section")


def _only_grown(before: bytes, former: Element, after: bytes, element: Element) -> bool:
    old, new = before[former.open_end : former.close_start], after[element.open_end : element.close_start]
    return new.startswith(old) if element.name in GROWING_SECTIONS else new == old


@contextmanager
def _reading_back() -> Iterator[None]:
    try:
        yield
    except CalamineError as error:
        raise _fail(f"it cannot be opened ({error})") from error
    except BaseException as error:
        # A Rust panic in calamine arrives as a BaseException of its own that no public name reaches.
        if type(error).__name__ != "PanicException":
            raise
        raise _fail("it cannot be read back (a number where a date is shown is beyond every calendar?)") from error


def _check_values(path: Path, sheet: str, plan: Plan, *, date1904: bool) -> None:
    with CalamineWorkbook.from_path(str(path)) as workbook:
        found = workbook.get_sheet_by_name(sheet)
        offset = found.start[1] if found.start else 0
        _compare(found.iter_rows(), offset, plan, date1904)


def _check_kept(old: Package, new: Package, sheet: str, plan: Plan) -> None:
    lost = first_lost(old, new, sheet, plan)
    if lost is not None:
        raise _fail(f"{cell_name(plan.row(lost), plan.column(lost))} lost what it held")


def _compare(rows: Iterable[Sequence[_Read]], offset: int, plan: Plan, date1904: bool) -> None:
    index = 0
    for number, row in enumerate(rows, 1):
        while index < len(plan) and plan.row(index) == number:
            place = plan.column(index) - 1 - offset
            _check_value(plan, index, row[place] if 0 <= place < len(row) else None, date1904)
            index += 1
    for missing in range(index, len(plan)):
        _check_value(plan, missing, None, date1904)


def _check_value(plan: Plan, index: int, found: _Read, date1904: bool) -> None:
    value = plan.update(index).value
    if value is KEEP:
        return
    content = content_of(value, date1904=date1904)
    if not _reads_as(found, content, date1904):
        raise _fail(f"{cell_name(plan.row(index), plan.column(index))} reads as {found!r}"[:200])


def _reads_as(found: _Read, content: Content, date1904: bool) -> bool:
    if content.kind is Kind.EMPTY:
        return found is None or found == ""
    if content.kind is Kind.BOOLEAN:
        return found is (content.text == "1")
    if content.kind is Kind.NUMBER:
        return _reads_as_number(found, content, date1904)
    return (found or "") == _ESCAPED.sub(lambda match: chr(int(match[1], 16)), content.text)


def _reads_as_number(found: _Read, content: Content, date1904: bool) -> bool:
    if isinstance(found, int | float):
        return float(found) == float(content.text)
    if not content.dated:
        # The reviewer's own format shows this number as a date, which readers do in their own ways before 1900-03-01.
        return isinstance(found, date | time | timedelta)
    serial = _serial(found, date1904)
    return serial is not None and abs(serial - float(content.text)) <= CLOSE_ENOUGH


def _serial(found: _Read, date1904: bool) -> float | None:
    if isinstance(found, datetime):
        return date_serial(found, date1904=date1904)
    if isinstance(found, date):
        return date_serial(datetime.combine(found, time()), date1904=date1904)
    if isinstance(found, time):
        found = timedelta(hours=found.hour, minutes=found.minute, seconds=found.second, microseconds=found.microsecond)
    return found / timedelta(days=1) if isinstance(found, timedelta) else None
