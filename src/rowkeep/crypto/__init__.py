"""Cryptography: derived keys, encryption, and the master key."""
