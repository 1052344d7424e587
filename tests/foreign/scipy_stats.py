"""Checks of ``scipy.stats``."""

from __future__ import annotations

from typing import Any

from foreign_checks import Check, inside, like, positive, some
from scipy import stats


def check(name: str, call: Any, *points: Any) -> Check:
    return Check(f"stats.{name}", call, points)


def both(result: Any) -> Any:
    return result.statistic, result.pvalue


X, Y, P = some(9), some(8, seed=1), positive(9)
M = some(6, 3)

CHECKS = (
    check("zscore", stats.zscore, X),
    check("zmap", lambda x, y: stats.zmap(x, y), X, Y),
    check("gzscore", stats.gzscore, P),
    check("gmean", stats.gmean, P),
    check("hmean", stats.hmean, P),
    check("pmean", lambda x: stats.pmean(x, 2.5), P),
    check("gstd", stats.gstd, P),
    check("gmean with weights", lambda x, w: stats.gmean(x, weights=w), P, positive(9, seed=2)),
    check("skew", stats.skew, X),
    check("skew without bias", lambda x: stats.skew(x, bias=False), X),
    check("kurtosis", stats.kurtosis, X),
    check("kurtosis without bias", lambda x: stats.kurtosis(x, bias=False), X),
    check("moment", lambda x: stats.moment(x, order=3), X),
    check("moments", lambda x: stats.moment(x, order=[2, 3]), X),
    check("describe", lambda x: tuple(stats.describe(x))[2:], X),
    check("sem", stats.sem, X),
    check("variation", lambda x: stats.variation(x, ddof=1), P),
    check("tmean", stats.tmean, X),
    check("tmean with limits", lambda x: stats.tmean(x, limits=(-1.0, 1.0)), X),
    check("tvar", stats.tvar, X),
    check("tstd", stats.tstd, X),
    check("tsem", stats.tsem, X),
    check("tmin", lambda x: stats.tmin(x, lowerlimit=-0.7), X),
    check("tmax", lambda x: stats.tmax(x, upperlimit=0.7), X),
    check("kstat", lambda x: stats.kstat(x, 3), X),
    check("kstatvar", lambda x: stats.kstatvar(x, 2), X),
    check("circmean", stats.circmean, P),
    check("circvar", stats.circvar, P),
    check("circstd", stats.circstd, P),
    check("directional_stats", lambda x: stats.directional_stats(x).mean_direction, M),
    check("entropy", stats.entropy, P),
    check("relative entropy", stats.entropy, P, positive(9, seed=3)),
    check("differential_entropy", lambda x: stats.differential_entropy(x, method="vasicek"), X),
    check("differential_entropy van es", lambda x: stats.differential_entropy(x, method="van es"), X),
    check("differential_entropy ebrahimi", lambda x: stats.differential_entropy(x, method="ebrahimi"), X),
    check("differential_entropy correa", lambda x: stats.differential_entropy(x, method="correa"), X),
    check("boxcox_llf", lambda x: stats.boxcox_llf(0.5, x), P),
    check("yeojohnson_llf", lambda x: stats.yeojohnson_llf(0.5, x), X),
    check("iqr", stats.iqr, X),
    check("median_abs_deviation", stats.median_abs_deviation, X),
    check("quantile", lambda x: stats.quantile(x, like(x, 0.3)), X),
    check("quantile weibull", lambda x: stats.quantile(x, like(x, [0.3, 0.6]), method="weibull"), X),
    check("trim_mean", lambda x: stats.trim_mean(x, 0.2), X),
    check("lmoment", stats.lmoment, X),
    check("pearsonr", lambda x, y: both(stats.pearsonr(x, y)), X, some(9, seed=4)),
    check("spearmanrho", lambda x, y: both(stats.spearmanrho(x, y)), X, some(9, seed=4)),
    check("chatterjeexi", lambda x, y: both(stats.chatterjeexi(x, y)), X, some(9, seed=4)),
    check("ttest_1samp", lambda x: both(stats.ttest_1samp(x, 0.2)), X),
    check("ttest_ind", lambda x, y: both(stats.ttest_ind(x, y)), X, Y),
    check("ttest_ind of Welch", lambda x, y: both(stats.ttest_ind(x, y, equal_var=False)), X, Y),
    check("ttest_rel", lambda x, y: both(stats.ttest_rel(x, y)), X, some(9, seed=4)),
    check(
        "ttest_ind_from_stats",
        lambda a, b, c, d: both(stats.ttest_ind_from_stats(a, b, 9, c, d, 8)),
        P,
        positive(9, seed=1),
        P,
        positive(9, seed=2),
    ),
    check("confidence interval of ttest_1samp", lambda x: tuple(stats.ttest_1samp(x, 0.2).confidence_interval()), X),
    check("f_oneway", lambda x, y: both(stats.f_oneway(x, y)), X, Y),
    check("bartlett", lambda x, y: both(stats.bartlett(x, y)), X, Y),
    check("levene", lambda x, y: both(stats.levene(x, y)), X, Y),
    check("levene about means", lambda x, y: both(stats.levene(x, y, center="mean")), X, Y),
    check("fligner", lambda x, y: both(stats.fligner(x, y)), X, Y),
    check("alexandergovern", lambda x, y: both(stats.alexandergovern(x, y)), X, Y),
    check("jarque_bera", lambda x: both(stats.jarque_bera(x)), X),
    check("skewtest", lambda x: both(stats.skewtest(x)), X),
    check("kurtosistest", lambda x: both(stats.kurtosistest(x)), some(30)),
    check("normaltest", lambda x: both(stats.normaltest(x)), some(30)),
    check("chisquare", lambda x: both(stats.chisquare(x, sum_check=False)), P),
    check(
        "power_divergence",
        lambda x: both(
            stats.power_divergence(x, lambda_=0.5, sum_check=False) if False else stats.power_divergence(x, lambda_=0.5)
        ),
        P,
    ),
    check("combine_pvalues fisher", lambda p: both(stats.combine_pvalues(p)), inside(5)),
    check("combine_pvalues stouffer", lambda p: both(stats.combine_pvalues(p, method="stouffer")), inside(5)),
    check("combine_pvalues pearson", lambda p: both(stats.combine_pvalues(p, method="pearson")), inside(5)),
    check("combine_pvalues tippett", lambda p: both(stats.combine_pvalues(p, method="tippett")), inside(5)),
    check(
        "combine_pvalues mudholkar_george",
        lambda p: both(stats.combine_pvalues(p, method="mudholkar_george")),
        inside(5),
    ),
    check("false_discovery_control", stats.false_discovery_control, inside(5, seed=3)),
    check("sigmaclip", lambda x: stats.sigmaclip(x, 2.0, 2.0)[0], X),
    check("cramervonmises", lambda x: both(stats.cramervonmises(x, lambda x: 0.5 + 0.1 * x)), X),
    check("ks_1samp", lambda x: stats.ks_1samp(x, lambda x: 0.5 + 0.1 * x).statistic, X),
    check("mood", lambda x, y: both(stats.mood(x, y)), X, Y),
    check("zscore of columns", lambda x: stats.zscore(x, axis=0, ddof=1), M),
    check("Normal.pdf", lambda x, m, s: stats.Normal(mu=0.2, sigma=1.1).pdf(x) + 0 * m + 0 * s, X, X, P),
    check("power_divergence log-likelihood", lambda x: both(stats.power_divergence(x, lambda_="log-likelihood")), P),
    check("siegelslopes", lambda y, x: tuple(stats.siegelslopes(y, x)), X, some(9, seed=4)),
    check("theilslopes", lambda y, x: tuple(stats.theilslopes(y, x)), X, some(9, seed=4)),
    check("expectile", lambda x: stats.expectile(x, 0.3), X),
    check("linregress", lambda x, y: tuple(stats.linregress(x, y))[:3], X, some(9, seed=4)),
)
