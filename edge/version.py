"""The version, where every room may read it: the package itself is the door above them."""

__version__ = "0.2.0"
