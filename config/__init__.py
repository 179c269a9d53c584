"""Data that come with the package: field owners, messages, sample settings, the demo."""
