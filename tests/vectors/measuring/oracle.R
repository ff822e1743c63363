# Algorithm A, homogeneity, t factors, control chart constants and a drift line, apart from the engine.
#   Rscript tests/vectors/measuring/oracle.R > tests/vectors/measuring/oracle.json      (needs MASS, part of R)
# MASS::hubers is Huber's proposal 2 with k = 1.5; its factor 1/sqrt(beta) is exact (1.13337), ISO 13528 rounds it to 1.134.
suppressMessages(library(MASS))
num <- function(x) paste(sprintf("%.15g", x), collapse = ", ")
# The two equations of Algorithm A solved by nested root finding, not by iteration.
fixpoint <- function(x, factor) {
  mu_at <- function(s) uniroot(function(m) sum(pmax(pmin(x - m, 1.5 * s), -1.5 * s)), range(x), tol = 1e-14)$root
  gap <- function(s) { m <- mu_at(s); w <- pmax(pmin(x, m + 1.5 * s), m - 1.5 * s); factor * sd(w) - s }
  s <- uniroot(gap, c(0.3, 1) * sd(x), extendInt = "downX", tol = 1e-14)$root
  c(mu_at(s), s)
}
set.seed(13528)
sets <- list(
  chem = as.numeric(MASS::chem), abbey = as.numeric(MASS::abbey),
  amc = c(4.5, 4.9, 5.6, 4.2, 6.2, 5.2, 9.9),
  normal = round(rnorm(30, 50, 4), 2),
  heavy = round(c(rnorm(20, 10, 1), 25, 31, -8), 3))
rows <- sapply(names(sets), function(n) {
  h <- hubers(sets[[n]], k = 1.5, tol = 1e-12); a <- fixpoint(sets[[n]], 1.134)
  sprintf('    {"name": "%s", "values": [%s], "hubers": [%s], "algorithm_a": [%s]}', n, num(sets[[n]]), num(c(h$mu, h$s)), num(a))
})
k <- 1.5; th <- 2 * pnorm(k) - 1; beta <- th + k^2 * (1 - th) - 2 * k * dnorm(k)
g <- 7:20
homogeneity <- sprintf('[%d, %.10g, %.10g]', g, qchisq(0.95, g - 1) / (g - 1), (qf(0.95, g - 1, g) - 1) / 2)
t <- c(sprintf('[0.9545, %d, %.10g]', c(1, 2, 5, 10, 16, 50), qt((1 + 0.9545) / 2, c(1, 2, 5, 10, 16, 50))),
       sprintf('[0.99, %d, %.10g]', c(2, 16), qt(0.995, c(2, 16))))
# The items of a homogeneity check as a one-way analysis of variance.
items <- round(matrix(rnorm(12, 10, 0.3), 12, 2) + rnorm(24, 0, 0.2), 2)
ms <- anova(lm(as.vector(t(items)) ~ factor(rep(1:12, each = 2))))[["Mean Sq"]]
check <- sprintf('{"items": [%s], "within": %.15g, "between": %.15g}',
  paste(sprintf("[%g, %g]", items[, 1], items[, 2]), collapse = ", "), sqrt(ms[2]), sqrt(max(0, (ms[1] - ms[2]) / 2)))
day <- c(0, 365, 730, 1096, 1461); err <- c(0.02, 0.11, 0.17, 0.31, 0.38)
fit <- lm(err ~ day); at <- c(1561, 1826, 2191)
p <- predict(fit, data.frame(day = at), interval = "prediction", level = 0.95)
spans <- c(365, 365, 400, 365, 180, 200, 365, 365); ok <- c(1, 1, 0, 1, 1, 1, 0, 1)
rate <- optimize(function(r) sum(ifelse(ok == 1, -r * spans, log(1 - exp(-r * spans)))), c(1e-8, 0.1), maximum = TRUE, tol = 1e-14)$maximum
cat(sprintf('{"source": "R %s, MASS %s; oracle.R", "factor": %.15g, "robust": [\n%s\n], "homogeneity": [%s], "check": %s, "t": [%s],\n"drift": {"day": [%s], "error": [%s], "at": [%s], "low": [%s], "high": [%s]},\n"reliability": {"days": [%s], "ok": [%s], "rate": %.8g}}\n',
  getRversion(), packageVersion("MASS"), 1 / sqrt(beta), paste(rows, collapse = ",\n"), paste(homogeneity, collapse = ", "), check,
  paste(t, collapse = ", "), num(day), num(err), num(at), num(p[, 2]), num(p[, 3]), num(spans), num(ok), rate))
