"""Client: Rowkeep's APIs for commands and programs, over HTTP or in this process."""
