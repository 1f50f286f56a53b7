"""What the database must answer, said in plain Python: filters, sort order, near names, values.

Nothing here looks at Rowkeep's code; it is derived from the contract alone, so that the two can be held
against each other.
"""
