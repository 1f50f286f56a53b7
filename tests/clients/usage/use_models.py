"""Uses the models that datamodel-codegen made. Arguments: their directory."""

from __future__ import annotations

import sys

sys.path.insert(0, sys.argv[1])

import models
import pydantic

columns = [
    {"name": "Code", "type": "string", "isRequired": True, "maxLength": ""},
    {"name": "N", "type": "number"},
]
table = models.TableBody.model_validate({"name": "teams", "schemaDef": columns})
assert table.name == "teams"
assert len(table.schemaDef) == 2
try:
    models.TableBody.model_validate({"name": "teams", "schemaDef": [{"name": "Code", "type": "colour"}]})
except pydantic.ValidationError:
    pass
else:
    raise AssertionError("a column of no type was taken")
