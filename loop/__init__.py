"""The loop: what people corrected trains the next version, and only a better one takes over."""
