"""The loop from its first correction to a rollback, on real services: a story that is a test, and a page."""
