"""The zip layer of an .xlsx file: what is in it, checked while it is read, never trusted from its headers.

Only what Office programs write is accepted: stored or deflated members, no encryption, each name once.
Record layouts and flag bits: PKWARE APPNOTE 6.3.9, sections 4.3 to 4.5; OPC part names: ECMA-376-2, 7.3.
"""

import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from tasks.errors import InputError

__all__ = ["Archive", "Limits", "Member", "part_key"]

CHUNK = 1 << 18
LOCAL_HEADER = struct.Struct("<4s5H3L2H")
ENCRYPTED = 0x1 | 0x40
STORED, DEFLATED = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a workbook may expand to, in bytes; ratio (expanded to packed) counts from ratio_from bytes on."""

    total: int = 1 << 30
    part: int = 512 << 20
    ratio: int = 250
    ratio_from: int = 32 << 20
    members: int = 20_000


@dataclass(frozen=True, slots=True)
class Member:
    """One zip member: name as stored, key to compare by, offsets and sizes in bytes; data begins at data_offset."""

    name: str
    key: str
    raw_name: bytes
    local_extra: bytes
    data_offset: int
    info: zipfile.ZipInfo

    @property
    def is_folder(self) -> bool:
        """True for an entry that only names a folder."""
        return self.key.endswith("/")


def part_key(name: str) -> str:
    """The form under which part names are equal (ECMA-376-2, 7.3.5): lower case, forward slashes, no leading one."""
    return name.replace("\\", "/").lstrip("/").lower()


class Archive:
    """An open .xlsx as zip; raises InputError with one line for everything that cannot be read safely."""

    def __init__(self, path: Path, limits: Limits | None = None) -> None:
        self.path = path
        self.limits = limits or Limits()
        self._file: BinaryIO = _open(path)
        try:
            with zipfile.ZipFile(self._file) as directory:
                self.comment = directory.comment
                infos = directory.infolist()
            self._size = self._file.seek(0, 2)
            self.members = self._admit(infos)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, UnicodeError, struct.error) as error:
            self._file.close()
            raise InputError(f"{path}: the file is damaged ({error}); open it in Excel and save it again") from error
        except (InputError, OSError):
            self._file.close()
            raise
        self._by_key = {member.key: member for member in self.members}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._file.close()

    def find(self, name: str) -> Member | None:
        """The member of that part name, in any case, or None."""
        return self._by_key.get(part_key(name))

    def packed(self, member: Member) -> Iterator[bytes]:
        """The member's compressed bytes as they lie in the file, in chunks."""
        self._file.seek(member.data_offset)
        left, position = member.info.compress_size, member.data_offset
        while left:
            # Another member may be read between two chunks, so the position is set anew each time.
            self._file.seek(position)
            chunk = self._file.read(min(CHUNK, left))
            if not chunk:
                raise self._damaged(member, "ends too early")
            left -= len(chunk)
            position += len(chunk)
            yield chunk

    def chunks(self, member: Member) -> Iterator[bytes]:
        """The member's expanded bytes in chunks; length and CRC are checked at the end, the limits all along."""
        crc = size = 0
        for chunk in self._expanded(member):
            size += len(chunk)
            self._check_size(member, size)
            crc = zlib.crc32(chunk, crc)
            yield chunk
        if size != member.info.file_size or crc != member.info.CRC:
            raise self._damaged(member, "does not match its checksum")

    def read(self, member: Member, most: int) -> bytes:
        """The member's expanded bytes at once; InputError above most bytes."""
        parts: list[bytes] = []
        size = 0
        for chunk in self.chunks(member):
            size += len(chunk)
            if size > most:
                raise InputError(f"{self.path}: part {member.name} is larger than {most >> 20} MiB; it is not read")
            parts.append(chunk)
        return b"".join(parts)

    def check_all(self) -> None:
        """Expand every member once: InputError for the first bad checksum or when the limits are passed."""
        total = 0
        for member in self.members:
            for chunk in self.chunks(member):
                total += len(chunk)
                if total > self.limits.total:
                    raise self._bomb(f"expands to more than {self.limits.total >> 20} MiB")

    def _expanded(self, member: Member) -> Iterator[bytes]:
        if member.info.compress_type == STORED:
            yield from self.packed(member)
            return
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            for packed in self.packed(member):
                # max_length bounds what one packed chunk may become at a time.
                yield inflater.decompress(packed, CHUNK)
                while inflater.unconsumed_tail:
                    yield inflater.decompress(inflater.unconsumed_tail, CHUNK)
            yield inflater.flush()
        except zlib.error as error:
            raise self._damaged(member, "cannot be unpacked") from error
        if not inflater.eof or inflater.unused_data:
            raise self._damaged(member, "does not match its stated length")

    def _check_size(self, member: Member, size: int) -> None:
        limits = self.limits
        if size > limits.part:
            raise self._bomb(f"part {member.name} expands to more than {limits.part >> 20} MiB")
        if size > limits.ratio_from and size > limits.ratio * max(1, member.info.compress_size):
            raise self._bomb(f"part {member.name} expands more than {limits.ratio} times")

    def _admit(self, infos: list[zipfile.ZipInfo]) -> tuple[Member, ...]:
        if len(infos) > self.limits.members:
            raise self._bomb(f"holds more than {self.limits.members} parts")
        members = tuple(self._member(info) for info in infos)
        seen: set[str] = set()
        for member in members:
            if member.key in seen:
                raise InputError(f"{self.path}: part {member.name} occurs twice; open the file in Excel, save it again")
            seen.add(member.key)
        return members

    def _member(self, info: zipfile.ZipInfo) -> Member:
        if info.flag_bits & ENCRYPTED:
            raise InputError(f"{self.path}: part {info.filename} is encrypted; save the workbook without a password")
        if info.compress_type not in (STORED, DEFLATED):
            raise InputError(f"{self.path}: part {info.filename} is packed by method {info.compress_type}, not deflate")
        self._file.seek(info.header_offset)
        header = self._file.read(LOCAL_HEADER.size)
        signature, *_, name_length, extra_length = LOCAL_HEADER.unpack(header)
        raw_name = self._file.read(name_length)
        local_extra = self._file.read(extra_length)
        offset = info.header_offset + LOCAL_HEADER.size + name_length + extra_length
        name = raw_name.decode("utf-8" if info.flag_bits & 0x800 else "cp437")
        if signature != b"PK\x03\x04" or name != info.orig_filename or "\0" in name:
            raise zipfile.BadZipFile(f"header of {info.filename} does not fit the directory")
        if offset + info.compress_size > self._size:
            raise zipfile.BadZipFile(f"{info.filename} ends beyond the file")
        return Member(name, part_key(name), raw_name, local_extra, offset, info)

    def _damaged(self, member: Member, how: str) -> InputError:
        return InputError(f"{self.path}: part {member.name} {how}: the file is damaged; restore a copy of it")

    def _bomb(self, how: str) -> InputError:
        return InputError(f"{self.path}: the file {how}: refused as unsafe to open")


