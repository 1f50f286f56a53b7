"""Storage: the only place that talks to a database. ``base`` is the contract, the rest keeps it."""
