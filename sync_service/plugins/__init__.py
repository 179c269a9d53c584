"""The plugin for QGIS, offered by the service itself: the list that QGIS's plugin manager reads, and the archive."""
