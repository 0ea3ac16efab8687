"""What the views have in common: the frame around them, their files, and who asks."""