def _open(path: Path) -> BinaryIO:
    try:
        if path.is_dir():
            raise InputError(f"{path}: is a folder, not a workbook; name an .xlsx file")
        file = path.open("rb")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; check the path") from error
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); close it elsewhere or check its rights"
        ) from error
    try:
        _check_beginning(path, file)
    except BaseException:
        file.close()
        raise
    return file


def _check_beginning(path: Path, file: BinaryIO) -> None:
    start = file.read(512)
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return
    if not start:
        raise InputError(f"{path}: the file is empty; name an .xlsx workbook")
    if start.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise InputError(f"{path}: {_compound_kind(file)}")
    if b"\0" not in start:
        raise InputError(f"{path}: is text (CSV or HTML?), not an .xlsx workbook; save it from Excel as .xlsx")
    raise InputError(f"{path}: is not an .xlsx workbook; save it from Excel as .xlsx")


def _compound_kind(file: BinaryIO) -> str:
    """An OLE compound file is either a password-protected .xlsx or an old .xls ([MS-OFFCRYPTO] 2.3, [MS-XLS] 2.1)."""
    wanted = "EncryptedPackage".encode("utf-16-le")
    tail = b""
    file.seek(0)
    while chunk := file.read(CHUNK):
        if wanted in tail + chunk:
            return "is protected with a password; remove the password in Excel (File, Info) and save it"
        tail = chunk[-len(wanted) :]
    return "is an old .xls workbook or one protected with a password; save it from Excel as .xlsx without a password"
