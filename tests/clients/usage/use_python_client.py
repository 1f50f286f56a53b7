"""Uses the client that openapi-python-client made, as an app would. Arguments: its directory, URL, token."""

from __future__ import annotations

import importlib
import pkgutil
import sys

sys.path.insert(0, sys.argv[1])

import rowkeep_client
from rowkeep_client.api.data_api import insert_rows, query_rows
from rowkeep_client.models import InsertBody, ProblemDetails, QueryBody, QueryResponse, Record

modules = [each.name for each in pkgutil.walk_packages(rowkeep_client.__path__, "rowkeep_client.")]
for module in modules:
    importlib.import_module(module)

with rowkeep_client.AuthenticatedClient(base_url=sys.argv[2], token=sys.argv[3]) as client:
    body = InsertBody.from_dict({"data": {"First_Name": "Ada", "Number": 36}})
    inserted = insert_rows.sync("people", client=client, body=body)
    assert isinstance(inserted, Record), inserted
    wanted = {"field": "Number", "operand": ">=", "value": 36}
    query = QueryBody.from_dict({"query": {"expressions": [wanted]}, "fields": ["First_Name"]})
    found = query_rows.sync("people", client=client, body=query)
    assert isinstance(found, QueryResponse), found
    assert [row["First_Name"] for row in found.query_result] == ["Ada"]
    refused = query_rows.sync("nothing", client=client)
    assert isinstance(refused, ProblemDetails), refused
    assert refused.code == "no_such_table"

print(*modules, sep="\n")
