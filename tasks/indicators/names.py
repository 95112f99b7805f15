"""One spelling per package: ecosystems by OSV's names, packages by each registry's own rules.

Sources: PEP 503 for PyPI; NuGet ids, Packagist names and GitHub Actions ignore case; crates.io holds "-" and
"_" equal; Swift packages are named by their repository's address, with or without "https://" and ".git".
"""

from collections.abc import Callable
from functools import lru_cache

from packaging.utils import canonicalize_name

__all__ = ["ecosystem_of", "exact_key_ecosystem", "is_ecosystem", "package_key"]


_ECOSYSTEMS = (
    "npm,PyPI,RubyGems,Packagist,Go,crates.io,Maven,NuGet,Pub,Hex,ConanCenter,CRAN,SwiftURL,CocoaPods,Hackage,VSCode,"
    "Bioconductor,GitHub Actions,Julia,opam,GHC,Bitnami,AlmaLinux,Alpaquita,Alpine,Android,"
    "BellSoft Hardened Containers,Chainguard,CleanStart,Debian,Docker Hardened Images,Echo,FreeBSD,Kubernetes,Linux,"
    "Mageia,MinimOS,openEuler,openSUSE,OSS-Fuzz,Photon OS,Red Hat,Rocky Linux,Root,SUSE,Ubuntu,Wolfi"
)
"""https://ossf.github.io/osv-schema/#defined-ecosystems, and CocoaPods."""

_OTHER_NAMES = {
    "pip": "PyPI",
    "python": "PyPI",
    "javascript": "npm",
    "js": "npm",
    "node": "npm",
    "nodejs": "npm",
    "yarn": "npm",
    "pnpm": "npm",
    "gem": "RubyGems",
    "ruby": "RubyGems",
    "composer": "Packagist",
    "php": "Packagist",
    "golang": "Go",
    "cargo": "crates.io",
    "crates": "crates.io",
    "rust": "crates.io",
    "gradle": "Maven",
    "java": "Maven",
    "dotnet": "NuGet",
    ".net": "NuGet",
    "elixir": "Hex",
    "haskell": "Hackage",
    "dart": "Pub",
    "erlang": "Hex",
    "conan": "ConanCenter",
    "swift": "SwiftURL",
    "cocoapod": "CocoaPods",
    "github actions": "GitHub Actions",
    "githubactions": "GitHub Actions",
    "actions": "GitHub Actions",
}

_KNOWN = {name.lower(): name for name in _ECOSYSTEMS.split(",")} | _OTHER_NAMES


@lru_cache(maxsize=4096)
def ecosystem_of(text: str) -> str:
    """OSV's spelling of an ecosystem, without the suffix behind ":" ("Maven:..."); unknown ones as they are."""
    plain = text.strip().partition(":")[0]
    return _KNOWN.get(plain.lower(), plain)


def is_ecosystem(text: str) -> bool:
    """Whether OSV has an ecosystem of this name, or one is usually called so."""
    return text.strip().partition(":")[0].lower() in _KNOWN


@lru_cache(maxsize=65_536)
def package_key(ecosystem: str, name: str) -> tuple[str, str]:
    """Equal for two spellings of one package, of different ecosystems never; ecosystem in OSV's spelling."""
    return ecosystem, _FOLDED.get(ecosystem, str)(name.strip())


def _swift(name: str) -> str:
    return name.lower().removeprefix("https://").removeprefix("http://").removesuffix("/").removesuffix(".git")


_FOLDED: dict[str, Callable[[str], str]] = {
    "PyPI": canonicalize_name,
    "NuGet": str.lower,
    "Packagist": str.lower,
    "GitHub Actions": str.lower,
    "crates.io": lambda name: name.lower().replace("_", "-"),
    "Hex": str.lower,
    "Pub": str.lower,
    "SwiftURL": _swift,
}


def exact_key_ecosystem(ecosystem: str) -> bool:
    """Whether a package has one spelling there, or PEP 503's canonical one, so that its key is its name."""
    return ecosystem == "PyPI" or ecosystem not in _FOLDED
