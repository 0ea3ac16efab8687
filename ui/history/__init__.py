"""The visitor's history: the table of drawings, and their corrections."""
