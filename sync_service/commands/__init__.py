"""The commands of `placecard`, a module for each concern. They wire nothing: `app.py` gives them their parts."""
