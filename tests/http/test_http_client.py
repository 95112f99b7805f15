"""The client over real sockets: what it makes of good, bad and hostile answers."""

import asyncio
import gzip
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tasks.errors import SettingsError, SourceAnswerInvalid, SourceError, SourceRefused, SourceUnavailable
from tasks.http.client import HttpClient
from tasks.http.message import InvalidAnswer
from tasks.http.policy import ServiceName, ServicePolicy

PATH = "/pypi/a/json"
GOOD = {"info": {"name": "a"}}


class Time:
    """A clock that only sleeping moves; random is always 1/2."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


def ask(
    server: HTTPServer | str,
    question: Callable[[HttpClient], Awaitable[Any]],
    moment: Time | None = None,
    **policy: Any,
) -> Any:
    """Ask with a client of its own; any whole number of seconds of waiting costs none."""
    moment = moment or Time()
    base_url = server if isinstance(server, str) else server.url_for("")

    async def run() -> Any:
        policies = {ServiceName.PYPI: ServicePolicy(base_url, **policy)}
        async with HttpClient(
            policies, clock=moment.clock, wall=time.time, sleep=moment.sleep, random=lambda: 0.5
        ) as client:
            return await question(client)

    return asyncio.run(run())


async def get(client: HttpClient) -> Any:
    return await client.get_json(ServiceName.PYPI, PATH)


async def get_or_none(client: HttpClient) -> Any:
    return await client.get_json(ServiceName.PYPI, PATH, missing_ok=True)


def script(server: HTTPServer, *answers: Response) -> list[Request]:
    """Give the answers in turn, the last one for ever; the requests that came."""
    seen: list[Request] = []

    def handler(request: Request) -> Response:
        seen.append(request)
        return answers[min(len(seen), len(answers)) - 1]

    server.expect_request(PATH).respond_with_handler(handler)
    return seen


def good() -> Response:
    return Response(json.dumps(GOOD), content_type="application/json")


def test_json_is_read_and_the_request_says_who_asks(httpserver: HTTPServer) -> None:
    seen = script(httpserver, good())
    assert ask(httpserver, get, token=SecretStr("s3cret"), headers={"X-Api": "1"}) == GOOD
    assert seen[0].headers["User-Agent"].startswith("vetbook/")
    assert seen[0].headers["Authorization"] == "Bearer s3cret"
    assert seen[0].headers["X-Api"] == "1"


BAD = {
    "503": Response("", 503),
    "500": Response("", 500),
    "429": Response("", 429),
    "408": Response("", 408),
    "html": Response("<html>Please sign in</html>", content_type="text/html"),
    "html as json": Response("  <!DOCTYPE html>", content_type="application/json"),
    "empty": Response("", content_type="application/json"),
    "cut": Response(json.dumps(GOOD)[:9], content_type="application/json"),
    "null": Response("null", content_type="application/json"),
    "NaN": Response('{"score": NaN}', content_type="application/json"),
    "not utf-8": Response(b'{"name": "\xff"}', content_type="application/json"),
    "too deep": Response("[" * 200_000, content_type="application/json"),
    "damaged gzip": Response(b"not gzip at all", headers={"Content-Encoding": "gzip"}),
    "403 limit": Response("", 403, {"message": "Rate limit exceeded"}),
    "403 quota": Response("", 403, {"x-ratelimit-remaining": "0"}),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_what_is_no_answer_is_asked_again(httpserver: HTTPServer, bad: Response) -> None:
    seen = script(httpserver, bad, bad, good())
    moment = Time()
    assert ask(httpserver, get, moment) == GOOD
    assert len(seen) == 3
    assert moment.slept == [0.25, 0.5]


@pytest.mark.parametrize(
    ("bad", "error", "reason"),
    [
        ("503", SourceUnavailable, "HTTP 503 after 5 attempts"),
        ("html", SourceAnswerInvalid, "HTML page"),
        ("cut", SourceAnswerInvalid, "cut short"),
        ("damaged gzip", SourceAnswerInvalid, "compression"),
    ],
)
def test_after_all_attempts_the_error_says_which_service_and_why(
    httpserver: HTTPServer, bad: str, error: type[SourceError], reason: str
) -> None:
    seen = script(httpserver, BAD[bad])
    with pytest.raises(error) as caught:
        ask(httpserver, get)
    assert len(seen) == 5
    assert reason in str(caught.value)
    assert str(caught.value).startswith(f"pypi (localhost:{httpserver.port}{PATH}): ")
    assert "\n" not in str(caught.value)


def test_no_message_holds_a_token_a_query_or_a_password(httpserver: HTTPServer) -> None:
    script(httpserver, Response("", 500))
    address = f"http://user:p%40ss@localhost:{httpserver.port}"

    async def question(client: HttpClient) -> Any:
        return await client.get_json(ServiceName.PYPI, PATH, {"key": "hidden"})

    with pytest.raises(SourceUnavailable) as caught:
        ask(address, question, token=SecretStr("s3cret"))
    for secret in ("s3cret", "hidden", "p%40ss", "p@ss", "user"):
        assert secret not in str(caught.value)


def test_credentials_of_the_address_are_sent_as_basic_authorisation(httpserver: HTTPServer) -> None:
    seen = script(httpserver, good())
    ask(f"http://user:p%40ss@localhost:{httpserver.port}", get)
    assert seen[0].authorization is not None
    assert (seen[0].authorization.username, seen[0].authorization.password) == ("user", "p@ss")


def test_the_wait_a_service_asks_for_is_kept(httpserver: HTTPServer) -> None:
    script(httpserver, Response("", 429, {"Retry-After": "7"}), Response("", 503, {"Retry-After": "3"}), good())
    moment = Time()
    assert ask(httpserver, get, moment) == GOOD
    assert moment.slept == [7.125, 3.125]


def test_a_wait_beyond_the_deadline_is_not_waited_for(httpserver: HTTPServer) -> None:
    seen = script(httpserver, Response("", 429, {"Retry-After": "3600"}))
    moment = Time()
    with pytest.raises(SourceUnavailable, match="asks to wait 3600 s"):
        ask(httpserver, get, moment)
    assert (len(seen), moment.slept) == (1, [])


def test_too_many_requests_is_not_one_of_the_attempts(httpserver: HTTPServer) -> None:
    seen = script(httpserver, *[Response("", 429)] * 9, good())
    assert ask(httpserver, get, attempts=2) == GOOD
    assert len(seen) == 10


def test_a_token_that_is_refused_is_not_tried_again(httpserver: HTTPServer) -> None:
    seen = script(httpserver, Response("", 401))

    async def question(client: HttpClient) -> None:
        for _ in range(3):
            with pytest.raises(SourceRefused, match="HTTP 401"):
                await get(client)

    ask(httpserver, question)
    assert len(seen) == 1


def test_one_forbidden_thing_does_not_forbid_the_others(httpserver: HTTPServer) -> None:
    seen = script(httpserver, Response("", 403), good())

    async def question(client: HttpClient) -> Any:
        with pytest.raises(SourceRefused, match="HTTP 403"):
            await get(client)
        return await get(client)

    assert ask(httpserver, question) == GOOD
    assert len(seen) == 2


def test_a_bad_nvd_key_reads_as_refused_and_not_as_missing(httpserver: HTTPServer) -> None:
    script(httpserver, Response("{}", 404, {"message": "Invalid apiKey."}))
    with pytest.raises(SourceRefused):
        ask(httpserver, get_or_none)


def test_missing_is_none_only_where_the_service_itself_says_so(httpserver: HTTPServer) -> None:
    script(httpserver, Response('{"message": "Not Found"}', 404, content_type="application/json"))
    assert ask(httpserver, get_or_none) is None
    with pytest.raises(SourceAnswerInvalid, match="HTTP 404"):
        ask(httpserver, get)


def test_a_404_page_of_a_wrong_address_is_not_missing(httpserver: HTTPServer) -> None:
    script(httpserver, Response("<html>nginx</html>", 404))
    with pytest.raises(SourceAnswerInvalid, match="HTML page"):
        ask(httpserver, get_or_none)


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_beyond_the_limit_is_not_read_on(httpserver: HTTPServer, packed: bool) -> None:
    body = json.dumps({"a": "x" * 5_000_000}).encode()
    answer = Response(gzip.compress(body), headers={"Content-Encoding": "gzip"}) if packed else Response(body)
    seen = script(httpserver, answer)
    with pytest.raises(SourceAnswerInvalid, match="larger than 1 MiB"):
        ask(httpserver, get, max_bytes=2**20)
    assert len(seen) == 1


def test_a_redirect_on_the_same_host_is_followed(httpserver: HTTPServer) -> None:
    script(httpserver, Response("", 301, {"Location": "/moved"}))
    httpserver.expect_request("/moved").respond_with_json(GOOD)
    assert ask(httpserver, get) == GOOD


def test_a_redirect_to_another_host_is_not_followed(httpserver: HTTPServer) -> None:
    # The same server under another name: had the client gone there, it would have an answer and sent its token.
    seen = script(httpserver, Response("", 302, {"Location": f"http://127.0.0.1:{httpserver.port}/elsewhere"}))
    httpserver.expect_request("/elsewhere").respond_with_json(GOOD)
    with pytest.raises(SourceAnswerInvalid, match=r"another host, 127\.0\.0\.1"):
        ask(httpserver, get, token=SecretStr("s3cret"))
    assert len(seen) == 5
    assert all(request.path != "/elsewhere" for request, _ in httpserver.log)


def test_redirects_in_a_circle_end(httpserver: HTTPServer) -> None:
    seen = script(httpserver, Response("", 302, {"Location": PATH}))
    with pytest.raises(SourceAnswerInvalid, match="more than 5 times"):
        ask(httpserver, get, attempts=1)
    assert len(seen) == 6


def test_a_post_is_sent_again_with_its_payload(httpserver: HTTPServer) -> None:
    seen = script(httpserver, Response("", 503), good())

    async def question(client: HttpClient) -> Any:
        return await client.post_json(ServiceName.PYPI, PATH, {"queries": [1]})

    assert ask(httpserver, question) == GOOD
    assert [request.get_json() for request in seen] == [{"queries": [1]}] * 2


def test_bytes_are_checked_before_they_are_believed(httpserver: HTTPServer) -> None:
    script(httpserver, Response(b"PK cut"), Response(b"PK whole"))

    def check(body: bytes) -> None:
        if not body.endswith(b"whole"):
            raise InvalidAnswer("cut short")

    async def question(client: HttpClient) -> Any:
        return await client.get_bytes(ServiceName.PYPI, PATH, check=check)

    assert ask(httpserver, question) == b"PK whole"


def test_a_download_replaces_the_part_of_a_failed_one(httpserver: HTTPServer, tmp_path: Path) -> None:
    script(httpserver, Response(b"a longer part that is cut"), Response(b"whole", headers={"ETag": '"1"'}))
    target = tmp_path / "all.zip.part"

    def check(path: Path) -> None:
        if path.read_bytes() != b"whole":
            raise InvalidAnswer("cut short")

    async def question(client: HttpClient) -> Any:
        return await client.download(ServiceName.PYPI, PATH, target, check=check)

    answer = ask(httpserver, question)
    assert (answer.status, answer.size, answer.headers["etag"]) == (200, 5, '"1"')
    assert target.read_bytes() == b"whole"


def test_an_unchanged_download_leaves_the_file_alone(httpserver: HTTPServer, tmp_path: Path) -> None:
    seen = script(httpserver, Response("", 304))
    target = tmp_path / "all.zip"
    target.write_bytes(b"old")

    async def question(client: HttpClient) -> Any:
        return await client.download(ServiceName.PYPI, PATH, target, {"If-None-Match": '"1"'})

    assert ask(httpserver, question).status == 304
    assert seen[0].headers["If-None-Match"] == '"1"'
    assert target.read_bytes() == b"old"


def test_a_proxy_of_the_environment_is_used(httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    httpserver.expect_request(PATH).respond_with_json(GOOD)
    monkeypatch.setenv("HTTP_PROXY", httpserver.url_for(""))
    monkeypatch.setenv("http_proxy", httpserver.url_for(""))
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    assert ask("http://pypi.invalid", get) == GOOD
    assert httpserver.log[0][0].host == "pypi.invalid"


def test_figures_count_every_request_retry_and_wait(httpserver: HTTPServer) -> None:
    script(httpserver, Response("", 503), good())

    async def question(client: HttpClient) -> Any:
        await get(client)
        return client.snapshot()[ServiceName.PYPI]

    figures = ask(httpserver, question)
    assert (figures.requests, figures.retries, figures.failures, figures.waits_s) == (2, 1, 0, 0.25)


def test_a_client_belongs_to_one_loop(httpserver: HTTPServer) -> None:
    script(httpserver, good())
    client = HttpClient({ServiceName.PYPI: ServicePolicy(httpserver.url_for(""))})

    async def first() -> None:
        await get(client)
        await client.aclose()

    asyncio.run(first())
    with pytest.raises(RuntimeError, match="one client per loop"):
        asyncio.run(first())


def test_a_service_without_an_address_is_a_setting_to_mend(httpserver: HTTPServer) -> None:
    async def question(client: HttpClient) -> Any:
        return await client.get_json(ServiceName.SNYK, "/")

    with pytest.raises(SettingsError, match=r"sources\.snyk\.base_url"):
        ask(httpserver, question)
