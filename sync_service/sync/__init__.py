"""The pure core of syncing: what a proposal is, and what must be done to it. It does no I/O and reads no clock."""
