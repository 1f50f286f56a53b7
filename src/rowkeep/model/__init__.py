"""What things are: columns, filters, tables, requests, access. Plain frozen structs and tables of facts."""
