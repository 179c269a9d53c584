"""The engine: the I/O around `sync/`. Hints, sweeps, applying decisions, sending what is owed."""
