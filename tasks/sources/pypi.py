"""PyPI's JSON API (https://docs.pypi.org/api/json/): one request per project."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote

from tasks.advisories.versions import parse_version
from tasks.errors import SourceAnswerInvalid
from tasks.http.client import HttpClient
from tasks.http.policy import ServiceName
from tasks.sources.ahead import Ahead, Room
from tasks.sources.github_url import github_repository
from tasks.sources.interface import ProjectFacts
from tasks.sources.kept import FreshFor, KeptDocuments
from tasks.sources.releases import Release, latest, parse_releases, reduced_files, reduced_releases, release_of, stable
from tasks.sources.requirements import bounding, required_names

__all__ = ["PypiApi", "project_facts", "reduced"]

_STATUS = "Development Status"
_INFO_KEPT = ("name", "version", "requires_dist", "project_urls", "home_page")


class Documents(Protocol):
    """Where PyPI's documents come from, by path; None for one that PyPI does not have."""

    async def get(self, path: str, reduce: Callable[[Any], Any]) -> Any:
        """What reduce makes of the document; SourceError where it cannot be had."""
        ...


class PypiApi:
    """`ProjectSource` out of documents of PyPI's JSON API: asked for, or kept from earlier runs."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._ahead = Ahead(self._document)

    @classmethod
    def asking(cls, client: HttpClient) -> "PypiApi":
        """One that asks PyPI or a mirror of it every time and keeps nothing."""
        return cls(KeptDocuments(client, ServiceName.PYPI, None, FreshFor()))

    def expect(self, names: Sequence[str], room: Room) -> None:
        """Say which projects will be asked for, in order; some are looked up before they are, see `Ahead.expect`."""
        self._ahead.expect(names, room)

    async def project(self, name: str, installed: str | None) -> ProjectFacts:
        """Facts about one project; found=False for PyPI's own 404; SourceError otherwise."""
        document = await self._ahead.get(name)
        if document is None:
            return ProjectFacts(name=name, found=False)
        if installed is not None and _lacks(document, installed):
            document = await self._with_release(document, name, installed)
        return project_facts(document, name, installed)

    async def _document(self, name: str) -> Any:
        path = f"/pypi/{quote(name, safe='')}/json"
        return await self._documents.get(path, lambda document: reduced(document, name))

    async def _with_release(self, document: Mapping[str, Any], name: str, installed: str) -> Mapping[str, Any]:
        path = f"/pypi/{quote(name, safe='')}/{quote(installed, safe='')}/json"
        answer = await self._documents.get(path, lambda found: reduced(found, name))
        files = answer.get("urls") if isinstance(answer, Mapping) else None
        info = document["info"]
        return {**document, "releases": {info.get("version"): document.get("urls"), installed: files}}


def reduced(document: Any, name: str) -> dict[str, Any]:
    """The part of a document that `project_facts` reads, in the same shape: some kilobytes instead of megabytes.

    Raises SourceAnswerInvalid where the document is not one of PyPI's.
    """
    info = _info(document, name)
    classifiers = [c for c in _list(info.get("classifiers")) if isinstance(c, str) and c.strip().startswith(_STATUS)]
    kept = {key: info[key] for key in _INFO_KEPT if key in info}
    small: dict[str, Any] = {"info": {**kept, "classifiers": classifiers}}
    small["urls"] = reduced_files(_list(document.get("urls")))
    if isinstance(document.get("releases"), Mapping):
        small["releases"] = reduced_releases(document)
    return small


def _lacks(document: Any, installed: str) -> bool:
    """Whether "releases", which PyPI has deprecated, is gone and the described version is another one."""
    if not isinstance(document, Mapping) or isinstance(document.get("releases"), Mapping):
        return False
    info = document.get("info")
    return isinstance(info, Mapping) and not _same_version(info.get("version"), installed)


def _same_version(text: object, installed: str) -> bool:
    version = parse_version(text) if isinstance(text, str) else None
    return version is not None and version == parse_version(installed)


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
        described_version=text if isinstance(text := info.get("version"), str) else None,
        bounds=bounding(_list(info.get("requires_dist"))),
        **_versions(releases),
    )


def _versions(releases: Sequence[Release]) -> dict[str, Any]:
    """The lists of versions, each version in one of them."""
    usable = stable(releases)
    others = releases if len(usable) < len(releases) else ()
    yanked = [release for release in others if release.yanked]
    return {
        "stable_versions": tuple(release.text for release in usable),
        "pre_releases": tuple(r.text for r in others if r.version.is_prerelease and not r.yanked),
        "yanked_versions": tuple(release.text for release in yanked),
        "pythons": {r.text: python for r in releases if (python := r.requires_python) is not None},
    }


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
