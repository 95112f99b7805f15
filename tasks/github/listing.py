"""Which repositories there are: the whole organisation, a team's, or named ones, each with its present commit."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tasks.errors import SourceAnswerInvalid
from tasks.github.api import GitHubApi, GraphQLAnswer
from tasks.github.concurrently import all_of
from tasks.github.errors import RepositoryInaccessible
from tasks.github.model import Repository
from tasks.github.pages import PAGE, pages
from tasks.github.text import literal, segment
from tasks.http.message import Answer, InvalidAnswer, read_json

__all__ = ["Listing"]

_FIELDS = "name nameWithOwner isArchived pushedAt diskUsage defaultBranchRef { name target { oid } }"
_REPOSITORIES = f"pageInfo {{ hasNextPage endCursor }} nodes {{ {_FIELDS} }}"
_OF_ORGANISATION = (
    "query($org: String!, $cursor: String) { organization(login: $org) { "
    f"repositories(first: {PAGE}, after: $cursor, orderBy: {{field: NAME, direction: ASC}}) {{ {_REPOSITORIES} }} }} }}"
)
# A person's account: only what the person owns, not what others share.
_OF_USER = (
    "query($org: String!, $cursor: String) { repositoryOwner(login: $org) { "
    f"repositories(first: {PAGE}, after: $cursor, ownerAffiliations: OWNER, "
    f"orderBy: {{field: NAME, direction: ASC}}) {{ {_REPOSITORIES} }} }} }}"
)
_FEW = 50
"""Up to so many named repositories are asked for one by one instead of listing all."""


class Listing:
    """Lists repositories; every method raises SourceError, RepositoryInaccessible for a name that is not there."""

    def __init__(self, api: GitHubApi) -> None:
        self._api = api

    async def of_organisation(self, org: str) -> tuple[Repository, ...]:
        """Every repository of an organisation or a user, archived ones too, by name."""
        found = await self._walk(_OF_ORGANISATION, "organization", org)
        if found is None:
            found = await self._walk(_OF_USER, "repositoryOwner", org)
        if found is None:
            raise RepositoryInaccessible(f"The organisation {org} is not there, or the token may not see it.")
        return tuple(found)

    async def of_team(self, org: str, team: str) -> tuple[Repository, ...]:
        """Every repository a team (by its slug) has access to."""
        return await self._with_heads(await self._of_team(org, team))

    async def names_of_team(self, org: str, team: str) -> tuple[str, ...]:
        """The names (OWNER/NAME) of every repository a team has access to, by its slug."""
        return tuple(one.full_name for one in await self._of_team(org, team))

    async def teams(self, org: str) -> list[str]:
        """The slugs of the organisation's teams, in GitHub's order."""
        what = f"The list of teams of {org}"
        items = [item async for page in pages(self._api, f"/orgs/{segment(org)}/teams", what) for item in page]
        return [str(item["slug"]) for item in items if isinstance(item, dict) and item.get("slug")]

    async def _of_team(self, org: str, team: str) -> list[Repository]:
        path = f"/orgs/{segment(org)}/teams/{segment(team)}/repos"
        return [_of_rest(item) async for page in pages(self._api, path, f"The team {team} of {org}") for item in page]

    async def named(self, org: str, names: Sequence[str]) -> tuple[Repository, ...]:
        """The repositories called NAME or OWNER/NAME, each once, in the order given."""
        wanted = list(dict.fromkeys(_full(org, name) for name in names))
        if len(wanted) <= _FEW:
            found = await all_of(self._one(name) for name in wanted)
            return await self._with_heads(list(found))
        every = {owner: await self.of_organisation(owner) for owner in {name.partition("/")[0] for name in wanted}}
        known = {repository.full_name.lower(): repository for listed in every.values() for repository in listed}
        lacking = [name for name in wanted if name.lower() not in known]
        if lacking:
            raise RepositoryInaccessible(f"{', '.join(lacking[:5])} not found; check the names and the token.")
        return tuple(known[name.lower()] for name in wanted)

    async def _one(self, full_name: str) -> Repository:
        owner, _, name = full_name.partition("/")
        path = f"/repos/{segment(owner)}/{segment(name)}"
        found = await self._api.get(path, _object, what=f"The repository {full_name}")
        return _of_rest(found)

    async def _walk(self, query: str, kind: str, org: str) -> list[Repository] | None:
        """Every page; None where there is no such owner."""
        found: dict[str, Repository] = {}
        cursor: str | None = None
        while True:
            answer = await self._api.graphql(query, {"org": org, "cursor": cursor})
            page = _page(answer, kind)
            if page is None:
                return None
            # A repository that is made or renamed meanwhile may be on two pages.
            found |= {one.full_name: one for one in _on_page(answer, kind, org, page["nodes"], len(found))}
            info = page.get("pageInfo") or {}
            following = info.get("endCursor")
            if not info.get("hasNextPage"):
                return list(found.values())
            if not following or following == cursor:
                raise SourceAnswerInvalid(f"github: the list of {org}'s repositories does not end; run again later.")
            cursor = following

    async def _with_heads(self, repositories: Sequence[Repository]) -> tuple[Repository, ...]:
        """The same repositories with the commits of their default branches."""
        parts = [repositories[start : start + PAGE] for start in range(0, len(repositories), PAGE)]
        return tuple([one for part in parts for one in await self._heads(part)])

    async def _heads(self, repositories: Sequence[Repository]) -> list[Repository]:
        aliased = (
            f"r{number}: repository(owner: {literal(one.owner)}, name: {literal(one.name)}) "
            '{ defaultBranchRef { name target { oid } } root: object(expression: "HEAD:") { oid } }'
            for number, one in enumerate(repositories)
        )
        answer = await self._api.graphql("query { " + " ".join(aliased) + " }")
        return [_with_head(one, answer.data.get(f"r{number}")) for number, one in enumerate(repositories)]


def _full(org: str, name: str) -> str:
    return name if "/" in name else f"{org}/{name}"


def _object(answer: Answer) -> dict[str, Any]:
    value = read_json(answer)
    if not isinstance(value, dict) or "name" not in value:
        raise InvalidAnswer("the description of a repository is not one")
    return value


def _page(answer: GraphQLAnswer, kind: str) -> Mapping[str, Any] | None:
    owner = answer.data.get(kind)
    if isinstance(owner, dict) and isinstance(page := owner.get("repositories"), dict):
        if isinstance(page.get("nodes"), list):
            return page
    elif answer.data.get(kind, answer) is None and all(error.get("type") == "NOT_FOUND" for error in answer.errors):
        return None
    raise SourceAnswerInvalid(f"github: the repositories cannot be listed ({answer.reason()}); check GITHUB_TOKEN.")


def _on_page(answer: GraphQLAnswer, kind: str, org: str, nodes: Sequence[Any], before: int) -> Iterator[Repository]:
    """The repositories of a page; where errors took one away, or its branch, that is no empty or missing one."""
    for number, node in enumerate(nodes):
        errors = [one for one in answer.errors if _leads_into(one.get("path"), [kind, "repositories", "nodes", number])]
        if not isinstance(node, dict) or not node.get("nameWithOwner"):
            reason = GraphQLAnswer({}, errors).reason()
            problem = f"GitHub lists a repository that it does not name ({reason}); give the token access to it."
            yield Repository(org, f"(unnamed {before + number + 1})", None, None, problem=problem)
            continue
        found = _of_graphql(node)
        # HEAD is whatever branch is the default one; a repository without commits says so when it is asked.
        yield replace(found, default_branch="HEAD") if errors and found.revision is None else found


def _leads_into(path: Any, place: Sequence[str | int]) -> bool:
    """Whether an error's path names the place, or what lies in it."""
    return isinstance(path, list) and path[: len(place)] == list(place)


def _of_graphql(node: Mapping[str, Any]) -> Repository:
    owner, _, name = str(node["nameWithOwner"]).partition("/")
    size, archived = node.get("diskUsage"), bool(node.get("isArchived"))
    found = Repository(owner, name, None, None, archived, _moment(node.get("pushedAt")), size)
    return _with_head(found, node)


def _of_rest(item: Any) -> Repository:
    try:
        owner, _, name = str(item["full_name"]).partition("/")
        branch, archived = item.get("default_branch"), bool(item.get("archived"))
        return Repository(owner, name, branch, None, archived, _moment(item.get("pushed_at")), item.get("size"))
    except (KeyError, TypeError, AttributeError) as error:
        raise SourceAnswerInvalid("github: a repository of the listing has no name; run again later.") from error


def _with_head(repository: Repository, found: Any) -> Repository:
    """The repository with the branch and the commit of a GraphQL answer; the root tree's id stands for the commit."""
    if not isinstance(found, dict):
        return repository
    head, root = found.get("defaultBranchRef") or {}, found.get("root") or {}
    commit = (head.get("target") or {}).get("oid") or root.get("oid")
    return replace(repository, default_branch=head.get("name") or repository.default_branch, commit=commit)


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except ValueError:
        return None
