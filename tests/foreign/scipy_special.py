"""Checks of ``scipy.special``."""

from __future__ import annotations

from typing import Any

from foreign_checks import Check, inside, like, positive, some
from scipy import special

ONE = {
    **dict.fromkeys(
        (
            *(
                "erf",
                "erfc",
                "expit",
                "log_expit",
                "log_ndtr",
                "ndtr",
                "sinc",
                "i0",
                "i0e",
                "i1",
                "i1e",
                "j0",
                "j1",
                "exprel",
            ),
            *(
                "cosm1",
                "exp2",
                "exp10",
                "sindg",
                "cosdg",
                "softmax",
                "log_softmax",
                "logsumexp",
                "dawsn",
                "erfi",
                "erfcx",
            ),
        ),
        some,
    ),
    **dict.fromkeys(
        (
            *("gamma", "gammaln", "loggamma", "digamma", "psi", "rgamma", "k0", "k1", "k0e", "k1e", "y0", "y1", "cbrt"),
            *("entr", "exp1", "expi", "spence", "tandg", "cotdg"),
        ),
        positive,
    ),
    **dict.fromkeys(("erfinv", "ndtri", "logit", "ellipk", "ellipkm1", "ellipe", "erfcinv"), inside),
}
TWO = {
    **dict.fromkeys(
        (
            "betaln",
            "rel_entr",
            "kl_div",
            "xlogy",
            "xlog1py",
            "beta",
            "poch",
            "binom",
            "pseudo_huber",
            "huber",
            "boxcox",
            "boxcox1p",
        ),
        None,
    ),
}


def check(name: str, call: Any, *points: Any) -> Check:
    return Check(f"special.{name}", call, points)


CHECKS = (
    *(check(name, getattr(special, name), make(4)) for name, make in ONE.items()),
    *(check(name, getattr(special, name), positive(4), 1.0 + positive(4, seed=1)) for name in TWO),
    check("polygamma", lambda x: special.polygamma(2, x), positive(4)),
    check("multigammaln", lambda x: special.multigammaln(x, 2), 2.0 + positive(3)),
    check("gammainc", lambda x: special.gammainc(like(x, 2.0), x), positive(4)),
    check("gammaincc", lambda x: special.gammaincc(like(x, 2.0), x), positive(4)),
    check("gammaincinv", lambda x: special.gammaincinv(like(x, 2.0), x), inside(4)),
    check("betainc", lambda x: special.betainc(like(x, 2.0), like(x, 3.0), x), inside(4)),
    check("betaincc", lambda x: special.betaincc(like(x, 2.0), like(x, 3.0), x), inside(4)),
    check("betaincinv", lambda x: special.betaincinv(like(x, 2.0), like(x, 3.0), x), inside(4)),
    check("chdtr", lambda x: special.chdtr(like(x, 3.0), x), positive(4)),
    check("chdtrc", lambda x: special.chdtrc(like(x, 3.0), x), positive(4)),
    check("chdtri", lambda x: special.chdtri(like(x, 3.0), x), inside(4)),
    check("stdtr", lambda x: special.stdtr(like(x, 3.0), x), some(4)),
    check("stdtrit", lambda x: special.stdtrit(like(x, 3.0), x), inside(4)),
    check("fdtr", lambda x: special.fdtr(like(x, 3.0), like(x, 4.0), x), positive(4)),
    check("fdtrc", lambda x: special.fdtrc(like(x, 3.0), like(x, 4.0), x), positive(4)),
    check("gdtr", lambda a, x: special.gdtr(a, like(x, 2.0), x), positive(4), positive(4, seed=1)),
    check("pdtr", lambda x: special.pdtr(like(x, 2.0), x), positive(4)),
    check("zeta", lambda x: special.zeta(like(x, 2.5), x), positive(4)),
    check("hyp1f1", lambda x: special.hyp1f1(like(x, 1.2), like(x, 2.3), x), some(4)),
    check("bdtri", lambda x: special.bdtri(2, 5, x), inside(4)),
    check("nbdtri", lambda x: special.nbdtri(2, 5, x), inside(4)),
    check("pdtri", lambda x: special.pdtri(2, x), inside(4)),
    check("lpmv", lambda x: special.lpmv(1, 3, x), inside(4)),
    check("radian", lambda d, m, s: special.radian(d, m, s), some(4), positive(4), positive(4, seed=1)),
    check("gammasgn", lambda x: x * special.gammasgn(x), some(4)),
    check("zetac", special.zetac, 2.0 + positive(4)),
    check("expn", lambda x: special.expn(0, x) + special.expn(3, x), positive(4)),
    check("inv_boxcox", special.inv_boxcox, positive(4), 0.3 * some(4)),
    check("inv_boxcox1p", special.inv_boxcox1p, positive(4), 1e-4 * some(4)),
    check("ive", lambda x: special.ive(1.5, x), positive(4)),
    check("kve", lambda x: special.kve(1.5, x) + special.kn(2, x), positive(4)),
    check("hyp0f1", lambda x: special.hyp0f1(1.5, x), some(4)),
    check("owens_t", special.owens_t, some(4), some(4, seed=1)),
    check("ndtri_exp", lambda x: special.ndtri_exp(-x), positive(4)),
    check("eval_legendre", lambda x: special.eval_legendre(3, x), inside(4)),
    check("eval_chebyt", lambda x: special.eval_chebyt(3, x) + special.eval_chebyu(2, x), inside(4)),
    check("eval_hermite", lambda x: special.eval_hermite(3, x) + special.eval_hermitenorm(2, x), some(4)),
    check("eval_laguerre", lambda x: special.eval_laguerre(3, x), positive(4)),
    check("iv", lambda x: special.iv(1.5, x), positive(4)),
    check("jv", lambda x: special.jv(1.5, x), positive(4)),
    check("logsumexp of rows", lambda x: special.logsumexp(x, axis=1), some(2, 3)),
    check("logsumexp with weights", lambda x: special.logsumexp(x, axis=1, b=like(x, [1.0, 2.0, 0.5])), some(2, 3)),
    check("softmax of columns", lambda x: special.softmax(x, axis=0), some(2, 3)),
)
