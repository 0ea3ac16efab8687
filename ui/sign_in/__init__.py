"""Sign-in: who is let in, the form, and whose drawings are whose."""
