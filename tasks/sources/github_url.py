"""A project's GitHub repository, found among the addresses its metadata gives."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

__all__ = ["github_repository", "normal_repository"]

_HOSTS = frozenset({"github.com", "www.github.com"})

# First path segments of github.com that are pages of the site, not owners of repositories.
_SITE_PAGES = frozenset(
    [
        *("about", "advisories", "apps", "collections", "contact", "customer-stories", "enterprise", "events"),
        *("explore", "features", "issues", "login", "marketplace", "new", "notifications", "orgs", "organizations"),
        *("pricing", "pulls", "readme", "search", "security", "settings", "site", "sponsors", "stars", "team"),
        *("topics", "trending", "users"),
    ]
)

_OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_REPOSITORY = re.compile(r"[A-Za-z0-9._-]+")


def github_repository(info: Mapping[str, Any]) -> str | None:
    """`https://github.com/OWNER/REPOSITORY` from the first project URL that is one, else from the home page."""
    urls = info.get("project_urls")
    candidates = list(urls.values()) if isinstance(urls, Mapping) else []
    for candidate in [*candidates, info.get("home_page")]:
        if isinstance(candidate, str) and (found := normal_repository(candidate)) is not None:
            return found
    return None


def normal_repository(address: str) -> str | None:
    """The repository an address of github.com points into, without branch, fragment or ".git"; None otherwise.

    Takes web addresses, "git+https:" and "git@github.com:OWNER/REPOSITORY" as metadata holds them.
    """
    address = re.sub(r"^git@github\.com:", "https://github.com/", address.strip())
    if "://" not in address:
        address = f"https://{address}"
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return None
    segments = [segment for segment in parts.path.split("/") if segment]
    if host not in _HOSTS or len(segments) < 2:  # noqa: PLR2004 - owner and repository
        return None
    return _joined(segments[0], segments[1].partition("@")[0].removesuffix(".git"))


def _joined(owner: str, repository: str) -> str | None:
    if owner.lower() in _SITE_PAGES or repository in ("", ".", ".."):
        return None
    if not _OWNER.fullmatch(owner) or not _REPOSITORY.fullmatch(repository):
        return None
    return f"https://github.com/{owner}/{repository}"
