"""Interfaces to other scientific programs: SciPy's solvers."""

from xpnet.interop.solvers import for_scipy, for_solve_bvp

__all__ = ["for_scipy", "for_solve_bvp"]
