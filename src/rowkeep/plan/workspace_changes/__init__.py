"""Plans of workspace changes: the actions from the current definitions of a workspace to new ones."""
