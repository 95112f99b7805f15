"""What the schemas say about addresses is held against our exports, too."""

import json

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


@pytest.mark.parametrize(("address", "sound"), [("https://example.org/ü", True), ("https://example.org/a b", False)])
def test_an_address_that_is_none_is_noticed(address: str, sound: bool) -> None:
    reference = {"type": "other", "url": address}
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "externalReferences": [reference]}
    found = JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(document))
    assert (found is None) is sound
