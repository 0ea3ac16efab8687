"""Pictures from the web, fetched so that the asker can reach nothing but the web."""
