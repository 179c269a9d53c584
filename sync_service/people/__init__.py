"""The people of the board follow the identity provider: whoever has a role there has an account here, and no longer."""
