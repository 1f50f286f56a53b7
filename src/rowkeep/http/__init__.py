"""HTTP: in and out, and no rules of its own."""
