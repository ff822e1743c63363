"""The two engines; Spark where it is installed (the extra `spark`, and Java 17), else skipped loudly."""

import pytest

from zhunsheng.analytics.engines import DuckDB, Spark


@pytest.fixture(scope="session")
def spark_session():
    pyspark = pytest.importorskip(
        "pyspark.sql",
        reason="SKIPPED LOUDLY: no Spark here (pip install 'zhunsheng[spark]'); that it agrees was not checked",
    )
    session = (
        pyspark.SparkSession.builder.master("local[2]")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "2")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture(params=["duckdb", "spark"])
def engine(request):
    if request.param == "spark":
        yield Spark(request.getfixturevalue("spark_session"))
        return
    with DuckDB(memory="256MB", threads=2) as database:
        yield database
