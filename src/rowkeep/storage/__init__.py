"""Storage: the only package that connects to a database. ``contract`` defines what every backend provides."""
