"""Analytics 分析: what a large table answers, in named SQL files that two engines run alike.

DuckDB in this process by default; Apache Spark, the optional extra `spark`, where a frame outgrows one machine. The
files in `sql/` keep to what both understand (see `engines`), and say nothing that the pure engine does not say: their
answers are the engine's, byte for byte.
"""
