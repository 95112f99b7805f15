"""The way in: which file is written by which export. A new kind is one more module and one more word here.

Modules are imported when they are wanted: the CycloneDX library takes a good part of a second.
"""

from pathlib import Path

from tasks.exports.interface import IocExport, ReviewExport
from tasks.reports.findings import IocResult
from tasks.reports.result import ScanResult

__all__ = ["write_ioc_exports", "write_review_exports"]


def write_review_exports(result: ScanResult, *, vex: Path | None = None, csv: Path | None = None) -> None:
    """Write what is wanted of a review; CheckpointError at the first file that cannot be written."""
    if vex is not None:
        from tasks.exports.vex import write_vex  # noqa: PLC0415  see above

        export: ReviewExport = write_vex
        export(vex, result)
    if csv is not None:
        from tasks.exports.review_csv import write_review_csv  # noqa: PLC0415  see above

        export = write_review_csv
        export(csv, result)


def write_ioc_exports(result: IocResult, *, cyclonedx: Path | None = None) -> None:
    """The same of an IOC scan."""
    if cyclonedx is not None:
        from tasks.exports.ioc_bom import write_ioc_bom  # noqa: PLC0415  see above

        export: IocExport = write_ioc_bom
        export(cyclonedx, result)
