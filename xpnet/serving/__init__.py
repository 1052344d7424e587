"""A server for one run: a page to try it, and answers as JSON; it needs the extra ``serve``."""
