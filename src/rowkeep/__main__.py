"""``python -m rowkeep`` is the command ``rowkeep``."""

from rowkeep.cli.main import main

main()
