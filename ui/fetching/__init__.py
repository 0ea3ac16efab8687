"""Pictures from the web, which the page fetches for visitors, who thereby reach nothing but the web."""
