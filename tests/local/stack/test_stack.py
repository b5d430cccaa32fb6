"""The running stack from outside: which part answers what, over plain HTTP and TLS."""

from __future__ import annotations

import socket
import ssl
import stat
from typing import TYPE_CHECKING

import jwt
import pytest
import requests

from local.repository import REPOSITORY
from local.stack.stack import Stack, StackStartError

if TYPE_CHECKING:
    from pathlib import Path

    from local.stack.embedded_store import EmbeddedStore


def test_info_says_where_everything_is(stack: Stack) -> None:
    """GET /local/info holds what the page and the commands need, and no secret."""
    info = requests.get(f"{stack.url}/local/info", timeout=10).json()
    secrets = [value for name, value in stack.environment.items() if "SECRET" in name or "KEY" in name]

    assert (stack.url, stack.tls_url, str(stack.ca_file)) == (info["url"], info["tlsUrl"], info["caFile"])
    assert info["policies"] == ["default", "course", "reusable", "strict", "mobile"]
    assert [secret for secret in secrets if secret in str(info)] == []


def test_tls_port_serves_the_same_with_our_authority(stack: Stack) -> None:
    """HTTPS answers like plain HTTP for whoever trusts the authority's file."""
    plain = requests.get(f"{stack.url}/local/info", timeout=10)
    secure = requests.get(f"{stack.tls_url}/local/info", timeout=10, verify=str(stack.ca_file))

    assert plain.json() == secure.json()


@pytest.mark.parametrize("host", ["vod2.qcloud.com", "bucket-1.cos.ap-seoul.myqcloud.com"])
def test_tls_handshake_works_under_vods_own_names(stack: Stack, host: str) -> None:
    """A client that was led here by name finds a certificate for that name."""
    context = ssl.create_default_context(cafile=str(stack.ca_file))
    port = int(stack.tls_url.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as connection,
        context.wrap_socket(connection, server_hostname=host) as secure,
    ):
        assert secure.version() == "TLSv1.3"


@pytest.mark.parametrize("path", ["token", "info", "events", "journal", "simulator/counters"])
def test_name_of_a_web_site_that_leads_here_reads_nothing(stack: Stack, path: str) -> None:
    """A page whose own name was made to lead to this machine could else read tokens of a real login."""
    port = stack.url.rpartition(":")[2]
    foreign = ("site.example", f"site.example:{port}", "127.0.0.1.site.example", "localhost.site.example")
    hosts = (*foreign, f"localhost:{port}", "[::1]:80", "host.docker.internal")
    answers = [
        requests.get(f"{stack.url}/local/{path}", headers={"Host": host}, timeout=10).status_code
        for host in hosts
    ]

    assert answers == [403, 403, 403, 403, 200, 200, 200]


def test_token_is_signed_for_the_user_asked_for(stack: Stack) -> None:
    """A demo user's token is what the functions verify."""
    query = {"user": "bob", "ttl": "60"}
    token = requests.get(f"{stack.url}/local/token", params=query, timeout=10).text
    secret, audience = (stack.environment[name] for name in ("JWT_SECRETS", "JWT_AUDIENCE"))
    claims = jwt.decode(token, secret, algorithms=["HS256"], audience=audience)

    assert claims["sub"] == "bob"
    assert claims["exp"] - claims["iat"] == 60


@pytest.mark.parametrize(
    "query",
    ["user=", "user=Alice", "user=a%20b", f"user={'a' * 65}", "ttl=x", "ttl=1e9", "ttl=86401", "ttl="],
)
def test_token_for_a_bad_wish_is_refused(stack: Stack, query: str) -> None:
    """A name or time that no token is made for is 422 with a sentence."""
    answer = requests.get(f"{stack.url}/local/token?{query}", timeout=10)

    assert (answer.status_code, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert answer.json()["detail"] in {
        "No token is made for this: user: 1 to 64 characters out of a-z 0-9 _ . -.",
        "No token is made for this: ttl: seconds, at most one day.",
    }


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/local", "/local/vod", "/local/vod/example.com/x", "/%2e%2e/pyproject.toml", "/page.py"],
)
def test_unknown_path_is_a_problem_document(stack: Stack, path: str) -> None:
    """There is nothing but what the list of routes names."""
    answer = requests.get(stack.url + path, timeout=10)

    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


def test_other_method_on_unknown_path_is_not_found(stack: Stack) -> None:
    """Sending to an address that does not exist is 404 as well."""
    assert requests.post(f"{stack.url}/nothing", timeout=10).status_code == 404


def test_wrong_method_is_a_problem_document(stack: Stack) -> None:
    """A route that only reads says so."""
    answer = requests.post(f"{stack.url}/local/info", timeout=10)

    assert answer.status_code == 405
    assert {"GET", "HEAD"} == set(answer.headers["Allow"].split(", "))
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_web_sdk_is_served_byte_for_byte(stack: Stack) -> None:
    """The page gets the vendor's SDK as npm delivered it."""
    file = REPOSITORY / "local/page/node_modules/vod-js-sdk-v6/dist/vod-js-sdk-v6.js"
    answer = requests.get(f"{stack.url}/vod-js-sdk-v6.js", timeout=10)

    if file.is_file():
        assert file.read_bytes() == answer.content
    else:
        assert (answer.status_code, "npm ci" in answer.text) == (503, True)


