"""Zhunsheng 准绳: the working system of a city that runs its quality work on evidence."""

__version__ = "0.1.0"
