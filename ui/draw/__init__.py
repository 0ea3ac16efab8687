"""Drawing: the pad, what is made of a drawing, the answer to it, and why it was answered so."""
