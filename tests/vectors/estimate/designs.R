# Writes designs.json: real samples and what R says of them. Run: Rscript designs.R > designs.json
# Needs survey, sampling, jsonlite. Data: api (California schools), mu284, election_pps of survey; belgianmunicipalities
# of sampling. All are published public statistics; only the columns needed are carried.
suppressMessages({library(survey); library(sampling); library(jsonlite)})
options(digits = 15, survey.lonely.psu = "adjust")
data(api); data(mu284); data(election); data(belgianmunicipalities)
est <- function(m) list(value = unname(as.numeric(coef(m))), se = unname(as.numeric(SE(m))))
ci <- function(f, d) list(
  beta = as.numeric(attr(svyciprop(f, d, method = "beta"), "ci")),
  xlogit = as.numeric(attr(svyciprop(f, d, method = "xlogit"), "ci")))
by <- function(b) { names(b)[2:3] <- c("value", "se"); b[, 1] <- as.character(b[, 1]); rownames(b) <- NULL; names(b)[1] <- "area"; b[, 1:3] }
yes <- function(x) as.integer(x == "Yes")

c1 <- transform(apiclus1, wide = yes(sch.wide), met = yes(comp.imp))
# The design says 15 of 757 districts. pw in the data is calibrated to the number of schools: given apart.
d1pw <- svydesign(id = ~dnum, weights = ~pw, data = c1, fpc = ~fpc)
d1 <- svydesign(id = ~dnum, data = c1, fpc = ~fpc)
d1f <- svydesign(id = ~dnum, weights = ~I(fpc / 15), data = c1)
clus1 <- list(
  call = "svydesign(id=~dnum, fpc=~fpc, data=apiclus1); svymean, svytotal, svyratio(~api.stu, ~enroll), svyby(~api00, ~stype), svyciprop(~wide), svymean(deff='replace')",
  population = 757, districts = 15,
  rows = c1[, c("dnum", "stype", "api00", "enroll", "api.stu", "wide", "met")],
  df = degf(d1), mean_api00 = est(svymean(~api00, d1)), total_enroll = est(svytotal(~enroll, d1)),
  ratio = list(value = as.numeric(coef(svyratio(~api.stu, ~enroll, d1))), se = as.numeric(SE(svyratio(~api.stu, ~enroll, d1)))),
  wide = est(svymean(~wide, d1)), wide_ci = ci(~wide, d1), met = est(svymean(~met, d1)), met_ci = ci(~met, d1),
  by_stype_mean = by(svyby(~api00, ~stype, d1, svymean)), by_stype_total = by(svyby(~enroll, ~stype, d1, svytotal)),
  deff_api00 = as.numeric(deff(svymean(~api00, d1, deff = "replace"))),
  pw = c1$pw[1], total_enroll_pw = est(svytotal(~enroll, d1pw)),
  without_fpc = est(svymean(~api00, d1f)))

c2 <- transform(apiclus2, wide = yes(sch.wide), fpc2 = as.integer(fpc2))
d2 <- svydesign(id = ~dnum + snum, fpc = ~fpc1 + fpc2, data = c2)
d2u <- svydesign(id = ~dnum, weights = ~I((fpc1 / 40) * (fpc2 / ave(dnum, dnum, FUN = length))), data = c2)
clus2 <- list(
  call = "svydesign(id=~dnum+snum, fpc=~fpc1+fpc2, data=apiclus2); ultimate: svydesign(id=~dnum, weights=~w) without fpc",
  population = 757, districts = 40,
  rows = c2[, c("dnum", "stype", "api00", "wide", "fpc2")],
  df = degf(d2), mean_api00 = est(svymean(~api00, d2)), total_api00 = est(svytotal(~api00, d2)),
  wide = est(svymean(~wide, d2)), wide_ci = ci(~wide, d2),
  by_stype_mean = by(svyby(~api00, ~stype, d2, svymean)), by_stype_total = by(svyby(~api00, ~stype, d2, svytotal)),
  ultimate_mean = est(svymean(~api00, d2u)), ultimate_total = est(svytotal(~api00, d2u)))

dm <- svydesign(id = ~id1 + id2, fpc = ~n1 + n2, data = mu284)
mu <- list(call = "svydesign(id=~id1+id2, fpc=~n1+n2, data=mu284); svytotal(~y1), svymean(~y1) (Sarndal, Swensson, Wretman 1992)",
  rows = mu284, total = est(svytotal(~y1, dm)), mean = est(svymean(~y1, dm)))

# Unequal probabilities: 40 US counties drawn with probability proportional to votes (Tille's method), joint probabilities known.
pps <- list(call = "svydesign(id=~1, fpc=~p, data=election_pps, pps=...): 'brewer', HR(sum(election$p^2)/40), 'overton', ppsmat(election_jointprob); svytotal(~Bush), svyratio(~Bush, ~votes)",
  rows = data.frame(p = election_pps$p, bush = election_pps$Bush, votes = election_pps$votes))
for (kind in list(list("brewer", "brewer"), list("hartley_rao", HR(sum(election$p^2) / 40)), list("overton", "overton"), list("joint", ppsmat(election_jointprob)))) {
  d <- svydesign(id = ~1, fpc = ~p, data = election_pps, pps = kind[[2]])
  r <- svyratio(~Bush, ~votes, d)
  pps[[kind[[1]]]] <- list(total = est(svytotal(~Bush, d)), ratio = list(value = as.numeric(coef(r)), se = as.numeric(SE(r))))
}
pps$deville <- varest(election_pps$Bush, pik = election_pps$p)

# Pareto draw in two strata with certainty units: Belgian municipalities, size = inhabitants 2003, y = taxable income.
b <- belgianmunicipalities
b$stratum <- ifelse(b$Province %in% c(1, 2, 4, 7, 8), "north", "south")
set.seed(20260101)
pareto <- list(call = "pik = inclusionprobabilities(Tot03, 25) per stratum; Pareto draw: the 25 smallest u(1-p)/((1-u)p), set.seed(20260101); varest(TaxableIncome, pik=pik) (Deville) over units with pik < 1, per stratum",
  rows = NULL, deville = list())
for (h in c("north", "south")) {
  s <- b[b$stratum == h, ]
  p <- inclusionprobabilities(s$Tot03, 25)
  u <- runif(nrow(s)); key <- ifelse(p >= 1 - 1e-9, -1, u * (1 - p) / ((1 - u) * p))
  take <- order(key)[1:25]
  s <- s[take, ]; s$p <- p[take]; r <- s[s$p < 1 - 1e-9, ]
  pareto$rows <- rbind(pareto$rows, data.frame(stratum = h, p = s$p, income = s$TaxableIncome, people = s$Tot03))
  pareto$deville[[h]] <- list(uncertain = nrow(r), variance = varest(r$TaxableIncome, pik = r$p), total = HTestimator(s$TaxableIncome, s$p)[1])
}
rownames(pareto$rows) <- NULL
pareto$truth <- sum(b$TaxableIncome)

v <- function(p) as.character(packageVersion(p))
cat(toJSON(list(
  source = paste0(R.version.string, "; survey ", v("survey"), ", sampling ", v("sampling"), "; made by designs.R beside this file"),
  data = "api: California Department of Education, public; mu284: Sarndal, Swensson and Wretman 1992; election: US county returns 2004; belgianmunicipalities: Statbel",
  apiclus1 = clus1, apiclus2 = clus2, mu284 = mu, election = pps, pareto = pareto),
  auto_unbox = TRUE, digits = I(12), dataframe = "values"))
cat("\n")
