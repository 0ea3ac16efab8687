"""Many pictures at once: a table on the page, and the route by which it has each of them read."""
