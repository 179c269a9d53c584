"""Processing algorithms: for models, batches and `qgis_process`. The same merges as from the dock, and no windows."""
