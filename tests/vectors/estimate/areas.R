# Writes areas.json: what R says of the small areas in milk.csv and toronto_types.csv. Run: Rscript areas.R > areas.json
# Needs metafor and jsonlite. rma(yi, vi, mods, method = "REML") is the Fay-Herriot model: tau2 is the variance between
# areas by REML, blup() the shrunken values.
suppressMessages({library(metafor); library(jsonlite)})
options(digits = 15)
fit <- function(y, v, mods = NULL) {
  m <- if (is.null(mods)) rma(yi = y, vi = v, method = "REML", control = list(threshold = 1e-12, maxiter = 1000))
       else rma(yi = y, vi = v, mods = mods, method = "REML", control = list(threshold = 1e-12, maxiter = 1000))
  list(variance = m$tau2, beta = as.numeric(coef(m)), beta_se = as.numeric(m$se), blup = blup(m)$pred)
}
milk <- read.csv("milk.csv")
t <- read.csv("toronto_types.csv")
p <- t$bad / t$n
out <- list(
  source = paste0(R.version.string, "; metafor ", packageVersion("metafor"), "; made by areas.R beside this file"),
  milk = fit(milk$mean, milk$sd^2, ~ factor(milk$major)),
  arcsine = fit(asin(sqrt(p)), 1 / (4 * t$n)),
  logit = fit(log((t$bad + .5) / (t$n - t$bad + .5)), (t$n + 1) * (t$n + 2) / (t$n * (t$bad + 1) * (t$n - t$bad + 1))))
cat(toJSON(out, auto_unbox = TRUE, digits = I(12)))
cat("\n")
