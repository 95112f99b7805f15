"""The page of an IOC scan: what was not read, findings by team and repository, what is new and gone."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tasks.history.iocchanges import GoneFinding, IocChanges
from tasks.history.iocmodel import FindingEntry, IocDocument
from tasks.reports.cost import requests_words
from tasks.reports.iocreport import not_read
from tasks.reports.page.charts import Bar, bars, timeline
from tasks.reports.page.links import advisory_url, file_url, repository_url
from tasks.reports.page.render import render
from tasks.reports.page.view import Entry, Figure, Group, Head, Notice, SinceView, duration, moment
from tasks.text.plain import counted

__all__ = ["ioc_page"]

_MOST_ROWS = 10_000
_MOST_BARS = 10
_LABEL = 18
"""Letters beside a bar."""

_NO_TEAM = "no team named"


def ioc_page(document: IocDocument, changes: IocChanges | None) -> Iterator[str]:
    """The page, piece by piece; changes are those since the last scan, None where there was none."""
    teams = _teams_of(document)
    rows = _rows(document, teams, {one.key for one in changes.new} if changes else frozenset())
    gaps = [Entry(where, detail=why) for where, why in not_read(document)]
    return render(
        "ioc.html.j2",
        head=_head(document, changes),
        gaps=Group("Repositories and files", gaps, "Nothing is known of these; a finding may be in them.")
        if gaps
        else None,
        changes=_since(changes) if changes else None,
        charts=list(_charts(document, teams)),
        rows=rows[:_MOST_ROWS],
        left_out=max(0, len(rows) - _MOST_ROWS),
        ecosystems=list(enumerate(_ecosystems(document))),
        teams=list(enumerate(document.scope.teams)),
        repositories=list(_repositories(document, teams)),
        time=timeline(document.metrics.timeline, "files"),
        run=list(_run(document)),
        notes=document.notes,
    )


def _teams_of(document: IocDocument) -> dict[str, tuple[str, ...]]:
    """The teams of each repository, where the scan was told of teams."""
    found: dict[str, tuple[str, ...]] = {}
    for team, repositories in document.scope.teams.items():
        for name in repositories:
            found[name] = (*found.get(name, ()), team)
    return found


def _ecosystems(document: IocDocument) -> list[str]:
    return sorted({one.ecosystem for one in (*document.findings, *document.possible)})


def _head(document: IocDocument, changes: IocChanges | None) -> Head:
    facts = [f"Scanned {moment(document.finished_at)}", f"in {duration(document.metrics.wall_s)}"]
    facts += [f"{counted(document.indicators.count, 'indicator')}", f"scan {document.scan_id}"]
    title = document.target.partition(":")[2] or document.target
    figures = list(_figures(document, changes))
    return Head("Malicious packages in lockfiles", title, facts, list(_notices(document)), figures)


def _notices(document: IocDocument) -> Iterator[Notice]:
    missing = sum(1 for _ in not_read(document))
    if missing:
        yield Notice(
            f"{counted(missing, 'file or repository', 'files or repositories')} could not be read.", "", bad=True
        )
    if not document.indicators.count:
        yield Notice("The lists held no indicator.", "Nothing could be found.", bad=True)
    elif document.indicators.uncompared:
        yield Notice(
            "Not everything was compared.", f"No indicator for {', '.join(document.indicators.uncompared)}.", bad=True
        )
    if document.scope.fast:
        yield Notice("Top folders only.", "Lockfiles in other folders were not read (--fast).")


def _figures(document: IocDocument, changes: IocChanges | None) -> Iterator[Figure]:
    hit = len({finding.repository for finding in document.findings})
    many = len(document.findings)
    new = f"{len(changes.new):,} new, {len(changes.gone):,} gone" if changes else "packages known to be malicious"
    missing = sum(1 for _ in not_read(document))
    # Nothing found says something only where everything was read and there was something to look for.
    compared = document.files and document.indicators.count and not document.indicators.uncompared
    none = "ok" if compared and not (missing or document.scope.fast) else ""
    yield Figure(many, "Findings", new, "4" if many else none)
    yield Figure(hit, "Repositories affected", f"of {len(document.repositories):,}", "4" if hit else none)
    yield Figure(len(document.possible), "Possible", "no comparable version", "2" if document.possible else "")
    packages = sum(file.packages for file in document.files)
    yield Figure(len(document.files), "Lockfiles", f"{packages:,} packages in them")
    yield Figure(
        missing, "Not read", "nothing is known of them" if missing else "everything was read", "3" if missing else "ok"
    )


def _since(changes: IocChanges) -> SinceView:
    groups = (
        Group("New", [_entry(one) for one in changes.new]),
        Group("Not checked this time", [_gone(one) for one in changes.not_checked], "Known before; not gone."),
        Group("Not known last time", [_gone(one) for one in changes.unknown_before], "The earlier scan did not look."),
        Group("Gone", [_gone(one) for one in changes.gone]),
        Group("Repositories added", [Entry(name) for name in changes.added]),
        Group("Repositories no longer listed", [Entry(name) for name in changes.no_longer_listed]),
    )
    return SinceView(moment(changes.before.finished_at), [group for group in groups if group.entries])


def _entry(finding: FindingEntry, detail: str = "") -> Entry:
    place = f"{finding.repository}: {finding.path}"
    return Entry(
        f"{finding.name} {finding.version or ''}".strip(),
        (finding.indicator,) if finding.indicator else (),
        finding.ecosystem,
        "4",
        detail=f"{place}: {detail}" if detail else place,
    )


def _gone(one: GoneFinding) -> Entry:
    return _entry(one.finding, one.reason)


def _charts(document: IocDocument, teams: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, tuple[Bar, ...]]]:
    findings = document.findings
    if not findings:
        return
    yield _chart("repository", (one.repository.partition("/")[2] or one.repository for one in findings))
    if teams:
        yield _chart("team", (team for one in findings for team in teams.get(one.repository, (_NO_TEAM,))))
    yield _chart("ecosystem", (one.ecosystem for one in findings))


def _chart(what: str, names: Iterable[str]) -> tuple[str, tuple[Bar, ...]]:
    counts = Counter(names)
    shown = f", the first {_MOST_BARS} of {len(counts):,}" if len(counts) > _MOST_BARS else ""
    made = bars([(_short(name), number, "4") for name, number in counts.most_common(_MOST_BARS)])
    return f"Findings by {what}{shown}", made


def _short(name: str) -> str:
    return name if len(name) <= _LABEL else f"{name[: _LABEL - 1]}…"


@dataclass(frozen=True, slots=True)
class _Row:
    repository: str
    repository_url: str | None
    teams: str
    path: str
    path_url: str | None
    ecosystem: str
    package: str
    indicator: str
    indicator_url: str | None
    source: str
    note: str
    is_new: bool
    certain: bool
    flags: str


def _rows(
    document: IocDocument, teams: Mapping[str, Sequence[str]], new: frozenset[object] | set[object]
) -> list[_Row]:
    web, commits = document.scope.web_url, {one.repository: one.commit for one in document.repositories}
    numbers = {name: number for number, name in enumerate(_ecosystems(document))}
    places = {name: number for number, name in enumerate(document.scope.teams)}
    pairs = [*((one, True) for one in document.findings), *((one, False) for one in document.possible)]
    return [
        _Row(
            repository=one.repository,
            repository_url=repository_url(web, one.repository),
            teams=", ".join(teams.get(one.repository, ())),
            path=one.path,
            path_url=file_url(web, one.repository, commits.get(one.repository), one.path),
            ecosystem=one.ecosystem,
            package=f"{one.name} {one.version or '(no version)'}",
            indicator=one.indicator,
            indicator_url=advisory_url(one.indicator),
            source=one.source,
            note=one.note,
            is_new=one.key in new,
            certain=certain,
            flags=" ".join(
                (
                    f"e{numbers[one.ecosystem]}",
                    *(f"t{places[team]}" for team in teams.get(one.repository, ())),
                    "sure" if certain else "possible",
                    *(("new",) if one.key in new else ()),
                )
            ),
        )
        for one, certain in pairs
    ]


@dataclass(frozen=True, slots=True)
class _RepositoryRow:
    name: str
    url: str | None
    teams: str
    findings: int
    files: int
    not_read: int


def _repositories(document: IocDocument, teams: Mapping[str, Sequence[str]]) -> Iterator[_RepositoryRow]:
    """The repositories with findings or gaps, most findings first."""
    found = Counter(one.repository for one in document.findings)
    gaps = Counter(where.partition(":")[0] for where, _ in not_read(document))
    web = document.scope.web_url
    for one in sorted(
        document.repositories, key=lambda one: (-found[one.repository], -gaps[one.repository], one.repository)
    ):
        name = one.repository
        if found[name] or gaps[name]:
            own = ", ".join(teams.get(name, ()))
            yield _RepositoryRow(name, repository_url(web, name), own, found[name], one.files, gaps[name])


def _run(document: IocDocument) -> Iterator[tuple[str, str]]:
    metrics = document.metrics
    yield "Target", document.target
    yield "Indicators", f"{document.indicators.count:,}, {document.indicators.withdrawn:,} withdrawn"
    yield "Batches", f"{metrics.batches:,}, {metrics.cached_batches:,} of them stored by an earlier run"
    yield "Requests", requests_words(metrics)
    yield "Memory", f"at most {metrics.peak_rss_mb:,} MB"
