"""Replacing spans of a byte stream while it flows by; memory is one chunk and whatever is held back."""

from array import array
from dataclasses import dataclass

from tasks.workbook.xmltree import tag_end

__all__ = ["Spans", "Splicer"]


@dataclass(frozen=True, slots=True)
class Spans:
    """Where two byte streams differ: four numbers a span, old start, old end, new start, new end, ascending."""

    numbers: "array[int]"

    @classmethod
    def none(cls) -> "Spans":
        """No difference."""
        return cls(array("q"))

    def __len__(self) -> int:
        return len(self.numbers) // 4


class Splicer:
    """Takes chunks in, gives chunks out with the replacements done; places count from the stream's first byte.

    Replacements come in ascending order and never before what drain() has let go.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._base = 0
        self._done = 0
        self._out: list[bytes | bytearray] = []
        self._written = 0
        self._spans = array("q")

    @property
    def spans(self) -> Spans:
        """Every replacement so far, neighbours joined."""
        return Spans(self._spans)

    def feed(self, chunk: bytes) -> None:
        """Append a chunk of the old stream."""
        self._buffer += chunk

    def tag_end(self, start: int) -> int:
        """Where the tag that begins at start ends."""
        return tag_end(self._buffer, start - self._base) + self._base

    def after(self, mark: bytes, start: int) -> int:
        """The place after the next occurrence of mark from start on."""
        return self._buffer.index(mark, start - self._base) + len(mark) + self._base

    def slice(self, start: int, end: int) -> bytes:
        """The old bytes from start to end; they must not have been let go yet."""
        return bytes(self._buffer[start - self._base : end - self._base])

    def replace(self, start: int, end: int, new: bytes) -> None:
        """Put new in the place of the old bytes start to end; start == end inserts."""
        self._copy_until(start)
        self._note(start, end, len(new))
        self._emit(new)
        self._done = end

    def drain(self, until: int) -> bytes:
        """Let go of everything before until and return the new bytes for it."""
        self._copy_until(max(until, self._done))
        del self._buffer[: self._done - self._base]
        self._base = self._done
        ready = b"".join(self._out)
        self._out.clear()
        return ready

    def finish(self) -> bytes:
        """The rest of the new stream."""
        return self.drain(self._base + len(self._buffer))

    def _copy_until(self, place: int) -> None:
        if place > self._done:
            self._emit(self._buffer[self._done - self._base : place - self._base])
            self._done = place

    def _emit(self, data: bytes | bytearray) -> None:
        self._out.append(data)
        self._written += len(data)

    def _note(self, start: int, end: int, length: int) -> None:
        spans = self._spans
        if spans and spans[-3] == start:
            spans[-3] = end
            spans[-1] = self._written + length
        else:
            spans.extend((start, end, self._written, self._written + length))
