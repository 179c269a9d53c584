"""The store: what is kept, and the transactions that keep it whole."""
