"""One module per step; its number is the store's schema version."""
