"""Values: reading JSON values as the values of columns, and their stored text."""
