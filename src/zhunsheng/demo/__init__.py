"""The invented city 衡川市: a generator with known truth, for visitors, tests and benchmarks.

Nothing in it is real but the forms of codes, the calendar, the item lists and the procedures.
"""
