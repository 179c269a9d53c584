"""Taking the proposals out as a file. See `writing`."""
