"""Scripts: transactions over the system tables, as generators that run the same way on both engines."""
