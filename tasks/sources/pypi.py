"""PyPI's JSON API (https://docs.pypi.org/api/json/): one request per project."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from packaging.version import InvalidVersion, Version

from tasks.errors import SourceAnswerInvalid
from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName
from tasks.sources.github_url import github_repository
from tasks.sources.interface import ProjectFacts
from tasks.sources.releases import latest, parse_releases, release_of, stable
from tasks.sources.requirements import required_names

__all__ = ["PypiApi", "project_facts"]

_STATUS = "Development Status"


class PypiApi:
    """`ProjectSource` that asks PyPI or a mirror of its JSON API."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    async def project(self, name: str, installed: str | None) -> ProjectFacts:
        """Facts about one project; found=False for PyPI's own 404; SourceError otherwise."""
        document = await self._client.get_json(ServiceName.PYPI, f"/pypi/{quote(name, safe='')}/json", missing_ok=True)
        if document is None:
            return ProjectFacts(name=name, found=False)
        if installed is not None and _lacks(document, installed):
            document = await self._with_release(document, name, installed)
        return project_facts(document, name, installed)

    async def _with_release(self, document: Mapping[str, Any], name: str, installed: str) -> Mapping[str, Any]:
        path = f"/pypi/{quote(name, safe='')}/{quote(installed, safe='')}/json"
        answer = await self._client.get_json(ServiceName.PYPI, path, missing_ok=True)
        files = answer.get("urls") if isinstance(answer, Mapping) else None
        info = document["info"]
        return {**document, "releases": {info.get("version"): document.get("urls"), installed: files}}


def _lacks(document: Any, installed: str) -> bool:
    """Whether "releases", which PyPI has deprecated, is gone and the described version is another one."""
    if not isinstance(document, Mapping) or isinstance(document.get("releases"), Mapping):
        return False
    info = document.get("info")
    return isinstance(info, Mapping) and not _same_version(info.get("version"), installed)


def _same_version(text: object, installed: str) -> bool:
    try:
        return isinstance(text, str) and Version(text) == Version(installed)
    except InvalidVersion:
        return False


def project_facts(document: Any, name: str, installed: str | None) -> ProjectFacts:
    """What PyPI's JSON document says of the project called name and of its installed version.

    The document's own name is not compared: the address asked is the identity, and mirrors write names in their way.
    Raises SourceAnswerInvalid where the document is not one of PyPI's.
    """
    info = _info(document, name)
    releases = parse_releases(document)
    newest = latest(releases)
    current = release_of(releases, installed) if installed is not None else None
    return ProjectFacts(
        name=name,
        found=True,
        latest_version=newest.text if newest else None,
        latest_released_at=newest.uploaded_at if newest else None,
        released_at=current.uploaded_at if current else None,
        installed_yanked=current.yanked if current else False,
        requires=required_names(_list(info.get("requires_dist"))),
        development_status=_development_status(_list(info.get("classifiers"))),
        github_url=github_repository(info),
        stable_versions=tuple(release.text for release in stable(releases)),
    )


def _info(document: Any, name: str) -> Mapping[str, Any]:
    info = document.get("info") if isinstance(document, Mapping) else None
    if isinstance(info, Mapping) and isinstance(info.get("version"), str):
        return info
    raise SourceAnswerInvalid(
        f"pypi: the answer for {name} is not a document of PyPI's JSON API (no info or no version in it); "
        "check sources.pypi.base_url."
    )


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _development_status(classifiers: list[object]) -> str | None:
    for classifier in classifiers:
        if isinstance(classifier, str):
            topic, _, status = classifier.partition("::")
            if topic.strip() == _STATUS and status.strip():
                return status.strip()
    return None
