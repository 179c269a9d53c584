"""Kanban boards behind one port. Knows boards, and nothing of what they are used for."""
