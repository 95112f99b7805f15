"""Reading the elements of one large JSON array without holding the document."""

import json
from collections.abc import Iterator
from typing import IO, Any

from tasks.http.message import InvalidAnswer

__all__ = ["array_elements"]

CHUNK = 1 << 16
MAX_ELEMENT = 32 << 20
"""Characters of one element; more is no record of any of our sources."""

_DECODER = json.JSONDecoder()
_SPACE = " \t\r\n"


def array_elements(file: IO[str], key: str) -> Iterator[Any]:
    """The elements, all of them objects, of the array under `key` of the JSON object in file, one at a time.

    InvalidAnswer where the object has no such array, or the document is damaged or ends early. The key must not stand
    in a text before the array.
    """
    text = _skipped_to(file, f'"{key}"')
    if not text.startswith(":"):
        raise InvalidAnswer(f"it has no {key}")
    text = _more(file, text[1:])
    if not text.startswith("["):
        raise InvalidAnswer(f"{key} is no list")
    text = _more(file, text[1:])
    while not text.startswith("]"):
        element, text = _element(file, text)
        yield element
        if text.startswith(","):
            text = _more(file, text[1:])
        elif not text.startswith("]"):
            raise InvalidAnswer("it is damaged or cut short")
    if not (text + file.read()).rstrip().endswith("}"):
        raise InvalidAnswer("it is cut short")


def _skipped_to(file: IO[str], mark: str) -> str:
    text = ""
    while mark not in text:
        chunk = file.read(CHUNK)
        if not chunk:
            raise InvalidAnswer(f"it has no {mark}")
        text = text[-len(mark) :] + chunk
    return _more(file, text.partition(mark)[2])


def _more(file: IO[str], text: str) -> str:
    """The text without leading space, with at least one character if there are any left."""
    text = text.lstrip(_SPACE)
    while not text and (chunk := file.read(CHUNK)):
        text = chunk.lstrip(_SPACE)
    return text


def _element(file: IO[str], text: str) -> tuple[Any, str]:
    if not text.startswith("{"):
        # Anything else (a number, say) could go on in what was not read yet.
        raise InvalidAnswer("an element is no object, or it is cut short")
    while True:
        try:
            element, end = _DECODER.raw_decode(text)
        except (ValueError, RecursionError) as error:
            chunk = file.read(max(CHUNK, len(text)))
            if not chunk or len(text) > MAX_ELEMENT:
                raise InvalidAnswer("it is damaged or cut short") from error
            text += chunk
        else:
            return element, _more(file, text[end:])