def test_page_is_served_at_the_root(stack: Stack) -> None:
    """The address of the banner shows the page."""
    answer = requests.get(f"{stack.url}/", timeout=10)

    assert answer.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(
    "path",
    [
        "/package.json",
        "/biome.jsonc",
        "/.npmrc",
        "/node_modules/vod-js-sdk-v6/dist/vod-js-sdk-v6.js",
        "/%2e/node_modules/vod-js-sdk-v6/dist/vod-js-sdk-v6.js",
        "//node_modules/vod-js-sdk-v6/dist/vod-js-sdk-v6.js",
    ],
)
def test_what_lies_beside_the_pages_files_is_not_served(stack: Stack, path: str) -> None:
    """Packages and settings of the page's folder are at no address."""
    request = requests.Request("GET", stack.url).prepare()
    request.url = f"{stack.url}{path}"
    with requests.Session() as session:
        answer = session.send(request, timeout=10)

    assert answer.status_code == 404


def test_vod_is_reached_by_host_and_by_path_alike(stack: Stack) -> None:
    """The page's way by path ends where the SDK's way by host does."""
    path = "/v3/index.php?Action=PrepareUploadUGC"
    by_host = requests.post(f"{stack.url}{path}", headers={"Host": "vod2.qcloud.com"}, json={}, timeout=10)
    by_path = requests.post(f"{stack.url}/local/vod/vod2.qcloud.com{path}", json={}, timeout=10)

    assert by_host.json()["code"] != 0
    assert by_host.json() == by_path.json()


def test_server_api_is_reached_on_the_main_host(stack: Stack) -> None:
    """A call of the server API is told by its header; an unsigned one is refused in VOD's way."""
    answer = requests.post(f"{stack.url}/", headers={"X-TC-Action": "PullEvents"}, json={}, timeout=10)

    assert "Error" in answer.json()["Response"]


def test_signature_function_answers_behind_the_gateway(stack: Stack) -> None:
    """POST /signature with a demo user's token gives an upload signature."""
    token = requests.get(f"{stack.url}/local/token?user=stack", timeout=10).text
    headers = {"Authorization": f"Bearer {token}"}
    answer = requests.post(f"{stack.url}/signature", json={}, headers=headers, timeout=30)

    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"signature", "uploadId", "expiresAt", "oneTime"}


def test_callback_with_a_wrong_token_is_not_found(stack: Stack) -> None:
    """Whoever does not know the token finds nothing behind the callback's address."""
    answer = requests.post(f"{stack.url}/vod-callback/{'x' * 32}", json={}, timeout=30)

    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["/uploads/a%0Ab", "/uploads/a%0D%0A/b", "/vod-callback/a%0Ab"])
def test_line_break_in_a_path_reaches_the_function(stack: Stack, path: str) -> None:
    """The function answers, as it does when deployed, and not the page's own 404."""
    method = "POST" if "callback" in path else "GET"
    answer = requests.request(method, stack.url + path, data="{}", timeout=10)

    assert answer.headers["x-request-id"]
    assert answer.status_code == (404 if "callback" in path else 401)


def test_secrets_and_authority_survive_a_restart(tmp_path: Path) -> None:
    """Tokens, signatures and a browser's trust stay valid from one run to the next."""
    with Stack(folder=tmp_path) as first:
        secrets, authority = first.environment["JWT_SECRETS"], first.ca_file.read_bytes()
    with Stack(folder=tmp_path) as second:
        assert secrets == second.environment["JWT_SECRETS"]
        assert authority == second.ca_file.read_bytes()

    assert stat.S_IMODE((tmp_path / "demo-secrets.json").stat().st_mode) == 0o600


def test_overrides_win_over_the_demos_settings(tmp_path: Path) -> None:
    """A test can configure the functions as it likes."""
    with Stack(folder=tmp_path, overrides={"READ_BACK": "off"}) as stack:
        assert stack.environment["READ_BACK"] == "off"


def test_external_store_replaces_the_embedded_one(tmp_path: Path, valkey: EmbeddedStore) -> None:
    """With a Redis of one's own, no Valkey is started."""
    with Stack(folder=tmp_path, redis_url=valkey.url) as stack:
        assert stack.info["redis"] == "external"
        assert stack.environment["REDIS_URL"] == valkey.url

    assert not (tmp_path / "valkey").exists()


def test_second_stack_in_one_folder_is_refused(stack: Stack) -> None:
    """Two stacks never share their state."""
    folder = stack.ca_file.parent
    with pytest.raises(StackStartError, match="Another stack runs in"):
        Stack(folder=folder).start()


def test_taken_port_is_named(stack: Stack, tmp_path: Path) -> None:
    """Whoever starts a stack on a used port is told which."""
    port = int(stack.url.rpartition(":")[2])
    with pytest.raises(StackStartError, match=f"Port {port} is taken"):
        Stack(folder=tmp_path, port=port).start()
