"""A sheet of a data set's samples: as they are, as the network sees them, and as training changes them."""
