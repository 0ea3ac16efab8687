"""Pictures from the web, which the page fetches for visitors."""
