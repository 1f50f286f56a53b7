"""Insert, query, update and delete a row with the Data API, using httpx and the standard library."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from typing import Any

import httpx

TOKEN_SECONDS = 300
RENEW_SECONDS = 30


def part(content: bytes) -> bytes:
    """One part of a token: base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def sign(client_id: str, secret: str, expires: int) -> str:
    """A JSON Web Token (HS256). The key is the secret exactly as Rowkeep printed it."""
    header = {"alg": "HS256", "typ": "JWT"}
    payload = {"sub": "people-example", "appId": client_id, "exp": expires}
    signed = b".".join(part(json.dumps(each).encode()) for each in (header, payload))
    signature = hmac.digest(secret.encode(), signed, hashlib.sha256)
    return (signed + b"." + part(signature)).decode()


class RowkeepAuth(httpx.Auth):
    """Adds a token to each request. A token is reused until shortly before it expires."""

    def __init__(self, client_id: str, secret: str) -> None:
        self._client_id = client_id
        self._secret = secret
        self._token = ""
        self._expires = 0

    def auth_flow(self, request: httpx.Request) -> Any:
        now = int(time.time())
        if now > self._expires - RENEW_SECONDS:
            self._expires = now + TOKEN_SECONDS
            self._token = sign(self._client_id, self._secret, self._expires)
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


class RowkeepError(Exception):
    """Rowkeep refused a request. ``code`` is stable: programs may rely on it."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


class Table:
    """The rows of one table."""

    def __init__(self, client: httpx.Client, name: str) -> None:
        self._client = client
        self._path = f"/api/public/tables/{name}"

    def insert(self, row: dict[str, Any]) -> dict[str, Any]:
        return self._send("POST", "", {"data": row})

    def query(self, query: dict[str, Any], fields: list[str]) -> list[dict[str, Any]]:
        """Every row that matches, page after page."""
        body: dict[str, Any] = {"query": query, "fields": fields, "count": "none"}
        rows: list[dict[str, Any]] = []
        while True:
            page = self._send("POST", "/query?sys_limit=100", body)
            rows += page["queryResult"]
            if not page["hasMore"]:
                return rows
            body["cursor"] = page["nextCursor"]

    def update(self, query: dict[str, Any], data: dict[str, Any]) -> int:
        return self._send("PUT", "", {"query": query, "data": data})["nModified"]

    def delete(self, query: dict[str, Any]) -> int:
        # some proxies drop the body of a DELETE; this does the same
        return self._send("POST", "/delete", {"query": query})["nDeleted"]

    def _send(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        response = self._client.request(method, self._path + path, json=body)
        content = response.json()
        if response.is_error:
            raise RowkeepError(content["code"], content["detail"])
        return content


def main() -> None:
    auth = RowkeepAuth(os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"])
    with httpx.Client(base_url=os.environ["ROWKEEP_URL"], auth=auth) as client:
        people = Table(client, "people")

        row = people.insert({"First_Name": "Jane", "Last_Name": "Doe", "Gender": "female", "Number": 263})
        print("inserted", row["First_Name"], row["Last_Name"])

        jane = {"expressions": [{"field": "_id", "operand": "=", "value": row["_id"]}]}
        for each in people.query(jane, ["First_Name", "Number"]):
            print("found", each["First_Name"], each["Number"])

        print("updated", people.update(jane, {"Number": 264}))
        print("deleted", people.delete(jane))


if __name__ == "__main__":
    try:
        main()
    except (RowkeepError, httpx.TransportError) as error:
        sys.exit(str(error))
