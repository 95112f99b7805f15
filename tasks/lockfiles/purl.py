"""Package URLs and OSV's ecosystems, each turned into the other.

Sources: https://github.com/package-url/purl-spec (PURL-TYPES) and https://ossf.github.io/osv-schema/#defined-ecosystems.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

__all__ = ["PackageUrl", "parse_purl", "purl_of"]

_TYPES = {
    "npm": "npm",
    "PyPI": "pypi",
    "RubyGems": "gem",
    "Packagist": "composer",
    "Go": "golang",
    "crates.io": "cargo",
    "Maven": "maven",
    "NuGet": "nuget",
    "Pub": "pub",
    "Hex": "hex",
    "ConanCenter": "conan",
    "CRAN": "cran",
    "Bioconductor": "bioconductor",
    "SwiftURL": "swift",
    "CocoaPods": "cocoapods",
    "Hackage": "hackage",
    "GitHub Actions": "githubactions",
    "Julia": "julia",
    "opam": "opam",
}
_ECOSYSTEMS = {kind: ecosystem for ecosystem, kind in _TYPES.items()}
_DISTRIBUTIONS = {
    ("deb", "debian"): "Debian",
    ("deb", "ubuntu"): "Ubuntu",
    ("apk", "alpine"): "Alpine",
    ("apk", "wolfi"): "Wolfi",
    ("apk", "chainguard"): "Chainguard",
    ("rpm", "redhat"): "Red Hat",
    ("rpm", "rocky"): "Rocky Linux",
    ("rpm", "almalinux"): "AlmaLinux",
    ("rpm", "opensuse"): "openSUSE",
    ("rpm", "suse"): "SUSE",
}
_LOWER_CASE = frozenset({"pypi", "composer", "golang", "hex", "pub", "githubactions"})
_NAME_ALONE = frozenset({"pypi", "deb", "apk", "rpm", "conan", "cran", "cocoapods", "hackage", "gem", "cargo", "nuget"})
_PURL = re.compile(r"pkg:/*(?P<type>[A-Za-z][A-Za-z0-9.+-]*)/(?P<path>[^?#]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PackageUrl:
    """A package URL's parts, decoded: type in lower case, namespace "" or segments joined by "/", version or None."""

    type: str
    namespace: str
    name: str
    version: str | None

    @property
    def ecosystem(self) -> str:
        """OSV's ecosystem; the type itself where OSV has none."""
        return _DISTRIBUTIONS.get((self.type, self.namespace.lower())) or _ECOSYSTEMS.get(self.type, self.type)

    @property
    def osv_name(self) -> str:
        """The name as OSV spells it in that ecosystem: group:artifact, @scope/name, github.com/owner/module."""
        if not self.namespace or self.type in _NAME_ALONE:
            return self.name
        return f"{self.namespace}{':' if self.type == 'maven' else '/'}{self.name}"

    @property
    def osv_version(self) -> str | None:
        """The version as OSV spells it: Go's without its leading "v"."""
        return self.version.removeprefix("v") if self.version and self.type == "golang" else self.version


def parse_purl(text: str) -> PackageUrl | None:
    """The parts of a package URL, or None where text is none; qualifiers and subpath are dropped."""
    match = _PURL.match(text.strip())
    if match is None:
        return None
    # An "@" before the last "/" belongs to an npm scope that was written without its percent code.
    folder, _, last = match["path"].strip("/").rpartition("/")
    name, _, version = last.rpartition("@") if "@" in last else (last, "", "")
    if not name:
        return None
    return PackageUrl(match["type"].lower(), unquote(folder), unquote(name), unquote(version) or None)


def purl_of(ecosystem: str, name: str, version: str | None) -> str:
    """The canonical package URL of an OSV package; an ecosystem without a purl type becomes `pkg:generic`."""
    kind = _TYPES.get(ecosystem.partition(":")[0], "generic")
    name = re.sub(r"[-_.]+", "-", name) if kind == "pypi" else name
    path = name.replace(":", "/") if kind == "maven" else name
    path = path.lower() if kind in _LOWER_CASE else path
    encoded = "/".join(quote(part, safe=":") for part in path.split("/") if part)
    return f"pkg:{kind}/{encoded}" + (f"@{quote(version, safe=':')}" if version else "")
