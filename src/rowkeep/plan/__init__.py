"""Plans: a definition and a request give a checked plan, or an error. Pure."""
