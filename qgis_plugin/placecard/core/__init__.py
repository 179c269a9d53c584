"""What the plugin knows without QGIS: the protocol, the working copy, pulling and pushing. Plain Python, no windows."""
