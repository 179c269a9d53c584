"""What a person sees: the dock with its tabs, the dialogs, the tools on the map. The rest is in `host` and `core`."""
