"""Sample proposals, put on a board through the port so that a fresh installation has something to show."""
