"""Running the engine: now, at once when a hint comes, every minute, every night."""
