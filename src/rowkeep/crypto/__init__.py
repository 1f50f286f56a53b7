"""Cryptography: keys derived from others, values encrypted under them, and the master key."""
