"""Bodies for NumPy's arrays in which one compiled loop does what NumPy does in many passes: ``xpnet[fast]``.

Where numba is installed, each comes before the body in ``kernels/numpy``, and leaves to that all that it is not made
for. numba is imported when one of these kernels first runs; with ``XPNET_FAST=0`` in the environment it never is.
"""
