"""CycloneDX and SPDX in each of their forms, and package URLs as identity."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.lockfiles.interface import LockedPackage
from tasks.lockfiles.purl import parse_purl, purl_of
from tests.lockfiles.lock_samples import pairs, read

COMPONENTS = [
    {"name": "core", "group": "@babel", "version": "7.0.0", "purl": "pkg:npm/%40babel/core@7.0.0?x=y#z"},
    {
        "name": "outer",
        "components": [{"name": "inner", "version": "v1.2.0", "purl": "pkg:golang/example.org/inner@v1.2.0"}],
    },
    {"name": "Nginx", "version": "1.21.1", "cpe": "cpe:2.3:a:nginx:nginx:1.21.1"},
]


def test_cyclonedx_json_names_by_package_url_and_shows_the_components_own_name() -> None:
    packages = read("bom.json", json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": COMPONENTS}))
    assert packages == (
        LockedPackage("npm", "@babel/core", "7.0.0", "core"),
        LockedPackage("Go", "example.org/inner", "1.2.0", "inner"),
        LockedPackage("", "Nginx", "1.21.1"),
    )
    assert [one.shown_name for one in packages] == ["core", "inner", "Nginx"]


def test_cyclonedx_xml_reads_nested_components() -> None:
    text = """<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.5"><metadata><component><name>own</name></component></metadata>
    <components><component type="library"><name>a</name><version>1</version><purl>pkg:maven/g/a@1</purl>
    <components><component><name>b</name><purl>pkg:pypi/b@2</purl></component></components></component>
    <component><name>c</name><version>3</version><purl>pkg:cargo/c</purl></component></components></bom>"""
    assert pairs("sbom.cdx.xml", text) == ["b@2", "c@3", "g:a@1"]
    # The content decides, whatever the ending says.
    assert pairs("sbom.cdx.json", text) == ["b@2", "c@3", "g:a@1"]


SPDX = {
    "spdxVersion": "SPDX-2.3",
    "packages": [
        {
            "name": "whatever",
            "versionInfo": "1.2.15",
            "externalRefs": [
                {"referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:x"},
                {"referenceType": "purl", "referenceLocator": "pkg:maven/log4j/log4j"},
            ],
        },
        {"name": "no reference", "versionInfo": "1"},
    ],
}
TAGS = """SPDXVersion: SPDX-2.3
PackageName: whatever
PackageVersion: 1.2.15
PackageDescription: <text>several lines
PackageName: not one
ExternalRef: PACKAGE-MANAGER purl pkg:npm/no@1
</text>
ExternalRef: PACKAGE-MANAGER purl pkg:maven/log4j/log4j
PackageName: no reference
"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:spdx="http://spdx.org/rdf/terms#">
<spdx:SpdxDocument>
<spdx:relationship><spdx:Relationship><spdx:relatedSpdxElement><spdx:Package rdf:about="#p">
<spdx:versionInfo>1.2.15</spdx:versionInfo>
<spdx:externalRef><spdx:ExternalRef><spdx:referenceLocator>pkg:maven/log4j/log4j</spdx:referenceLocator>
<spdx:referenceType rdf:resource="http://spdx.org/rdf/references/purl"/></spdx:ExternalRef></spdx:externalRef>
</spdx:Package></spdx:relatedSpdxElement></spdx:Relationship></spdx:relationship></spdx:SpdxDocument></rdf:RDF>"""
XML = """<Document><spdxVersion>SPDX-2.3</spdxVersion><packages><versionInfo>1.2.15</versionInfo><externalRefs>
<referenceType>purl</referenceType><referenceLocator>pkg:maven/log4j/log4j</referenceLocator></externalRefs></packages></Document>"""
YAML = """spdxVersion: "SPDX-2.3"
packages:
- name: whatever
  versionInfo: 1.2.15
  externalRefs:
  - {referenceType: purl, referenceLocator: "pkg:maven/log4j/log4j"}
"""
THREE = {
    "@graph": [
        {
            "type": "software_Package",
            "software_packageVersion": "1.2.15",
            "software_packageUrl": "pkg:maven/log4j/log4j",
        },
        {"type": "software_File", "name": "x"},
    ]
}


@pytest.mark.parametrize(
    "text", [json.dumps(SPDX), json.dumps({"sbom": SPDX}), TAGS, RDF, XML, YAML, json.dumps(THREE)]
)
def test_spdx_in_every_form(text: str) -> None:
    for name in ("sbom.spdx.json", "x.spdx", "spdx.xml"):
        assert read(name, text) == (LockedPackage("Maven", "log4j:log4j", "1.2.15", "log4j"),)


def test_an_spdx_document_without_packages_is_read() -> None:
    assert read("a.spdx.json", '{"spdxVersion": "SPDX-2.3"}') == ()


@pytest.mark.parametrize(
    ("text", "ecosystem", "name", "version"),
    [
        ("pkg:npm/@scope/name@1.0.0", "npm", "@scope/name", "1.0.0"),
        ("pkg:npm/%40scope%2Fname@1.0.0", "npm", "@scope/name", "1.0.0"),
        ("pkg:npm/@scope/name", "npm", "@scope/name", None),
        ("pkg:pypi/Django@1.11%2Blocal", "PyPI", "Django", "1.11+local"),
        ("PKG:Maven//org.a/b@1?type=jar", "Maven", "org.a:b", "1"),
        ("pkg:golang/github.com/o/r@v1.0.0#sub", "Go", "github.com/o/r", "1.0.0"),
        ("pkg:deb/debian/curl@7.0?arch=amd64", "Debian", "curl", "7.0"),
        ("pkg:githubactions/actions/checkout@v4", "GitHub Actions", "actions/checkout", "v4"),
        ("pkg:dhi/python@3.14", "dhi", "python", "3.14"),
    ],
)
def test_package_urls_become_osv_names(text: str, ecosystem: str, name: str, version: str | None) -> None:
    address = parse_purl(text)
    assert address is not None
    assert (address.ecosystem, address.osv_name, address.osv_version) == (ecosystem, name, version)


@pytest.mark.parametrize("text", ["", "pkg:", "pkg:npm", "pkg:npm/", "npm/a@1", "pkg:npm/@", "https://example.org/a"])
def test_other_text_is_no_package_url(text: str) -> None:
    assert parse_purl(text) is None


def test_packages_have_a_package_url() -> None:
    assert LockedPackage("npm", "@a/b", "1.0.0").purl == "pkg:npm/%40a/b@1.0.0"
    assert LockedPackage("Maven", "g.h:a", None).purl == "pkg:maven/g.h/a"
    assert LockedPackage("PyPI", "Some_Name.x", "1+l").purl == "pkg:pypi/some-name-x@1%2Bl"


WORD = st.text(alphabet="abcxyz019_.-+~ é%?#&@", min_size=1, max_size=12).filter(
    lambda text: text.strip(" .") == text != ""
)


@given(scope=WORD | st.none(), name=WORD, version=WORD | st.none())
def test_an_npm_package_url_names_the_package_it_was_made_of(scope: str | None, name: str, version: str | None) -> None:
    whole = f"@{scope}/{name}" if scope else name
    address = parse_purl(purl_of("npm", whole, version))
    assert address is not None
    assert (address.ecosystem, address.osv_name, address.version) == ("npm", whole, version)
