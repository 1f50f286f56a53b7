"""Values: reading JSON values as values of columns, and their stored text."""
