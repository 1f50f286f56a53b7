"""Client: Rowkeep's APIs as commands and programs call them, over HTTP or in this process."""
