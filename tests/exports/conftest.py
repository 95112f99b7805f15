"""Fixtures of the exports' tests."""

from urllib.parse import quote

import pytest
from jsonschema.validators import Draft7Validator
from rfc3986_validator import validate_rfc3986

_ASCII = "".join(map(chr, range(128)))


@pytest.fixture(autouse=True)
def addresses_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let CycloneDX's schema check its addresses, which are IRI references.

    The library that jsonschema would take for it (rfc3987-syntax) takes 1.2 s, at every import of Prefect.
    """
    checkers = Draft7Validator.FORMAT_CHECKER.checkers
    monkeypatch.setitem(checkers, "iri-reference", (_is_iri_reference, ValueError))


def _is_iri_reference(value: object) -> bool:
    """Whether it is a URI reference once its other letters are percent-encoded (RFC 3987, 3.1)."""
    return not isinstance(value, str) or bool(validate_rfc3986(quote(value, safe=_ASCII), rule="URI_reference"))
