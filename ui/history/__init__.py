"""The history: the strip below the pad, the view of all drawings, corrections and deletions."""
