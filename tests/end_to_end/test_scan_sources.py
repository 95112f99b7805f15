"""Each source in turn down, as a user sees it: cells, exit code and the report."""

import re

import openpyxl
from werkzeug import Request, Response

from tasks.review.recommendation import RUN_AGAIN
from tests.end_to_end.harness import OTHERS, Command, Services, advisory, make_workbook, pypi_document

CVE = "CVE-2024-0001"
KEV = {"vulnerabilities": [{"cveID": CVE, "dateAdded": "2024-01-01", "knownRansomwareCampaignUse": "Known"}]}
EPSS = {"data": [{"cve": CVE, "epss": "0.9", "percentile": "0.99"}]}
NVD = {"vulnerabilities": [{"cve": {"id": CVE, "vulnStatus": "Awaiting Analysis", "metrics": {}}}]}
EXPLOITS = f"id,file,codes\n42,a.py,{CVE}\n"


def test_every_source_is_asked_once_and_one_that_is_down_is_named(command: Command, services: Services) -> None:
    environment = _all_sources(services)
    book = make_workbook(command.folder / "r.xlsx", [("alpha", "1.0"), ("beta", "1.0")])
    calm = command.run("--input", book, **environment)
    assert calm.code == 0, calm.err
    (found,) = calm.package(4)["vulnerabilities"]
    assert (found["kev"], found["epss"], found["exploits"]) == (True, 0.9, ["42"])
    statuses = {name: answer["status"] for name, answer in calm.package(4)["sources"].items()}
    assert statuses == {
        **dict.fromkeys(("osv", "github", "nvd", "exploitdb"), "affected"),
        "mitre": "unknown",
        "snyk": "not_applicable",
    }
    sheet = openpyxl.load_workbook(book)["Packages"]
    assert f"NVD awaiting analysis: {CVE}" in str(sheet["P4"].value)
    assert "KNOWN EXPLOITED" in str(sheet["W4"].value)
    before = [sheet[f"{column}5"].value for column in "MPRTVW"]
    services.down.add("github")
    again = command.run("--input", book, **environment, VETBOOK_SOURCES__GITHUB__CACHE_HOURS="0")
    assert again.code == 3
    assert "GitHub could not be asked" in again.out
    sheet = openpyxl.load_workbook(book)["Packages"]
    assert [sheet[f"{column}5"].value for column in "MPRTV"] == before[:-1]
    assert sheet["W5"].value == f"{before[-1]} | ❓ could not be asked: GitHub | {RUN_AGAIN}"
    assert again.package(5)["sources"]["github"]["status"] == "unknown"


def _all_sources(services: Services) -> dict[str, str]:
    services.projects.update({name: pypi_document(name) for name in ("alpha", "beta")})
    services.advisories["GHSA-1"] = advisory("GHSA-1", "alpha", "1.5", aliases=[CVE])
    server = services.server
    server.expect_request("/kev/known_exploited_vulnerabilities.json").respond_with_json(KEV)
    server.expect_request("/epss/data/v1/epss").respond_with_json(EPSS)
    server.expect_request("/nvd/rest/json/cves/2.0").respond_with_json(NVD)
    server.expect_request("/exploitdb/files_exploits.csv").respond_with_data(EXPLOITS)

    def github(_: Request) -> Response:
        return Response("down", 503) if "github" in services.down else Response("[]", content_type="application/json")

    server.expect_request(re.compile("/github/.*")).respond_with_handler(github)
    plain = {k: v for k, v in services.environment().items() if not k.endswith("__LIVE")}
    return plain | {f"VETBOOK_SOURCES__{n}__BASE_URL": server.url_for(f"/{n.lower()}") for n in OTHERS}
