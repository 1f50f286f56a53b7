"""Plans of table changes: the steps from one definition of a table to another, and their checks."""
