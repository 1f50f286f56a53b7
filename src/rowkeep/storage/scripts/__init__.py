"""Scripts: transactions over Rowkeep's own tables, as generators that run the same way on both engines."""
