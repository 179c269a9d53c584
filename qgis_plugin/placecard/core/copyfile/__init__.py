"""The working copy: one GeoPackage that QGIS and the plugin write to, with what was edited tracked inside it."""
