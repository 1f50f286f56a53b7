"""SQL: the only package that writes SQL. Pure: the input is plans and definitions, the output text and
parameters.

SQLAlchemy Core serves as a compiler only. Identifiers go through :func:`rowkeep.sql.names.quoted`, and values
are always bound.
"""
