"""Prints the OpenAPI document with the default settings: ``python -m rowkeep.http.openapi``."""

from __future__ import annotations

import sys

from rowkeep.codec.rows import encode
from rowkeep.http.openapi import describe
from rowkeep.settings import Settings

if __name__ == "__main__":
    sys.stdout.buffer.write(encode(describe(Settings())))
