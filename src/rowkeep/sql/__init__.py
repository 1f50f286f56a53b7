"""SQL: the only place where it is spelt. Pure: plans and definitions in, text and parameters out.

SQLAlchemy Core spells it, as a compiler only; identifiers go through :func:`rowkeep.sql.names.quoted`, and
values are always bound.
"""
