"""The map speaks: pushes of edits, resolving clashes, putting back, and actions, each written in one transaction."""
