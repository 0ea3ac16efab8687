"""Other servers around the same handler and network, each in its fastest sensible setting.

They find the unpacked archive by an environment variable; see `bench/served_archive.py`.
"""
