"""Plans of workspace changes: the actions from the present definitions of a workspace to others."""
