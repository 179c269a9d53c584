"""QGIS without windows: its network, sign-in, background tasks, layers and projects, in the service of `core`."""
