"""The files for Compose and Kubernetes are valid, and say what Rowkeep needs."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

import rowkeep
from rowkeep.server.workers import stop_seconds
from rowkeep.setting_rules import PREFIX
from rowkeep.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = sorted(ROOT.glob("compose*.yaml"))
KUBERNETES = sorted((ROOT / "deploy" / "kubernetes").glob("*.yaml"))
IMAGE = f"rowkeep:{rowkeep.__version__}"
KUBERNETES_VERSION = "1.30"
"""The oldest version that the manifests are for."""

USER = 10001
"""That of the Dockerfile."""


def named(pages: list[Path]) -> Any:
    return pytest.mark.parametrize("page", pages, ids=lambda page: page.name)


def services(page: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(page.read_text())["services"]
    return found


def documents(page: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(page.read_text()))


def pod_of(page: Path) -> dict[str, Any]:
    (found,) = [each["spec"]["template"] for each in documents(page) if "template" in each["spec"]]
    spec: dict[str, Any] = found["spec"]
    return spec


def are_settings(variables: dict[str, str]) -> bool:
    names = {name.removeprefix(PREFIX).lower() for name in variables}
    return names <= set(Settings.__struct_fields__)


def test_there_is_one_for_each_database() -> None:
    assert [page.name for page in COMPOSE] == ["compose.postgres.yaml", "compose.yaml"]
    assert [page.name for page in KUBERNETES] == ["postgresql.yaml", "sqlite.yaml"]


def test_the_docs_name_the_same_image() -> None:
    text = (ROOT / "docs" / "deploy.md").read_text()
    assert set(re.findall(r"rowkeep:\d+\.\d+\.\d+", text)) == {IMAGE}


@named(COMPOSE)
def test_compose_file_is_valid(page: Path) -> None:
    schema = files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json").read_text()
    jsonschema.validate(yaml.safe_load(page.read_text()), json.loads(schema))


@named(COMPOSE)
def test_compose_file_is_safe(page: Path) -> None:
    content = yaml.safe_load(page.read_text())
    for each in content["services"].values():
        assert each["restart"] == "unless-stopped"
        assert "no-new-privileges:true" in each["security_opt"]
        assert {"test", "interval", "timeout", "start_period", "retries"} <= each["healthcheck"].keys()
        assert set(each["secrets"]) <= content["secrets"].keys()
        assert {volume.split(":")[0] for volume in each["volumes"]} <= content["volumes"].keys()
        assert not [name for name in each["environment"] if "PASSWORD" in name and not name.endswith("_FILE")]
        assert ":latest" not in each["image"]
    server = content["services"]["rowkeep"]
    assert server["image"] == IMAGE
    assert server["read_only"]
    assert server["cap_drop"] == ["ALL"]
    assert all(port.startswith("127.0.0.1:") for port in server["ports"])
    assert int(server["stop_grace_period"].removesuffix("s")) > stop_seconds(Settings())
    assert are_settings(server["environment"])
    assert "ROWKEEP_MASTER_KEY" not in server["environment"]
    assert {each["file"].split("/")[1] for each in content["secrets"].values()} == {"secrets"}
    assert "/secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_rowkeep_waits_for_postgresql() -> None:
    page = ROOT / "compose.postgres.yaml"
    assert services(page)["rowkeep"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}


@named(KUBERNETES)
def test_manifest_is_valid(page: Path) -> None:
    for each in documents(page):
        assert kubernetes_validate.validate(each, KUBERNETES_VERSION, strict=True) == KUBERNETES_VERSION


def test_a_wrong_field_is_found() -> None:
    page, *_ = KUBERNETES
    wrong = documents(page)[0]
    wrong["spec"]["port"] = 8080
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES_VERSION, strict=True)


@named(KUBERNETES)
def test_pod_is_safe(page: Path) -> None:
    pod = pod_of(page)
    (container,) = pod["containers"]
    assert container["image"] == IMAGE
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert {pod["securityContext"][name] for name in ("runAsUser", "runAsGroup", "fsGroup")} == {USER}
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"].keys() == {"requests", "limits"}
    variables = {each["name"]: each["value"] for each in container["env"]}
    assert are_settings(variables)
    # a service named rowkeep sets ROWKEEP_PORT=tcp://..., which is not a port
    assert pod["enableServiceLinks"] is False
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert variables["ROWKEEP_MASTER_KEY_FILE"].startswith(mounts["secrets"])


@named(KUBERNETES)
def test_probes_ask_the_right_question(page: Path) -> None:
    (container,) = pod_of(page)["containers"]
    asked = {name: container[name]["httpGet"]["path"] for name in container if name.endswith("Probe")}
    assert asked == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}


@named(KUBERNETES)
def test_a_pod_has_the_time_to_stop(page: Path) -> None:
    pod = pod_of(page)
    (container,) = pod["containers"]
    command, seconds = container["lifecycle"]["preStop"]["exec"]["command"]
    assert command == "sleep"
    assert pod["terminationGracePeriodSeconds"] > int(seconds) + stop_seconds(Settings())


def test_only_one_pod_has_the_files_of_sqlite() -> None:
    (found,) = [each for each in documents(KUBERNETES[1]) if each["kind"] == "StatefulSet"]
    assert found["spec"]["replicas"] == 1
    assert found["spec"]["volumeClaimTemplates"][0]["spec"]["accessModes"] == ["ReadWriteOncePod"]
