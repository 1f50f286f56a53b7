"""/openapi.json describes every call, and /docs shows it without any other host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from answers import good
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from support import plain
from support.server import RowkeepServer

OPERATIONS: dict[str, set[str]] = {
    "/healthz": {"get"},
    "/readyz": {"get"},
    "/openapi.json": {"get"},
    "/docs": {"get"},
    "/api/public/tables": {"get"},
    "/api/public/batch": {"post"},
    "/api/public/tables/{}": {"post", "put", "delete"},
    "/api/public/tables/{}/bulk": {"post"},
    "/api/public/tables/{}/delete": {"post"},
    "/api/public/tables/{}/query": {"post"},
    "/api/public/views/{}/query": {"post"},
    "/api/public/tables/{}/changes": {"get"},
    "/api/public/tables/{}/rows/{}/changes": {"get"},
    "/api/public/undo": {"post"},
    "/api/v1/workspaces/{}/data/tables/{}/changes": {"get"},
    "/api/v1/workspaces/{}/data/tables/{}/rows/{}/changes": {"get"},
    "/api/v1/workspaces/{}/data/undo": {"post"},
    "/api/v1/workspaces/{}/undo": {"post"},
    "/api/v1/workspaces/{}/tables/{}/history/erase": {"post"},
    "/api/v1/workspaces/{}/view-preview": {"post"},
    "/api/v1/about": {"get"},
    "/api/v1/workspaces/{}/storage": {"get"},
    "/api/v1/workspaces/{}/files": {"get", "post"},
    "/api/v1/workspaces/{}/files/{}": {"get", "delete"},
    "/api/v1/workspaces/{}/files/{}/inspect": {"post"},
    "/api/v1/workspaces/{}/files/{}/import": {"post"},
    "/api/v1/workspaces/{}/files/{}/cancel": {"post"},
    "/api/v1/workspaces/{}/files/{}/rejects": {"get"},
    "/api/v1/workspaces/{}/operations": {"get"},
    "/api/v1/workspaces/{}/charts": {"get"},
    "/api/v1/workspaces/{}/charts/{}": {"get", "patch", "delete"},
    "/api/v1/workspaces/{}/tables/{}/charts": {"get", "post"},
    "/api/v1/workspaces/{}/views/{}/charts": {"get", "post"},
    "/api/v1/workspaces/{}/webhooks": {"get", "post"},
    "/api/v1/workspaces/{}/webhooks/{}": {"get", "patch", "delete"},
    "/api/v1/workspaces/{}/webhooks/{}/secret": {"post"},
    "/api/v1/workspaces/{}/webhooks/{}/test": {"post"},
    "/api/v1/workspaces/{}/webhooks/{}/deliveries": {"get"},
    "/api/v1/workspaces/{}/webhooks/{}/deliveries/{}/redeliver": {"post"},
    "/api/v1/activity": {"get"},
    "/api/v1/workspaces": {"get", "post"},
    "/api/v1/workspaces/{}": {"get", "delete"},
    "/api/v1/workspaces/{}/tables": {"get", "post"},
    "/api/v1/workspaces/{}/schema": {"get", "put"},
    "/api/v1/workspaces/{}/tables/{}": {"get", "put", "delete"},
    "/api/v1/workspaces/{}/tables/{}/definition": {"get"},
    "/api/v1/workspaces/{}/tables/{}/grants": {"get"},
    "/api/v1/workspaces/{}/tables/{}/grants/{}": {"put"},
    "/api/v1/workspaces/{}/views": {"get", "post"},
    "/api/v1/workspaces/{}/views/{}": {"get", "put", "delete"},
    "/api/v1/workspaces/{}/views/{}/definition": {"get"},
    "/api/v1/workspaces/{}/views/{}/grants": {"get"},
    "/api/v1/workspaces/{}/views/{}/grants/{}": {"put"},
    "/api/v1/workspaces/{}/apps": {"get", "post"},
    "/api/v1/workspaces/{}/apps/{}": {"get", "patch", "delete"},
    "/api/v1/workspaces/{}/apps/{}/secret": {"post"},
    "/api/v1/workspaces/{}/apps/{}/jwe-key": {"post"},
    "/api/v1/workspaces/{}/apps/{}/grants": {"get"},
    "/api/v1/workspaces/{}/writers": {"get"},
    "/api/v1/workspaces/{}/data/tables": {"get"},
    "/api/v1/workspaces/{}/data/batch": {"post"},
    "/api/v1/workspaces/{}/data/tables/{}": {"post", "put", "delete"},
    "/api/v1/workspaces/{}/data/tables/{}/bulk": {"post"},
    "/api/v1/workspaces/{}/data/tables/{}/delete": {"post"},
    "/api/v1/workspaces/{}/data/tables/{}/query": {"post"},
    "/api/v1/workspaces/{}/data/views/{}/query": {"post"},
    "/api/v1/workspaces/{}/members": {"get"},
    "/api/v1/workspaces/{}/members/{}": {"put", "delete"},
    "/api/v1/workspaces/{}/tables/{}/shares": {"get"},
    "/api/v1/workspaces/{}/tables/{}/shares/{}": {"put", "delete"},
    "/api/v1/workspaces/{}/tables/{}/owner": {"put"},
    "/api/v1/workspaces/{}/views/{}/shares": {"get"},
    "/api/v1/workspaces/{}/views/{}/shares/{}": {"put", "delete"},
    "/api/v1/workspaces/{}/views/{}/owner": {"put"},
    "/api/v1/audit": {"get"},
    "/api/v1/users": {"get", "post"},
    "/api/v1/users/{}": {"patch", "delete"},
    "/api/v1/users/{}/reset": {"post"},
    "/api/v1/session": {"get", "post", "patch", "delete"},
    "/api/v1/sessions": {"get", "delete"},
    "/api/v1/sessions/{}": {"delete"},
    "/api/v1/session/methods": {"get"},
    "/api/v1/session/first": {"post"},
    "/api/v1/session/reset": {"post"},
    "/api/v1/session/link": {"post"},
    "/api/v1/session/password": {"put"},
    "/api/v1/session/openid": {"get"},
    "/api/v1/session/openid/callback": {"get"},
    "/api/v1/admin-tokens": {"get", "post"},
    "/api/v1/admin-tokens/current": {"get"},
    "/api/v1/admin-tokens/{}": {"delete"},
}
OPEN = {"/healthz", "/readyz", "/openapi.json", "/docs"}
SIGN_IN = {
    ("post", "/api/v1/session"),
    ("delete", "/api/v1/session"),
    ("get", "/api/v1/session/methods"),
    ("post", "/api/v1/session/first"),
    ("post", "/api/v1/session/reset"),
    ("post", "/api/v1/session/link"),
    ("get", "/api/v1/session/openid"),
    ("get", "/api/v1/session/openid/callback"),
}
"""Calls of people who are not signed in yet, or not any more."""
OPTIONAL = {"/openapi.json", "/docs"}
"""Calls that the document may leave out."""


@pytest.fixture(scope="module")
def document(server: RowkeepServer) -> dict[str, Any]:
    return good(plain.get(server.url + "/openapi.json"))


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path (its parameters' names left out), method and operation of each call."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in ("get", "put", "post", "delete", "patch", "head", "options", "trace"):
                yield re.sub(r"\{[^}]*\}", "{}", path), method, operation


def test_it_is_open_api_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    errors = [
        f"{error.instance_path}: {error.message}" for error in OPENAPI_31_VALIDATOR.iter_errors(document)
    ]
    assert errors == []


def test_it_has_every_call_and_no_other(document: dict[str, Any]) -> None:
    described: dict[str, set[str]] = {}
    for path, method, _ in operations(document):
        described.setdefault(path, set()).add(method)
    assert {path: OPERATIONS[path] for path in described if path in OPERATIONS} == described
    assert OPERATIONS.keys() - described.keys() <= OPTIONAL


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(part: Any) -> Iterator[str]:
        if isinstance(part, dict):
            if isinstance(part.get("$ref"), str):
                yield part["$ref"]
            for value in part.values():
                yield from references(value)
        elif isinstance(part, list):
            for value in part:
                yield from references(value)

    for reference in set(references(document)):
        assert reference.startswith("#/"), reference
        target: Any = document
        for token in reference[2:].split("/"):
            target = target[token.replace("~1", "/").replace("~0", "~")]


def test_every_call_is_named_and_described(document: dict[str, Any]) -> None:
    names = []
    for path, method, operation in operations(document):
        assert operation.get("summary") or operation.get("description"), (method, path)
        names.append(operation["operationId"])
        answers = operation["responses"]
        assert any(status[0] in "23" for status in answers), (method, path)
        for status, answer in answers.items():
            described = resolve(document, answer)
            assert described["description"], (method, path, status)
            if status[0] in "45" and method != "head":
                assert "application/problem+json" in described["content"], (method, path, status)
    assert len(names) == len(set(names))


def test_calls_have_the_refusals_that_they_can_give(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        statuses = set(operation["responses"])
        if path in OPEN:
            continue
        assert {"400", "503"} <= statuses, (method, path)
        assert "401" in statuses or (method, path) in SIGN_IN, (method, path)
        if "{}" in path:
            assert "404" in statuses, (method, path)
        if path.startswith("/api/public/tables/"):
            assert "403" in statuses, (method, path)
        if "requestBody" in operation:
            assert {"413", "415"} <= statuses, (method, path)
            content = resolve(document, operation["requestBody"])["content"]
            # a file has no other type than its own
            assert {"application/json", "application/octet-stream"} & content.keys(), (method, path)


def test_every_call_says_who_may_ask(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    for path, method, operation in operations(document):
        security = operation.get("security", document.get("security", []))
        if path in OPEN or (method, path) in SIGN_IN:
            assert security == [], (method, path)
        else:
            assert security, (method, path)
            assert {name for one in security for name in one} <= schemes.keys()


def test_every_parameter_of_a_path_is_described(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        names = set(re.findall(r"\{([^}]*)\}", path))
        for method, operation in item.items():
            if method in ("parameters", "summary", "description"):
                continue
            given = [
                resolve(document, p) for p in item.get("parameters", []) + operation.get("parameters", [])
            ]
            assert {p["name"] for p in given if p["in"] == "path"} == names, (method, path)


def resolve(document: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    """The part itself, or what it refers to."""
    while "$ref" in part:
        target: Any = document
        for token in part["$ref"][2:].split("/"):
            target = target[token.replace("~1", "/").replace("~0", "~")]
        part = target
    return part


TAG = re.compile(r"<(?:script|link|img|iframe|a|form|source|object|embed|base)\b[^>]*>", re.IGNORECASE)
ADDRESS = re.compile(r"(?:src|href|action|data)\s*=\s*[\"']?([^\"'\s>]+)", re.IGNORECASE)
STYLE_ADDRESS = re.compile(r"(?:url\(\s*[\"']?|@import\s+[\"'])([^\"')]+)", re.IGNORECASE)


def assets(server: RowkeepServer) -> dict[str, httpx.Response]:
    """The page of /docs and everything that it loads, by address."""
    with plain.client(follow_redirects=True) as client:
        page = client.get(server.url + "/docs")
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        found = {str(page.url): page}
        waiting = [
            (str(page.url), address) for tag in TAG.findall(page.text) for address in ADDRESS.findall(tag)
        ]
        while waiting:
            base, address = waiting.pop()
            if address.startswith(("data:", "#")):
                continue
            url = urljoin(base, address)
            assert urlsplit(url).netloc == urlsplit(server.url).netloc, url
            if url not in found:
                found[url] = client.get(url)
                assert found[url].status_code == 200, url
                if url.endswith(".css"):
                    waiting += [(url, further) for further in STYLE_ADDRESS.findall(found[url].text)]
        return found


def test_docs_load_nothing_from_other_hosts(server: RowkeepServer) -> None:
    found = assets(server)
    assert any(url.endswith(".js") for url in found)
    assert any(url.endswith(".css") for url in found)


def test_docs_ask_no_other_host_while_they_run(server: RowkeepServer) -> None:
    """Swagger UI would have its document checked by a host on the internet unless told not to."""
    own = [r.text for url, r in assets(server).items() if "bundle" not in url and "preset" not in url]
    configuration = "\n".join(text for text in own if "SwaggerUIBundle(" in text)
    assert configuration
    assert re.search(r"[\"']?validatorUrl[\"']?\s*:\s*(null|[\"'](none)?[\"'])", configuration)
    assert not re.search(r"[\"']?url[\"']?\s*:\s*[\"']https?://", configuration)
    assert "openapi.json" in configuration


def test_docs_policy_keeps_the_browser_here(server: RowkeepServer) -> None:
    """If a policy is sent, it names no other host."""
    policy = plain.get(server.url + "/docs", follow_redirects=True).headers.get("content-security-policy", "")
    assert "http:" not in policy
    assert "https:" not in policy
