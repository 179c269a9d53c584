"""Alembic's scripts: the store's tables, step by step. Run by `sync_service.store.migrate`, never by hand."""
