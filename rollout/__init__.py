"""New versions of a model: tried on a share of sessions, watched, made the default, and taken back."""
