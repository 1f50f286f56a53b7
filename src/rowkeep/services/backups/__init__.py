"""Backups: a whole store in one file, while servers use it; and the way back."""
