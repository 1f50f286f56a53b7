"""A Dockerfile as its instructions, and the rules of hadolint that matter here. hadolint itself is not a
Python package."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

PINNED = re.compile(r"[\w./-]+:\d+\.\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?")
"""An image with a complete version."""

USER = re.compile(r"[1-9]\d*:[1-9]\d*")
"""By number: Kubernetes cannot check of a name that it is not root."""


@dataclass(frozen=True)
class Instruction:
    """One instruction: its name in capitals, and the rest of its lines joined."""

    name: str
    value: str

    @property
    def words(self) -> list[str]:
        """The elements of an instruction in exec form (JSON)."""
        found = json.loads(self.value[self.value.index("[") :])
        assert isinstance(found, list)
        return found


def parse(text: str) -> list[Instruction]:
    """The instructions, without comments."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    found = [line.split(maxsplit=1) for line in joined.splitlines()]
    return [Instruction(name.upper(), " ".join(value.split())) for name, value in found]


def variables(instructions: list[Instruction], name: str) -> dict[str, str]:
    """The variables of all ENV or ARG instructions."""
    return {
        variable: value.strip('"')
        for each in instructions
        if each.name == name
        for variable, value in re.findall(r'(\w+)=("[^"]*"|\S+)', each.value)
    }


def last_stage(instructions: list[Instruction]) -> list[Instruction]:
    """The instructions of the image itself."""
    start = max(at for at, each in enumerate(instructions) if each.name == "FROM")
    return instructions[start:]


def faults(text: str) -> list[str]:
    """What is wrong with a Dockerfile, one line each."""
    instructions = parse(text)
    arguments = variables(instructions, "ARG")
    found = [fault for each in instructions for fault in _faults_of(each, arguments)]
    return found + _faults_of_image(last_stage(instructions))


def _faults_of(instruction: Instruction, arguments: dict[str, str]) -> list[str]:
    name, value = instruction.name, instruction.value
    found = []
    if name == "FROM":
        image = re.sub(r"\$\{(\w+)\}", lambda match: arguments.get(match[1], ""), value.split()[0])
        if not PINNED.fullmatch(image):
            found.append(f"{image}: the image has no complete version")
    if name == "ADD":
        found.append("ADD: use COPY")
    if name == "RUN" and re.search(r"\b(sudo|curl|wget)\b", value):
        found.append("RUN: sudo, or a download without a check")
    if name == "RUN" and "apt-get install" in value and not re.search(r"\S=\S", value):
        found.append("RUN: packages of the system without a version")
    if name == "RUN" and re.search(r"\bpip\b.* install\b", value) and "--constraint" not in value:
        found.append("RUN: pip install without constraints")
    if name in ("ENV", "ARG") and re.search(r"(?i)(password|secret|token|master_key)\w*=", value):
        found.append(f"{name}: a secret is stored in the image")
    if name in ("CMD", "ENTRYPOINT") and not value.startswith("["):
        found.append(f"{name}: a shell would not pass on signals")
    return found


def _faults_of_image(stage: list[Instruction]) -> list[str]:
    names = [each.name for each in stage]
    found = []
    users = [each.value for each in stage if each.name == "USER"]
    if not users or not USER.fullmatch(users[-1]):
        found.append("USER: must be the number of a user and a group, not root")
    once = ("ENTRYPOINT", "HEALTHCHECK", "WORKDIR", "VOLUME")
    found += [f"{name}: must be there once" for name in once if names.count(name) != 1]
    if any(each.name == "COPY" and not each.value.startswith("--from=") for each in stage):
        found.append("COPY: the image contains sources")
    return found
