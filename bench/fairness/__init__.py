"""Is the draw fair? The engine's own functions on many seeds that nobody chose, against what is published.

    python -m bench fairness            10^5 seeds, some minutes
    python -m bench fairness --quick    a tenth of that

Seeds are hashes of counters, so every number here comes out again, digit for digit, on any machine.
"""
