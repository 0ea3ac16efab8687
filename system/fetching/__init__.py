"""Pictures from the web, fetched for somebody who thereby reaches nothing but the web."""
