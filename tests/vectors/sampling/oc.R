# Probability of acceptance and average sample number of single, double and multiple plans, with base R only.
# Written apart from the engine: all outcomes of the stages are enumerated with dbinom, dpois and dhyper.
#   Rscript tests/vectors/sampling/oc.R > tests/vectors/sampling/oc.json
run <- function(stages, chance) {
  open <- c("0" = 1); taken <- 0; accepted <- 0; average <- 0
  for (s in stages) {
    average <- average + sum(open) * s[1]
    fresh <- c()
    for (known in names(open)) for (x in 0:s[1]) {
      total <- as.integer(known) + x
      w <- open[[known]] * chance(s[1], x, taken, as.integer(known))
      if (w == 0) next
      if (total <= s[2]) accepted <- accepted + w
      else if (total < s[3]) {
        key <- as.character(total)
        fresh[key] <- (if (key %in% names(fresh)) fresh[[key]] else 0) + w
      }
    }
    open <- fresh; taken <- taken + s[1]
    if (length(open) == 0) break
  }
  c(accepted, average)
}
plans <- list(
  list(c(20, 0, 1)), list(c(80, 2, 3)), list(c(80, 7, 8)), list(c(5, 0, 1)), list(c(125, 2, 3)),
  list(c(50, 0, 3), c(50, 3, 4)), list(c(50, 2, 5), c(50, 6, 7)), list(c(32, 11, 16), c(32, 26, 27)),
  list(c(20, -1, 2), c(20, 0, 3), c(20, 0, 3), c(20, 1, 3), c(20, 3, 4)),
  list(c(13, 0, 5), c(13, 3, 8), c(13, 6, 10), c(13, 9, 12), c(13, 12, 13)))
rows <- c()
add <- function(law, at, plan, chance) {
  got <- run(plan, chance)
  stages <- paste(sapply(plan, function(s) sprintf("[%d, %d, %d]", s[1], s[2], s[3])), collapse = ", ")
  rows <<- c(rows, sprintf('  {"law": "%s", "at": %s, "stages": [%s], "acceptance": %.15g, "average": %.15g}', law, at, stages, got[1], got[2]))
}
for (plan in plans) {
  for (p in c(0.001, 0.01, 0.05, 0.15, 0.4)) {
    add("binomial", sprintf("[%g]", p), plan, function(n, x, taken, known) dbinom(x, n, p))
    add("poisson", sprintf("[%g]", p), plan, function(n, x, taken, known) dpois(x, n * p))
  }
  for (lot in list(c(200, 2), c(200, 10), c(500, 40)))
    add("hypergeometric", sprintf("[%d, %d]", lot[1], lot[2]), plan, function(n, x, taken, known)
      dhyper(x, lot[2] - known, lot[1] - taken - (lot[2] - known), n))
}
cat(sprintf('{"source": "base R %s: dbinom, dpois, dhyper; oc.R", "rows": [\n%s\n]}\n', getRversion(), paste(rows, collapse = ",\n")))
