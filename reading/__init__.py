"""Several digits on one paper, read as a string: cut apart, asked for piece by piece, and put together."""
