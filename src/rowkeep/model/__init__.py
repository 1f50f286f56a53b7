"""The model: columns, filters, tables, requests and access, as frozen structs and tables of facts."""
