"""What the guard and the page take for JSON."""

import re

# How a body begins that is read as JSON, whatever it is called: a byte-order mark, and white space, in UTF-16
# with noughts.
BEGINNING = re.compile(rb"(?:\xef\xbb\xbf|\xff\xfe|\xfe\xff)?[\s\0]*\{")
