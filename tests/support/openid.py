"""Provider: a small OpenID Connect provider with real keys on a real socket, for sign-in tests."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

CLIENT_ID, CLIENT_SECRET = "rowkeep-tests", "a secret of tests"


@dataclass
class Provider:
    """``claims`` replace those of the ID token (None removes one); ``signs`` is the way the token is signed:
    as it should be, with a key that is not published, with the client secret, or not at all."""

    port: int = 0
    claims: dict[str, Any] = field(default_factory=dict)
    signs: str = "well"
    issuer_in_metadata: str | None = None
    refuses: bool = False
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}))
    flows: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}/realm"

    def metadata(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer_in_metadata or self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def authorize(self, url: str) -> str:
        """Sign in as the user would on the provider's page; returns the address that it redirects to."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert query["code_challenge_method"] == "S256"
        assert {"openid", "email"} <= set(query["scope"].split())
        if self.refuses:
            return f"{query['redirect_uri']}?error=access_denied&state={query['state']}"
        code = secrets.token_urlsafe()
        self.flows[code] = query
        return f"{query['redirect_uri']}?code={code}&state={query['state']}&session_state=other"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """The response of the token endpoint; None for what it refuses."""
        flow = self.flows.pop(form.get("code", ""), None)
        known = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        challenge = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if (
            flow is None
            or authorization != f"Basic {known}"
            or form["redirect_uri"] != flow["redirect_uri"]
            or base64.urlsafe_b64encode(challenge).decode().rstrip("=") != flow["code_challenge"]
        ):
            return None
        now = int(time.time())
        claims = {
            "iss": self.issuer, "aud": CLIENT_ID, "sub": "user-1", "iat": now, "exp": now + 300,
            "nonce": flow["nonce"], "email": "ada@openid.example", "email_verified": True, "name": "Ada",
        } | self.claims  # fmt: skip
        sent = {name: value for name, value in claims.items() if value is not None}
        return {"access_token": "at", "token_type": "Bearer", "id_token": self.sign(sent)}

    def sign(self, claims: dict[str, Any]) -> str:
        header = {"alg": "RS256", "kid": "one"}
        if self.signs == "none":
            parts = ({"alg": "none"}, claims)
            encoded = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode().rstrip("=") for p in parts]
            return ".".join((*encoded, ""))
        if self.signs == "client secret":
            return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(CLIENT_SECRET))
        if self.signs == "unknown key":
            return jwt.encode(header, claims, RSAKey.generate_key(2048, {"kid": "one"}))
        return jwt.encode(header, claims, self.key)


@contextmanager
def provider() -> Iterator[Provider]:
    """A running provider."""
    found = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/realm/.well-known/openid-configuration":
                self.answer(found.metadata())
            elif self.path.startswith("/realm/authorize?"):
                self.send_response(303)
                self.send_header("location", found.authorize(self.path))
                self.end_headers()
            elif self.path == "/realm/keys":
                self.answer({"keys": [found.key.as_dict(private=False)]})
            else:
                self.answer(None)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            self.answer(found.token(form, self.headers.get("authorization", "")))

        def answer(self, content: Any) -> None:
            body = json.dumps(content or {"error": "invalid_grant"}).encode()
            self.send_response(200 if content else 400)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
