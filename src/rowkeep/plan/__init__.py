"""Plans: a definition and a wish give a checked plan, or an error that names the culprit. Pure."""
