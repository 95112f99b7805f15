"""What an IOC scan tells: summary, findings, what could not be read, where its files are, and tags by outcome."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from flows.story.pieces import LinkPiece, MarkdownPiece, Piece, Row, bullets, escaped, key_for, table_of
from tasks.reports.findings import IocResult


def ioc_pieces(result: IocResult, files: Mapping[str, Path]) -> Iterator[Piece]:
    """The artifacts of an IOC scan; files: by what they are, absolute, beside the result's report."""
    subject = result.target
    report = {} if result.page is None else {"Report": result.page.resolve()}
    text = "\n".join([f"# {escaped(subject)}", "", *bullets((*result.summary_lines(), *result.notes), most=40)])
    yield MarkdownPiece(key_for("ioc-summary", subject), f"Summary of {subject}", text)
    yield table_of(key_for("ioc-findings", subject), "findings", list(_finding_rows(result)))
    yield table_of(key_for("ioc-coverage", subject), "gaps: what could not be read", list(_coverage_rows(result)))
    for what, path in (report | dict(files)).items():
        yield LinkPiece(key_for(f"ioc-{what.lower()}", subject), f"{what}: {path.name}", path)


def _finding_rows(result: IocResult) -> Iterator[Row]:
    for one in (*result.findings, *result.possible):
        yield {
            "Repository": one.repository,
            "File": one.path,
            "Ecosystem": one.ecosystem,
            "Package": one.name,
            "Version": one.version or "",
            "Indicator": one.indicator,
            "Certain": "yes" if one.certain else "possible",
        }


def _coverage_rows(result: IocResult) -> Iterator[Row]:
    for repository in result.failed_repositories:
        yield {"Repository": repository.repository, "File": "all", "Reason": repository.reason or "not known"}
    for file in result.failed_files:
        yield {"Repository": file.repository, "File": file.path, "Reason": file.reason or "not known"}
    for name in result.uncompared:
        yield {"Repository": "all", "File": "all", "Reason": f"no indicator for packages of {name}"}


def ioc_tags(result: IocResult) -> frozenset[str]:
    """`outcome:` tags: findings, possible, unchecked; clean where none of them applies."""
    applies = {
        "findings": bool(result.findings),
        "possible": bool(result.possible),
        "unchecked": result.incomplete,
    }
    return frozenset(f"outcome:{name}" for name, so in applies.items() if so) or frozenset({"outcome:clean"})
