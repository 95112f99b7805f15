"""Addresses made of ids by ourselves; what does not look like an id of its kind gets none."""

import re
from collections.abc import Callable
from urllib.parse import quote

__all__ = ["advisory_url", "file_url", "project_url", "repository_url", "web_of"]

_GHSA = re.compile(r"GHSA(?:-[0-9a-z]{4}){3}")
_RULES: tuple[tuple[re.Pattern[str], Callable[[str], str]], ...] = (
    (_GHSA, "https://github.com/advisories/{}".format),
    (re.compile(r"CVE-\d{4}-\d{4,19}"), "https://nvd.nist.gov/vuln/detail/{}".format),
    (
        re.compile(r"(?:PYSEC|MAL|GO|RUSTSEC|OSV|BIT|CGA)-[0-9A-Za-z.-]{1,100}"),
        "https://osv.dev/vulnerability/{}".format,
    ),
    (re.compile(r"SNYK-[A-Z0-9-]{1,100}"), "https://security.snyk.io/vuln/{}".format),
)
_PROJECT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,200}[A-Za-z0-9])?")
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_WEB = re.compile(r"https://[A-Za-z0-9.-]+(?::\d{1,5})?")


def advisory_url(identifier: str) -> str | None:
    """The page of an advisory or CVE."""
    return next((make(identifier) for rule, make in _RULES if rule.fullmatch(identifier)), None)


def project_url(name: str) -> str | None:
    """The page of a project on PyPI; names by the core metadata specification."""
    return f"https://pypi.org/project/{name}/" if _PROJECT.fullmatch(name) else None


def web_of(base_url: str | None) -> str | None:
    """The web address of the GitHub whose API is at base_url (None: api.github.com); None where it cannot be told.

    GitHub Enterprise Server has its API at https://HOST/api/v3 (docs.github.com, "Getting started with the REST API").
    """
    if base_url is None or base_url.rstrip("/") == "https://api.github.com":
        return "https://github.com"
    web = base_url.rstrip("/").removesuffix("/api/v3")
    return web if web != base_url.rstrip("/") and _WEB.fullmatch(web) else None


def repository_url(web: str | None, repository: str) -> str | None:
    """The page of a repository (OWNER/NAME) on the GitHub whose web address is given."""
    if web is None or not _WEB.fullmatch(web) or not _REPOSITORY.fullmatch(repository):
        return None
    return f"{web}/{repository}"


def file_url(web: str | None, repository: str, commit: str | None, path: str) -> str | None:
    """The page of a file at a commit."""
    page = repository_url(web, repository)
    if page is None or commit is None or not _COMMIT.fullmatch(commit):
        return None
    return f"{page}/blob/{commit}/{quote(path, errors='replace')}"
