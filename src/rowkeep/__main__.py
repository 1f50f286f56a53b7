"""``python -m rowkeep`` is the command ``rowkeep``."""

from rowkeep.cli.app import main

main()
