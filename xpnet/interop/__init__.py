"""What other programs of the scientific world ask of a function: SciPy's solvers."""

from xpnet.interop.solvers import for_scipy, for_solve_bvp

__all__ = ["for_scipy", "for_solve_bvp"]
