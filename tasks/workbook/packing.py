"""Writing the new .xlsx: unchanged members as the compressed bytes they were, changed ones packed anew.

Sizes and checksums stand in the local headers, so data descriptors go; zip64 records go too, as no workbook
within the limits needs them. Record layouts: PKWARE APPNOTE 6.3.9, sections 4.3.7, 4.3.12, 4.3.16 and 4.5.
"""

import struct
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Self

from tasks.errors import InputError
from tasks.workbook.archive import CHUNK, DEFLATED, LOCAL_HEADER, Archive, Member, part_key

__all__ = ["PackedPart", "write_archive"]

LEVEL = 6
IN_MEMORY = 16 << 20
FIRST_DATE = 1980
DESCRIPTOR_FLAG = 0x8
UTF8_FLAG = 0x800
ZIP64_TAG = 0x0001
MOST_BYTES = 0xFFFF_FFFE
VERSION, ZIP64_VERSION = 20, 45

_CENTRAL_HEADER = struct.Struct("<4s6H3L5H2L")
_END_RECORD = struct.Struct("<4s4H2LH")
_EXTRA_FIELD = struct.Struct("<HH")
_CONSTANT_DATE = (0, 0x21)
"""1980-01-01, so that equal changes give equal bytes."""


class PackedPart:
    """A part's new content, deflated while it is made; beyond 16 MiB it lies in a temporary file."""

    def __init__(self) -> None:
        # Closed by __exit__; a context manager here could not outlive this method.
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115
        self._deflater = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        self.size = self.packed_size = self.checksum = 0

    @classmethod
    def of(cls, content: bytes) -> Self:
        """A part whose whole content is at hand."""
        part = cls()
        part.write(content)
        part.finish()
        return part

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._file.close()

    def write(self, content: bytes) -> None:
        """Append content."""
        self.size += len(content)
        self.checksum = zlib.crc32(content, self.checksum)
        self._store(self._deflater.compress(content))

    def finish(self) -> None:
        """Nothing more comes."""
        self._store(self._deflater.flush())

    def packed(self) -> Iterator[bytes]:
        """The compressed bytes in chunks."""
        self._file.seek(0)
        while chunk := self._file.read(CHUNK):
            yield chunk

    def _store(self, packed: bytes) -> None:
        self.packed_size += len(packed)
        self._file.write(packed)


@dataclass(frozen=True, slots=True)
class _Entry:
    """What both headers of one member say."""

    raw_name: bytes
    flags: int
    method: int
    date: tuple[int, int]
    checksum: int
    packed_size: int
    size: int
    local_extra: bytes = b""
    central_extra: bytes = b""
    comment: bytes = b""
    version: int = VERSION
    made_by: int = VERSION
    internal: int = 0
    external: int = 0


def write_archive(
    source: Archive, target: BinaryIO, changed: Mapping[str, PackedPart], dropped: frozenset[str] = frozenset()
) -> None:
    """Write the archive with changed and without dropped parts (dropped by part_key); new parts come last.

    Raises InputError where the source turns out damaged, OSError where the target cannot be written.
    """
    directory: list[bytes] = []
    position = 0
    for entry, chunks in _entries(source, changed, dropped):
        directory.append(_central(entry, position))
        position += target.write(_local(entry))
        for chunk in chunks:
            position += target.write(chunk)
    size = sum(map(len, directory))
    if position + size > MOST_BYTES:
        raise InputError(f"{source.path}: the workbook is larger than 4 GiB; split it")
    target.writelines(directory)
    count = len(directory)
    end = _END_RECORD.pack(b"PK\x05\x06", 0, 0, count, count, size, position, len(source.comment))
    target.write(end + source.comment)


def _entries(
    source: Archive, changed: Mapping[str, PackedPart], dropped: frozenset[str]
) -> Iterator[tuple[_Entry, Iterable[bytes]]]:
    by_key = {part_key(name): part for name, part in changed.items()}
    for member in source.members:
        if member.key in dropped:
            continue
        part = by_key.get(member.key)
        if part is None:
            yield _copied(member), _checked(source, member)
        else:
            yield _repacked(member, part), part.packed()
    for name, part in changed.items():
        if source.find(name) is None:
            yield _added(name, part), part.packed()


def _checked(source: Archive, member: Member) -> Iterator[bytes]:
    """The member's compressed bytes, after all of it has been expanded and found whole."""
    for _ in source.chunks(member):
        pass
    yield from source.packed(member)


def _copied(member: Member) -> _Entry:
    info = member.info
    return _Entry(
        raw_name=member.raw_name,
        flags=info.flag_bits & ~DESCRIPTOR_FLAG,
        method=info.compress_type,
        date=_date(info.date_time),
        checksum=info.CRC,
        packed_size=info.compress_size,
        size=info.file_size,
        local_extra=_without_zip64(member.local_extra),
        central_extra=_without_zip64(info.extra),
        comment=info.comment,
        version=VERSION if info.extract_version == ZIP64_VERSION else info.extract_version,
        made_by=info.create_version | info.create_system << 8,
        internal=info.internal_attr,
        external=info.external_attr,
    )


def _repacked(member: Member, part: PackedPart) -> _Entry:
    info = member.info
    return _Entry(
        raw_name=member.raw_name,
        flags=info.flag_bits & UTF8_FLAG,
        method=DEFLATED,
        date=_date(info.date_time),
        checksum=part.checksum,
        packed_size=part.packed_size,
        size=part.size,
        comment=info.comment,
        made_by=info.create_version | info.create_system << 8,
        internal=info.internal_attr,
        external=info.external_attr,
    )


def _added(name: str, part: PackedPart) -> _Entry:
    return _Entry(name.encode(), UTF8_FLAG, DEFLATED, _CONSTANT_DATE, part.checksum, part.packed_size, part.size)


def _date(parts: tuple[int, int, int, int, int, int]) -> tuple[int, int]:
    """Time and date as in the headers (4.4.6); what zipfile read back is returned unchanged."""
    year, month, day, hour, minute, second = parts
    return hour << 11 | minute << 5 | second // 2, (year - FIRST_DATE) << 9 | month << 5 | day


def _without_zip64(extra: bytes) -> bytes:
    """The extra field without its zip64 record; the rest, padding included, stays as it is."""
    kept, position = b"", 0
    while position + _EXTRA_FIELD.size <= len(extra):
        tag, length = _EXTRA_FIELD.unpack_from(extra, position)
        end = position + _EXTRA_FIELD.size + length
        if tag != ZIP64_TAG:
            kept += extra[position:end]
        position = end
    return kept + extra[position:]


def _local(entry: _Entry) -> bytes:
    header = LOCAL_HEADER.pack(
        b"PK\x03\x04",
        entry.version,
        entry.flags,
        entry.method,
        *entry.date,
        entry.checksum,
        entry.packed_size,
        entry.size,
        len(entry.raw_name),
        len(entry.local_extra),
    )
    return header + entry.raw_name + entry.local_extra


def _central(entry: _Entry, position: int) -> bytes:
    header = _CENTRAL_HEADER.pack(
        b"PK\x01\x02",
        entry.made_by,
        entry.version,
        entry.flags,
        entry.method,
        *entry.date,
        entry.checksum,
        entry.packed_size,
        entry.size,
        len(entry.raw_name),
        len(entry.central_extra),
        len(entry.comment),
        0,
        entry.internal,
        entry.external,
        position,
    )
    return header + entry.raw_name + entry.central_extra + entry.comment
