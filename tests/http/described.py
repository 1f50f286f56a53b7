"""Described: an OpenAPI document as something to hold calls and answers against."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema_rs

Part = dict[str, Any]


class Description:
    """One document. Its checks are assertions."""

    def __init__(self, document: Part) -> None:
        self.document = document
        self.schemas: Part = document["components"]["schemas"]
        self._validators: dict[str, jsonschema_rs.Draft202012Validator] = {}

    def operations(self) -> Iterator[tuple[str, str, Part]]:
        """Method, path and operation of each call."""
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                yield method.upper(), path, operation

    def operation(self, name: str) -> tuple[str, str, Part]:
        """Method, path and operation of the call of this name."""
        return next(found for found in self.operations() if found[2]["operationId"] == name)

    def meant(self, method: str, path: str) -> Part:
        """The operation that a request means; where two paths match, the one with fewer parameters."""
        found = [
            (template.count("{"), operation)
            for its_method, template, operation in self.operations()
            if its_method == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path)
        ]
        assert found, f"{method} {path} is not described"
        return min(found, key=lambda each: each[0])[1]

    def resolved(self, part: Part) -> Part:
        """The part itself, or what it refers to."""
        while "$ref" in part:
            found: Any = self.document
            for token in part["$ref"].removeprefix("#/").split("/"):
                found = found[token]
            part = found
        return part

    def check_value(self, schema: Part, value: Any, what: str) -> None:
        validator = self._validator(schema)
        errors = [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(value)]
        assert errors == [], f"{what}: {errors} in {json.dumps(value)[:500]}"

    def _validator(self, schema: Part) -> jsonschema_rs.Draft202012Validator:
        """What checks values of this schema. It is made once, because it reads all components."""
        text = json.dumps(schema, sort_keys=True)
        if text not in self._validators:
            whole = schema | {"components": self.document["components"]}
            self._validators[text] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        return self._validators[text]

    def check_answer(self, response: httpx.Response) -> None:
        """Whether an answer is one that the document describes: status, headers, type and content."""
        request = response.request
        what = f"{request.method} {request.url.path}: {response.status_code}"
        operation = self.meant(request.method, request.url.path)
        assert str(response.status_code) in operation["responses"], f"{what} is not described"
        answer = self.resolved(operation["responses"][str(response.status_code)])
        for name, header in answer.get("headers", {}).items():
            assert name in response.headers or not header.get("required"), f"{what} lacks {name}"
            if name in response.headers:
                self.check_value(header["schema"], response.headers[name], f"{what}, {name}")
        response.read()
        if "content" not in answer:
            assert response.content == b"", what
            return
        media_type = response.headers["content-type"].partition(";")[0]
        assert media_type in answer["content"], f"{what} is {media_type}"
        value = response.json() if media_type.endswith("json") else response.text
        content = answer["content"][media_type]
        self.check_value(content["schema"], value, what)
        if media_type == "application/problem+json":
            assert value["status"] == response.status_code, what
            assert value["code"] in content["examples"], f"{what} has the code {value['code']}"

    def attach(self, client: httpx.Client) -> httpx.Client:
        """The client, of whose answers every one is checked from now on."""
        client.event_hooks["response"].append(self.check_answer)
        return client
