"""OSV's bulk export (https://google.github.io/osv.dev/data/): many records in one download.

One record a request costs a round trip and a millisecond of processor time each; beyond some hundreds, one zip
of a whole ecosystem is cheaper for both sides. It only fills the record store: what it lacks, or holds in an
older state than the index names, is asked for one by one as ever.
"""

import asyncio
import logging
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import orjson

from tasks.advisories.model import Advisory
from tasks.advisories.parse import parse_advisory
from tasks.errors import SourceAnswerInvalid, SourceError
from tasks.http.client import HttpClient
from tasks.http.message import InvalidAnswer
from tasks.http.policy import ServiceName
from tasks.sources.interface import AdvisoryRef
from tasks.sources.record_store import RecordStore

WORTH_IT = 400
"""Missing records from which one zip is asked for instead of them all."""

_MAX_RECORD_BYTES = 16 << 20
_AT_ONCE = 50

_log = logging.getLogger(__name__)


async def fill_from_bulk(client: HttpClient, store: RecordStore, refs: Sequence[AdvisoryRef]) -> Mapping[str, Advisory]:
    """Put the missing records into the store if they are many; what was put, by id. Failure is no error here.

    Whatever cannot be had this way is asked for record by record later, and that is where an error counts.
    """
    missing = store.missing(refs)
    if len(missing) < WORTH_IT:
        return {}
    try:
        with tempfile.TemporaryDirectory(prefix="vetbook-osv-") as folder:
            archive = Path(folder) / "all.zip"
            await client.download(ServiceName.OSV_BULK, "/PyPI/all.zip", archive, check=check_whole)
            return await _store(archive, store, missing)
    except (SourceError, OSError) as error:
        _log.warning("The bulk export was not used (%s); asking for %d records one by one", error, len(missing))
        return {}


def check_whole(archive: Path) -> None:
    """InvalidAnswer for a file that is not a whole zip: its directory stands at the end."""
    if not zipfile.is_zipfile(archive):
        raise InvalidAnswer("the export is cut short or no zip file")


async def _store(archive: Path, store: RecordStore, missing: Sequence[AdvisoryRef]) -> Mapping[str, Advisory]:
    """On the loop, in slices of milliseconds: a busy thread beside it would hold up every answer by its turns."""
    put: dict[str, Advisory] = {}
    with zipfile.ZipFile(archive) as export:
        found = _records(export, {ref.id: ref for ref in missing})
        while some := dict(islice(found, _AT_ONCE)):
            store.put_many(some)
            await asyncio.sleep(0)
            put.update({ref.id: advisory for ref, advisory in some.items()})
    return put


def _records(export: zipfile.ZipFile, wanted: Mapping[str, AdvisoryRef]) -> Iterator[tuple[AdvisoryRef, Advisory]]:
    for entry in export.infolist():
        ref = wanted.get(entry.filename.removesuffix(".json"))
        if ref is None or entry.file_size > _MAX_RECORD_BYTES:
            continue
        advisory = _parsed(export, entry)
        if advisory is not None and (advisory.id, advisory.modified) == (ref.id, ref.modified):
            yield ref, advisory


def _parsed(export: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Advisory | None:
    """One record of the export; a damaged one is left for the single request, which says what is wrong."""
    try:
        return parse_advisory(orjson.loads(export.read(entry)))
    except (ValueError, SourceAnswerInvalid, zipfile.BadZipFile, OSError):
        return None
