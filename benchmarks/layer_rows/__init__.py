"""The rows of ``benchmarks/single_layers.py``, a file a family.

A file of rows has a function ``rows()``, which yields a ``Row`` for each line of the table. It is read in the process
of each competitor, which calls only its own maker: import torch and xpnet inside these.
"""
