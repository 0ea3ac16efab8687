"""A file of pen strokes with two digits by two writers: a 7 in one stroke, a 1 in two."""

UNIPEN = """.LEXICON "0" "1"
.SEGMENT DIGIT 0 ? "7"
.COMMENT 7 12 224
.PEN_DOWN
 10 90
 90 90
 30 10
.PEN_UP
.SEGMENT DIGIT 1-2 ? "1"
.COMMENT 1 3 5
.PEN_DOWN
 50 90
 50 10
.PEN_UP
.PEN_DOWN
 40 10
 60 10
.PEN_UP
"""
